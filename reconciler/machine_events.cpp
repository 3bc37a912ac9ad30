// Events are hints: they mark a container dirty, and only an inspect begun after that clears the mark.

#include <algorithm>
#include <array>

#include "reconciler/machine.hpp"

namespace cofferdam::reconciler {
namespace {

bool marks_dirty(const std::string& action) {
  static constexpr std::array<std::string_view, 9> actions = {"create",  "start",  "die",    "kill",   "pause",
                                                              "unpause", "rename", "update", "destroy"};
  return std::find(actions.begin(), actions.end(), action) != actions.end();
}

/// What access from outside looks like.
bool is_intrusion(const std::string& action) {
  return action == "exec_create" || action == "update" || action == "rename";
}

std::string attribute(const docker::Event& event, std::string_view key) {
  const auto found = event.attributes.find(std::string(key));
  return found == event.attributes.end() ? std::string() : found->second;
}

}  // namespace

void Reconciler::Machine::on(const Event& event) {
  if (event.epoch != epoch_ || !engine_.engine_up) return;
  met_engine();
  if (event.event.type == "container") {
    container_event(event.event);
  } else if (event.event.type == "image") {
    const std::string& action = event.event.action;
    if (action != "pull" && action != "tag" && action != "untag" && action != "delete" && action != "load" && action != "import")
      return;
    images_.forget_references(moment_);
    if (action == "untag" || action == "delete") return;
    // Somebody brought an image: whoever waits for one looks again at once.
    for (auto& [name, agent] : agents_) {
      const bool stuck = agent->view.failed && agent->view.failed->what == "pull" && agent->view.in_flight == InFlight::none;
      if (stuck) agent->view.failed.reset();
      const bool refused = !agent->view.next.image_refused.empty();  // by policy, for what the tag meant before
      if (stuck || refused || agent->view.next.image == Preparation::Image::absent) touch(*agent);
    }
  }
}

void Reconciler::Machine::container_event(const docker::Event& event) {
  const auto known = by_container_.find(event.actor);
  if (known != by_container_.end()) {
    AgentState& agent = *known->second.agent;
    if (ContainerView* container = agent.container(event.actor)) own_event(agent, *container, event);
    return;
  }
  const bool ends = event.action == "die" || event.action == "destroy";
  if (ends && foreign_.contains(event.actor)) {
    // An occupant may be gone; whether it is, a list tells.
    if (!busy_waiting_.empty() && occupancy_.has(event.actor)) want_list();
    return;
  }
  const bool appears = event.action == "create" || event.action == "start" || event.action == "rename";
  if (!appears || attribute(event, label::managed_by) != label::manager ||
      attribute(event, label::instance) != identity_.instance) {
    return;
  }
  // One of ours that we do not know. While a call of ours is on its way it may be that one's: its answer, or a list after it,
  // tells.
  const std::string name = attribute(event, label::agent);
  AgentState* agent = find(name);
  if (agent == nullptr && attribute(event, label::role) == "probe") return;
  if (!name.empty()) not_listed(name, event.actor);  // of an agent too whose file is yet to come
  if (agent != nullptr) {
    if (agent->call != 0) return;
    touch(*agent);
  }
  want_list();
}

void Reconciler::Machine::own_event(AgentState& agent, ContainerView& container, const docker::Event& event) {
  ContainerNotes& notes = agent.notes[container.id];
  if (event.action == "kill") {
    const std::string signal = attribute(event, "signal");
    const bool term = signal == "15" || signal == "SIGTERM" || signal == "TERM";
    const bool kill = signal == "9" || signal == "SIGKILL" || signal == "KILL";
    int& own = term ? notes.own_terms : notes.own_kills;
    if ((term || kill) && own > 0) {
      --own;
    } else if (term || kill) {
      notes.foreign_kills.emplace_back(std::chrono::nanoseconds(event.time_ns));
      if (notes.foreign_kills.size() > 16) notes.foreign_kills.erase(notes.foreign_kills.begin());
    }
  }
  if (event.action == "rename") container.look_first = true;  // it may not be ours any more
  const bool ours_to_come = agent.call != 0;
  if (is_intrusion(event.action) && !(ours_to_come && event.action == "rename")) {
    audit(Severity::warning, "OutOfBandAccess", agent.view.agent, "somebody did " + event.action + " on " + container.name,
          {{"action", event.action}, {"container", container.id}});
  }
  // That we made it we know; everything else about it an inspect has to tell.
  const bool news = event.action != "create" || notes.created_user.empty();
  if (news && marks_dirty(event.action)) mark_dirty(agent, container);
}

void Reconciler::Machine::mark_dirty(AgentState& agent, ContainerView& container, bool unhurried) {
  ContainerNotes& notes = agent.notes[container.id];
  notes.unhurried = unhurried && (notes.unhurried || !container.dirty);
  notes.dirtied = ++moment_;
  container.dirty = true;
  touch(agent);
}

void Reconciler::Machine::on(const PullProgress& progress) {
  const auto call = calls_.find(progress.id);
  if (call == calls_.end() || call->second.step != Step::pull) return;
  const auto image = images_.by_reference.find(call->second.object);
  if (image != images_.by_reference.end()) image->second.pull_text = progress.text;
}

void Reconciler::Machine::on(const Verified& verified) {
  AgentState* agent = find(verified.agent);
  if (agent == nullptr) return;
  ContainerView* container = agent->container(verified.container_id);
  if (container == nullptr || !container->live()) return;
  ContainerNotes& notes = agent->notes[container->id];
  switch (verified.verdict) {
    case Verified::Verdict::verified:
      verification_works_ = true;
      container->violated = false;
      container->violation.clear();
      notes.verdict = "Verified";
      break;
    case Verified::Verdict::unverifiable:
      if (!verification_works_) verification_works_ = false;
      notes.verdict = "Unverifiable(" + verified.why + ")";
      notes.verify_at = now_.mono + std::chrono::minutes{10};  // the host does not change every minute
      break;
    case Verified::Verdict::violated: {
      verification_works_ = true;
      const std::string text = verified.field + ": wanted " + verified.wanted + ", found " + verified.found;
      notes.verdict = "Violated(" + text + ")";
      if (!container->violated || container->violation != text) {
        audit(Severity::error, "HardeningViolated", agent->view.agent, container->name + " is weaker than asked: " + text,
              {{"field", verified.field}, {"container", container->id}});
      }
      container->violated = true;
      container->violation = text;
      break;
    }
  }
  touch(*agent);
}

}  // namespace cofferdam::reconciler
