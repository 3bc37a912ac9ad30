#include <csignal>
#include <memory>
#include <thread>

#include "tests/engine/chaos/acts.hpp"
#include "tests/engine/chaos/chaos.hpp"
#include "tests/engine/chaos/settle.hpp"
#include "tests/engine/chaos/watch.hpp"

namespace cofferdam::test::chaos {

namespace {

constexpr milliseconds turn{20};
constexpr seconds decoys_every{3};
constexpr seconds quiet_for{4};  ///< everything must stay as the files say

/// The acts, one after another, until the time is over or something is wrong.
void hurt(const Options& options, Acts& acts, Decoys& decoys, const Timeline& timeline) {
  const auto end = Clock::now() + options.duration;
  auto next = Clock::now();
  auto next_look = Clock::now();
  while (Clock::now() < end && timeline.violations() == 0) {
    acts.run_due();
    acts.look_after();
    if (Clock::now() >= next) {
      acts.one();
      next = Clock::now() + acts.pause();
    }
    if (Clock::now() >= next_look && acts.daemon_answers()) {
      decoys.check();
      next_look = Clock::now() + decoys_every;
    }
    std::this_thread::sleep_for(turn);
  }
}

/// Waits until everything is as the files say, and stays so. What is still lacking at the end.
std::string settle(const Options& options, Stage& stage, Fleet& fleet, Acts& acts, Timeline& timeline) {
  const auto end = Clock::now() + options.settle_within;
  std::string missing = "nothing was looked at\n";
  auto good_since = Clock::time_point::max();
  while (Clock::now() < end && timeline.violations() == 0) {
    acts.look_after();
    confirm_held(stage, timeline);
    missing = lacking(stage, fleet);
    if (!missing.empty())
      good_since = Clock::time_point::max();
    else if (good_since == Clock::time_point::max())
      good_since = Clock::now();
    if (good_since != Clock::time_point::max() && Clock::now() - good_since > quiet_for) return {};
    std::this_thread::sleep_for(milliseconds(500));
  }
  return missing;
}

std::string summary_of(const Options& options, const Outcome& outcome, const Acts& acts, seconds settled) {
  return "chaos: seed " + std::to_string(options.seed) + ", " + std::to_string(options.duration.count()) + " s, " +
         std::to_string(options.agents) + " agents, " + std::to_string(outcome.decoys) + " decoys\n  acts: " + acts.counts() +
         "\n  observations " + std::to_string(outcome.observations) + ", changing calls judged " +
         std::to_string(outcome.changing_calls) + " (and " + std::to_string(outcome.overlooked) +
         " not, their containers being gone), as the files say after " + std::to_string(settled.count()) +
         " s\n  violations=" + std::to_string(outcome.violations) + (outcome.lacking.empty() ? "" : " NOT SETTLED") + "\n";
}

}  // namespace

Outcome run(const Options& options) {
  Stage::enter_own_namespace();
  Stage stage;
  Timeline timeline(stage.root() + "/timeline.log");
  Fleet fleet(options.agents, stage.workspaces());
  Observer observer(timeline, {.engine = stage.engine().socket(),
                               .state = stage.state(),
                               .status = stage.status(),
                               .instance = Stage::instance,
                               .run_once = fleet.run_once()});
  stage.listen(
      {.asked = [&](const Asked& asked) { observer.asked(asked); },
       .answered = [&](const Asked& asked, int status, const std::string& body) { observer.answered(asked, status, body); }});
  Decoys decoys(stage, observer, timeline);
  decoys.make(options.decoys);
  Outcome outcome;
  {
    const Watch watch(observer, stage.engine().socket());
    Acts acts(stage, fleet, observer, decoys, timeline, options.seed);
    acts.drop_all();
    stage.start_controller();
    observer.decoys_in_hand(false);
    hurt(options, acts, decoys, timeline);
    acts.heal();
    const auto healed = Clock::now();
    outcome.lacking = settle(options, stage, fleet, acts, timeline);
    const auto settled = std::chrono::duration_cast<seconds>(Clock::now() - healed);
    decoys.check();
    outcome.violations = timeline.violations();
    outcome.observations = observer.observations();
    outcome.overlooked = observer.overlooked();
    outcome.changing_calls = observer.changing_calls() - outcome.overlooked;
    outcome.decoys = static_cast<int>(decoys.count());
    outcome.summary = summary_of(options, outcome, acts, settled);
    stage.end_controller(SIGTERM);
    stage.stop_listening();
  }
  if (!outcome.good()) {
    stage.keep_files();
    outcome.summary = "--- timeline\n" + timeline.report() + "--- lacking at the end\n" + outcome.lacking + outcome.summary +
                      "  replay: chaos --seed " + std::to_string(options.seed) + "\n  the controller's log: " + stage.log() +
                      "\n  the whole timeline: " + stage.root() + "/timeline.log\n";
  }
  return outcome;
}

}  // namespace cofferdam::test::chaos
