#include "tests/sim/compare.hpp"

#include "tests/sim/world.hpp"

namespace cofferdam::sim {

std::vector<std::string> differs_from_fresh(const World& world) {
  Plan plan = world.plan;
  plan.items.clear();
  plan.agents.clear();
  for (const auto& [name, agent] : world.intent()) plan.agents.push_back(agent);
  plan.faults_until = second;
  plan.quiet = 0;
  plan.troubled.clear();
  World fresh(plan, false);
  // An image that this run pulled is there still, whatever the last spec says of pulling: it belongs to the host.
  for (const AgentPlan& agent : plan.agents) {
    const std::string reference = "docker.io/library/" + agent.image;
    if (const Image* image = world.engine().image(reference)) fresh.engine().load(reference, *image);
  }
  fresh.set_configuration(world.configuration());
  fresh.run();

  const auto here = world.end_state();
  const auto there = fresh.end_state();
  std::vector<std::string> differences;
  for (const std::string& violation : fresh.violations()) differences.push_back("the calm run: " + violation);
  for (const auto& [name, agent] : world.intent()) {
    const bool ends = agent.program.find("run=") != std::string::npos || agent.program.find("missing") != std::string::npos ||
                      agent.program.find("start=") != std::string::npos || agent.deadline >= 0;
    if (ends) continue;
    const auto mine = here.find(name);
    const auto its = there.find(name);
    const bool lives_here = mine != here.end();
    const bool lives_there = its != there.end();
    if (lives_here && lives_there && (mine->second == its->second || agent.restart != "Always")) continue;
    if (!lives_here && !lives_there) continue;
    if (!lives_here && world.ended_by_fault(name)) continue;
    differences.push_back(name + (lives_here ? " runs" : " does not run") + "; afresh it " +
                          (lives_there ? (lives_here ? "runs with another configuration" : "runs") : "does not"));
  }
  return differences;
}

}  // namespace cofferdam::sim
