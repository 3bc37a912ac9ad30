#pragma once

// What the tests of admission share: the smallest spec, a configuration, and cases that change one thing in them.

#include <gtest/gtest.h>

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "specs/admission.hpp"

namespace cofferdam::specs {

inline const std::vector<std::string> controller_paths{"/etc/cofferdam/agents.d", "/var/lib/cofferdam", "/run/cofferdam",
                                                       "/srv/engine/docker.sock"};

inline AgentSpec plain() {
  AgentSpec spec;
  spec.name = "bot";
  spec.workspace_path = "/srv/cofferdam/workspaces/bot";
  spec.command = {"node", "agent.js"};
  spec.place = {"bot.yaml", 1, 1};
  return spec;
}

inline Configuration configured() {
  Configuration configuration;
  configuration.sandbox.env_whitelist = {"AGENT_ID", "TASK_ID", "NODE_OPTIONS", "LOG_LEVEL"};
  return configuration;
}

/// The rules' names, in order; each problem must be complete.
inline std::vector<std::string> rules(const Problems& problems) {
  std::vector<std::string> names;
  for (const Problem& problem : problems) {
    EXPECT_NE(problem.what, "");
    EXPECT_NE(problem.mend, "");
    EXPECT_NE(problem.path, "");
    names.push_back(problem.rule);
  }
  return names;
}

inline std::vector<std::string> refused(const AgentSpec& spec, const Configuration& configuration = configured(),
                                        const HostFacts& host = {2, 8LL << 30}) {
  return rules(admit(spec, configuration, host, controller_paths));
}

using Spec = AgentSpec;
using Conf = Configuration;
using Strings = std::vector<std::string>;

struct SpecCase {
  const char* what;
  std::function<void(Spec&)> spec;
  std::function<void(Conf&)> configuration;
  Strings rules;
};
inline void PrintTo(const SpecCase& c, std::ostream* out) {
  *out << c.what;
}

inline void as_is(Conf&) {}
inline void unchanged(Spec&) {}

inline void expect_rules(const SpecCase& c) {
  AgentSpec spec = plain();
  Configuration configuration = configured();
  c.spec(spec);
  c.configuration(configuration);
  EXPECT_EQ(refused(spec, configuration), c.rules) << c.what;
}

}  // namespace cofferdam::specs
