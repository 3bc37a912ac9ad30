#include <algorithm>
#include <array>
#include <utility>

#include "specs/capability.hpp"
#include "specs/configuration.hpp"
#include "specs/configuration_slots.hpp"
#include "specs/environment.hpp"
#include "specs/field_reader.hpp"
#include "specs/fields.hpp"
#include "specs/wording.hpp"
#include "specs/yaml_tree.hpp"

namespace cofferdam::specs {
namespace {

using Places = std::map<std::string, Place>;

/// Builds the configuration layer by layer: defaults, file, overrides; then looks at what belongs together.
class Loader {
 public:
  Loader() { configuration_.sandbox.env_whitelist = default_env_whitelist(); }

  void read_file(const std::string& bytes, const std::string& file) {
    YamlFile yaml = read_yaml(bytes, file);
    problems_ = std::move(yaml.problems);
    if (yaml.documents.empty()) return;
    if (yaml.documents.size() > 1) {
      const YamlMark second = yaml.documents[1].start;
      refuse({file, second.line, second.column}, "", "a second document stands in the configuration",
             "keep one; remove the '---' between them");
    }
    ReadFields read = read_fields(yaml.documents.front(), configuration_fields(), file, "a configuration");
    std::move(read.problems.begin(), read.problems.end(), std::back_inserter(problems_));
    for (const FoundField& found : read.found) {
      if (const auto slot = configuration_slot(configuration_, found.field->path, found.key))
        assign(*slot, *found.field, found.value);
    }
    places_ = std::move(read.places);
  }

  void apply(const Override& entry) {
    const Place place{entry.origin, 0, 0};
    const Field* field = find_field(configuration_fields(), entry.path);
    if (field == nullptr || !is_value(configuration_fields(), *field)) {
      std::vector<std::string_view> paths;
      for (const Field& known : configuration_fields()) paths.push_back(known.path);
      const std::string_view near = nearest(entry.path, paths);
      refuse(place, entry.path, "is no field of the configuration",
             near.empty() ? "see cofferdam config" : "did you mean " + std::string(near) + "?");
      return;
    }
    auto value = read_scalar(*field, entry.value);
    if (auto* refusal = std::get_if<Refusal>(&value)) {
      refuse(place, entry.path, std::move(refusal->what), std::move(refusal->mend));
      return;
    }
    assign(*configuration_slot(configuration_, entry.path), *field, std::get<FieldValue>(value));
    places_[entry.path] = place;
  }

  void check_together() {
    check_numbers();
    check_policy();
    check_environment();
    check_paths();
  }

  std::variant<LoadedConfiguration, Problems> finish() && {
    if (!problems_.empty()) {
      tidy(problems_);
      return std::move(problems_);
    }
    LoadedConfiguration loaded;
    for (const Field& field : configuration_fields()) {
      if (!is_value(configuration_fields(), field)) continue;
      const auto place = places_.find(std::string(field.path));
      std::string origin = "default";
      if (place != places_.end()) origin = to_string(Place{place->second.file, place->second.line, 0});
      loaded.origins.emplace(field.path, std::move(origin));
    }
    loaded.configuration = std::move(configuration_);
    return loaded;
  }

 private:
  void refuse(Place place, std::string path, std::string what, std::string mend) {
    problems_.push_back({std::move(place), std::move(path), std::move(what), std::move(mend), ""});
  }

  /// At the first of the paths that was written or overridden.
  void refuse_at(std::initializer_list<std::string> paths, std::string what, std::string mend) {
    for (const std::string& path : paths) {
      const auto place = places_.find(path);
      if (place == places_.end()) continue;
      refuse(place->second, path, std::move(what), std::move(mend));
      return;
    }
  }

  void check_numbers() {
    const Configuration& c = configuration_;
    if (c.backoff.max < c.backoff.initial) {
      refuse_at({"backoff.maxSeconds", "backoff.initialSeconds"},
                "the longest wait (" + std::to_string(c.backoff.max.count()) + " s) is shorter than the first (" +
                    std::to_string(c.backoff.initial.count()) + " s)",
                "write backoff.maxSeconds no less than backoff.initialSeconds");
    }
    if (c.deletion.budget_max < c.deletion.budget_count) {
      refuse_at({"deletion.budgetMax", "deletion.budgetCount"},
                "budgetMax (" + std::to_string(c.deletion.budget_max) + ") is less than budgetCount (" +
                    std::to_string(c.deletion.budget_count) + ")",
                "write deletion.budgetMax no less than deletion.budgetCount");
    }
  }

  static bool is_foreign_namespace(const std::string& network) { return network == "host" || network.starts_with("container:"); }

  void check_policy() {
    const Policy& policy = configuration_.policy;
    const std::string mend = "name none, bridge or a network of its own";
    for (std::size_t i = 0; i < policy.allowed_networks.size(); ++i) {
      if (!is_foreign_namespace(policy.allowed_networks[i])) continue;
      refuse_at({join_path("policy.allowedNetworks", i)},
                quoted_for_people(policy.allowed_networks[i]) + " would share another's network, which is never allowed", mend);
    }
    if (is_foreign_namespace(configuration_.sandbox.network_mode)) {
      refuse_at({"sandbox.networkMode"},
                quoted_for_people(configuration_.sandbox.network_mode) + " would share another's network, which is never allowed",
                mend);
    }
    for (std::size_t i = 0; i < policy.allowed_capabilities.size(); ++i) {
      const std::string& name = policy.allowed_capabilities[i];
      const std::string path = join_path("policy.allowedCapabilities", i);
      if (name == "ALL") {
        refuse_at({path}, "ALL is never allowed", "list the capabilities that agents need");
      } else if (is_root_equivalent_capability(name) && !policy.allow_root_equivalent_capabilities) {
        refuse_at({path}, name + " makes an agent as good as root on the host",
                  "remove it, or set policy.allowRootEquivalentCapabilities: true as well");
      }
    }
  }

  void check_environment() {
    if (configuration_.policy.allow_code_environment) return;
    for (const auto& [path, names] :
         {std::pair<std::string, const std::vector<std::string>*>{"sandbox.envWhitelist", &configuration_.sandbox.env_whitelist},
          {"sandbox.envWhitelistAdd", &configuration_.sandbox.env_whitelist_add}}) {
      for (std::size_t i = 0; i < names->size(); ++i) {
        if (!needs_second_switch((*names)[i])) continue;
        refuse_at({join_path(path, i)}, (*names)[i] + " changes what code runs in an agent",
                  "remove it, or set policy.allowCodeEnvironment: true as well");
      }
    }
  }

  void check_paths() {
    constexpr std::size_t longest_socket = 107;  // sun_path without its NUL
    const Configuration& c = configuration_;
    if (c.server_socket.size() > longest_socket) {
      refuse_at({"server.socket"}, "is longer than the 107 bytes that a socket's path may have", "shorten it");
    }
    const std::array<std::pair<std::string, const std::string*>, 3> directories{{{"specs.directory", &c.specs.directory},
                                                                                 {"state.directory", &c.state_directory},
                                                                                 {"runtime.directory", &c.runtime_directory}}};
    for (std::size_t i = 0; i < directories.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (*directories[i].second != *directories[j].second) continue;
        refuse_at({directories[i].first, directories[j].first},
                  *directories[i].second + " is " + directories[j].first + " and " + directories[i].first,
                  "give each its own directory");
      }
    }
  }

  Configuration configuration_;
  Places places_;
  Problems problems_;
};

}  // namespace

const std::vector<std::string>& default_env_whitelist() {
  static const std::vector<std::string> names{
      "AGENT_ID", "TASK_ID", "NODE_ENV", "NODE_OPTIONS",        "LOG_LEVEL",         "DEBUG",
      "LANG",     "LC_ALL",  "TZ",       "MOSAIC_WORKSPACE_ID", "MOSAIC_PROJECT_ID", "MOSAIC_AGENT_TYPE"};
  return names;
}

std::variant<LoadedConfiguration, Problems> parse_configuration(const std::string& bytes, const std::string& file,
                                                                const std::vector<Override>& overrides) {
  Loader loader;
  loader.read_file(bytes, file);
  for (const Override& entry : overrides) loader.apply(entry);
  loader.check_together();
  return std::move(loader).finish();
}

}  // namespace cofferdam::specs
