#pragma once

// What to do about one agent, now: the decision table of docs/semantics.md, one function a section
// (gates → surplus → unwanted → denied → live → created → ended → next). Rows are tried from the top; the first that
// fits gives the one action; each action is exactly one request. Pure and total.

#include <optional>
#include <string>
#include <vector>

#include "reconciler/status.hpp"
#include "reconciler/view.hpp"

namespace cofferdam::reconciler {

enum class Action {
  none,
  kill_term,        ///< POST /containers/{id}/kill TERM
  kill_kill,        ///< … KILL
  record_stop,      ///< save stops/<id> with `stop_cause`, then row 3 carries the stop out
  inspect,          ///< the container
  save_outcome,     ///< of the container, to agents/<agent>
  drop_outcome,     ///< the saved outcome is no longer the truth
  accept_run_hash,  ///< save the wanted run-hash as accepted for the current attempt
  remove,           ///< DELETE, unforced
  remove_forced,    ///< DELETE force=1: a dead one only
  note_discarded,   ///< note LimitDiscarded for this config-hash, and remove
  check_workspace,
  start,
  create,
  pull,
  cancel_pull,  ///< the agent no longer waits for it
  inspect_image,
  probe,         ///< the image's passwd and group
  drop_records,  ///< the agent is gone: its records end
};
/// "kill TERM", "create", …: for plans, metrics and logs.
std::string_view name_of(Action action);

struct Decision {
  std::string_view row;  ///< "3", "21b", …
  std::string_view via;  ///< the row that led to it: 23, or the one of 32 to 39 that says Next; empty: none
  Action action = Action::none;
  std::string container;  ///< the full id that the action is about; empty: none
  std::optional<StopCause> stop_cause;
  std::string cause;                 ///< in words, for logs, plans and metrics
  std::optional<Monotonic> wake_at;  ///< decide again then at the latest
  std::int64_t attempt = 0;          ///< for create: the attempt to make
  std::int64_t restarts = 0;         ///< for create: the counters to write on it
  std::int64_t failures = 0;

  /// Unset phase: unchanged.
  std::optional<Phase> phase;
  std::string reason;
  std::string message;
  std::vector<Condition> conditions;  ///< UpToDate, Leftover, …: those that the decision knows
};

Decision decide(const AgentView& view, const EngineView& engine, const Now& now);

/// The current one: the highest attempt among containers of ours and the saved outcome. `container` is null where the
/// record stands for it, or nothing is there.
struct Current {
  const ContainerView* container = nullptr;
  const Outcome* outcome = nullptr;  ///< of the same attempt, where saved
  std::int64_t attempt = 0;          ///< 0: nothing was ever there
};
Current current_of(const AgentView& view);

}  // namespace cofferdam::reconciler
