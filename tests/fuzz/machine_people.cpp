// What people and others do in the machine's world, and what the engine says of it.

#include "tests/fuzz/machine_images.hpp"
#include "tests/fuzz/machine_world.hpp"

namespace cofferdam::fuzz {

using docker::ContainerState;
using reconciler::WallTime;

/// A field of what inspect says becomes something else.
void MachineWorld::mess(Details& container, Input& input) const {
  switch (input.below(14)) {
    case 0: container.started_at = WallTime(std::chrono::nanoseconds(input.number())); break;
    case 1: container.finished_at = WallTime(std::chrono::nanoseconds(input.number())); break;
    case 2: container.exit_code = input.number(); break;
    case 3: container.pid = input.number(); break;
    case 4: container.host_config.restart_policy = "always"; break;
    case 5: container.host_config.privileged = true; break;
    case 6: container.host_config.memory = 0; break;
    case 7: container.host_config.cap_drop.clear(); break;
    case 8: container.oom_killed = !container.oom_killed; break;
    case 9: container.image_id = image_id(image_references[input.below(3)]); break;
    case 10: container.started_at.reset(); break;
    case 11: container.config.user = "0:0"; break;
    case 12: container.id = this->container(input.byte()); break;
    default: container.state = static_cast<ContainerState>(input.below(7)); break;
  }
}

/// A container with our labels that we did not make: by commit and run, or by hand.
void MachineWorld::look_alike(Input& input) {
  const std::string id = new_id();
  Details details;
  if (const auto model = containers_.find(container(input.byte())); model != containers_.end()) details = model->second;
  auto& labels = details.config.labels;
  const std::uint8_t how = input.byte();
  details.id = id;
  details.name = "person-" + std::to_string(ids_);
  details.state = (how & 1U) != 0 ? ContainerState::running : ContainerState::exited;
  if ((how & 2U) != 0) {  // it passes every check that there is
    const std::string number = (how & 4U) != 0 ? "9223372036854775807" : std::to_string(input.byte());
    labels = {{"cofferdam.managed-by", "cofferdam"},
              {"cofferdam.instance", "default"},
              {"cofferdam.role", "agent"},
              {"cofferdam.name", details.name},
              {"cofferdam.agent", agent(input.byte() % 4)},
              {"cofferdam.run-hash", "r"},
              {"cofferdam.config-hash", "c"},
              {"cofferdam.schema", "1"},
              {"cofferdam.image-id", image_id(image_references[0])},
              {"cofferdam.attempt", number},
              {"cofferdam.restarts", (how & 8U) != 0 ? "9223372036854775807" : "1"},
              {"cofferdam.failures", (how & 16U) != 0 ? "9223372036854775807" : "1"}};
    details.image_id = image_id(image_references[0]);
    if (details.state == ContainerState::exited) details.started_at = details.finished_at = now.wall;
  }
  if ((how & 32U) != 0) details.mounts = {{"bind", "/srv/w/" + agent(input.byte() % 4), "/x", true, ""}};
  containers_[id] = details;
}

void MachineWorld::people(Input& input) {
  const std::size_t what = input.below(12);
  if (what == 11) return look_alike(input);
  const auto found = containers_.find(container(input.byte()));
  if (found == containers_.end()) return;
  Details& details = found->second;
  switch (what) {
    case 0: end(details, input.byte()); break;
    case 1: end(details, 0); break;
    case 2: details.state = ContainerState::paused; break;
    case 3: start(details, 0); break;
    case 4: details.name += "x"; break;
    case 5: containers_.erase(found); break;
    case 6: details.config.labels.erase("cofferdam.instance"); break;
    case 7: details.config.labels["cofferdam.agent"] = agent(input.byte() % 8); break;
    case 8: details.config.labels["cofferdam.attempt"] = std::to_string(input.number()); break;
    default: {
      const std::string id = details.id;
      mess(details, input);
      details.id = id;
      break;
    }
  }
}

void MachineWorld::images(std::uint8_t how) {
  const std::string reference(image_references[how % image_references.size()]);
  if ((how & 128U) != 0) registry_.erase(reference);
  if ((how & 64U) != 0) registry_.insert(reference);
  if ((how & 32U) != 0) images_.erase(reference);
  if ((how & 16U) != 0) images_.insert(reference);
}

docker::Event MachineWorld::event(Input& input) {
  static constexpr std::array<std::string_view, 14> actions{"create",  "start",  "die",    "kill",    "pause",
                                                            "unpause", "rename", "update", "destroy", "exec_create",
                                                            "oom",     "pull",   "delete", "tag"};
  docker::Event event;
  event.type = input.below(4) == 3 ? "image" : "container";
  event.action = input.pick(actions);
  event.actor = container(input.byte());
  const std::uint8_t how = input.byte();
  event.time_ns = (how & 1U) != 0 ? input.number() : now.wall.time_since_epoch().count();
  if (const Details* details = find(event.actor)) event.attributes = details->config.labels;
  if ((how & 2U) != 0) event.attributes["signal"] = (how & 4U) != 0 ? "9" : "15";
  if ((how & 8U) != 0) {
    event.attributes["cofferdam.managed-by"] = "cofferdam";
    event.attributes["cofferdam.instance"] = "default";
    event.attributes["cofferdam.agent"] = agent(input.byte() % 8);
  }
  return event;
}

}  // namespace cofferdam::fuzz
