#pragma once

// A whole world around the machine, without a clock or a thread: an engine, a folder, a state directory, people. Effects
// are carried out one at a time, in order or (with `shuffle`) in another; a crash may come between any two.

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fake_engine.hpp"
#include "reconciler/reconciler.hpp"

namespace cofferdam::reconciler::testing {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

class World {
 public:
  FakeEngine engine;
  specs::Configuration configuration;
  std::map<std::string, std::string> state;  ///< records as they lie on the disk
  bool state_writable = true;
  bool state_answers = true;
  std::map<std::string, specs::WorkspaceFacts> workspaces;  ///< those that are not simply good
  std::optional<Verified::Verdict> verdict;                 ///< what the kernel says; unset: unverifiable
  Now now;

  std::unique_ptr<Reconciler> machine;
  std::map<std::string, AgentStatus> written;  ///< status files
  std::vector<Audit> log;
  std::map<std::string, double> metrics;
  std::map<std::string, Answer> answers;
  std::size_t verifications = 0;
  std::size_t scans = 0;
  std::set<std::string> dropped_status;
  std::size_t most_changes_at_once = 0;
  std::size_t most_reads_at_once = 0;
  std::size_t most_pulls_at_once = 0;
  bool hold_replies = false;  ///< calls stay in flight until `answer_calls`
  bool hold_lists = false;    ///< a list is as of when it was asked for, and told by `answer_lists`

  World() {
    now.boot = WallTime{std::chrono::hours{490000}};
    now.wall = now.boot + std::chrono::hours{1};
    now.mono = Monotonic{std::chrono::hours{1}};
    now.boot_id = "boot-1";
    configuration.sandbox.env_whitelist = specs::default_env_whitelist();
    engine.add_image("docker.io/library/node:20-alpine", "a");
  }

  // The folder.
  void write(const std::string& name, const std::string& text) {
    files[name] = {text, ++writes};
    if (machine) give(FileChanged{name, FileChanged::Kind::complete});
  }
  void erase(const std::string& name) {
    files.erase(name);
    if (machine) give(FileChanged{name, FileChanged::Kind::gone});
  }

  // The process.
  bool state_comes_late = false;  ///< after the engine's first list
  void start() {
    machine = std::make_unique<Reconciler>(Identity{"default", "cofferdam", "1.0"});
    pending.clear();
    in_flight.clear();
    inbox.clear();
    read_already.clear();
    wake.reset();
    ++epoch;
    give(ConfigRead{std::make_shared<const specs::Configuration>(configuration), {"/etc/cofferdam", "/var/lib/cofferdam"}});
    StateLoaded loaded;
    loaded.known = true;
    for (const auto& [key, bytes] : state) loaded.records.push_back({key, bytes});
    if (!state_comes_late) give(loaded);
    session_up();
    if (!state_comes_late) return;
    settle();
    give(loaded);
  }
  void session_up() {
    Session session;
    session.epoch = epoch;
    session.state = Session::State::up;
    session.facts.info.processors = 2;
    session.facts.info.memory_bytes = std::int64_t{64} << 30;
    session.facts.info.log_drivers = {"local", "json-file"};
    session.facts.version.version = "20.10.24";
    give(session);
  }
  /// The connection is lost; what was in flight is never answered.
  void session_down() {
    Session session;
    session.epoch = epoch;
    session.state = Session::State::down;
    session.why = "connection reset";
    in_flight.clear();
    engine.events.clear();
    give(session);
    ++epoch;
  }
  /// kill -9: what was not carried out never is.
  void crash() {
    machine.reset();
    pending.clear();
    in_flight.clear();
    inbox.clear();
    engine.events.clear();
  }

  void give(const Input& input) { inbox.push_back(input); }

  /// One thing happens: an effect is carried out, or an input delivered. False: nothing is left.
  bool step() {
    if (!pending.empty()) {
      const Effect effect = pending.front();
      pending.pop_front();
      carry_out(effect);
      return true;
    }
    if (!inbox.empty()) {
      const Input input = inbox.front();
      inbox.pop_front();
      deliver(input);
      return true;
    }
    if (!engine.events.empty()) {
      docker::Event event = engine.events.front();
      engine.events.pop_front();
      if (machine) deliver(Event{epoch, std::move(event)});
      return true;
    }
    return false;
  }

  /// Until nothing is left to happen at this moment.
  void settle() {
    int steps = 0;
    while (machine && step()) {
      ASSERT_LT(++steps, 2'000'000) << "it never comes to rest";
    }
  }

  /// Time passes, and every timer rings at its moment.
  void pass(std::chrono::nanoseconds span) {
    settle();
    const Monotonic end = now.mono + span;
    int rings = 0;
    while (machine && wake && *wake <= end) {
      move_to(std::max(*wake, now.mono));
      wake.reset();
      give(Timer{});
      settle();
      ASSERT_LT(++rings, 200'000) << "timers ring without end";
    }
    move_to(end);
  }

  // What people see.
  [[nodiscard]] AgentStatus status(const std::string& agent) const {
    const auto found = written.find(agent);
    return found == written.end() ? AgentStatus{} : found->second;
  }
  [[nodiscard]] std::string phase(const std::string& agent) const {
    const AgentStatus found = status(agent);
    if (found.agent.empty()) return "unknown";
    std::string text(name_of(found.phase));
    if (!found.reason.empty()) text += "/" + found.reason;
    return text;
  }
  [[nodiscard]] std::string condition(const std::string& agent, const std::string& type) const {
    for (const Condition& condition : status(agent).conditions) {
      if (condition.type == type)
        return std::string(name_of(condition.status)) + (condition.reason.empty() ? "" : "/" + condition.reason);
    }
    return "absent";
  }
  [[nodiscard]] std::string plan() const {
    std::string text;
    for (const PlanLine& line : machine->plan(now)) text += line.text() + "\n";
    return text;
  }
  [[nodiscard]] std::size_t logged(const std::string& event) const {
    return static_cast<std::size_t>(
        std::count_if(log.begin(), log.end(), [&](const Audit& line) { return line.event == event; }));
  }
  /// The one running container of an agent; empty where there is none or more than one.
  [[nodiscard]] std::string running(const std::string& agent) const {
    const auto all = engine.running(agent);
    return all.size() == 1 ? all.front()->id : std::string();
  }

  void answer_calls() {
    const auto calls = std::move(in_flight);
    in_flight.clear();
    for (const Call& call : calls) give(Reply{call.epoch, call.id, engine.apply(call.request, now)});
  }

  void answer_lists() {
    for (Reply& list : std::exchange(late_lists, {})) give(std::move(list));
  }

  std::deque<Effect> pending;
  std::deque<Input> inbox;
  std::vector<Call> in_flight;    ///< held back
  std::vector<Reply> late_lists;  ///< likewise
  std::optional<Monotonic> wake;
  std::uint64_t epoch = 0;
  std::uint64_t directory_inode = 7;
  bool directory_readable = true;
  std::set<std::string> unreadable_files;

 private:
  struct File {
    std::string text;
    std::int64_t version = 0;
  };

  void move_to(Monotonic moment) {
    now.wall += moment - now.mono;
    now.mono = moment;
  }

  void deliver(const Input& input) {
    if (!machine) return;
    for (Effect& effect : machine->handle(input, now)) pending.push_back(std::move(effect));
  }

  void carry_out(const Effect& effect) {
    std::visit([this](const auto& one) { carry_out_one(one); }, effect);
  }
  void carry_out_one(const Scan& scan) {
    ++scans;
    specs::DirSnapshot snapshot;
    snapshot.scan = scan.scan;
    snapshot.complete = directory_readable;
    snapshot.error = directory_readable ? "" : "EACCES";
    snapshot.device = 1;
    snapshot.inode = directory_inode;
    for (const auto& [name, file] : files) {
      specs::DirEntry entry;
      entry.name = name;
      entry.device = 1;
      entry.inode = static_cast<std::uint64_t>(1000 + file.version);
      entry.size = static_cast<std::int64_t>(file.text.size());
      entry.mtime_ns = file.version;
      entry.mode = 0644;
      if (unreadable_files.contains(name)) {
        entry.error = EACCES;
      } else if (read_already[name] != file.version) {
        entry.bytes = std::make_shared<const std::string>(file.text);
        read_already[name] = file.version;
      }
      snapshot.entries.push_back(std::move(entry));
    }
    give(snapshot);
  }
  void carry_out_one(const CheckWorkspace& check) {
    WorkspaceChecked checked;
    checked.id = check.id;
    checked.agent = check.agent;
    const auto facts = workspaces.find(check.path);
    if (facts != workspaces.end()) {
      checked.facts = facts->second;
    } else {
      checked.facts.kind = specs::WorkspaceFacts::Kind::directory;
      checked.facts.inode = std::hash<std::string>{}(check.path);
      checked.facts.uid = 1000;
      checked.facts.gid = 1000;
      checked.facts.mode = 0755;
      checked.facts.free_mb = 100000;
      checked.facts.nosuid = true;
      checked.facts.nodev = true;
    }
    give(checked);
  }
  void carry_out_one(const Save& save) {
    if (!state_answers) return;
    SaveDone done{save.key, save.version, state_writable, state_writable ? "" : "No space left on device"};
    if (state_writable) {
      if (save.bytes.empty()) {
        state.erase(save.key);
      } else {
        state[save.key] = save.bytes;
      }
    }
    give(done);
  }
  void carry_out_one(const Call& call) {
    if (hold_replies && !std::holds_alternative<docker::ContainerList>(call.request)) {
      in_flight.push_back(call);
      const auto in = [this](Lane lane) {
        return static_cast<std::size_t>(
            std::count_if(in_flight.begin(), in_flight.end(), [lane](const Call& one) { return one.lane == lane; }));
      };
      most_changes_at_once = std::max(most_changes_at_once, in(Lane::changes));
      most_reads_at_once = std::max(most_reads_at_once, in(Lane::reads));
      most_pulls_at_once = std::max(most_pulls_at_once, in(Lane::pulls));
      return;
    }
    Reply reply{call.epoch, call.id, engine.apply(call.request, now)};
    if (hold_lists && std::holds_alternative<docker::ContainerList>(call.request)) {
      late_lists.push_back(std::move(reply));
      return;
    }
    give(std::move(reply));
  }
  void carry_out_one(const Cancel& cancel) {
    for (auto call = in_flight.begin(); call != in_flight.end(); ++call) {
      if (call->id != cancel.id) continue;
      give(Reply{call->epoch, call->id, docker::Error{docker::ErrorClass::cancelled, 0, "image pull", "", "withdrawn"}});
      in_flight.erase(call);
      return;
    }
  }
  void carry_out_one(const Verify& verify) {
    ++verifications;
    Verified verified;
    verified.agent = verify.agent;
    verified.container_id = verify.container_id;
    verified.verdict = verdict.value_or(Verified::Verdict::unverifiable);
    verified.field = "NoNewPrivs";
    verified.wanted = "1";
    verified.found = "0";
    verified.why = "nobody looks here";
    give(verified);
  }
  void carry_out_one(const WriteStatus& status) { written[status.status.agent] = status.status; }
  void carry_out_one(const DropStatus& drop) {
    written.erase(drop.agent);
    dropped_status.insert(drop.agent);
  }
  void carry_out_one(const Audit& line) { log.push_back(line); }
  void carry_out_one(const Metric& metric) {
    std::string name(metric.name);
    for (const std::string& label : metric.labels) name += "," + label;
    metrics[name] += metric.value;
  }
  void carry_out_one(const WakeAt& at) { wake = at.at; }
  void carry_out_one(const Answer& answer) { answers[std::to_string(answer.id)] = answer; }

  std::map<std::string, File> files;
  std::map<std::string, std::int64_t> read_already;
  std::int64_t writes = 0;
};

/// A spec file of one agent; `more` is put under spec.
inline std::string agent_file(const std::string& name, const std::string& more = {}) {
  return "apiVersion: cofferdam/v1\nkind: Agent\nmetadata: {name: " + name +
         "}\nspec:\n  workspacePath: /srv/cofferdam/workspaces/" + name + "\n  command: [node, agent.js]\n" + more;
}

}  // namespace cofferdam::reconciler::testing
