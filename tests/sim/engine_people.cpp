// What people do to containers, beside the controller.

#include <utility>

#include "tests/sim/engine.hpp"

namespace cofferdam::sim {

using docker::ContainerState;

void Engine::rename(const std::string& id, const std::string& name) {
  const auto container = find(id);
  if (!container || names_.contains(name) || !up_) return;
  names_.erase(container->shown.name);
  container->shown.name = name;
  names_[name] = container->shown.id;
  container->changed_at = schedule_.now();
  container_event(*container, "rename");
  changed(*container, "rename", Who::person);
}

void Engine::set_restart_policy(const std::string& id, const std::string& policy) {
  const auto container = find(id);
  if (!container || !up_) return;
  container->shown.host_config.restart_policy = policy;
  container->changed_at = schedule_.now();
  container_event(*container, "update");
  changed(*container, "update", Who::person);
}

void Engine::pause(const std::string& id) {
  const auto container = find(id);
  if (!container || !up_ || container->shown.state != ContainerState::running) return;
  set_state(*container, ContainerState::paused);
  container_event(*container, "pause");
  changed(*container, "pause", Who::person);
}

void Engine::unpause(const std::string& id) {
  const auto container = find(id);
  if (!container || !up_ || container->shown.state != ContainerState::paused) return;
  set_state(*container, ContainerState::running);
  container_event(*container, "unpause");
  changed(*container, "unpause", Who::person);
}

void Engine::exec(const std::string& id, const std::string& command) {
  const auto container = find(id);
  if (!container || !up_ || container->shown.state != ContainerState::running) return;
  container_event(*container, "exec_create", {{"command", command}});
  container_event(*container, "exec_start", {{"command", command}});
}

void Engine::stop(Who who, const std::string& id, SimTime timeout, Done done) {
  const auto container = find(id);
  if (!done) done = [](docker::Result) {};
  if (!container || !up_) return done(status_error(404, "No such container: " + id));
  if (!container->live()) return done(docker::Reply{docker::Done{true}});
  container->stopped_by_hand = container->restart_cancelled = true;
  if (container->shown.state == ContainerState::restarting) {
    set_state(*container, ContainerState::exited);
    container_event(*container, "stop");
    return done(docker::Reply{docker::Done{}});
  }
  if (container->process == 0) return;  // a ghost: it is waited for, for ever
  const std::uint64_t process = container->process;
  container->at_end.push_back([this, container, done] {
    container_event(*container, "stop");
    done(docker::Reply{docker::Done{}});
  });
  signal(who, *container, signal_term);
  unpause(id);
  after(timeout, [this, who, container, process] {
    if (container->process == process) signal(who, *container, signal_kill);
  });
}

std::string Engine::run(Who who, docker::ContainerCreate create) {
  if (!up_) return {};
  const docker::Result result = this->create(who, create);
  const auto* reply = std::get_if<docker::Reply>(&result);
  if (reply == nullptr) return {};
  const std::string id = std::get<docker::ContainerCreated>(*reply).id;
  start(who, docker::ContainerStart{id}, [](docker::Result) {});
  return id;
}

std::string Engine::commit_and_run(const std::string& id, const std::string& name) {
  const auto container = find(id);
  if (!container || !up_) return {};
  Image copy;
  if (const Image* image = image_of(container->shown.image_id)) copy = *image;
  copy.details.id = "sha256:" + new_id("image");
  copy.details.labels = container->shown.config.labels;
  copy.details.repo_tags = {"copy:" + std::to_string(ids_)};
  const std::string reference = "copy:" + std::to_string(ids_);
  images_[reference] = copy;
  docker::ContainerCreate create;
  create.name = name;
  create.config.image = reference;
  create.config.entrypoint = std::vector<std::string>{"agent"};
  create.host_config.network_mode = "bridge";
  return run(Who::person, std::move(create));
}

}  // namespace cofferdam::sim
