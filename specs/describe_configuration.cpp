#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "specs/configuration.hpp"
#include "specs/configuration_slots.hpp"
#include "specs/fields.hpp"
#include "specs/wording.hpp"

namespace cofferdam::specs {
namespace {

constexpr std::string_view variable_prefix = "COFFERDAM_";

/// COFFERDAM_ENGINE_REQUEST_TIMEOUT_SECONDS from engine.requestTimeoutSeconds; "MB" stays one word.
std::string variable_of(std::string_view path) {
  std::string name(variable_prefix);
  char before = '.';
  for (const char c : path) {
    const bool upper = c >= 'A' && c <= 'Z';
    const bool lower = c >= 'a' && c <= 'z';
    const bool after_word = before != '.' && (before < 'A' || before > 'Z');
    if (upper && after_word) name += '_';
    name += c == '.' ? '_' : lower ? static_cast<char>(c - 'a' + 'A') : c;
    before = c;
  }
  return name;
}

bool is_scalar(const Field& field) {
  return field.type != FieldType::list && field.type != FieldType::mapping;
}

}  // namespace

std::vector<Override> overrides_from_environment(const std::map<std::string, std::string>& environment) {
  std::vector<Override> overrides;
  // First, so that our own variable wins; empty means unset to Docker's tools.
  if (const auto host = environment.find("DOCKER_HOST"); host != environment.end() && !host->second.empty()) {
    overrides.push_back({"engine.host", host->second, "DOCKER_HOST"});
  }
  for (const Field& field : configuration_fields()) {
    if (!is_value(configuration_fields(), field) || !is_scalar(field)) continue;
    const auto variable = environment.find(variable_of(field.path));
    if (variable != environment.end()) overrides.push_back({std::string(field.path), variable->second, variable->first});
  }
  return overrides;
}

std::vector<std::string> unknown_in_environment(const std::map<std::string, std::string>& environment) {
  std::vector<std::string> scalars;
  std::vector<std::string> others;
  for (const Field& field : configuration_fields()) {
    if (!is_value(configuration_fields(), field)) continue;
    (is_scalar(field) ? scalars : others).push_back(variable_of(field.path));
  }
  std::vector<std::string_view> known;  // without what is the same in all of them
  known.reserve(scalars.size());
  for (const std::string& name : scalars) known.push_back(std::string_view(name).substr(variable_prefix.size()));
  std::vector<std::string> warnings;
  for (auto variable = environment.lower_bound(std::string(variable_prefix));
       variable != environment.end() && variable->first.starts_with(variable_prefix); ++variable) {
    const std::string& name = variable->first;
    if (std::find(scalars.begin(), scalars.end(), name) != scalars.end()) continue;
    if (std::find(others.begin(), others.end(), name) != others.end()) {
      warnings.push_back("the environment's " + name +
                         " is ignored: that field is a list or a mapping, which only the file can set");
      continue;
    }
    const std::string_view meant = nearest(std::string_view(name).substr(variable_prefix.size()), known);
    warnings.push_back("the environment's " + quoted_for_people(name) +
                       " is ignored: no field of the configuration has that name" +
                       (meant.empty() ? "" : "; did you mean " + std::string(variable_prefix) + std::string(meant) + "?"));
  }
  return warnings;
}

std::vector<ConfigurationLine> describe(const LoadedConfiguration& loaded) {
  Configuration configuration = loaded.configuration;  // slots point into what may be changed
  std::vector<ConfigurationLine> lines;
  for (const Field& field : configuration_fields()) {
    if (!is_value(configuration_fields(), field)) continue;
    const std::string path(field.path);
    const auto origin = loaded.origins.find(path);
    lines.push_back({path, slot_text(configuration_slot(configuration, path).value(), field),
                     origin == loaded.origins.end() ? "default" : origin->second});
  }
  return lines;
}

std::vector<std::string> needs_restart(const Configuration& before, const Configuration& after) {
  std::array<Configuration, 2> both{before, after};
  std::vector<std::string> paths;
  for (const Field& field : configuration_fields()) {
    if (!field.restart || !is_value(configuration_fields(), field)) continue;
    const auto text = [&](Configuration& c) { return slot_text(configuration_slot(c, field.path).value(), field); };
    if (text(both[0]) != text(both[1])) paths.emplace_back(field.path);
  }
  return paths;
}

}  // namespace cofferdam::specs
