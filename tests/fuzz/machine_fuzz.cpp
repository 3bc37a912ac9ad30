// The machine itself: each letter is something that happens (see Run::step), its arguments the bytes behind it. The engine
// carries calls out, or fails, or lies; the state, the clock and people do as they please. machine_checks.hpp says what holds all
// the same. The first byte's lowest bit asks for a second machine beside the first, which must answer every input the same.

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "reconciler/reconciler.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/fuzz/machine_checks.hpp"
#include "tests/fuzz/machine_world.hpp"

namespace cofferdam::fuzz {
namespace {

using namespace reconciler;

constexpr std::size_t most_steps = 400;
constexpr int most_rounds = 40;

class Run {
 public:
  explicit Run(Input input) : input_(input), twice_(input_.flag()) { begin(); }

  void all() {
    for (std::size_t steps = 0; !input_.at_end() && steps < most_steps; ++steps) step();
    look();
  }

 private:
  // What the machine waits for.
  template <class T>
  static T take(std::vector<T>& waiting, std::size_t number) {
    const auto at = waiting.begin() + static_cast<std::ptrdiff_t>(number % waiting.size());
    T one = *at;
    waiting.erase(at);
    return one;
  }

  void begin() {
    const Identity identity{"default", "cofferdam", "fuzz"};
    machine_ = std::make_unique<Reconciler>(identity);
    if (twice_) twin_ = std::make_unique<Reconciler>(identity);
    checks_.crashed();
    calls_.clear();
    scans_.clear();
    workspaces_.clear();
    saves_.clear();
    verifies_.clear();
    wake_.reset();
    up_ = state_known_ = false;
  }

  void handle(const reconciler::Input& input) {
    checks_.told(input);
    const Effects effects = machine_->handle(input, world_.now);
    if (twin_) {
      const Effects others = twin_->handle(input, world_.now);
      require(effects.size() == others.size(), "two machines that are told the same ask the same");
      for (std::size_t i = 0; i < effects.size(); ++i) {
        require(text_of(effects[i]) == text_of(others[i]), "two machines that are told the same ask the same",
                text_of(effects[i]) + "\n" + text_of(others[i]));
      }
    }
    checks_.asked(effects, world_.now);
    for (const Effect& effect : effects) {
      if (const auto* call = std::get_if<Call>(&effect)) calls_.push_back(*call);
      if (const auto* scan = std::get_if<Scan>(&effect)) scans_.push_back(*scan);
      if (const auto* check = std::get_if<CheckWorkspace>(&effect)) workspaces_.push_back(*check);
      if (const auto* save = std::get_if<Save>(&effect)) saves_.push_back(*save);
      if (const auto* verify = std::get_if<Verify>(&effect)) verifies_.push_back(*verify);
      if (const auto* wake = std::get_if<WakeAt>(&effect)) wake_ = wake->at;
    }
  }

  // ---- answers

  void answer_call(std::size_t which, std::uint8_t how, std::uint8_t detail) {
    if (calls_.empty()) return;
    const Call call = take(calls_, which);
    Reply reply{call.epoch, call.id, docker::Error{}};
    const bool applied = how < 16 || how % 4 == 1;
    if (applied) reply.result = world_.carry_out(call.request, how < 16 ? detail : 0);
    switch (how % 16) {
      case 4: reply.result = MachineWorld::error(call.request, detail); break;
      case 5: reply.result = MachineWorld::error(call.request, 3); break;
      case 6: reply.result = MachineWorld::error(call.request, 2); break;
      case 7: reply.result = odd(detail); break;
      case 8: reply.epoch += detail % 2 == 0 ? 1U : ~std::uint64_t{0}; break;
      case 9: reply.id += detail; break;
      case 10: handle(reply); break;  // and once more
      case 11: lie(reply.result); break;
      default:
        if (!applied) reply.result = MachineWorld::error(call.request, detail);
        break;
    }
    handle(reply);
  }

  /// An answer to another question.
  [[nodiscard]] docker::Result odd(std::uint8_t detail) {
    switch (detail % 5) {
      case 0: return docker::Reply{docker::Done{}};
      case 1: return docker::Reply{docker::ContainerCreated{world_.container(detail), {}}};
      case 2: return docker::Reply{docker::ContainerDetails{}};
      case 3: return docker::Reply{docker::ImagePulled{}};
      default: return docker::Reply{std::vector<docker::ContainerSummary>{}};
    }
  }

  /// The answer, with something in it that is not so.
  void lie(docker::Result& result) {
    auto* reply = std::get_if<docker::Reply>(&result);
    if (reply == nullptr) return;
    if (auto* rows = std::get_if<std::vector<docker::ContainerSummary>>(reply)) {
      if (rows->empty()) return;
      auto& row = (*rows)[input_.byte() % rows->size()];
      const std::uint8_t how = input_.byte();
      if ((how & 1U) != 0) row.state = static_cast<docker::ContainerState>(input_.below(7));
      if ((how & 2U) != 0) row.name += "y";
      if ((how & 4U) != 0) row.labels.clear();
      if ((how & 8U) != 0) rows->push_back(row);
      if ((how & 16U) != 0) rows->pop_back();
    } else if (auto* created = std::get_if<docker::ContainerCreated>(reply)) {
      if (input_.flag()) {
        created->id = world_.container(input_.byte());
      } else {
        created->warnings = {"Your kernel does not support swap limit capabilities", "PIDs limit discarded."};
      }
    } else if (auto* details = std::get_if<docker::ContainerDetails>(reply)) {
      const std::uint8_t how = input_.byte();
      if ((how & 1U) != 0) details->state = static_cast<docker::ContainerState>(input_.below(7));
      if ((how & 2U) != 0) details->name = "other";
      if ((how & 4U) != 0) details->config.labels["cofferdam.agent"] = MachineWorld::agent(input_.byte());
      if ((how & 8U) != 0) details->started_at = WallTime(std::chrono::nanoseconds(input_.number()));
      if ((how & 16U) != 0) details->finished_at = WallTime(std::chrono::nanoseconds(input_.number()));
      if ((how & 32U) != 0) details->host_config.privileged = true;
      if ((how & 64U) != 0) details->id = world_.container(input_.byte());
    }
  }

  void answer_scan(std::uint8_t how) {
    if (scans_.empty()) return;
    const Scan scan = take(scans_, 0);
    handle(world_.snapshot(scan.scan, how));
  }

  void answer_save(std::uint8_t how) {
    if (saves_.empty()) return;
    const Save save = take(saves_, 0);
    const bool good = how % 4 != 1;
    if (good && save.bytes.empty()) world_.records.erase(save.key);
    if (good && !save.bytes.empty()) world_.records[save.key] = save.bytes;
    handle(SaveDone{save.key, save.version, good, good ? "" : "No space left on device"});
  }

  void answer_check(std::uint8_t how) {
    if (workspaces_.empty()) return;
    const CheckWorkspace check = take(workspaces_, 0);
    WorkspaceChecked checked;
    checked.id = check.id;
    checked.agent = check.agent;
    checked.hung = how % 16 == 1;
    checked.facts.kind = how % 16 == 2 ? specs::WorkspaceFacts::Kind::missing : specs::WorkspaceFacts::Kind::directory;
    checked.facts.device = 1;
    checked.facts.inode = 7 + (how >> 7U);
    checked.facts.uid = checked.facts.gid = how % 16 == 3 ? 4 : 1000;
    checked.facts.mode = 0750;
    handle(checked);
  }

  void answer_verify(std::uint8_t how) {
    if (verifies_.empty()) return;
    const Verify verify = take(verifies_, how);
    Verified verified;
    verified.agent = verify.agent;
    verified.container_id = verify.container_id;
    verified.verdict = static_cast<Verified::Verdict>(how % 3);
    verified.field = "CapEff";
    verified.wanted = "0";
    verified.found = "1";
    verified.why = "no process";
    handle(verified);
  }

  /// Everything is answered well, until nothing is waited for.
  void settle() {
    for (int round = 0; round < most_rounds; ++round) {
      if (calls_.empty() && scans_.empty() && saves_.empty() && workspaces_.empty()) return;
      while (!scans_.empty()) answer_scan(0);
      while (!saves_.empty()) answer_save(0);
      while (!workspaces_.empty()) answer_check(0);
      if (!calls_.empty()) answer_call(0, 0, 0);
    }
  }

  // ---- what happens

  void session(Session::State state) {
    Session session;
    if (state == Session::State::up) {
      ++epoch_;
      calls_.clear();
      session.facts.info = MachineWorld::info();
      session.facts.version.version = "20.10.24";
      session.facts.local = input_.byte() % 8 != 1;
    }
    if (state == Session::State::down) calls_.clear();
    if (state != Session::State::up && !up_) return;
    up_ = state != Session::State::down;
    session.epoch = epoch_;
    session.state = state;
    session.why = "as it pleases";
    handle(session);
  }

  /// Until it is known; once, as promised.
  void load_state() {
    const StateLoaded loaded = world_.state(input_);
    if (state_known_) return;
    state_known_ = loaded.known;
    handle(loaded);
  }

  void hint() {
    FileChanged changed;
    if (input_.flag()) changed.name = std::string(1, static_cast<char>('a' + input_.below(4))) + ".yaml";
    changed.kind = static_cast<FileChanged::Kind>(input_.below(3));
    handle(changed);
  }

  void pass_time() {
    const std::uint8_t how = input_.byte();
    const std::int64_t amount = how & 127U;
    const Monotonic before = world_.now.mono;
    Monotonic after = before + std::chrono::milliseconds(amount * amount * 100);
    if (how >= 128 && wake_ && *wake_ > before && *wake_ - before < std::chrono::hours(24 * 365)) after = *wake_;
    world_.now.mono = after;
    world_.now.wall += after - before;
    handle(Timer{});
  }

  void jump() {
    const std::uint8_t how = input_.byte();
    const auto days = std::chrono::hours(24) * (static_cast<std::int64_t>(how & 127U) * 400);
    if ((how & 128U) != 0) {  // no host's clock shows a time before 1970
      world_.now.wall = std::max(WallTime{}, WallTime(std::chrono::seconds(1'767'323'045)) - days);
    } else {
      world_.now.wall = WallTime(std::chrono::seconds(1'767'323'045)) + days;
    }
    if (input_.flag()) world_.now.boot = world_.now.wall;
    if (input_.flag()) world_.now.boot_id += "'";
  }

  void operate() {
    Command command;
    command.id = ++commands_;
    if (input_.flag()) {
      command.what = Release{MachineWorld::agent(input_.byte() % 8)};
    } else {
      const auto& held = machine_->held();
      command.what = ConfirmDeletions{held.empty() ? "none" : held[input_.byte() % held.size()].id};
    }
    handle(command);
  }

  void edit() {
    FileChanged changed;
    changed.name = world_.edit(input_);
    changed.kind = FileChanged::Kind::complete;
    handle(changed);
  }

  void progress() {
    const std::uint8_t which = input_.byte();
    handle(reconciler::PullProgress{calls_.empty() ? which : calls_[which % calls_.size()].id, "1 of 2 layers"});
  }

  void start_up() {
    handle(ConfigRead{MachineWorld::configuration(input_.byte()), {"/etc/cofferdam", "/run/cofferdam"}});
    load_state();
    session(Session::State::up);
  }

  void step() {
    switch ((input_.byte() + 256U - 'a') % 26 + 'a') {
      case 'a': return settle();
      case 'b': start_up(); return settle();
      case 'c': return handle(ConfigRead{MachineWorld::configuration(input_.byte()), {"/etc/cofferdam"}});
      case 'd': return answer_scan(input_.byte());
      case 'e': return handle(Event{epoch_, world_.event(input_)});
      case 'f': return edit();
      case 'g': return session(Session::State::gap);
      case 'h': return hint();
      case 'i': return world_.images(input_.byte());
      case 'j': return jump();
      case 'k': return answer_check(input_.byte());
      case 'l': return progress();
      case 'm': edit(); return settle();
      case 'n': pass_time(); return settle();
      case 'o': return operate();
      case 'p': return world_.people(input_);
      case 'q': return answer_verify(input_.byte());
      case 'r': {
        const std::size_t which = input_.byte();
        const std::uint8_t how = input_.byte();
        return answer_call(which, how, input_.byte());
      }
      case 's': return load_state();
      case 't': return pass_time();
      case 'u': return session(Session::State::up);
      case 'v': return answer_save(input_.byte());
      case 'w': return session(Session::State::down);
      case 'x': return begin();
      case 'y': return look();
      default: return handle(Shutdown{});
    }
  }

  /// What people see, which changes nothing.
  void look() const {
    for (const auto& line : machine_->plan(world_.now)) require(!line.text().empty(), "a line of the plan has words");
    for (const auto& [agent, status] : machine_->statuses()) {
      require(status.agent == agent, "a status is its agent's", agent);
      require(status.reason != "InternalError", "no invariant is broken", agent + ": " + status.message);
      const auto sources = machine_->log_sources(agent);
      require(sources.current.empty() || sources.current != sources.previous, "logs are of two containers", agent);
    }
    for (const auto& row : machine_->owned_containers()) require(!row.id.empty(), "what is owned has an id");
  }

  Input input_;
  bool twice_;
  MachineWorld world_;
  MachineChecks checks_;
  std::unique_ptr<Reconciler> machine_;
  std::unique_ptr<Reconciler> twin_;
  std::vector<Call> calls_;
  std::vector<Scan> scans_;
  std::vector<CheckWorkspace> workspaces_;
  std::vector<Save> saves_;
  std::vector<Verify> verifies_;
  std::optional<Monotonic> wake_;
  std::uint64_t epoch_ = 0;
  std::uint64_t commands_ = 0;
  bool up_ = false;
  bool state_known_ = false;
};

}  // namespace
}  // namespace cofferdam::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  cofferdam::fuzz::Run(cofferdam::fuzz::Input(data, size)).all();
  return 0;
}
