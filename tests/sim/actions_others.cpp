// Those who are neither this controller nor a person: another controller on the same engine, and whole crowds of
// look-alikes.

#include "reconciler/ownership.hpp"
#include "tests/sim/world.hpp"

namespace cofferdam::sim {

bool World::do_others(const Item& item) {
  if (item.verb == "crowd") {
    static constexpr const char* kinds[] = {"name", "instance", "role", "label", "attempt", "image", "mount"};
    std::size_t made = 0;
    for (std::int64_t i = 0; i < item.number; ++i, ++made) {
      const AgentPlan& agent = plan.agents[made % plan.agents.size()];
      do_people({item.at, "decoy", agent.name, kinds[made % std::size(kinds)], 0});
    }
    return true;
  }
  if (item.verb == "rival") {
    // What another controller would make of the same folder: the next attempt, all its own work.
    const auto newest = container_of(item.target, false);
    if (!newest || !engine_->up() || engine_->hung()) return true;
    const bool same = item.argument == "same";
    docker::ContainerCreate create;
    create.config = newest->shown.config;
    create.host_config = newest->shown.host_config;
    create.host_config.restart_policy = "no";  // no controller asks for what a person set since
    auto& labels = create.config.labels;
    const std::string number = std::to_string(reconciler::number_of(labels, reconciler::label::attempt) + 1);
    const std::string instance = same ? "default" : "other";
    create.name = "cofferdam-" + instance + "-" + item.target + "-" + number;
    labels[std::string(reconciler::label::instance)] = instance;
    labels[std::string(reconciler::label::attempt)] = number;
    labels[std::string(reconciler::label::name)] = create.name;
    const std::string id = engine_->run(Who::rival, create);
    // A copy of what the engine made weaker than asked is as weak, though the engine did all that the rival asked.
    if (const auto copy = engine_->find(id); copy && newest->weakened) copy->weakened = true;
    if (!same) leftovers_.push_back(id);
    return true;
  }
  return false;
}

}  // namespace cofferdam::sim
