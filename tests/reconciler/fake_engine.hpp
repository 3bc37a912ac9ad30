#pragma once

// An engine of plain structs: it applies the machine's calls and tells what a real one would, at once and without a clock
// of its own. Faults are asked for by the test.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "docker/requests.hpp"
#include "reconciler/time.hpp"

namespace cofferdam::reconciler::testing {

struct FakeContainer {
  std::string id;
  docker::ContainerCreate made;
  std::string image_id;
  docker::ContainerState state = docker::ContainerState::created;
  std::int64_t pid = 0;
  std::int64_t exit_code = 0;
  bool oom_killed = false;
  std::string error;
  std::optional<docker::Time> started;
  std::optional<docker::Time> finished;
  bool obeys_term = true;

  [[nodiscard]] bool live() const {
    return state == docker::ContainerState::running || state == docker::ContainerState::paused ||
           state == docker::ContainerState::restarting;
  }
};

class FakeEngine {
 public:
  std::map<std::string, FakeContainer> containers;       ///< by id
  std::map<std::string, docker::ImageDetails> images;    ///< by normalised reference
  std::map<std::string, docker::ImageDetails> registry;  ///< what a pull brings
  std::set<std::string> networks{"none", "bridge"};
  std::map<std::string, std::string> image_passwd;  ///< by image id
  std::map<std::string, std::string> image_group;
  std::vector<std::string> create_warnings;
  bool drops_memory_limits = false;
  bool new_ones_obey_term = true;
  std::set<std::string> missing_commands;  ///< entrypoints that a start cannot find

  /// Answers `times` calls of the operation with the error; `applied`: it is carried out all the same.
  void fail(std::string operation, docker::Error error, int times = 1, bool applied = false) {
    faults_.push_back({std::move(operation), std::move(error), times, applied});
  }
  void heal() { faults_.clear(); }

  docker::Result apply(const docker::Request& request, const Now& now) {
    const std::string operation(docker::operation_of(request));
    EXPECT_TRUE(operation == "container list" || !docker::object_of(request).empty()) << operation << " of nothing";
    calls.push_back(operation + " " + docker::object_of(request));
    ++counts[operation];
    for (auto fault = faults_.begin(); fault != faults_.end(); ++fault) {
      if (fault->operation != operation) continue;
      const Fault found = *fault;
      if (--fault->times == 0) faults_.erase(fault);
      if (found.applied) carry_out(request, now);
      return found.error;
    }
    return carry_out(request, now);
  }

  /// The process of a container ends by itself.
  void exit(const std::string& id, std::int64_t code, const Now& now, bool oom = false) {
    FakeContainer& container = containers.at(id);
    if (!container.live()) return;
    container.state = docker::ContainerState::exited;
    container.exit_code = code;
    container.oom_killed = oom;
    container.pid = 0;
    container.finished = now.wall;
    event("die", container, now);
  }
  void exit_all(std::int64_t code, const Now& now) {
    for (auto& [id, container] : containers) exit(id, code, now);
  }
  /// Somebody else's doing, with the events that follow.
  void remove_from_outside(const std::string& id, const Now& now) {
    exit(id, 137, now);
    event("destroy", containers.at(id), now);
    containers.erase(id);
  }
  void kill_from_outside(const std::string& id, const std::string& signal, std::int64_t code, const Now& now) {
    event("kill", containers.at(id), now, {{"signal", signal}});
    exit(id, code, now);
  }
  void rename_from_outside(const std::string& id, const std::string& name, const Now& now) {
    containers.at(id).made.name = name;
    event("rename", containers.at(id), now);
  }
  void start_from_outside(const std::string& id, const Now& now) { run(containers.at(id), now); }

  std::string add_image(const std::string& reference, const std::string& digit) {
    docker::ImageDetails image;
    image.id = "sha256:" + std::string(64, digit.at(0));
    images[reference] = image;
    image_passwd[image.id] = "root:x:0:0::/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\n";
    image_group[image.id] = "root:x:0:\nnode:x:1000:\n";
    return image.id;
  }

  [[nodiscard]] std::vector<const FakeContainer*> of(const std::string& agent) const {
    std::vector<const FakeContainer*> found;
    for (const auto& [id, container] : containers) {
      const auto label = container.made.config.labels.find("cofferdam.agent");
      if (label != container.made.config.labels.end() && label->second == agent) found.push_back(&container);
    }
    return found;
  }
  [[nodiscard]] std::vector<const FakeContainer*> running(const std::string& agent) const {
    std::vector<const FakeContainer*> found;
    for (const FakeContainer* container : of(agent)) {
      if (container->live()) found.push_back(container);
    }
    return found;
  }
  [[nodiscard]] int count(const std::string& operation) const {
    const auto found = counts.find(operation);
    return found == counts.end() ? 0 : found->second;
  }
  [[nodiscard]] int changes() const {
    return count("container create") + count("container start") + count("container kill") + count("container remove");
  }

  std::deque<docker::Event> events;
  std::vector<std::string> calls;
  std::map<std::string, int> counts;
  std::size_t most_live_of_one = 0;  ///< S1: never above 1 but by others' doing

 private:
  struct Fault {
    std::string operation;
    docker::Error error;
    int times = 1;
    bool applied = false;
  };

  static docker::Error status(int code, std::string operation, std::string object, std::string message) {
    return {docker::ErrorClass::status, code, std::move(operation), std::move(object), std::move(message)};
  }

  void event(const std::string& action, const FakeContainer& container, const Now& now,
             std::map<std::string, std::string> more = {}) {
    docker::Event event;
    event.type = "container";
    event.action = action;
    event.actor = container.id;
    event.attributes = container.made.config.labels;
    event.attributes["name"] = container.made.name;
    for (auto& [key, value] : more) event.attributes[key] = value;
    event.time_ns = now.wall.time_since_epoch().count();
    events.push_back(std::move(event));
  }

  void run(FakeContainer& container, const Now& now) {
    container.state = docker::ContainerState::running;
    container.pid = static_cast<std::int64_t>(1000 + ++pids_);
    container.started = now.wall;
    container.finished.reset();
    container.exit_code = 0;
    event("start", container, now);
    const auto label = container.made.config.labels.find("cofferdam.agent");
    if (label != container.made.config.labels.end()) most_live_of_one = std::max(most_live_of_one, running(label->second).size());
  }

  FakeContainer* find(const std::string& id_or_name) {
    const auto found = containers.find(id_or_name);
    if (found != containers.end()) return &found->second;
    for (auto& [id, container] : containers) {
      if (container.made.name == id_or_name) return &container;
    }
    return nullptr;
  }

  docker::Result carry_out(const docker::Request& request, const Now& now) {
    return std::visit([&](const auto& what) { return done(what, now); }, request);
  }

  docker::Result done(const docker::ContainerList&, const Now&) {
    std::vector<docker::ContainerSummary> rows;
    for (const auto& [id, container] : containers) {
      docker::ContainerSummary row;
      row.id = id;
      row.name = container.made.name;
      row.image = container.made.config.image;
      row.image_id = container.image_id;
      row.state = container.state;
      row.labels = container.made.config.labels;
      row.mounts = mounts(container);
      rows.push_back(std::move(row));
    }
    return docker::Reply{rows};
  }
  static std::vector<docker::MountPoint> mounts(const FakeContainer& container) {
    std::vector<docker::MountPoint> points;
    for (const docker::Mount& mount : container.made.host_config.mounts) {
      points.push_back({"bind", mount.source, mount.target, !mount.read_only, mount.propagation});
    }
    return points;
  }
  docker::Result done(const docker::ContainerInspect& what, const Now&) {
    const FakeContainer* container = find(what.id);
    if (container == nullptr) return status(404, "container inspect", what.id, "No such container: " + what.id);
    docker::ContainerDetails details;
    details.id = container->id;
    details.name = container->made.name;
    details.image_id = container->image_id;
    details.state = container->state;
    details.running = container->live();
    details.pid = container->pid;
    details.exit_code = container->exit_code;
    details.oom_killed = container->oom_killed;
    details.error = container->error;
    details.started_at = container->started;
    details.finished_at = container->finished;
    details.config = container->made.config;
    details.host_config = container->made.host_config;
    if (drops_memory_limits) details.host_config.memory = 0;
    details.mounts = mounts(*container);
    return docker::Reply{details};
  }
  docker::Result done(const docker::ContainerCreate& what, const Now& now) {
    if (find(what.name) != nullptr || reserved_names.contains(what.name)) {
      return status(
          409, "container create", what.name,
          "Conflict. The container name \"/" + what.name + "\" is already in use by container \"0\". You have to remove");
    }
    const bool known = std::any_of(images.begin(), images.end(), [&](const auto& image) {
      return image.second.id == what.config.image || image.first == what.config.image;
    });
    if (!known) return status(404, "container create", what.name, "No such image: " + what.config.image);
    FakeContainer container;
    std::string id = std::to_string(++ids_);
    container.id = std::string(64 - id.size(), 'c') + id;
    container.made = what;
    container.image_id = what.config.image;
    container.obeys_term = new_ones_obey_term;
    event("create", container, now);
    id = container.id;
    containers[id] = std::move(container);
    return docker::Reply{docker::ContainerCreated{id, create_warnings}};
  }
  docker::Result done(const docker::ContainerStart& what, const Now& now) {
    FakeContainer* container = find(what.id);
    if (container == nullptr) return status(404, "container start", what.id, "No such container: " + what.id);
    if (container->live()) return docker::Reply{docker::Done{true}};
    if (!networks.contains(container->made.host_config.network_mode)) {
      return status(404, "container start", what.id, "network " + container->made.host_config.network_mode + " not found");
    }
    const auto& entrypoint = container->made.config.entrypoint;
    if (entrypoint && !entrypoint->empty() && missing_commands.contains(entrypoint->front())) {
      container->error = "exec: \"" + entrypoint->front() + "\": executable file not found in $PATH: unknown";
      container->exit_code = 127;
      return status(
          400, "container start", what.id,
          "failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: "
          "unable to start container process: " +
              container->error);
    }
    run(*container, now);
    return docker::Reply{docker::Done{}};
  }
  docker::Result done(const docker::ContainerKill& what, const Now& now) {
    FakeContainer* container = find(what.id);
    if (container == nullptr) return status(404, "container kill", what.id, "No such container: " + what.id);
    if (!container->live()) {
      return status(409, "container kill", what.id, "Container " + what.id + " is not running");
    }
    const bool kill = what.signal == "KILL";
    event("kill", *container, now, {{"signal", kill ? "9" : "15"}});
    if (kill || container->obeys_term) exit(what.id, kill ? 137 : 143, now);
    return docker::Reply{docker::Done{}};
  }
  docker::Result done(const docker::ContainerStop& what, const Now& now) {
    return done(docker::ContainerKill{what.id, "KILL"}, now);
  }
  docker::Result done(const docker::ContainerRemove& what, const Now& now) {
    FakeContainer* container = find(what.id);
    if (container == nullptr) return status(404, "container remove", what.id, "No such container: " + what.id);
    if (container->live() && !what.force) {
      return status(409, "container remove", what.id,
                    "You cannot remove a running container " + what.id + ". Stop the container");
    }
    event("destroy", *container, now);
    containers.erase(container->id);
    return docker::Reply{docker::Done{}};
  }
  docker::Result done(const docker::ContainerWait&, const Now&) { return docker::Reply{docker::ContainerWaited{}}; }
  docker::Result done(const docker::ContainerArchive& what, const Now&) {
    const FakeContainer* container = find(what.id);
    if (container == nullptr) return status(404, "container archive", what.id, "No such container: " + what.id);
    const auto& files = what.path == "/etc/passwd" ? image_passwd : image_group;
    const auto file = files.find(container->image_id);
    if (file == files.end()) return status(404, "container archive", what.id, "Could not find the file " + what.path);
    return docker::Reply{docker::ArchiveFile{what.path, file->second}};
  }
  docker::Result done(const docker::ImageInspect& what, const Now&) {
    const auto image = images.find(what.reference);
    if (image == images.end()) return status(404, "image inspect", what.reference, "No such image: " + what.reference);
    return docker::Reply{image->second};
  }
  docker::Result done(const docker::ImagePull& what, const Now&) {
    const auto image = registry.find(what.reference);
    if (image == registry.end()) return status(404, "image pull", what.reference, "manifest unknown");
    images[what.reference] = image->second;
    return docker::Reply{docker::ImagePulled{image->second.id}};
  }
  docker::Result done(const docker::NetworkInspect& what, const Now&) {
    return status(404, "network inspect", what.name, "network " + what.name + " not found");
  }
  docker::Result done(const docker::SystemPing&, const Now&) { return docker::Reply{docker::Pong{}}; }
  docker::Result done(const docker::SystemVersion&, const Now&) { return docker::Reply{docker::EngineVersion{}}; }
  docker::Result done(const docker::SystemInfo&, const Now&) { return docker::Reply{docker::EngineInfo{}}; }

 public:
  std::set<std::string> reserved_names;  ///< taken, and nobody to be seen

 private:
  std::vector<Fault> faults_;
  std::uint64_t ids_ = 0;
  std::uint64_t pids_ = 0;
};

}  // namespace cofferdam::reconciler::testing
