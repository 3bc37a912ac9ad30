#pragma once

// The inside of decide(): one agent, one moment. Each section of the table is a member function in its own part of the room
// (decide.cpp: gates; decide_surplus.cpp: surplus, unwanted, denied; decide_live.cpp: live, created; decide_next.cpp: ended,
// next). A row function returns a decision where the row fits, nothing where it does not.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/decide.hpp"

namespace cofferdam::reconciler {

using Row = std::optional<Decision>;

class Decider {
 public:
  Decider(const AgentView& view, const EngineView& engine, const Now& now);

  Decision decide();

 private:
  /// How the wanted version stands to a container or record.
  enum class Drift { in_sync, outdated, edited };
  struct Hashes {
    std::string_view run_hash;
    std::string_view config_hash;
    int schema = 0;
    std::int64_t attempt = 0;
  };

  // The sections, in the table's order.
  Row gates();
  Row surplus();
  Row unwanted();
  Row denied();
  Row live();
  Row created();
  Decision ended(const Outcome& outcome);
  Decision next(std::int64_t restarts, std::int64_t failures, bool backs_off);

  // Gates.
  Row not_ready();       // 1
  Row in_flight();       // 2
  Row stopping();        // 3
  Row must_stop();       // 4
  Row throttled();       // 5
  Row look();            // 6
  Row keep_verdict();    // 7
  Row backing_off();     // 8
  Row nothing_wanted();  // 9
  /// The waiting row, unless one of the surplus rows that may pass it acts.
  Decision unless_surplus(Decision waiting, bool returned_too);

  // Surplus.
  Row duplicates();     // 10
  Row older_live();     // 11
  Row came_back();      // 12
  Row dead();           // 13
  Row being_removed();  // 14
  Row superseded();     // 15

  // Live.
  Row accept();               // 21b, for every current
  Row prepare_replacement();  // 23

  // Ended.
  struct Verdict {
    std::string_view row;
    bool terminal = false;
    bool backs_off = true;
    std::int64_t restarts = 0;
    std::int64_t failures = 0;
    Phase phase = Phase::pending;
    std::string reason;
    std::string message;
  };
  [[nodiscard]] Verdict verdict(const Outcome& outcome) const;        // 32–39
  Decision finished(const Outcome& outcome, const Verdict& verdict);  // 40

  // Next.
  Row not_startable();      // 42–44
  Row image_missing();      // 45–48
  Row workspace_missing();  // 49–50

  // Building decisions.
  [[nodiscard]] Decision act(std::string_view row, Action action, std::string cause,
                             const ContainerView* container = nullptr) const;
  [[nodiscard]] Decision wait(std::string_view row, std::string cause) const;
  [[nodiscard]] Decision stop(std::string_view row, const ContainerView& container, StopCause cause, std::string why) const;
  [[nodiscard]] Decision removal(std::string_view row, const ContainerView& container, std::string why) const;
  static Decision told(Decision decision, Phase phase, std::string reason = {}, std::string message = {});
  static Decision up_to_date(Decision decision, Truth truth, std::string reason = {}, std::string message = {});
  /// The phase of what is there, where a row says "as last seen".
  [[nodiscard]] Decision as_seen(Decision decision) const;

  // Reading the view.
  [[nodiscard]] Drift drift(const Hashes& hashes) const;
  [[nodiscard]] bool accepted(const Hashes& hashes) const;     ///< R
  [[nodiscard]] bool same_config(const Hashes& hashes) const;  ///< C
  [[nodiscard]] static Hashes hashes_of(const ContainerView& container);
  [[nodiscard]] static Hashes hashes_of(const Outcome& outcome);
  [[nodiscard]] bool may_remove(const ContainerView& container) const;
  [[nodiscard]] const ContainerView* live_suspect() const;
  [[nodiscard]] std::optional<Outcome> current_end() const;
  /// How the attempt before one that was not started yet ended, where that is known.
  [[nodiscard]] std::optional<Outcome> end_before(const ContainerView& created) const;
  [[nodiscard]] std::chrono::seconds stop_time(StopCause cause) const;
  void wake(const std::optional<Monotonic>& at);
  [[nodiscard]] bool ahead(const std::optional<Monotonic>& moment) const { return moment && *moment > now_.mono; }

  const AgentView& view_;
  const EngineView& engine_;
  const Now& now_;
  std::vector<const ContainerView*> ours_;  ///< without those that count as gone; highest attempt first
  std::vector<std::string> leftovers_;      ///< names of those that count as gone
  std::int64_t highest_seen_ = 0;
  const ContainerView* current_ = nullptr;  ///< null: the record stands for it, or nothing is there
  const Outcome* outcome_ = nullptr;        ///< the saved one, where it is of the current attempt
  std::int64_t attempt_ = 0;
  std::optional<std::int64_t> unsaved_;  ///< row 7: the attempt whose outcome could not be saved yet
  std::optional<Monotonic> wake_;
};

}  // namespace cofferdam::reconciler
