// The life of processes, of the daemon and of its host.

#include <algorithm>
#include <array>
#include <utility>

#include "tests/sim/engine.hpp"

namespace cofferdam::sim {

using docker::ContainerState;

std::string_view name_of(Who who) {
  switch (who) {
    case Who::nobody: return "nobody";
    case Who::itself: return "itself";
    case Who::controller: return "controller";
    case Who::rival: return "rival";
    case Who::person: return "person";
    case Who::engine: return "engine";
    case Who::host: return "host";
  }
  return {};
}

namespace {

int end_by_stop(const Container& container) {
  return container.program.term_code >= 0 ? container.program.term_code : 137;
}

}  // namespace

Engine::Engine(Schedule& schedule, Host& host, Trace& trace, std::uint64_t seed, EngineTraits traits)
    : schedule_(schedule), host_(host), trace_(trace), seed_(seed), random_(mixed(seed, "engine")), traits_(traits) {}

std::string Engine::new_id(std::string_view kind) {
  static constexpr std::array<char, 17> digits{"0123456789abcdef"};
  std::string id;
  std::uint64_t state = mixed(seed_ ^ ++ids_, kind);
  for (int word = 0; word < 4; ++word) {
    state = mixed(state);
    for (unsigned shift = 0; shift < 64; shift += 4) id += digits[(state >> shift) & 15U];
  }
  return id;
}

SimTime Engine::takes(SimTime usual) {
  return usual * traits_.slowness / 100 * random_.between(70, 160) / 100;
}

void Engine::after(SimTime delay, std::function<void()> work) {
  schedule_.after(delay, [this, life = life_, work = std::move(work)] {
    if (life != life_) return;
    if (hung_) {
      held_back_.push_back(work);
      return;
    }
    work();
  });
}

void Engine::when_free(const std::shared_ptr<Container>& container, std::function<void()> work) {
  container->waiting.push_back(std::move(work));
}

ContainerState Engine::listed_state(const Container& container) const {
  return schedule_.now() < container.listed_until || container.listed_stale ? container.listed_state : container.shown.state;
}

void Engine::set_state(Container& container, ContainerState state) {
  docker::ContainerDetails& shown = container.shown;
  container.listed_state = listed_state(container);
  container.listed_until = schedule_.now() + random_.between(0, 70) * millisecond;
  container.listed_stale = false;
  shown.state = state;
  shown.running = container.live();
  shown.paused = state == ContainerState::paused;
  shown.dead = state == ContainerState::dead;
  container.changed_at = schedule_.now();
}

void Engine::process_begins(Who who, Container& container) {
  docker::ContainerDetails& shown = container.shown;
  set_state(container, ContainerState::running);
  container.process = ++processes_;
  container.live_since = schedule_.now();
  container.started_by = who;
  container.ghost = false;
  shown.pid = static_cast<std::int64_t>(1000 + container.process);
  shown.exit_code = 0;
  shown.oom_killed = false;
  shown.started_at = wall();
  container_event(container, "start");
  changed(container, "start", who);

  Program program = container.program;
  if (program.command_code != 0) program = Program{.runs_for = 2 * millisecond, .exit_code = program.command_code};
  if (program.runs_for == 0) return;
  if (program.times > 0) {
    std::string key;
    for (const std::string& word : shown.config.entrypoint.value_or(std::vector<std::string>{})) key += word + " ";
    const auto agent = shown.config.labels.find("cofferdam.agent");
    if (agent != shown.config.labels.end()) key += agent->second;
    if (ends_by_itself_[key] >= program.times) return;
    ++ends_by_itself_[key];
  }
  const auto held = find(shown.id);
  schedule_.after(program.runs_for, [this, held, program, process = container.process] {
    if (held->process != process) return;
    process_ends(*held, Who::itself, program.oom ? 137 : program.exit_code, program.oom);
  });
}

void Engine::process_ends(Container& container, Who who, int code, bool oom) {
  docker::ContainerDetails& shown = container.shown;
  container.process = 0;
  container.ended_by = who;
  container.ended_at = schedule_.now();
  shown.pid = 0;
  shown.exit_code = code;
  shown.oom_killed = oom;
  shown.finished_at = wall();
  // The engine writes the start when the runtime answered: a quick process may have ended before.
  if (shown.started_at && *shown.finished_at - *shown.started_at < std::chrono::milliseconds{3}) {
    shown.started_at = *shown.finished_at + std::chrono::microseconds{1300};
  }
  if (!up_ && traits_.live_restore && who != Who::engine) {
    // Nobody watches: the daemon will find it ended when it is back.
    set_state(container, ContainerState::exited);
    changed(container, "die", who);
    return;
  }
  const bool again = up_ && who != Who::engine && !container.restart_cancelled && restarts(container);
  set_state(container, again ? ContainerState::restarting : ContainerState::exited);
  if (oom) container_event(container, "oom");
  container_event(container, "die", {{"exitCode", std::to_string(code)}});
  changed(container, "die", who);
  for (auto& work : std::exchange(container.at_end, {})) after(takes(10 * millisecond), std::move(work));
  const auto held = find(shown.id);
  if (again) {
    restart_later(held);
  } else if (shown.host_config.auto_remove) {
    after(takes(20 * millisecond), [this, held] {
      if (held->process == 0) removed(held, Who::engine);
    });
  }
}

bool Engine::restarts(const Container& container) const {
  const std::string& policy = container.shown.host_config.restart_policy;
  if (policy == "always") return true;
  if (policy == "unless-stopped") return !container.stopped_by_hand;
  return policy == "on-failure" && container.shown.exit_code != 0;
}

void Engine::restart_later(const std::shared_ptr<Container>& container) {
  // The pause doubles with each end in a row, up to a minute; ten seconds of running end the row.
  const bool ran_well = container->ended_at - container->live_since > 10 * second;
  container->restart_pause =
      ran_well || container->restart_pause == 0 ? 100 * millisecond : std::min(2 * container->restart_pause, minute);
  after(container->restart_pause, [this, container] {
    if (container->shown.state != ContainerState::restarting) return;
    ++container->shown.restart_count;
    process_begins(Who::engine, *container);
  });
}

void Engine::signal(Who who, Container& container, int number) {
  const bool kills = number == signal_kill;
  container_event(container, "kill", {{"signal", std::to_string(number)}});
  changed(container, kills ? "kill KILL" : number == signal_term ? "kill TERM" : "kill other", who);
  if (kills ? container.unkillable : container.program.term_code < 0 || number == signal_winch) return;
  const int code = kills || number != signal_term ? 128 + number : container.program.term_code;
  const SimTime delay = kills ? takes(20 * millisecond) : container.program.term_takes;
  const auto held = find(container.shown.id);
  schedule_.after(delay, [this, held, who, code, process = container.process] {
    if (held->process != process || process == 0) return;
    // Docker runs on while its daemon is down, but for a daemon that hangs: the process ends all the same.
    process_ends(*held, who, code, false);
  });
}

void Engine::container_event(const Container& container, const std::string& action,
                             std::map<std::string, std::string> attributes) {
  attributes["name"] = container.shown.name;
  attributes["image"] = container.shown.config.image;
  // Labels are laid over the attributes, whoever wrote them.
  for (const auto& [key, value] : container.shown.config.labels) attributes[key] = value;
  emit("container", action, container.shown.id, std::move(attributes));
}

void Engine::emit(const std::string& type, const std::string& action, const std::string& actor,
                  std::map<std::string, std::string> attributes) {
  if (!up_ || !on_event) return;
  docker::Event event;
  event.type = type;
  event.action = action;
  event.actor = actor;
  event.attributes = std::move(attributes);
  event.time_ns = wall().time_since_epoch().count();
  on_event(event);
}

void Engine::daemon_stops(bool killed) {
  if (!up_) return;
  if (!killed && !traits_.live_restore) {
    for (const auto& [id, container] : containers_) {
      if (container->process == 0) continue;
      process_ends(*container, Who::engine, end_by_stop(*container), false);
    }
  }
  up_ = false;
  hung_ = false;
  ++life_;
  held_back_.clear();
  for (const auto& [id, container] : containers_) {
    container->busy = false;
    container->waiting.clear();
    container->at_end.clear();
  }
}

void Engine::daemon_starts() {
  if (up_) return;
  ++life_;
  phantom_names_.clear();
  for (const auto& [id, container] : containers_) {
    container->listed_until = 0;
    container->listed_stale = false;
    if (container->shown.state == ContainerState::removing) set_state(*container, ContainerState::dead);
    if (container->shown.state == ContainerState::restarting) set_state(*container, ContainerState::exited);
    if (container->process == 0) {
      // One that ran when the host went down: the daemon writes its end now.
      if (container->live()) {
        container->shown.finished_at = wall();
        container->shown.exit_code = 255;
        container->shown.pid = 0;
        set_state(*container, ContainerState::exited);
        changed(*container, "die", Who::host);
      }
      continue;
    }
    if (traits_.live_restore) continue;
    // Left running by a killed daemon: it is stopped, by TERM and then by KILL, before the API answers.
    process_ends(*container, Who::engine, end_by_stop(*container), false);
  }
  up_ = true;
  const auto all = containers_;
  for (const auto& [id, container] : all) {
    if (container->process != 0 || container->shown.state != ContainerState::exited) continue;
    if (container->shown.host_config.auto_remove) {
      removed(container, Who::engine);
    } else if (restarts(*container)) {
      set_state(*container, ContainerState::restarting);
      restart_later(container);
    }
  }
}

void Engine::daemon_hangs(bool hangs) {
  if (hung_ == hangs || !up_) return;
  hung_ = hangs;
  if (hangs) return;
  auto waiting = std::exchange(held_back_, {});
  for (auto& work : waiting) work();
}

void Engine::host_dies() {
  for (const auto& [id, container] : containers_) {
    if (container->process == 0) continue;
    container->process = 0;
    container->ended_by = Who::host;
    container->ended_at = schedule_.now();
  }
  up_ = false;
  hung_ = false;
  ++life_;
  held_back_.clear();
  for (const auto& [id, container] : containers_) {
    container->busy = false;
    container->waiting.clear();
    container->unkillable = false;
  }
}

}  // namespace cofferdam::sim
