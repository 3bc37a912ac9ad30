// The modes that end by themselves: when nothing more happens without the world's doing.

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>

#include "controller/app.hpp"

namespace cofferdam::controller {

namespace {

/// What the machine wants to do within this time (settling, a second scan) is still this run's business; what comes later
/// (back-off, the next relist) is not.
constexpr std::chrono::seconds soon{1};

bool is_final(const reconciler::AgentStatus& status) {
  using reconciler::Phase;
  switch (status.phase) {
    case Phase::succeeded:
    case Phase::failed:
    case Phase::removed:
    case Phase::suspended:
    case Phase::denied:
    case Phase::invalid: return true;
    case Phase::running:
      return std::any_of(status.conditions.begin(), status.conditions.end(), [](const reconciler::Condition& condition) {
        return condition.type == "Ready" && condition.status == reconciler::Truth::yes;
      });
    case Phase::pending:
    case Phase::pulling:
    case Phase::creating:
    case Phase::starting:
    case Phase::back_off:
    case Phase::stopping:
    case Phase::stuck: return false;
  }
  return false;
}

}  // namespace

bool App::is_quiet() const {
  if (loop_.waiting() > 0 || !scans_.empty() || !checks_.empty()) return false;
  if (store_.outstanding() > 0 || session_.calls_in_flight() > 0) return false;
  const auto horizon = std::max<std::chrono::nanoseconds>(soon, 2 * configuration_->configuration.specs.settle);
  return !wake_at_ || *wake_at_ - now().mono > horizon;
}

bool App::is_settled() const {
  // With the sandbox off nothing will ever move; and a removal that is held waits for a person, not for us.
  if (!machine().summary().sandbox_enabled) return true;
  std::set<std::string> held;
  for (const auto& set : machine().held()) held.insert(set.agents.begin(), set.agents.end());
  const auto statuses = machine().statuses();
  return std::all_of(statuses.begin(), statuses.end(),
                     [&held](const auto& one) { return is_final(one.second) || held.contains(one.first); });
}

void App::look_for_quiet() {
  if (stopping_ || quiet_told_) return;
  const auto& summary = machine().summary();
  if (!summary.engine_up) return;  // a failure to connect ends the run by itself
  // Cleanup is about what the engine has, whatever folder, state and agents are like.
  if (dry() && options_.exclusive) {
    if (summary.listed) tell_quiet();
    return;
  }
  if (!is_quiet()) return;
  if (!state_loaded_) return;
  if (!summary.state_known) return shut_down({exit_usage, summary.state_error + " (or run as the service's user)"});
  if (!folder_read_) return;
  if (!summary.scan_error.empty()) return shut_down({exit_usage, summary.scan_error});
  if (!summary.ready) return;
  if (!options_.wait || is_settled()) tell_quiet();
}

void App::tell_quiet() {
  quiet_told_ = true;
  patience_timer_.cancel();
  if (!options_.on_quiet) return shut_down({exit_ok, {}});
  options_.on_quiet(*this, [this](int code) { shut_down({code, {}}); });
}

void App::give_up() {
  std::string text = fmt::format("gave up after {} s", (options_.patience.count() == 0 ? 30 : options_.patience.count()));
  const auto& summary = machine().summary();
  if (!summary.engine_up) {
    return shut_down(
        {exit_engine, text + ": the engine did not answer" + (summary.engine_why.empty() ? "" : ": " + summary.engine_why)});
  }
  if (!summary.listed) text += "\nthe engine did not list its containers";
  if (!summary.scan_error.empty()) text += "\n" + summary.scan_error;
  for (const auto& [agent, status] : machine().statuses()) {
    if (is_final(status)) continue;
    text += fmt::format("\n{}: {}", agent, reconciler::name_of(status.phase));
    if (!status.reason.empty()) text += '/' + status.reason;
    if (!status.message.empty()) text += ": " + status.message;
  }
  // "Found" is a plan's answer, and none was come to: the engine kept us waiting, or the folder did.
  const bool engine = !summary.listed || session_.calls_in_flight() > 0;
  shut_down({!dry() ? exit_found : engine ? exit_engine : exit_usage, std::move(text)});
}

}  // namespace cofferdam::controller
