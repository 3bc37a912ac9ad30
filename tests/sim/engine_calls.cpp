// The simulated engine's answers to calls that change something.

#include <array>
#include <string_view>
#include <utility>

#include "tests/sim/engine.hpp"

namespace cofferdam::sim {

using docker::ContainerState;

docker::Error status_error(int status, std::string message) {
  docker::Error error;
  error.error_class = docker::ErrorClass::status;
  error.status = status;
  error.message = std::move(message);
  return error;
}

namespace {

docker::Error no_such_container(const std::string& id) {
  return status_error(404, "No such container: " + id);
}

docker::Error as_start(docker::Error error) {
  error.operation = "container start";
  return error;
}

/// 0: no such signal.
int signal_number(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, int>, 8> names{{{"HUP", 1},
                                                                          {"INT", 2},
                                                                          {"QUIT", 3},
                                                                          {"KILL", signal_kill},
                                                                          {"USR1", 10},
                                                                          {"USR2", 12},
                                                                          {"TERM", signal_term},
                                                                          {"WINCH", signal_winch}}};
  if (name.starts_with("SIG")) name.remove_prefix(3);
  for (const auto& [known, number] : names) {
    if (name == known) return number;
  }
  return 0;
}

}  // namespace

/// One call each, with its operation and object written into an error.
struct CallVisitor {
  Engine& engine;
  Who who;
  Engine::Done done;

  void operator()(const docker::ContainerList& list) { done(engine.list(list)); }
  void operator()(const docker::ContainerInspect& inspect) { engine.inspect(inspect, std::move(done)); }
  void operator()(const docker::ContainerCreate& create) {
    engine.after(engine.takes(15 * millisecond),
                 [&engine = engine, who = who, create, done = std::move(done)] { done(engine.create(who, create)); });
  }
  void operator()(const docker::ContainerStart& start) { engine.start(who, start, std::move(done)); }
  void operator()(const docker::ContainerKill& kill) { done(engine.kill(who, kill)); }
  void operator()(const docker::ContainerStop& stop) {
    engine.stop(who, stop.id, stop.timeout ? stop.timeout->count() * second : 10 * second, std::move(done));
  }
  void operator()(const docker::ContainerRemove& remove) { engine.remove(who, remove, std::move(done)); }
  void operator()(const docker::ContainerWait& wait) { done(status_error(501, "not simulated: wait " + wait.id)); }
  void operator()(const docker::ContainerArchive& archive) { done(engine.archive(archive)); }
  void operator()(const docker::ImageInspect& image) { done(engine.inspect_image(image)); }
  void operator()(const docker::ImagePull& pull) {
    engine.after(engine.takes(800 * millisecond), [&engine = engine, pull, done = std::move(done)] { done(engine.pull(pull)); });
  }
  void operator()(const docker::NetworkInspect& network) {
    if (!engine.networks_.contains(network.name)) return done(status_error(404, "network " + network.name + " not found"));
    docker::NetworkDetails details;
    details.id = "net-" + network.name;
    details.name = network.name;
    details.driver = network.name == "none" ? "null" : network.name == "host" ? "host" : "bridge";
    done(docker::Reply{details});
  }
  void operator()(const docker::SystemPing&) { done(docker::Reply{docker::Pong{"1.41", false}}); }
  void operator()(const docker::SystemVersion&) { done(docker::Reply{engine.version()}); }
  void operator()(const docker::SystemInfo&) { done(docker::Reply{engine.info()}); }
};

void Engine::call(Who who, const docker::Request& request, Done done) {
  if (hung_) {
    held_back_.push_back([this, who, request, done = std::move(done)] { call(who, request, done); });
    return;
  }
  ++calls_;
  Done told = [operation = std::string(docker::operation_of(request)), object = docker::object_of(request),
               done = std::move(done)](docker::Result result) {
    if (auto* error = std::get_if<docker::Error>(&result)) {
      error->operation = operation;
      error->object = object;
    }
    done(std::move(result));
  };
  std::visit(CallVisitor{*this, who, std::move(told)}, request);
}

void Engine::start(Who who, const docker::ContainerStart& request, Done done) {
  const auto container = find(request.id);
  if (!container) return done(no_such_container(request.id));
  if (container->busy) {
    when_free(container, [this, who, request, done] { start(who, request, done); });
    return;
  }
  docker::ContainerDetails& shown = container->shown;
  switch (shown.state) {
    case ContainerState::running:
    case ContainerState::restarting: return done(docker::Reply{docker::Done{true}});
    case ContainerState::paused: return done(status_error(409, "cannot start a paused container, try unpause instead"));
    case ContainerState::removing:
    case ContainerState::dead: return done(status_error(409, "container is marked for removal and cannot be started"));
    case ContainerState::created:
    case ContainerState::exited: break;
  }
  if (auto refused = refuse_mounts(shown.host_config)) return done(*refused);
  container->busy = true;
  changed(*container, "starting", who);
  const bool networked = shown.host_config.network_mode != "none";
  after(takes(networked ? 590 * millisecond : 230 * millisecond), [this, who, container, done] {
    start_completes(who, *container, done);
    container->busy = false;
    auto waiting = std::exchange(container->waiting, {});
    for (auto& work : waiting) work();
  });
}

/// What the runtime finds when it has the container half made.
std::optional<docker::Error> Engine::refuse_start(const Container& container) const {
  const docker::ContainerDetails& shown = container.shown;
  const std::string& network = shown.host_config.network_mode;
  if (network != "default" && !networks_.contains(network)) return status_error(404, "network " + network + " not found");
  if (refuse_mounts(shown.host_config)) {
    return status_error(500,
                        "OCI runtime create failed: rootfs_linux.go: mounting to rootfs: no such file or directory: unknown");
  }
  const std::string user = shown.config.user.substr(0, shown.config.user.find(':'));
  const Image* image = image_of(shown.image_id);
  const bool named = user.find_first_not_of("0123456789") != std::string::npos;
  if (named && image != nullptr && ("\n" + image->passwd).find("\n" + user + ":") == std::string::npos) {
    return status_error(500, "unable to find user " + user + ": no matching entries in passwd file");
  }
  const int code = container.program.start_code != 0 ? container.program.start_code
                   : shown.host_config.init          ? 0
                                                     : container.program.command_code;
  if (code == 127)
    return status_error(400, "OCI runtime create failed: exec: \"agent\": executable file not found in $PATH: unknown");
  if (code == 126) return status_error(400, "OCI runtime create failed: exec: \"/agent\": permission denied: unknown");
  return std::nullopt;
}

void Engine::start_completes(Who who, Container& container, const Done& done) {
  docker::ContainerDetails& shown = container.shown;
  if (const auto refused = refuse_start(container)) {
    const int code = docker::start_exit_code(as_start(*refused));
    shown.error = refused->message;
    if (shown.exit_code == 0 || code != 0) shown.exit_code = code != 0 ? code : 128;
    if (code != 0) changed(container, "start-failed", Who::itself);
    if (shown.host_config.auto_remove) {
      after(takes(20 * millisecond), [this, held = find(shown.id)] { removed(held, Who::engine); });
    }
    return done(*refused);
  }
  shown.error.clear();
  shown.restart_count = 0;
  container.stopped_by_hand = container.restart_cancelled = false;
  container.restart_pause = 0;
  process_begins(who, container);
  done(docker::Reply{docker::Done{}});
}

docker::Result Engine::kill(Who who, const docker::ContainerKill& request) {
  const auto container = find(request.id);
  if (!container) return no_such_container(request.id);
  const int number = signal_number(request.signal);
  if (number == 0) return status_error(400, "Invalid signal: " + request.signal);
  if (!container->live() || container->ghost) {
    return status_error(409, "Cannot kill container: " + request.id + ": Container " + request.id + " is not running");
  }
  const bool ends = number == signal_kill || number == signal_term;  // which every container here has as its stop signal
  container->stopped_by_hand = true;
  container->restart_cancelled = container->restart_cancelled || ends;
  if (container->shown.state == ContainerState::restarting) {
    if (ends) set_state(*container, ContainerState::exited);
    return docker::Reply{docker::Done{}};
  }
  signal(who, *container, number);
  if (ends) unpause(container->shown.id);
  return docker::Reply{docker::Done{}};
}

void Engine::remove(Who who, const docker::ContainerRemove& request, Done done) {
  const auto container = find(request.id);
  if (!container) return done(no_such_container(request.id));
  if (container->busy) {
    when_free(container, [this, who, request, done] { remove(who, request, done); });
    return;
  }
  const std::string& id = container->shown.id;
  switch (container->shown.state) {
    case ContainerState::removing: return done(status_error(409, "removal of container " + id + " is already in progress"));
    case ContainerState::running:
      if (request.force) break;
      return done(status_error(
          409, "You cannot remove a running container " + id + ". Stop the container before attempting removal or force remove"));
    case ContainerState::paused:
      if (request.force) break;
      return done(status_error(409, "You cannot remove a paused container " + id +
                                        ". Unpause and then stop the container before attempting removal or force remove"));
    case ContainerState::restarting:
      if (request.force) break;
      return done(status_error(409, "You cannot remove a restarting container " + id +
                                        ". Stop the container before attempting removal or force remove"));
    case ContainerState::created:
    case ContainerState::exited:
    case ContainerState::dead: break;
  }
  if (container->live()) {
    if (container->unkillable && container->process != 0)  // a ghost has none that could hold out
      return done(status_error(500, "could not kill container: tried to kill container, but did not receive an exit event"));
    container->restart_cancelled = true;
    if (container->shown.state != ContainerState::restarting) {
      container_event(*container, "kill", {{"signal", std::to_string(signal_kill)}});
      changed(*container, "kill KILL", who);
      process_ends(*container, who, 128 + signal_kill, false);
    }
  }
  set_state(*container, ContainerState::removing);
  changed(*container, "removing", who);
  after(takes(container->removal_takes), [this, who, container, done] {
    if (container->removal_sticks) {
      set_state(*container, ContainerState::dead);
      container->listed_state = ContainerState::removing;  // what it wrote down last
      container->listed_stale = true;
      container->shown.error =
          "container " + container->shown.id + ": driver \"overlay2\" failed to remove root filesystem: device or resource busy";
      changed(*container, "dead", who);
      return done(status_error(500, container->shown.error));
    }
    removed(container, who);
    done(docker::Reply{docker::Done{}});
  });
}

void Engine::removed(const std::shared_ptr<Container>& container, Who who) {
  if (!containers_.contains(container->shown.id)) return;
  containers_.erase(container->shown.id);
  const auto named = names_.find(container->shown.name);
  if (named != names_.end() && named->second == container->shown.id) names_.erase(named);
  container_event(*container, "destroy");
  changed(*container, "destroy", who);
}

}  // namespace cofferdam::sim
