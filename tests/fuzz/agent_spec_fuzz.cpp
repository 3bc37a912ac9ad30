// Agent specs, from the file's bytes to the engine's call: the same bytes give the same agents and hashes, layout does not count,
// every problem has its place, and no spec that policy admits asks for less hardening than docs/hardening.md says.

#include <cmath>
#include <set>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "docker/json.hpp"
#include "reconciler/create_request.hpp"
#include "reconciler/readback.hpp"
#include "specs/admission.hpp"
#include "specs/agent_spec.hpp"
#include "specs/effective.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/fuzz/places.hpp"

namespace cofferdam::fuzz {
namespace {

using namespace specs;

const std::string name = "fuzz.yaml";

bool is_hash(const std::string& text) {
  return text.size() == 64 &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string inspect_of(const std::string& created) {
  const auto body = nlohmann::json::parse(created);
  nlohmann::json inspect{{"Id", "c1"}, {"Name", "/n1"}, {"Image", "sha256:1"}};
  inspect["State"]["Status"] = "created";
  inspect["Config"] = body;
  inspect["HostConfig"] = body["HostConfig"];
  const auto& asked = body["HostConfig"]["Mounts"][0];
  inspect["Mounts"] = nlohmann::json::array({{{"Type", "bind"},
                                              {"Source", asked["Source"]},
                                              {"Destination", asked["Target"]},
                                              {"RW", !asked["ReadOnly"].get<bool>()},
                                              {"Propagation", asked["BindOptions"]["Propagation"]}}});
  return inspect.dump();
}

/// What holds of every admitted spec under the default configuration, which opens none of policy's switches.
void check_hardening(const docker::HostConfig& host, const std::string& workspace) {
  require(!host.privileged, "never privileged");
  require(host.cap_drop == std::vector<std::string>{"ALL"} && host.cap_add.empty(), "all capabilities dropped, none added");
  require(host.readonly_rootfs, "the root file system is read-only");
  require(std::any_of(host.security_opt.begin(), host.security_opt.end(),
                      [](const std::string& option) { return option.starts_with("no-new-privileges"); }),
          "no new privileges");
  require(host.pids_limit.value_or(0) > 0 && host.memory > 0 && host.nano_cpus > 0, "processes, memory, processor are limited");
  require(host.memory_swap == host.memory, "no swap beside the memory");
  require(host.mounts.size() == 1 && host.mounts[0].source == workspace && host.mounts[0].target == "/workspace" &&
              host.mounts[0].type == "bind",
          "the workspace alone is mounted");
  require(host.network_mode == "none" || host.network_mode == "bridge", "a network that policy allows", host.network_mode);
  require(host.restart_policy == "no" && !host.auto_remove && !host.publish_all_ports, "the engine does nothing by itself");
  require(host.binds.empty() && host.devices.empty() && host.volumes_from.empty(), "nothing of the host's but the workspace");
}

void check_create(const AgentSpec& spec, const Effective& effective) {
  const NumericUser user{1000, 1000};
  reconciler::Attempt attempt;
  attempt.run_hash = spec.run_hash;
  attempt.config_hash = effective.config_hash;
  attempt.source = name;
  ImageFacts image;
  image.id = "sha256:1";
  image.env_names = {"PATH", "NODE_OPTIONS", "LD_PRELOAD"};
  const auto create =
      reconciler::create_request(effective.container, spec, image, user, attempt, {}, {"default", "cofferdam", "fuzz"});
  check_hardening(create.host_config, spec.workspace_path);
  for (const auto& [key, value] : create.config.labels) {
    require(!is_reserved_label(key) || key.starts_with("cofferdam."), "no label deceives the engine or us", key);
  }
  const auto body = docker::encode_create(create.config, create.host_config);
  require(body.has_value(), "a spec's texts are UTF-8, so that they can be sent");
  const auto decoded = docker::decode_container(inspect_of(*body));
  const auto* details = std::get_if<docker::ContainerDetails>(&decoded);
  require(details != nullptr, "what is asked can be read back", details == nullptr ? std::get<std::string>(decoded) : "");
  require(details->config == create.config, "the engine's echo has the same configuration", *body);
  require(details->host_config == create.host_config, "the engine's echo has the same host configuration", *body);
  const auto weaker = reconciler::weaker_fields(create.host_config, effective.container, false, *details);
  require(weaker.empty(), "the engine's echo is no weaker than what was asked", weaker.empty() ? "" : to_string(weaker[0]));
}

void check_agent(const AgentSpec& spec, const Lines& lines) {
  require(!spec.name.empty() && spec.name.size() <= 63, "an agent has a name that fits", spec.name);
  require(is_hash(spec.run_hash), "the run-hash is one", spec.run_hash);
  for (const auto& [path, place] : spec.places) require(lines.has(place.line, place.column), "a field stands in the file", path);
  require(!spec.memory_mb || *spec.memory_mb > 0, "memory is positive");
  require(!spec.cpu_limit || (std::isfinite(*spec.cpu_limit) && *spec.cpu_limit > 0), "processors are positive");

  const Configuration configuration;
  const Effective effective = make_effective(spec, configuration);
  require(effective.config_hash == make_effective(spec, configuration).config_hash, "the config-hash is always the same");
  require(is_hash(effective.config_hash) && effective.config_hash == config_hash(effective.container), "the config-hash is one");
  for (const auto& filtered : effective.filtered) {
    require(!effective.container.env.contains(filtered) || filtered == "AGENT_ID" || filtered == "TASK_ID",
            "what is filtered does not reach the container", filtered);
  }
  const Problems refusals = admit(spec, configuration, {4, std::int64_t{8} << 30U}, {"/etc/cofferdam", "/run/cofferdam"});
  for (const auto& refusal : refusals) require(!refusal.rule.empty(), "a refusal names its rule", to_string(refusal));
  check_places(refusals, name, lines);
  if (refusals.empty()) check_create(spec, effective);
}

void check(std::string_view text) {
  const std::string bytes(text);
  const AgentFile file = parse_agents(bytes, name);
  const Lines lines(text);
  check_places(file.problems, name, lines);
  const AgentFile again = parse_agents(bytes, name);
  require(file.agents == again.agents && file.problems == again.problems && file.names == again.names,
          "the same bytes are always read the same");
  if (!file.good()) return;

  std::set<std::string> names;
  for (const AgentSpec& spec : file.agents) {
    require(names.insert(spec.name).second, "a good file names an agent once", spec.name);
    require(std::find(file.names.begin(), file.names.end(), spec.name) != file.names.end(), "its names are among the file's");
    check_agent(spec, lines);
  }
  if (!bytes.ends_with('\n')) return;
  const AgentFile commented = parse_agents("# a comment\n" + bytes + "# another\n", name);
  if (!commented.good()) return;  // a directive's "---", say, wants to stand first
  require(commented.agents.size() == file.agents.size(), "comments make no agents");
  for (std::size_t i = 0; i < file.agents.size(); ++i) {
    require(commented.agents[i].run_hash == file.agents[i].run_hash, "comments do not change the run-hash");
  }
}

}  // namespace
}  // namespace cofferdam::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  cofferdam::fuzz::check({reinterpret_cast<const char*>(data), size});
  return 0;
}
