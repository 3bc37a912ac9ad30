#pragma once

// Private to admission*.cpp: one judgement in progress, and the groups of rules that add to it.

#include <string>
#include <utility>
#include <vector>

#include "specs/admission.hpp"
#include "specs/agent_spec.hpp"
#include "specs/configuration.hpp"
#include "specs/effective.hpp"

namespace cofferdam::specs {

struct Judgement {
  const AgentSpec& spec;
  const Configuration& configuration;
  const EffectiveContainer& container;  ///< what the spec asks, with the defaults under it
  Problems problems;

  [[nodiscard]] const Policy& policy() const { return configuration.policy; }
  [[nodiscard]] bool written(const std::string& path) const { return spec.places.contains(path); }
  /// " (the configuration's default)" where the spec does not write the field itself.
  [[nodiscard]] std::string origin(const std::string& path) const {
    return written(path) ? std::string() : " (the configuration's default)";
  }
  void refuse(std::string rule, const std::string& path, std::string what, std::string mend) {
    problems.push_back({spec.place_of(path), path, std::move(what), std::move(mend), std::move(rule)});
  }
};

void judge_workspace_text(Judgement& judgement, const std::vector<std::string>& controller_paths);
void judge_environment(Judgement& judgement);
void judge_image(Judgement& judgement);
void judge_capabilities(Judgement& judgement);
void judge_security(Judgement& judgement);
void judge_network(Judgement& judgement);
void judge_resources(Judgement& judgement, const HostFacts& host);
void judge_tmpfs(Judgement& judgement);
void judge_user_text(Judgement& judgement);

/// By place, then path, then rule.
void sort_problems(Problems& problems);

/// "a, b, c" of a sorted or otherwise ordered list; "none" for an empty one.
template <typename Range>
std::string join(const Range& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "none" : text;
}

/// Absolute, without "//", ".", ".." components and without a trailing slash; "/" alone is.
bool is_normal_path(const std::string& path);

/// For a shell's command line, quoted only where needed.
std::string shell_quoted(const std::string& text);

}  // namespace cofferdam::specs
