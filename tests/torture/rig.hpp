#pragma once

// The production path from the disk to the engine's door: SpecDirectory (inotify, scans on the path pool), Folder, deletion
// guard and the whole Reconciler, over an engine that obeys. Only time is ours: it stands still while things happen, and
// passes at once where a test lets it pass. A call that would change a healthy agent's container is a disturbance, with
// its cause, and so is the creation of an agent that nobody asked for.

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "controller/path_pool.hpp"
#include "controller/spec_directory.hpp"
#include "reconciler/reconciler.hpp"
#include "tests/controller/temp_directory.hpp"
#include "tests/reconciler/fake_engine.hpp"

namespace cofferdam::torture {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// A small good spec; `version` shows in its container's configuration.
std::string spec_of(const std::string& agent, const std::string& version = "one");

class Rig {
 public:
  struct Options {
    std::string directory;  ///< the spec directory; empty: agents.d in a directory of the rig's own
    std::vector<std::string> neighbours{"ada", "bob", "cleo", "dan"};
    std::string victim = "victim";  ///< in victim.yaml; empty: none
    std::string victim_text;        ///< its first version; empty: spec_of(victim)
  };
  Rig();
  explicit Rig(Options options);
  ~Rig();
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;

  // The controller's process.
  void start();
  void crash();
  void restart() {
    crash();
    start();
    settle();
  }

  // Time.
  /// Until nothing is left to happen at this moment.
  void settle();
  void pass(std::chrono::nanoseconds span);
  /// A moment of a folder that never rests: what has been heard is dealt with, and a little time passes.
  void moment(milliseconds span);
  /// Time passes in steps until it is so; false: not within the bound (of real time).
  bool until(const std::function<bool()>& so, milliseconds bound = seconds{20});

  // What is to be seen.
  [[nodiscard]] const std::string& directory() const { return directory_; }
  [[nodiscard]] std::string at(const std::string& name) const { return directory_ + "/" + name; }
  [[nodiscard]] std::string outside(const std::string& name) const { return temp_.at(name); }
  [[nodiscard]] const reconciler::Reconciler& machine() const { return *machine_; }
  [[nodiscard]] const specs::FileView* file(const std::string& name) const;
  [[nodiscard]] std::string phase(const std::string& agent) const;
  /// The one live container of an agent; empty where there is none or more than one.
  [[nodiscard]] std::string container(const std::string& agent) const;
  /// The version that spec_of() was given, as the live container has it.
  [[nodiscard]] std::string version(const std::string& agent) const;
  [[nodiscard]] std::size_t logged(const std::string& event) const;
  [[nodiscard]] std::string troubles() const { return trouble_; }
  [[nodiscard]] std::uint64_t scans() const { return scans_; }
  /// Calls that changed a container of the agent, since the healthy ones were last taken down.
  [[nodiscard]] int changes(const std::string& agent) const;

  // What must be so.
  /// From now on these are healthy: whoever touches them disturbs. Begins the count of changes anew.
  void take_down_healthy();
  void expect_healthy_undisturbed();
  /// The file is in error, and every word about it names it; with `in_text`, line and column too.
  void expect_named(const std::string& file, bool in_text = false);
  /// Its container is the one that it was when the healthy ones were taken down.
  void expect_victim_untouched();
  void allow(const std::string& agent) { known_agents_.insert(agent); }
  void healthy(const std::string& agent) { healthy_.insert(agent); }

  reconciler::testing::FakeEngine engine;
  std::map<std::string, std::string> state;  ///< the state directory's records
  std::vector<reconciler::Audit> log;

 private:
  void make_folder();
  void watch();
  bool step();
  void drain();
  void move_to(reconciler::Monotonic moment);
  bool ring(reconciler::Monotonic end);
  void deliver(const reconciler::Input& input);
  void note_call(const reconciler::Call& call);
  void carry_out(const reconciler::Scan& scan);
  void carry_out(const reconciler::CheckWorkspace& check);
  void carry_out(const reconciler::Save& save);
  void carry_out(const reconciler::Call& call);
  void carry_out(const reconciler::Cancel& cancel);
  void carry_out(const reconciler::Verify& verify);
  void carry_out(const reconciler::Audit& audit) { log.push_back(audit); }
  void carry_out(const reconciler::WakeAt& wake) { wake_ = wake.at; }
  void carry_out(const reconciler::WriteStatus&) {}
  void carry_out(const reconciler::DropStatus&) {}
  void carry_out(const reconciler::Metric&) {}
  void carry_out(const reconciler::Answer&) {}

  const Options options_;
  controller::testing::TempDirectory temp_;
  std::string directory_;
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> stays_{boost::asio::make_work_guard(io_)};
  std::unique_ptr<controller::PathPool> pool_;
  std::unique_ptr<controller::SpecDirectory> spec_directory_;
  std::unique_ptr<reconciler::Reconciler> machine_;
  std::deque<reconciler::Effect> pending_;
  std::deque<reconciler::Input> inbox_;
  std::optional<reconciler::Monotonic> wake_;
  reconciler::Now now_;
  std::uint64_t epoch_ = 0;
  std::uint64_t scans_ = 0;
  std::size_t reading_ = 0;  ///< scans that are not answered yet
  std::string trouble_;

  std::set<std::string> healthy_;
  std::set<std::string> known_agents_;
  std::map<std::string, std::string> containers_;  ///< of the healthy and the victim, when they were taken down
  std::map<std::string, int> changes_;
  std::vector<std::string> disturbances_;
};

}  // namespace cofferdam::torture
