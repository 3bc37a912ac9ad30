// Kills and stops of the controller, of the daemon, of its shims, of an agent's own process.

#include <csignal>
#include <filesystem>

#include "tests/engine/chaos/acts.hpp"

namespace cofferdam::test::chaos {

namespace {

namespace fs = std::filesystem;

/// Pids of processes whose command line holds both words.
std::vector<int> processes_with(const std::string& word, const std::string& other) {
  std::vector<int> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const std::string line = read_file(entry.path() / "cmdline");
    if (line.find(word) != std::string::npos && line.find(other) != std::string::npos) found.push_back(std::stoi(name));
  }
  return found;
}

}  // namespace

void Acts::controller_back() {
  if (controller_ != Up::dead) return;
  stage_.start_controller();
  controller_ = Up::yes;
  timeline_.note("controller started");
}

bool Acts::kill_controller() {
  if (controller_ == Up::dead) return false;
  timeline_.note("kill -9 of the controller");
  stage_.end_controller(SIGKILL);
  controller_ = Up::dead;
  later(milliseconds(draw(1500)), [this] { controller_back(); });
  return true;
}

bool Acts::end_controller() {
  if (controller_ != Up::yes) return false;
  timeline_.note("SIGTERM of the controller");
  stage_.end_controller(SIGTERM);
  controller_ = Up::dead;
  later(milliseconds(draw(1500)), [this] { controller_back(); });
  return true;
}

bool Acts::stop_controller() {
  if (controller_ != Up::yes) return false;
  timeline_.note("SIGSTOP of the controller");
  stage_.signal_controller(SIGSTOP);
  controller_ = Up::stopped;
  later(milliseconds(100 + draw(4000)), [this] {
    if (controller_ != Up::stopped) return;
    stage_.signal_controller(SIGCONT);
    controller_ = Up::yes;
    timeline_.note("SIGCONT of the controller");
  });
  return true;
}

void Acts::daemon_back(bool live_restore) {
  if (daemon_ != Up::dead) return;
  timeline_.note(std::string("daemon starts") + (live_restore ? ", with live-restore" : ""));
  stage_.resume_daemon(live_restore);
  daemon_ = Up::yes;
  timeline_.note("daemon answers");
  decoys_.restore(!live_restore);
  // Events of the restarts above are still on their way.
  later(seconds(2), [this] {
    if (daemon_ != Up::dead) observer_.decoys_in_hand(false);
  });
}

bool Acts::kill_daemon() {
  if (daemon_ == Up::dead) return false;
  timeline_.note("kill -9 of the daemon");
  observer_.decoys_in_hand(true);
  stage_.engine().kill();
  daemon_ = Up::dead;
  const bool live_restore = chance(70);
  later(milliseconds(draw(3000)), [this, live_restore] { daemon_back(live_restore); });
  return true;
}

bool Acts::kill_both() {
  if (controller_ == Up::dead || daemon_ == Up::dead) return false;
  ++counts_["controller killed"];
  ++counts_["daemon killed"];
  return chance(50) ? kill_daemon() && kill_controller() : kill_controller() && kill_daemon();
}

/// It runs and answers no list for minutes. What its operator does then is done; where its goroutines wait is kept.
void Acts::daemon_hangs() {
  ++counts_["daemon hung"];
  timeline_.note("the daemon hangs; where: " + stage_.stacks_of_daemon());
  observer_.decoys_in_hand(true);
  stage_.engine().kill();
  daemon_ = Up::dead;
  daemon_back(false);
}

bool Acts::stop_daemon() {
  if (daemon_ != Up::yes) return false;
  timeline_.note("SIGSTOP of the daemon");
  const int pid = stage_.engine().daemon_pid();
  ::kill(pid, SIGSTOP);
  daemon_ = Up::stopped;
  // Sometimes longer than the controller waits for an answer.
  const milliseconds how_long(chance(25) ? 6000 + draw(3000) : 100 + draw(3000));
  later(how_long, [this, pid] {
    if (daemon_ != Up::stopped) return;
    ::kill(pid, SIGCONT);
    daemon_ = Up::yes;
    timeline_.note("SIGCONT of the daemon");
  });
  return true;
}

bool Acts::kill_shim() {
  Listed chosen;
  if (!choose(true, chosen)) return false;
  const auto pids = processes_with("containerd-shim", chosen.id);
  if (pids.empty()) return false;
  observer_.touched(chosen.agent, chosen.id);
  timeline_.note("kill -9 of the shim of " + chosen.agent + "-" + std::to_string(chosen.attempt));
  for (const int pid : pids) ::kill(pid, SIGKILL);
  return true;
}

bool Acts::kill_process() {
  Listed chosen;
  if (!choose(true, chosen)) return false;
  const Json details = stage_.inspect(chosen.id);
  if (!details.contains("State")) return false;
  const int pid = details["State"].value("Pid", 0);
  const std::string cgroup = read_file("/proc/" + std::to_string(pid) + "/cgroup");
  if (pid <= 1 || cgroup.find(chosen.id) == std::string::npos) return false;  // the number may be another's by now
  observer_.touched(chosen.agent, chosen.id);
  timeline_.note("kill -9 of the process of " + chosen.agent + "-" + std::to_string(chosen.attempt));
  ::kill(pid, SIGKILL);
  return true;
}

}  // namespace cofferdam::test::chaos
