#pragma once

// The whole logic of the controller as one pure state machine: handle(input, now) → effects. No I/O, no clock, no
// task, no random number. One thread; the const view may be read between two inputs.
//
// Rhythm: observe → decide → one request → observe again. An event only marks its container dirty; only an
// inspect begun after it clears that.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/deletion_guard.hpp"
#include "reconciler/effects.hpp"
#include "reconciler/inputs.hpp"
#include "reconciler/status.hpp"
#include "reconciler/time.hpp"

namespace cofferdam::reconciler {

/// Known before anything else, fixed for the process.
struct Identity {
  std::string instance = "default";
  std::string name_prefix = "cofferdam";
  std::string version;  ///< for the label cofferdam.version
};

/// The machine as a whole, for /readyz, metrics and _controller.json.
struct Summary {
  bool configured = false;
  bool sandbox_enabled = true;
  bool state_known = false;
  std::string state_error;
  bool engine_up = false;
  std::string engine_why;  ///< why it is not up
  EngineFacts engine;
  bool listed = false;  ///< one complete list in this session
  bool ready = false;   ///< configuration good, state known, one complete scan and one list done
  std::optional<WallTime> last_scan;
  std::optional<WallTime> last_list;
  std::string scan_error;  ///< of the last scan; empty: it was complete
  std::uint64_t epoch = 0;
  std::size_t queued = 0;  ///< agents waiting for a lane
  std::size_t calls_in_flight = 0;
  std::size_t foreign_containers = 0;
  std::size_t suspect_containers = 0;
  std::vector<std::string> limits_missing;
};

/// One line of the plan: what would be done for an agent now.
struct PlanLine {
  std::string agent;
  std::string action;  ///< "create", "stop", …; "none"
  std::string cause;
  AgentStatus status;
  std::string row;  ///< of the decision table

  /// "refactor-bot: create attempt 1 (row 52: …)"
  [[nodiscard]] std::string text() const;
};

class Reconciler {
 public:
  explicit Reconciler(Identity identity);
  ~Reconciler();
  Reconciler(const Reconciler&) = delete;
  Reconciler& operator=(const Reconciler&) = delete;

  Effects handle(const Input& input, const Now& now);

  // The const view.
  [[nodiscard]] const Summary& summary() const;
  [[nodiscard]] std::map<std::string, AgentStatus> statuses() const;
  [[nodiscard]] std::optional<AgentStatus> status(const std::string& agent) const;
  [[nodiscard]] const std::map<std::string, specs::FileView>& files() const;
  [[nodiscard]] const std::vector<Held>& held() const;
  /// What every agent's next action would be; sorted by agent. Costs a decision per agent.
  [[nodiscard]] std::vector<PlanLine> plan(const Now& now) const;
  /// How often each row of the decision table decided since the start.
  [[nodiscard]] const std::map<std::string_view, std::uint64_t>& rows() const;
  /// The containers of an agent that logs may be read from: the current one, and the newest finished one before it.
  struct LogSources {
    std::string current;
    std::string previous;
  };
  [[nodiscard]] LogSources log_sources(const std::string& agent) const;
  /// Every container that passes all ownership checks (for cleanup), newest list.
  [[nodiscard]] std::vector<docker::ContainerSummary> owned_containers() const;

 private:
  class Machine;
  std::unique_ptr<Machine> machine_;
};

}  // namespace cofferdam::reconciler
