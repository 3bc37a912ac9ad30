#pragma once

// Judges what the controller does, by other eyes: its calls as they pass (Passage), the daemon's events, the kernel's
// cgroups, the state directory. It knows what the run itself does to containers because the acts tell it so. What it holds:
//   S1  no start while another live container of the agent was started by the controller
//   S2  no changing call on a decoy, on what the controller did not create, or on what no longer has its own name
//   S4  a broken file changes nothing that runs; nothing of it is ever created
//   S6  at most 20 creates, starts and removes of an agent in a minute of one process's life
//   S7  a finished run-once agent is not started again for the same version
//   S8  no start while, by a list the controller had, another live container mounts the workspace
//   S9  no container that ran is removed before its outcome is in the state directory, unless its agent is absent
// For several threads. Paths are absolute.

#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include <nlohmann/json.hpp>

#include "tests/engine/chaos/fleet.hpp"
#include "tests/engine/chaos/passage.hpp"
#include "tests/engine/private_engine.hpp"

namespace cofferdam::test::chaos {

using Json = nlohmann::json;

/// True while the kernel has a process in the container's cgroup: true of what is paused, too.
bool has_processes(const std::string& container);

/// A container that the controller made.
struct Seen {
  std::string agent;
  int attempt = 0;
  std::optional<int> version;
  std::string workspace;
  bool probe = false;
  bool started = false;            ///< the controller asked for its start
  bool started_by_others = false;  ///< the run started it again, or told the daemon to
  bool ran = false;                ///< the daemon said that it started: a start that was asked for may never have come
  bool gone = false;
};

class Observer {
 public:
  struct Places {
    std::string engine;              ///< the daemon's own socket
    std::string state;               ///< a directory
    std::string status;              ///< a directory
    std::string instance;            ///< the controller's
    std::set<std::string> run_once;  ///< agents whose commands end well by themselves
  };
  Observer(Timeline& timeline, Places places) : timeline_(timeline), places_(std::move(places)) {}

  // The passage tells.
  void asked(const Asked& asked);
  void answered(const Asked& asked, int status, const std::string& body);

  // The acts tell, before they do it.
  void allow(const std::string& agent, int version);  ///< a good text of this version is about to be in the folder
  void absent(const std::string& agent, bool absent);
  void touched(const std::string& agent, const std::string& container);  ///< somebody from outside acts on it
  void started_by_others(const std::string& container);
  void renamed(const std::string& container, bool away);
  void squatter(const std::string& container, const std::string& workspace);
  void squatter_left(const std::string& container);
  /// Until `unprotect`, the container that is live must not be stopped: its file is about to break.
  bool protect(const std::string& agent, const std::string& container, int version);
  void unprotect(const std::string& agent);

  // Decoys. While `in_hand`, the daemon or the run itself may change their state.
  void decoy(const std::string& container, bool still);  ///< `still`: no event of it may come, either
  void decoys_in_hand(bool in_hand);

  // The watch tells.
  void event(const Json& event);
  void look_at_cgroups();
  void look_at_records();

  [[nodiscard]] long observations() const { return observations_; }
  [[nodiscard]] long changing_calls() const { return changing_calls_; }
  [[nodiscard]] long overlooked() const { return overlooked_; }

 private:
  struct Agent {
    std::set<int> allowed;
    bool absent = true;
    Clock::time_point absent_until = Clock::time_point::min();
    std::string protected_container;
    int finished_version = -1;
    std::set<std::string> touched;
    std::map<int, std::deque<Clock::time_point>> calls;  ///< by life
  };
  struct Lists {
    Clock::time_point newest = Clock::time_point::min();
    Clock::time_point before = Clock::time_point::min();
  };

  /// False: it is not the controller's.
  bool learn(const std::string& id, const std::string& name, const Json& labels, const std::string& workspace);
  void find_out(const std::string& id, const std::string& what);
  void finished(const std::string& id, const Seen& seen);
  void judge_create(const Asked& asked);
  void judge_change(const Asked& asked, const std::string& id, const std::string& what);
  void judge_start(const Asked& asked, const std::string& id, Seen& seen);
  void judge_workspace(const Asked& asked, const std::string& id, const Seen& seen);
  void judge_stop(const Asked& asked, const std::string& id, const Seen& seen);
  void judge_remove(const std::string& id, const Seen& seen);
  void count_call(const Asked& asked, const std::string& agent);
  /// The controller had a list that was begun after `moment`, and has used it.
  [[nodiscard]] bool listed_since(int life, Clock::time_point moment) const;
  [[nodiscard]] int recorded_attempt(const std::string& agent) const;

  Timeline& timeline_;
  Places places_;
  std::mutex mutex_;
  std::map<std::string, Agent> agents_;
  std::map<std::string, Seen> seen_;  ///< by container id
  std::map<std::string, Clock::time_point> renamed_;
  std::map<std::string, std::pair<std::string, Clock::time_point>> squatters_;
  std::map<std::string, bool> decoys_;  ///< and whether it is still
  bool decoys_in_hand_ = true;
  std::map<int, Lists> lists_;  ///< by life
  std::atomic<long> observations_ = 0;
  std::atomic<long> changing_calls_ = 0;
  std::atomic<long> overlooked_ = 0;  ///< changing calls whose container was gone, or the daemon
};

}  // namespace cofferdam::test::chaos
