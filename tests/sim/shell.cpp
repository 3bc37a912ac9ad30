#include "tests/sim/shell.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "tests/sim/allocation.hpp"
#include "tests/sim/hashes.hpp"
#include "tests/sim/world.hpp"

namespace cofferdam::sim {

using reconciler::Session;

namespace {

reconciler::Identity identity() {
  return {"default", "cofferdam", "sim"};
}

/// The machine waits for its answer.
bool awaited(const reconciler::Effect& effect) {
  return std::holds_alternative<reconciler::Scan>(effect) || std::holds_alternative<reconciler::CheckWorkspace>(effect) ||
         std::holds_alternative<reconciler::Save>(effect) || std::holds_alternative<reconciler::Call>(effect) ||
         std::holds_alternative<reconciler::Verify>(effect);
}

}  // namespace

Shell::Shell(World& world, std::uint64_t life)
    : world_(world),
      life_(life),
      machine_(std::make_unique<reconciler::Reconciler>(identity())),
      random_(mixed(world.plan.seed ^ (life << 32U), "shell")),
      started_at_(world.schedule.now()) {}

Shell::~Shell() = default;

void Shell::after(SimTime delay, std::function<void()> work) {
  world_.schedule.after(delay, [this, work = std::move(work)] {
    if (alive_) work();
  });
}

void Shell::start() {
  world_.log().line(world_.schedule.now(), [&] { return "controller starts, life " + std::to_string(life_); });
  world_.checks().life_begins(*this);
  handle(reconciler::ConfigRead{world_.configuration(), {"/specs", "/state", "/run/cofferdam", "/var/run/docker.sock"}});
  after(random_.between(1, 4) * millisecond, [this] { handle(world_.state().load()); });
  after(random_.between(0, 6) * millisecond, [this] { connect(); });
}

void Shell::die() {
  alive_ = false;
  up_ = false;
  flights_.clear();
}

void Shell::handle(const reconciler::Input& input, const Item* fault) {
  if (!alive_) return;
  if (now_is_ != world_.schedule.now()) {
    now_is_ = world_.schedule.now();
    inputs_now_ = 0;
  }
  if (++inputs_now_ > 5000) {
    if (inputs_now_ == 5001) world_.checks().violated("machine", "it spins: more than 5000 inputs at one moment");
    return;
  }
  ++world_.statistics().inputs;
  world_.checks().before_input(*this, input);
  auto effects = turn(input);
  if (!effects) return;
  world_.checks().after_input(*this, input, *effects);
  if (!alive_ || dies(fault, "crash-after")) return;
  carry_out_all(std::move(*effects));
}

std::optional<reconciler::Effects> Shell::turn(const reconciler::Input& input) {
  try {
    const CountedAllocations counted(world_.healed() ? nullptr : world_.allocations());
    return machine_->handle(input, world_.host.now(world_.schedule.now()));
  } catch (const std::bad_alloc&) {
    // Production's loop ends the process before any effect of this input; nothing of the half-done turn is seen again.
    world_.took_place("allocation");
    world_.crash(random_.between(10, 3000) * millisecond);
    return std::nullopt;
  }
}

bool Shell::dies(const Item* fault, std::string_view moment) {
  if (fault == nullptr || fault->argument != moment) return false;
  world_.took_place("call " + fault->argument);
  world_.crash(random_.between(10, 3000) * millisecond);
  return true;
}

void Shell::carry_out_all(reconciler::Effects effects) {
  // The effects of one input are unordered, but for the saves of one key.
  for (std::size_t left = effects.size(); left > 1; --left) std::swap(effects[left - 1], effects[random_.below(left)]);
  for (auto& effect : effects) {
    auto* save = std::get_if<reconciler::Save>(&effect);
    for (auto later = &effect + 1; save != nullptr && later != effects.data() + effects.size(); ++later) {
      auto* other = std::get_if<reconciler::Save>(later);
      if (other != nullptr && other->key == save->key && other->version < save->version) std::swap(*other, *save);
    }
  }
  for (const auto& effect : effects) {
    if (!alive_) return;
    note(world_.log(), effect);
    carry_out(effect);
  }
}

void Shell::carry_out(const reconciler::Effect& effect) {
  struct Visitor {
    Shell& shell;
    void operator()(const reconciler::Scan& scan) const { shell.scan(scan); }
    void operator()(const reconciler::CheckWorkspace& check) const { shell.check(check); }
    void operator()(const reconciler::Verify& verify) const { shell.verify(verify); }
    void operator()(const reconciler::Save& save) const { shell.save(save); }
    void operator()(const reconciler::Call& call) const { shell.issue(call); }
    void operator()(const reconciler::Cancel& cancel) const {
      shell.fail(cancel.id, millisecond, docker::ErrorClass::cancelled, 0, "withdrawn");
    }
    void operator()(const reconciler::WakeAt& wake) const {
      const SimTime at = wake.at.time_since_epoch().count() + shell.world_.host.booted;
      if (at > shell.world_.schedule.now() + 400 * 24 * hour) return;  // never
      const std::uint64_t timer = ++shell.timer_;
      shell.world_.schedule.at(at, [&shell = shell, timer] {
        if (shell.alive_ && shell.timer_ == timer) shell.handle(reconciler::Timer{});
      });
    }
    void operator()(const reconciler::WriteStatus&) const {}
    void operator()(const reconciler::DropStatus&) const {}
    void operator()(const reconciler::Audit& audit) const {
      shell.world_.log().line(shell.world_.schedule.now(), [&] {
        std::string text = "  log " + audit.event + (audit.agent.empty() ? "" : " " + audit.agent) + ": " + audit.message;
        for (const auto& [key, value] : audit.fields) text += " " + key + "=" + value;
        return text;
      });
    }
    void operator()(const reconciler::Metric&) const {}
    void operator()(const reconciler::Answer& answer) const {
      shell.world_.log().line(shell.world_.schedule.now(),
                              [&] { return std::string("  answer ") + (answer.ok ? "ok " : "no ") + answer.message; });
    }
  };
  // Nobody waits for these: a crash falls before one of them, and so between two effects of one input.
  if (world_.notes_others && !awaited(effect)) {
    if (dies(world_.fault_on("call", "other", world_.point(*this, "other")), "crash-before")) return;
  }
  std::visit(Visitor{*this}, effect);
}

void Shell::scan(const reconciler::Scan& scan) {
  const std::int64_t number = world_.point(*this, "scan");
  const Item* fault = world_.fault_on("call", "scan", number);
  const SimTime takes = random_.between(1, 5) * millisecond;
  if (dies(fault, "crash-before")) return;
  after(takes, [this, scan, number, fault] {
    const bool fails = fault != nullptr && fault->argument == "unreadable" && world_.folder().plain();
    if (fails) world_.folder().set_unreadable(true);
    const specs::DirSnapshot snapshot = world_.folder().snapshot(scan.scan, seen_);
    if (fails) world_.folder().set_unreadable(false);
    world_.point_answered("scan", number);
    if (!dies(fault, "crash-applied")) handle(snapshot, fault);
  });
}

void Shell::check(const reconciler::CheckWorkspace& check) {
  const std::int64_t number = world_.point(*this, "check");
  const Item* fault = world_.fault_on("call", "check", number);
  reconciler::WorkspaceChecked checked;
  checked.id = check.id;
  checked.agent = check.agent;
  const auto& workspaces = world_.host.workspaces;
  const auto found = workspaces.find(check.path);
  checked.hung = (found != workspaces.end() && found->second.hangs) || (fault != nullptr && fault->argument == "hangs");
  if (found != workspaces.end() && !checked.hung) checked.facts = found->second.facts;
  if (fault != nullptr && fault->argument == "missing") checked.facts.kind = specs::WorkspaceFacts::Kind::missing;
  const SimTime takes = checked.hung ? 5 * second : random_.between(1, 3) * millisecond;
  if (dies(fault, "crash-before")) return;
  after(takes, [this, checked, number, fault] {
    world_.point_answered("check", number);
    if (!dies(fault, "crash-applied")) handle(checked, fault);
  });
}

void Shell::verify(const reconciler::Verify& verify) {
  const std::int64_t number = world_.point(*this, "verify");
  const Item* fault = world_.fault_on("call", "verify", number);
  reconciler::Verified verified;
  verified.agent = verify.agent;
  verified.container_id = verify.container_id;
  verified.why = "not simulated";
  if (world_.fault_on("violate", "verify", number) != nullptr) {
    verified.verdict = reconciler::Verified::Verdict::violated;
    verified.field = "CapEff";
    verified.wanted = "0";
    verified.found = "1";
  }
  if (dies(fault, "crash-before")) return;
  after(millisecond, [this, verified, number, fault] {
    world_.point_answered("verify", number);
    if (!dies(fault, "crash-applied")) handle(verified, fault);
  });
}

void Shell::save(const reconciler::Save& save) {
  SimTime& free_at = save_free_at_[save.key];
  const SimTime now = world_.schedule.now();
  free_at = std::max(free_at, now) + random_.between(1, 12) * millisecond;
  const std::int64_t number = world_.point(*this, "save");
  const Item* fault = world_.fault_on("call", "save", number);
  if (fault != nullptr && kind_of(*fault) == "slow") free_at += amount_of(*fault) * millisecond;
  world_.schedule.at(free_at, [this, save, number, fault] {
    if (!alive_ || dies(fault, "crash-before")) return;
    const bool refused = fault != nullptr && fault->argument == "no-space";
    const bool good = !refused && world_.state().save(save.key, save.bytes);
    world_.checks().saved(*this, save, good);
    world_.log().line(world_.schedule.now(), [&] {
      return "state " + std::string(save.bytes.empty() ? "ends " : "saves ") + save.key + (good ? "" : ": refused");
    });
    if (dies(fault, "crash-applied")) return;
    reconciler::SaveDone done{save.key, save.version, good, good ? "" : "No space left on device"};
    after(random_.between(0, 2) * millisecond, [this, done, number, fault] {
      world_.point_answered("save", number);
      handle(done, fault);
    });
  });
}

void Shell::connect() {
  if (up_) return;
  const auto again = [this](const std::string& why) {
    ++tries_;
    if (tries_ == 1) {
      Session session;
      session.epoch = epoch_;
      session.why = why;
      handle(session);
    }
    const SimTime delay = std::min<SimTime>(100 * millisecond << std::min<std::uint64_t>(tries_, 6), 5 * second);
    after(delay, [this] { connect(); });
  };
  if (!world_.engine().up()) return again("connection refused");
  if (world_.engine().hung()) return again("the engine hangs");
  up_ = true;
  tries_ = 0;
  ++epoch_;
  last_event_at_ = 0;
  Session session;
  session.epoch = epoch_;
  session.state = Session::State::up;
  session.facts.version = world_.engine().version();
  session.facts.info = world_.engine().info();
  session.facts.address = "unix:///var/run/docker.sock";
  session.facts.local = world_.engine().traits().local;
  world_.log().line(world_.schedule.now(), [&] { return "session " + std::to_string(epoch_) + " up"; });
  handle(session);
}

void Shell::end_session(const std::string& why) {
  if (!up_ || !alive_) return;
  up_ = false;
  // The calls' ends and the stream's come in any order.
  std::vector<reconciler::CallId> ids;
  for (const auto& [id, flight] : flights_) ids.push_back(id);
  for (const auto id : ids) {
    fail(id, random_.between(0, 400) * millisecond / 100, docker::ErrorClass::reset, 0, "connection reset by peer");
  }
  Session session;
  session.epoch = epoch_;
  session.why = why;
  after(random_.between(0, 200) * millisecond / 100, [this, session] {
    world_.log().line(world_.schedule.now(), [&] { return "session " + std::to_string(session.epoch) + " down"; });
    handle(session);
  });
  after(random_.between(100, 300) * millisecond, [this] { connect(); });
}

void Shell::engine_went_away() {
  end_session("the event stream ended");
}

void Shell::stream_breaks(bool gap_only) {
  if (!gap_only) return end_session("connection reset by peer");
  if (!up_) return;
  Session session;
  session.epoch = epoch_;
  session.state = Session::State::gap;
  session.why = "events were lost";
  handle(session);
}

void Shell::engine_event(const docker::Event& event) {
  if (!up_ || !alive_) return;
  const std::int64_t number = world_.count("event");
  const Item* fault = world_.fault_on("event", "any", number);
  if (fault != nullptr && fault->argument == "drop") return;
  const SimTime now = world_.schedule.now();
  SimTime at = std::max(last_event_at_, now + random_.between(100, 2000) * millisecond / 1000);
  last_event_at_ = at;
  if (fault != nullptr && kind_of(*fault) == "late") at += amount_of(*fault) * millisecond;
  docker::Event told = event;
  if (fault != nullptr && fault->argument == "forged") {
    // Labels are copied over what the engine says of itself.
    for (const char* const key : {"exitCode", "signal", "name", "image", "cofferdam.agent", "cofferdam.role"}) {
      told.attributes[key] = "0";
    }
  }
  const auto deliver = [this, epoch = epoch_, event = std::move(told)] {
    if (!alive_ || !up_ || epoch != epoch_) return;
    world_.log().line(world_.schedule.now(), [&] { return "event " + event.action + " " + event.actor.substr(0, 12); });
    handle(reconciler::Event{epoch, event});
  };
  world_.schedule.at(at, deliver);
  if (fault != nullptr && kind_of(*fault) == "twice") world_.schedule.at(at + amount_of(*fault) * millisecond, deliver);
}

void Shell::file_changed(const std::string& name, reconciler::FileChanged::Kind kind) {
  if (world_.hints_lost) return;
  after(random_.between(1, 8) * millisecond / 4, [this, name, kind] { handle(reconciler::FileChanged{name, kind}); });
}

void Shell::configuration_changed() {
  handle(reconciler::ConfigRead{world_.configuration(), {"/specs", "/state", "/run/cofferdam", "/var/run/docker.sock"}});
}

void Shell::command(std::variant<reconciler::ConfirmDeletions, reconciler::Release> what) {
  if (const auto* confirm = std::get_if<reconciler::ConfirmDeletions>(&what)) {
    for (const auto& held : machine_->held()) {
      if (held.id == confirm->id) world_.checks().confirmed(held.agents);
    }
  }
  handle(reconciler::Command{++commands_, std::move(what)});
}

void Shell::shut_down() {
  handle(reconciler::Shutdown{});
}

}  // namespace cofferdam::sim
