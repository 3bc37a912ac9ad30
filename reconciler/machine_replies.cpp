// What came of a call. The reply is trusted, never what was believed before it (docs/semantics.md, "Replies").

#include <algorithm>

#include "reconciler/create_request.hpp"
#include "reconciler/machine.hpp"

namespace cofferdam::reconciler {
namespace {

using docker::ConflictKind;
using docker::Error;

const Error* error_of(const docker::Result& result) {
  return std::get_if<Error>(&result);
}

/// What a call that succeeded brought; null where the engine answered with something else.
template <typename T>
const T* brought(const docker::Result& result) {
  const auto* reply = std::get_if<docker::Reply>(&result);
  return reply == nullptr ? nullptr : std::get_if<T>(reply);
}

bool is_status(const Error& error, int status) {
  return error.error_class == docker::ErrorClass::status && error.status == status;
}

Error odd_answer(std::string operation) {
  return {docker::ErrorClass::protocol, 0, std::move(operation), {}, "the engine answered with something else"};
}

}  // namespace

void Reconciler::Machine::on(const Reply& reply) {
  const auto found = calls_.find(reply.id);
  if (reply.epoch != epoch_ || found == calls_.end()) return;  // its containers were marked when the session ended
  CallInFlight call = std::move(found->second);
  calls_.erase(found);
  if (call.in_lane) lanes_.give_back(call.lane);
  const Error* error = error_of(reply.result);
  if (error == nullptr || error->error_class == docker::ErrorClass::status) met_engine();
  if (call.agent != nullptr) {
    AgentState& agent = *call.agent;
    agent.call = 0;
    agent.view.in_flight = InFlight::none;
    agent.last_activity = ++moment_;
    const bool reads = call.step == Step::inspect || call.step == Step::inspect_name;
    if (error != nullptr && error->error_class == docker::ErrorClass::timeout) {
      agent.penalty = true;
      agent.penalty_reads = agent.penalty_reads || reads;
    } else if (error == nullptr && (!reads || agent.penalty_reads)) {
      agent.penalty = agent.penalty_reads = false;  // a look that answers does not yet show that a change would
    }
    touch(agent);
  }
  if (shut_down_) return;
  action_result(call, reply.result);
  replied(call, reply.result);
  if (call.agent != nullptr && unlisted_.contains(call.agent->view.agent)) want_list();
}

void Reconciler::Machine::replied(CallInFlight& call, const docker::Result& result) {
  switch (call.step) {
    case Step::list: {
      list_call_ = 0;
      if (const auto* rows = brought<std::vector<docker::ContainerSummary>>(result)) {
        on_list(*rows, call.begun);
        return;
      }
      const Error* error = error_of(result);
      const Error odd = error == nullptr ? odd_answer("container list") : *error;
      engine_.engine_why = "the containers could not be listed: " + to_string(odd);
      next_list_ = now_.mono + std::chrono::seconds{engine_.listed ? 10 : 1};
      audit(Severity::warning, "ListFailed", "", engine_.engine_why);
      return;
    }
    case Step::inspect: inspected(call, result); return;
    case Step::inspect_name: inspected_name(call, result); return;
    case Step::create: created(call, result); return;
    case Step::start: started(call, result); return;
    case Step::kill_term:
    case Step::kill_kill: killed(call, result); return;
    case Step::remove: removed(call, result); return;
    case Step::inspect_image: looked(call, result); return;
    case Step::pull: pulled(call, result); return;
    case Step::probe: probed(call, result); return;
    case Step::remove_stray: return;  // the next list tells whether it is gone
  }
}

std::chrono::nanoseconds Reconciler::Machine::retry_delay(AgentState& agent, const std::string& what) {
  const int failures = ++agent.failures[what];
  const specs::Configuration::Backoff defaults;
  return backoff_delay(failures, configuration_ ? configuration_->backoff : defaults, agent.view.agent + "/" + what, 0);
}

void Reconciler::Machine::failed_call(AgentState& agent, const std::string& what, std::string reason, bool stuck,
                                      const Error& error, const std::string& mend) {
  FailedCall failed;
  failed.what = what;
  failed.reason = std::move(reason);
  failed.message = to_string(error) + (mend.empty() ? "" : "; " + mend);
  failed.stuck = stuck;
  failed.retry = now_.mono + retry_delay(agent, what);
  if (agent.failures[what] == 1 || agent.failures[what] % 10 == 0) {
    audit(Severity::warning, "CallFailed", agent.view.agent, failed.message, {{"call", what}, {"reason", failed.reason}});
  }
  agent.view.failed = std::move(failed);
}

void Reconciler::Machine::inspected(CallInFlight& call, const docker::Result& result) {
  if (call.agent == nullptr) return;
  AgentState& agent = *call.agent;
  ContainerView* container = agent.container(call.object);
  if (container == nullptr) return;
  ContainerNotes& notes = agent.notes[call.object];
  if (const auto* details = brought<docker::ContainerDetails>(result)) {
    if (notes.dirtied < call.begun) container->dirty = false;
    notes.unhurried = false;
    learn(agent, *container, *details);
    return;
  }
  const Error* given = error_of(result);
  const Error error = given == nullptr ? odd_answer("container inspect") : *given;
  if (is_status(error, 404)) {
    if (notes.removal_sent) {
      gone(agent, call.object, true);
    } else {
      told_gone(agent, *container, error);
    }
    return;
  }
  ++container->inspect_failures;
  container->inspect_error = to_string(error);
  container->inspect_retry = now_.mono + retry_delay(agent, "inspect");
}

void Reconciler::Machine::ask_name(AgentState& agent, const std::string& name, std::int64_t attempt, bool conflict) {
  agent.asked_conflict = conflict;
  agent.asked_name = name;
  agent.asked_attempt = attempt;
  agent.asked_retry.reset();
}

void Reconciler::Machine::name_was_taken(AgentState& agent, std::int64_t attempt) {
  agent.highest_attempt = std::max(agent.highest_attempt, attempt);
  if (++agent.names_tried < 8) return;
  agent.names_tried = 0;
  FailedCall failed;
  failed.what = "create";
  failed.reason = "NameTaken";
  failed.message =
      "eight container names in a row are taken by containers that are not this agent's; see `docker ps -a`, and choose "
      "another namePrefix or remove them";
  failed.stuck = true;
  failed.retry = now_.mono + std::chrono::minutes{1};
  audit(Severity::warning, "NameTaken", agent.view.agent, failed.message);
  agent.view.failed = std::move(failed);
}

void Reconciler::Machine::inspected_name(CallInFlight& call, const docker::Result& result) {
  if (call.agent == nullptr) return;
  AgentState& agent = *call.agent;
  if (const auto* details = brought<docker::ContainerDetails>(result)) {
    agent.asked_name.clear();
    agent.failures.erase("inspect");
    const Ownership owner = owner_of(details->name, details->image_id, details->config.labels, identity_);
    const AgentView& view = agent.view;
    const bool ours = owner.owner == Owner::agent && owner.agent == view.agent && owner.attempt == call.attempt;
    const bool fresh = details->state == docker::ContainerState::created && !details->started_at;
    const bool fits = ours && fresh && view.wanted && owner.config_hash == view.wanted->config_hash;
    if (const ContainerView* known = agent.container(details->id)) {
      if (known->suspect) name_was_taken(agent, call.attempt);  // never ours to use, however well it is known
      return;
    }
    if (!fits) {
      name_was_taken(agent, call.attempt);
      if (owner.owner == Owner::agent || owner.owner == Owner::suspect) want_list();
      return;
    }
    agent.names_tried = 0;
    agent.failures.erase("create");
    if (view.failed && view.failed->what == "create") agent.view.failed.reset();
    docker::ContainerSummary row;
    row.id = details->id;
    row.name = details->name;
    row.image_id = details->image_id;
    row.state = details->state;
    row.mounts = details->mounts;
    adopt(row, owner, false);
    if (ContainerView* container = agent.container(details->id)) {
      container->dirty = false;
      learn(agent, *container, *details);
    }
    return;
  }
  const Error* given = error_of(result);
  const Error error = given == nullptr ? odd_answer("container inspect") : *given;
  if (is_status(error, 404)) {
    agent.asked_name.clear();
    // Nobody to be seen and the name taken all the same: a failed create can leave it reserved.
    if (agent.asked_conflict) name_was_taken(agent, call.attempt);
    return;
  }
  agent.asked_retry = now_.mono + retry_delay(agent, "inspect");
}

void Reconciler::Machine::created(CallInFlight& call, const docker::Result& result) {
  if (call.agent == nullptr) return;
  AgentState& agent = *call.agent;
  agent.view.next.workspace = Preparation::Workspace::unchecked;  // looked at once more before the start
  if (const auto* made = brought<docker::ContainerCreated>(result)) {
    agent.failures.erase("create");
    agent.view.failed.reset();
    agent.names_tried = 0;
    agent.highest_attempt = std::max(agent.highest_attempt, call.attempt);
    if (agent.container(made->id) != nullptr) return;
    ContainerView container = std::move(agent.making);
    ContainerNotes notes = std::move(agent.making_notes);
    container.id = made->id;
    ContainerView& added = add_container(agent, std::move(container), std::move(notes));
    know(agent);
    for (const std::string& warning : made->warnings) create_warning(agent, added, warning);
    mark_dirty(agent, added);
    return;
  }
  const Error* given = error_of(result);
  const Error error = given == nullptr ? odd_answer("container create") : *given;
  hold_capacity(agent, false);
  if (docker::conflict_kind(error) == ConflictKind::name_in_use) {
    ask_name(agent, call.object, call.attempt, true);
  } else if (may_have_been_applied(error)) {
    failed_call(agent, "create", "CreateError", true, error);
    ask_name(agent, call.object, call.attempt, false);
  } else if (docker::is_no_such_image(error)) {
    if (agent.view.wanted) {
      Image& image = images_.by_reference[agent.view.wanted->image];
      image.state = Preparation::Image::absent;
      image.looked = now_.mono;
      agent.pulled_for.clear();
    }
    // Once, somebody may just have removed it: it is pulled at once. An engine that denies again what it has is not hurried.
    if (agent.failures["create"] > 0) {
      failed_call(agent, "create", "CreateError", true, error);
    } else {
      agent.failures["create"] = 1;
    }
  } else if (docker::is_no_such_network(error)) {
    failed_call(agent, "create", "NetworkMissing", true, error,
                "create it (docker network create), or choose another networkMode");
  } else {
    failed_call(agent, "create", "CreateError", true, error);
  }
}

/// Most warnings of a create say that a limit was discarded.
void Reconciler::Machine::create_warning(AgentState& agent, ContainerView& container, const std::string& warning) {
  const auto limit = docker::discarded_limit(warning);
  if (!limit) {
    audit(Severity::info, "CreateWarning", agent.view.agent, warning, {{"container", container.id}});
    return;
  }
  const std::string name(docker::name_of(*limit));
  if (tolerates(name)) {
    limit_is_missing(agent, name);
    return;
  }
  container.weaker =
      "the engine discarded a limit: " + warning + "; mend the host, or add '" + name + "' to policy.tolerateMissing";
}

void Reconciler::Machine::started(CallInFlight& call, const docker::Result& result) {
  if (call.agent == nullptr) return;
  AgentState& agent = *call.agent;
  ContainerView* container = agent.container(call.object);
  if (container == nullptr) return;
  container->workspace_rechecked = false;
  agent.view.next.workspace = Preparation::Workspace::unchecked;
  if (brought<docker::Done>(result) != nullptr) {
    agent.failures.erase("start");
    agent.view.failed.reset();
    mark_dirty(agent, *container);
    return;
  }
  const Error* given = error_of(result);
  const Error error = given == nullptr ? odd_answer("container start") : *given;
  if (may_have_been_applied(error)) {
    mark_dirty(agent, *container);
    failed_call(agent, "start", "StartError", true, error);
    return;
  }
  container->start_sent = false;
  const int code = docker::start_exit_code(error);
  if (code == 126 || code == 127) {
    container->start_failed_code = code;
    container->error = error.message;
    agent.view.failed.reset();
    audit(Severity::warning, "StartFailed", agent.view.agent, to_string(error));
    return;
  }
  if (docker::is_no_such_network(error)) {
    failed_call(agent, "start", "NetworkMissing", true, error,
                "create it (docker network create), or choose another networkMode");
    return;
  }
  if (is_status(error, 404)) {
    told_gone(agent, *container, error);
    return;
  }
  mark_dirty(agent, *container);
  failed_call(agent, "start", "StartError", true, error);
}

void Reconciler::Machine::killed(CallInFlight& call, const docker::Result& result) {
  if (call.agent == nullptr) return;
  AgentState& agent = *call.agent;
  ContainerView* container = agent.container(call.object);
  if (container == nullptr || !container->stop) return;
  Stop& stop = *container->stop;
  ContainerNotes& notes = agent.notes[call.object];
  if (brought<docker::Done>(result) != nullptr) {
    stop.may_have_killed = true;
    if (call.step == Step::kill_term) stop.term_answered = now_.mono;
    return;
  }
  const Error* given = error_of(result);
  const Error error = given == nullptr ? odd_answer("container kill") : *given;
  if (may_have_been_applied(error)) {
    stop.may_have_killed = true;
    container->look_first = true;
    mark_dirty(agent, *container);
    return;
  }
  int& own = call.step == Step::kill_term ? notes.own_terms : notes.own_kills;
  own = std::max(own - 1, 0);
  if (is_status(error, 404)) {
    told_gone(agent, *container, error);
  } else if (is_status(error, 409)) {
    container->look_first = true;
    mark_dirty(agent, *container);
  } else if (stop.term_tries + stop.kill_tries <= 1) {
    audit(Severity::warning, "CallFailed", agent.view.agent, to_string(error), {{"call", "kill"}});
  }
}

void Reconciler::Machine::removed(CallInFlight& call, const docker::Result& result) {
  if (call.agent == nullptr) return;
  AgentState& agent = *call.agent;
  ContainerView* container = agent.container(call.object);
  if (container == nullptr) return;
  const Error* error = error_of(result);
  if (error == nullptr || is_status(*error, 404)) {
    agent.failures.erase("remove");
    if (agent.view.failed && agent.view.failed->what == "remove") agent.view.failed.reset();
    gone(agent, call.object, true);
    return;
  }
  mark_dirty(agent, *container);
  if (may_have_been_applied(*error)) agent.notes[call.object].removal_sent = true;
  const ConflictKind kind = docker::conflict_kind(*error);
  if (kind == ConflictKind::removal_in_progress || kind == ConflictKind::marked_for_removal) {
    agent.notes[call.object].removal_sent = true;
    if (!container->removing_since) container->removing_since = now_.mono;
  }
  if (!container->removal_since) container->removal_since = now_.mono;
  failed_call(agent, "remove", "RemovalFailed", true, *error);
  const bool long_since = now_.mono - *container->removal_since >= std::chrono::minutes{1};
  container->removal_retry = long_since ? now_.mono + std::chrono::minutes{10} : agent.view.failed->retry;
}

}  // namespace cofferdam::reconciler
