#pragma once

// Everything that a run does beyond its seed's small delays: agents, engine, configuration, and an explicit list of
// faults and of what people do. It has a text form, so that a failure is a file that can be replayed, and it can be cut
// down to the least that still fails.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/engine.hpp"
#include "tests/sim/trace.hpp"

namespace cofferdam::sim {

struct AgentPlan {
  std::string name;
  std::string file;  ///< "a.yaml"
  std::string restart = "OnFailure";
  std::string pull = "IfNotPresent";
  std::string image = "node:20-alpine";
  std::string program = "agent";  ///< its words, comma between
  std::string network = "none";
  int max_restarts = -1;  ///< -1: unset; the same for the next two
  int deadline = -1;
  int ttl = -1;
  int stop_timeout = 10;
  int memory_mb = 0;  ///< 0: unset
  std::string task;
  std::string workspace;
  bool suspend = false;
  bool remove = false;

  bool operator==(const AgentPlan&) const = default;
};
/// "a file=a.yaml restart=Never …": what differs from an agent of nothing but a name.
std::string to_text(const AgentPlan& agent);
/// Lays "restart=Never" over the agent. False: no such field.
bool set_field(AgentPlan& agent, const std::string& assignment);
/// One document of a spec file.
std::string yaml_of(const AgentPlan& agent);

/// One fault, or one thing that somebody does.
struct Item {
  SimTime at = 0;           ///< for calls and events: not before
  std::string verb;         ///< "call", "kill", "engine-kill", …
  std::string target;       ///< an agent, an operation; "-": none
  std::string argument;     ///< "reset-applied", "TERM", …; "-": none
  std::int64_t number = 0;  ///< which call; how many milliseconds; …

  bool operator==(const Item&) const = default;
};
std::string to_text(const Item& item);
/// "late:2000" is of the kind "late", to the amount of 2000.
std::string kind_of(const Item& item);
std::int64_t amount_of(const Item& item);

struct Plan {
  std::uint64_t seed = 0;
  EngineTraits engine;
  int relist_seconds = 60;
  int rescan_seconds = 20;
  int backoff_seconds = 60;  ///< the longest
  int rollout = 1;
  int budget_count = 5;
  int calm_seconds = 0;               ///< in the silence: between lists and scans, and the longest back-off; 0: as before it
  SimTime faults_until = 3 * minute;  ///< then all is healed
  SimTime quiet = 24 * hour;          ///< after it has converged
  std::string troubled;               ///< all the trouble is this agent's, and nobody else may notice; empty: none is
  std::vector<AgentPlan> agents;
  std::vector<Item> items;
};

/// What a seed draws.
Plan plan_of(std::uint64_t seed);

std::string to_text(const Plan& plan);
/// Nothing, and why in `error`, where the text is no plan.
std::optional<Plan> plan_from(const std::string& text, std::string& error);

}  // namespace cofferdam::sim
