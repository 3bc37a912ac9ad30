#pragma once

// Which of an agent's variables reach its container: the allow-list, and what is known of names and values that change
// what code runs (docs/hardening.md, "Environment"). Names only ever leave this file for messages, never values.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "specs/configuration.hpp"

namespace cofferdam::specs {

/// The names in force, sorted, each once: `sandbox.envWhitelist` and `sandbox.envWhitelistAdd`.
std::vector<std::string> environment_allow_list(const SandboxDefaults& sandbox);

struct FilteredEnvironment {
  std::map<std::string, std::string> passed;
  std::vector<std::string> filtered;  ///< sorted names that are not passed
};

/// Parts what the allow-list passes from what it does not. AGENT_ID and TASK_ID are the controller's to set: they are
/// never passed from here, and filtered where the value written is another than the controller's.
FilteredEnvironment filter_environment(const std::map<std::string, std::string>& environment, const SandboxDefaults& sandbox,
                                       const std::string& agent, const std::string& task);

/// [A-Za-z_][A-Za-z0-9_]*
bool is_environment_name(std::string_view name);

/// Names that change what code runs or where it speaks to (LD_*, PATH, BASH_ENV, *_proxy, DOCKER_*, …): on the allow-list they
/// need `policy.allowCodeEnvironment` as well. NODE_OPTIONS is not among them: its value is judged instead.
bool needs_second_switch(std::string_view name);

/// Names that make an interpreter or the loader run something else than the image's command (LD_*, NODE_OPTIONS, BASH_ENV,
/// PYTHONSTARTUP, …): unset where an image brings them. Search paths (PATH, PYTHONPATH, NODE_PATH) are the image's own affair.
bool injects_code(std::string_view name);

/// Empty where every option of a NODE_OPTIONS value is on the safe list; else the first that is not, for people: its name
/// without its value.
std::string unsafe_node_option(std::string_view value);

}  // namespace cofferdam::specs
