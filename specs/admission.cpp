#include "specs/admission.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <tuple>

#include "specs/admission_rules.hpp"
#include "specs/capability.hpp"

namespace cofferdam::specs {
namespace {

bool contains(const std::vector<std::string>& list, const std::string& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

std::vector<std::string> difference(const std::set<std::string>& from, const std::set<std::string>& without) {
  std::vector<std::string> rest;
  std::set_difference(from.begin(), from.end(), without.begin(), without.end(), std::back_inserter(rest));
  return rest;
}

}  // namespace

void judge_capabilities(Judgement& judgement) {
  const EffectiveContainer& container = judgement.container;
  const SecurityDefaults& defaults = judgement.configuration.sandbox.security;
  const Policy& policy = judgement.policy();
  const std::string add_field = "spec.security.capAdd";
  const std::string drop_field = "spec.security.capDrop";
  if (contains(container.cap_add, "ALL")) {
    judgement.refuse("capabilities-all", add_field, "capAdd has ALL" + judgement.origin(add_field),
                     "name the single capabilities that are needed; ALL is never admitted");
  }
  std::set<std::string> allowed;
  for (const std::string& name : policy.allowed_capabilities) allowed.insert(normal_capability(name));

  const std::set<std::string> granted = granted_capabilities(container.cap_drop, container.cap_add);
  const std::set<std::string> by_default = granted_capabilities(defaults.cap_drop, defaults.cap_add);
  std::vector<std::string> kept;       // by dropping less than ALL
  std::vector<std::string> forbidden;  // added, and not allowed
  std::vector<std::string> rootlike;
  const auto is_added = [&](const std::string& name) { return contains(container.cap_add, name); };
  for (const std::string& name : difference(granted, by_default)) {
    if (name == "ALL") continue;
    if (!allowed.contains(name)) (is_added(name) ? forbidden : kept).push_back(name);
  }
  for (const std::string& name : granted) {
    const bool counts = is_added(name) || !by_default.contains(name);
    if (counts && is_root_equivalent_capability(name)) rootlike.push_back(name);
  }
  if (!forbidden.empty()) {
    judgement.refuse("capabilities", add_field, "capAdd has " + join(forbidden) + ", which policy does not allow",
                     "leave it out; policy.allowedCapabilities has: " + join(allowed));
  }
  if (!kept.empty()) {
    judgement.refuse(
        "capabilities-kept", drop_field,
        "capDrop leaves the agent " + join(kept) + " of the engine's own defaults, which policy does not allow",
        "write capDrop: [ALL], and name with capAdd what is needed; policy.allowedCapabilities has: " + join(allowed));
  }
  if (!rootlike.empty() && !policy.allow_root_equivalent_capabilities) {
    const std::string& field = std::any_of(rootlike.begin(), rootlike.end(), is_added) ? add_field : drop_field;
    judgement.refuse("capabilities-root-equivalent", field, join(rootlike) + " is as good as root on the host",
                     "leave it out; the operator sets policy.allowRootEquivalentCapabilities as well where it must be");
  }
}

void judge_security(Judgement& judgement) {
  const EffectiveContainer& container = judgement.container;
  const SecurityDefaults& defaults = judgement.configuration.sandbox.security;
  const Policy& policy = judgement.policy();
  if (!container.readonly_rootfs && defaults.readonly_rootfs && !policy.allow_writable_rootfs) {
    judgement.refuse(
        "writable-rootfs", "spec.security.readonlyRootfs", "a writable root filesystem is not allowed",
        "leave the field out and write to /workspace, /tmp or a tmpfs; or the operator sets policy.allowWritableRootfs");
  }
  if (!container.no_new_privileges && defaults.no_new_privileges && !policy.allow_new_privileges) {
    judgement.refuse("new-privileges", "spec.security.noNewPrivileges", "processes that may gain privileges are not allowed",
                     "leave the field out; or the operator sets policy.allowNewPrivileges");
  }
  if (!container.pids_limit && defaults.pids_limit > 0 && !policy.allow_unlimited_pids) {
    judgement.refuse("unlimited-pids", "spec.security.pidsLimit", "no limit on processes (0) is not allowed",
                     "write a number above 0; or the operator sets policy.allowUnlimitedPids");
  }
  const std::string& profile = container.seccomp_profile;
  if (profile != "default") {
    std::set<std::string> offered{"default"};
    for (const auto& [name, file] : policy.seccomp_profiles) offered.insert(name);
    if (!offered.contains(profile)) {
      judgement.refuse("seccomp", "spec.security.seccompProfile", "there is no seccomp profile '" + profile + "'",
                       "use one of: " + join(offered) + " (policy.seccompProfiles)");
    } else if (container.seccomp_content.empty()) {
      judgement.refuse("seccomp", "spec.security.seccompProfile",
                       "the seccomp profile '" + profile + "' is offered, but its file could not be used",
                       "the operator mends " + policy.seccomp_profiles.at(profile) + " and reloads");
    }
  }
  if (!contains(policy.allowed_runtimes, container.runtime)) {
    judgement.refuse("runtime", "spec.security.runtime",
                     "the runtime '" + container.runtime + "'" + judgement.origin("spec.security.runtime") + " is not allowed",
                     "use one of policy.allowedRuntimes: " + join(policy.allowed_runtimes));
  }
}

void judge_network(Judgement& judgement) {
  const std::string field = "spec.networkMode";
  const std::string& network = judgement.container.network;
  const std::vector<std::string>& allowed = judgement.policy().allowed_networks;
  const bool never = network.empty() || network == "host" || network.find(':') != std::string::npos;
  if (never) {
    judgement.refuse("network-never", field,
                     "network '" + network + "'" + judgement.origin(field) + " shares another's network, and is never admitted",
                     "use one of policy.allowedNetworks: " + join(allowed));
  } else if (!contains(allowed, network)) {
    judgement.refuse("network", field, "network '" + network + "'" + judgement.origin(field) + " is not allowed",
                     "use one of policy.allowedNetworks: " + join(allowed));
  }
}

void judge_tmpfs(Judgement& judgement) {
  constexpr std::array<std::string_view, 5> kept{"/proc", "/sys", "/dev", "/etc", "/workspace"};
  for (const auto& [target, tmpfs] : judgement.container.tmpfs) {
    const std::string field = "spec.tmpfs." + target;
    if (!is_normal_path(target) || target == "/") {
      judgement.refuse("tmpfs-target", field, "'" + target + "' is no absolute, normalised path below /",
                       "write it from / on, without '.', '..', '//' and a slash at the end");
      continue;
    }
    for (const std::string_view path : kept) {
      if (!paths_overlap(target, std::string(path))) continue;
      judgement.refuse("tmpfs-target", field, "a tmpfs on " + target + " would cover " + std::string(path) + " or lie inside it",
                       "choose a target apart from /proc, /sys, /dev, /etc and /workspace");
    }
  }
}

void judge_user_text(Judgement& judgement) {
  const std::string field = "spec.user";
  const std::string& user = judgement.container.user;
  const std::string what = "user '" + user + "'" + judgement.origin(field);
  if (const std::string error = user_form_error(user); !error.empty()) {
    judgement.refuse("user-form", field, what + ' ' + error, "write name, name:group, or numbers, for example 1000:1000");
    return;
  }
  if (judgement.policy().allow_root) return;
  const std::size_t colon = user.find(':');
  const std::string name = user.substr(0, colon);
  const std::string group = colon == std::string::npos ? std::string() : user.substr(colon + 1);
  if (name == "0" || name == "root" || group == "0" || group == "root") {
    judgement.refuse("root-user", field, what + " is root",
                     "use another, for example 1000:1000; or the operator sets policy.allowRoot");
  }
}

Problems admit_user(const AgentSpec& spec, const Configuration& configuration, const NumericUser& user) {
  if (configuration.policy.allow_root || (user.uid != 0 && user.gid != 0)) return {};
  const std::string asked = spec.user.value_or(configuration.sandbox.user);
  return {{spec.place_of("spec.user"), "spec.user",
           "user '" + asked + "' is " + to_string(user) + " in this image: " + (user.uid == 0 ? "root" : "of root's group"),
           "set spec.user to numbers that are not 0, for example 1000:1000; or the operator sets policy.allowRoot", "root-user"}};
}

Problems admit(const AgentSpec& spec, const Configuration& configuration, const HostFacts& host,
               const std::vector<std::string>& controller_paths) {
  const EffectiveContainer container = make_effective(spec, configuration).container;
  Judgement judgement{spec, configuration, container, {}};
  judge_workspace_text(judgement, controller_paths);
  judge_image(judgement);
  judge_user_text(judgement);
  judge_environment(judgement);
  judge_network(judgement);
  judge_resources(judgement, host);
  judge_tmpfs(judgement);
  judge_capabilities(judgement);
  judge_security(judgement);
  sort_problems(judgement.problems);
  return std::move(judgement.problems);
}

void sort_problems(Problems& problems) {
  const auto key = [](const Problem& p) { return std::tie(p.place.file, p.place.line, p.place.column, p.path, p.rule, p.what); };
  std::sort(problems.begin(), problems.end(), [&](const Problem& a, const Problem& b) { return key(a) < key(b); });
}

std::string reason_of(const Problem& refusal) {
  std::string reason;
  bool upper = true;
  for (const char c : refusal.rule) {
    if (c == '-') {
      upper = true;
      continue;
    }
    reason += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    upper = false;
  }
  return reason;
}

}  // namespace cofferdam::specs
