// Names and values of the variables that pass the allow-list. What is filtered never reaches an agent, and is not judged.

#include <set>
#include <string>

#include "specs/admission_rules.hpp"
#include "specs/environment.hpp"

namespace cofferdam::specs {
namespace {

constexpr std::size_t max_total_bytes = 131072;  // all variables together

void judge_variable(Judgement& judgement, const std::string& name, const std::string& value) {
  const std::string path = "spec.env." + name;
  if (!is_environment_name(name)) {
    judgement.refuse("env-name", path, "'" + name + "' is no name of a variable",
                     "use letters, digits and '_', and no digit in front");
  }
  if (value.find_first_of(std::string("\0\n", 2)) != std::string::npos) {
    judgement.refuse("env-value", path, "the value has a NUL or a line break", "write it on one line");
  }
  if (name == "NODE_OPTIONS") {
    if (const std::string option = unsafe_node_option(value); !option.empty()) {
      judgement.refuse(
          "env-node-options", path, "NODE_OPTIONS has " + option + ", which is not on the list of safe options",
          "use options that load no code and open no port, such as --max-old-space-size=256 or --enable-source-maps");
    }
  } else if (needs_second_switch(name) && !judgement.policy().allow_code_environment) {
    judgement.refuse(
        "env-code", path, name + " changes what code runs, or where it speaks to",
        "leave it out; the allow-list alone does not admit it: the operator sets policy.allowCodeEnvironment as well");
  }
}

}  // namespace

void judge_environment(Judgement& judgement) {
  std::size_t total = 0;
  for (const auto& [name, value] : judgement.container.env) {
    total += name.size() + value.size() + 2;
    if (judgement.spec.env.contains(name) && name != "AGENT_ID" && name != "TASK_ID") judge_variable(judgement, name, value);
  }
  if (total > max_total_bytes) {
    judgement.refuse(
        "env-size", "spec.env",
        "the variables have " + std::to_string(total) + " bytes together, more than " + std::to_string(max_total_bytes),
        "put what is large into a file in the workspace");
  }
}

std::vector<std::string> variables_to_unset(const ImageFacts& image, const EffectiveContainer& container) {
  std::set<std::string> names;
  for (const std::string& name : image.env_names) {
    if (injects_code(name) && !container.env.contains(name)) names.insert(name);
  }
  return {names.begin(), names.end()};
}

}  // namespace cofferdam::specs
