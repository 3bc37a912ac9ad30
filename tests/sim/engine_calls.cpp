// The simulated engine's answers to calls that change something.

#include <algorithm>
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

/// What an option of a tmpfs, a list of capabilities or a label says is not this engine's business: it keeps them.
docker::MountPoint mount_point_of(const docker::Mount& mount) {
  docker::MountPoint point;
  point.type = mount.type;
  point.source = mount.source;
  point.destination = mount.target;
  point.read_write = !mount.read_only;
  point.propagation = mount.propagation;
  return point;
}

std::string name_of_variable(const std::string& entry) {
  return entry.substr(0, entry.find('='));
}

/// The image's environment under the asked one; a bare NAME takes one away.
std::vector<std::string> merged_environment(const std::vector<std::string>& image, const std::vector<std::string>& asked) {
  std::vector<std::string> merged;
  for (const std::string& entry : asked) {
    if (entry.find('=') != std::string::npos) merged.push_back(entry);
  }
  for (const std::string& entry : image) {
    const std::string name = name_of_variable(entry);
    const bool set =
        std::any_of(asked.begin(), asked.end(), [&](const std::string& other) { return name_of_variable(other) == name; });
    if (!set) merged.push_back(entry);
  }
  return merged;
}

std::vector<std::string> words_of(const docker::ContainerConfig& config) {
  std::vector<std::string> words = config.entrypoint.value_or(std::vector<std::string>{});
  if (config.cmd) words.insert(words.end(), config.cmd->begin(), config.cmd->end());
  return words;
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
    engine.stop(who, stop.id, stop.timeout ? stop.timeout->count() * second : 10 * second);
    done(docker::Reply{docker::Done{}});
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
    details.driver = network.name == "bridge" ? "bridge" : network.name;
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

std::optional<docker::Error> Engine::refuse_create(const docker::ContainerCreate& request) const {
  const auto taken = names_.find(request.name);
  if (taken != names_.end() || phantom_names_.contains(request.name)) {
    const std::string holder = taken != names_.end() ? taken->second : std::string(64, 'f');
    return status_error(409, "Conflict. The container name \"/" + request.name + "\" is already in use by container \"" + holder +
                                 "\". You have to remove (or rename) that container to be able to reuse that name.");
  }
  if (image_of(request.config.image) == nullptr) return status_error(404, "No such image: " + request.config.image);
  for (const docker::Mount& mount : request.host_config.mounts) {
    if (mount.type == "bind" && !host_.has_directory(mount.source)) {
      return status_error(400, "invalid mount config for type \"bind\": bind source path does not exist: " + mount.source);
    }
  }
  return std::nullopt;
}

std::vector<std::string> Engine::apply_limits(Container& container) {
  std::vector<std::string> warnings;
  docker::HostConfig& host = container.shown.host_config;
  if (traits_.drops_swap && host.memory_swap > 0) {
    host.memory_swap = -1;
    container.weakened = true;
    warnings.emplace_back(
        "Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.");
  }
  if (traits_.drops_pids && host.pids_limit.value_or(0) > 0) {
    host.pids_limit.reset();
    container.weakened = true;
    warnings.emplace_back(
        "Your kernel does not support PIDs limit capabilities or the cgroup is not mounted. PIDs limit discarded.");
  }
  if (traits_.drops_silently && !host.security_opt.empty()) {
    host.security_opt.clear();
    container.weakened = true;
  }
  return warnings;
}

docker::Result Engine::create(Who who, const docker::ContainerCreate& request) {
  if (auto refused = refuse_create(request)) return *refused;
  const Image& image = *image_of(request.config.image);
  auto container = std::make_shared<Container>();
  docker::ContainerDetails& shown = container->shown;
  shown.id = new_id("container");
  shown.name = request.name;
  shown.created = wall();
  shown.image_id = image.details.id;
  shown.config = request.config;
  shown.config.labels = image.details.labels;
  for (const auto& [key, value] : request.config.labels) shown.config.labels[key] = value;
  shown.config.env = merged_environment(image.details.env, request.config.env);
  shown.host_config = request.host_config;
  if (shown.host_config.network_mode.empty()) shown.host_config.network_mode = "default";
  for (const docker::Mount& mount : request.host_config.mounts) shown.mounts.push_back(mount_point_of(mount));
  for (const std::string& volume : image.details.volumes) {
    shown.mounts.push_back({"volume", "/var/lib/docker/volumes/" + shown.id, volume, true, ""});
  }
  if (!shown.host_config.network_mode.empty()) container->networks_needed.insert(shown.host_config.network_mode);
  container->program = program_from(words_of(shown.config));
  container->maker = who;
  docker::ContainerCreated reply;
  reply.id = shown.id;
  reply.warnings = apply_limits(*container);
  containers_[shown.id] = container;
  names_[shown.name] = shown.id;
  container->changed_at = schedule_.now();
  container_event(*container, "create");
  changed(*container, "create", who);
  return docker::Reply{reply};
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

void Engine::start_completes(Who who, Container& container, const Done& done) {
  docker::ContainerDetails& shown = container.shown;
  const auto fail = [&](int status, const std::string& message) {
    shown.error = message;
    if (container.program.start_code != 0 && status == 400) {
      shown.exit_code = container.program.start_code;
      changed(container, "start-failed", Who::itself);
    }
    done(status_error(status, message));
  };
  const std::string& network = shown.host_config.network_mode;
  if (network != "default" && !networks_.contains(network)) return fail(404, "network " + network + " not found");
  for (const docker::Mount& mount : shown.host_config.mounts) {
    if (mount.type == "bind" && !host_.has_directory(mount.source)) {
      return fail(400, "error while creating mount source path '" + mount.source + "': no such file or directory");
    }
  }
  if (container.program.start_code == 127) {
    return fail(400, "OCI runtime create failed: exec: \"agent\": executable file not found in $PATH: unknown");
  }
  if (container.program.start_code == 126) {
    return fail(400, "OCI runtime create failed: exec: \"/agent\": permission denied: unknown");
  }
  shown.error.clear();
  process_begins(who, container);
  done(docker::Reply{docker::Done{}});
}

docker::Result Engine::kill(Who who, const docker::ContainerKill& request) {
  const auto container = find(request.id);
  if (!container) return no_such_container(request.id);
  if (!container->live() || container->ghost) {
    return status_error(409, "Cannot kill container: " + request.id + ": Container " + request.id + " is not running");
  }
  if (container->shown.state == ContainerState::restarting) {
    return status_error(409, "Container " + request.id + " is restarting, wait until the container is running");
  }
  const bool was_paused = container->shown.state == ContainerState::paused;
  signal(who, *container, request.signal);
  if (was_paused && container->shown.state == ContainerState::paused) unpause(container->shown.id);
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
    if (container->unkillable)
      return done(status_error(500, "could not kill container: tried to kill container, but did not receive an exit event"));
    process_ends(*container, who, 137, false);
  }
  set_state(*container, ContainerState::removing);
  changed(*container, "removing", who);
  after(takes(7 * millisecond), [this, who, container, done] {
    if (container->removal_sticks) {
      set_state(*container, ContainerState::dead);
      container->shown.dead = true;
      changed(*container, "dead", who);
      return done(status_error(500, "container " + container->shown.id +
                                        ": driver \"overlay2\" failed to remove root filesystem: device or resource busy"));
    }
    removed(container, who);
    done(docker::Reply{docker::Done{}});
  });
}

void Engine::removed(const std::shared_ptr<Container>& container, Who who) {
  containers_.erase(container->shown.id);
  const auto named = names_.find(container->shown.name);
  if (named != names_.end() && named->second == container->shown.id) names_.erase(named);
  container_event(*container, "destroy");
  changed(*container, "destroy", who);
}

}  // namespace cofferdam::sim
