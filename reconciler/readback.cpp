#include "reconciler/readback.hpp"

#include <algorithm>
#include <charconv>
#include <set>
#include <sstream>

namespace cofferdam::reconciler {
namespace {

std::string upper_capability(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return name.rfind("CAP_", 0) == 0 ? name.substr(4) : name;
}

std::set<std::string> capabilities(const std::vector<std::string>& names) {
  std::set<std::string> all;
  for (const std::string& name : names) all.insert(upper_capability(name));
  return all;
}

std::string joined(const std::set<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ",") + name;
  return text.empty() ? "nothing" : text;
}

std::string yes_no(bool value) {
  return value ? "true" : "false";
}

/// All that an engine without ALL in its answer lists instead (Podman expands it).
constexpr std::size_t expanded_all = 10;

std::set<std::string> option_words(const std::string& options) {
  std::set<std::string> words;
  std::istringstream in(options);
  for (std::string word; std::getline(in, word, ',');) words.insert(word);
  return words;
}

class Comparison {
 public:
  Comparison(const docker::HostConfig& asked, const specs::EffectiveContainer& container, bool allow_root,
             const docker::ContainerDetails& found)
      : asked_(asked), container_(container), allow_root_(allow_root), found_(found), host_(found.host_config) {}

  std::vector<Weaker> run() {
    limits();
    privileges();
    namespaces();
    files();
    user();
    return std::move(weaker_);
  }

 private:
  void note(std::string field, std::string wanted, std::string found, std::optional<docker::LimitKind> limit = std::nullopt) {
    weaker_.push_back({std::move(field), std::move(wanted), std::move(found), limit});
  }
  void none_of(const std::string& field, bool something) {
    if (something) note("HostConfig." + field, "none", "some");
  }

  void limits() {
    if (asked_.memory > 0 && (host_.memory <= 0 || host_.memory > asked_.memory)) {
      note("HostConfig.Memory", std::to_string(asked_.memory), std::to_string(host_.memory), docker::LimitKind::memory);
    }
    if (asked_.memory_swap > 0 && (host_.memory_swap <= 0 || host_.memory_swap > asked_.memory_swap)) {
      note("HostConfig.MemorySwap", std::to_string(asked_.memory_swap), std::to_string(host_.memory_swap),
           docker::LimitKind::swap);
    }
    if (asked_.nano_cpus > 0 && (host_.nano_cpus <= 0 || host_.nano_cpus > asked_.nano_cpus)) {
      note("HostConfig.NanoCpus", std::to_string(asked_.nano_cpus), std::to_string(host_.nano_cpus), docker::LimitKind::cpu);
    }
    const std::int64_t pids = host_.pids_limit.value_or(0);
    if (asked_.pids_limit && (pids <= 0 || pids > *asked_.pids_limit)) {
      note("HostConfig.PidsLimit", std::to_string(*asked_.pids_limit), std::to_string(pids), docker::LimitKind::pids);
    }
    if (asked_.shm_size > 0 && host_.shm_size > asked_.shm_size) {
      note("HostConfig.ShmSize", std::to_string(asked_.shm_size), std::to_string(host_.shm_size));
    }
    if (host_.oom_score_adj < asked_.oom_score_adj) {
      note("HostConfig.OomScoreAdj", std::to_string(asked_.oom_score_adj), std::to_string(host_.oom_score_adj));
    }
    for (const docker::Ulimit& limit : asked_.ulimits) {
      const auto same = std::find_if(host_.ulimits.begin(), host_.ulimits.end(),
                                     [&](const docker::Ulimit& other) { return other.name == limit.name; });
      if (same == host_.ulimits.end() || same->hard > limit.hard || same->hard < 0 || same->soft > limit.soft) {
        note("HostConfig.Ulimits", limit.name + "=" + std::to_string(limit.soft) + ":" + std::to_string(limit.hard),
             same == host_.ulimits.end() ? "none" : std::to_string(same->soft) + ":" + std::to_string(same->hard));
      }
    }
  }

  void privileges() {
    const auto asked_drop = capabilities(asked_.cap_drop);
    const auto found_drop = capabilities(host_.cap_drop);
    const auto asked_add = capabilities(asked_.cap_add);
    const auto found_add = capabilities(host_.cap_add);
    const bool drops =
        found_drop.contains("ALL") ||
        (asked_drop.contains("ALL") ? found_drop.size() >= expanded_all
                                    : std::includes(found_drop.begin(), found_drop.end(), asked_drop.begin(), asked_drop.end()));
    if (!drops) note("HostConfig.CapDrop", joined(asked_drop), joined(found_drop));
    if (!std::includes(asked_add.begin(), asked_add.end(), found_add.begin(), found_add.end())) {
      note("HostConfig.CapAdd", joined(asked_add), joined(found_add));
    }
    if (host_.privileged) note("HostConfig.Privileged", "false", "true");
    for (const std::string& option : asked_.security_opt) {
      if (!has_security(option)) note("HostConfig.SecurityOpt", option.substr(0, option.find('{')), "absent");
    }
    for (const std::string& option : host_.security_opt) {
      if (option.find("unconfined") != std::string::npos || option.rfind("label=disable", 0) == 0 ||
          option.rfind("label:disable", 0) == 0 || option == "systempaths=unconfined") {
        note("HostConfig.SecurityOpt", "absent", option);
      }
    }
    none_of("GroupAdd", !host_.group_add.empty());
    none_of("Devices", !host_.devices.empty());
    none_of("DeviceRequests", host_.device_requests > 0);
    none_of("DeviceCgroupRules", host_.device_cgroup_rules > 0);
    none_of("Sysctls", !host_.sysctls.empty());
    none_of("CgroupParent", !host_.cgroup_parent.empty());
    if (asked_.runtime != host_.runtime && !asked_.runtime.empty()) note("HostConfig.Runtime", asked_.runtime, host_.runtime);
  }

  [[nodiscard]] bool has_security(const std::string& option) const {
    const bool no_new = option.rfind("no-new-privileges", 0) == 0;
    return std::any_of(host_.security_opt.begin(), host_.security_opt.end(), [&](const std::string& other) {
      return no_new ? other == "no-new-privileges" || other == "no-new-privileges:true" || other == "no-new-privileges=true"
                    : other == option;
    });
  }

  void namespaces() {
    if (host_.ipc_mode != asked_.ipc_mode && host_.ipc_mode != "none")
      note("HostConfig.IpcMode", asked_.ipc_mode, host_.ipc_mode);
    if (host_.cgroupns_mode == "host") note("HostConfig.CgroupnsMode", asked_.cgroupns_mode, host_.cgroupns_mode);
    const auto shared = [](const std::string& mode) { return mode == "host" || mode.rfind("container:", 0) == 0; };
    if (shared(host_.pid_mode)) note("HostConfig.PidMode", "private", host_.pid_mode);
    if (shared(host_.uts_mode)) note("HostConfig.UTSMode", "private", host_.uts_mode);
    if (host_.userns_mode == "host") note("HostConfig.UsernsMode", "the engine's", host_.userns_mode);
    const bool same_network =
        host_.network_mode == asked_.network_mode ||
        (asked_.network_mode == "bridge" && (host_.network_mode == "default" || host_.network_mode.empty()));
    if (!same_network) note("HostConfig.NetworkMode", asked_.network_mode, host_.network_mode);
    if (host_.publish_all_ports) note("HostConfig.PublishAllPorts", "false", "true");
    none_of("PortBindings", host_.port_bindings > 0);
    none_of("Links", !host_.links.empty());
  }

  void files() {
    if (asked_.readonly_rootfs && !host_.readonly_rootfs) note("HostConfig.ReadonlyRootfs", "true", "false");
    none_of("Binds", !host_.binds.empty());
    none_of("VolumesFrom", !host_.volumes_from.empty());
    for (const docker::Mount& mount : host_.mounts) {
      if (mount.type == "bind" && mount.source != container_.workspace)
        note("HostConfig.Mounts", container_.workspace, mount.source);
    }
    bool mounted = false;
    for (const docker::MountPoint& point : found_.mounts) {
      if (point.type != "bind") continue;
      if (point.destination == "/workspace" && point.source == container_.workspace) {
        mounted = true;
        if (container_.workspace_read_only && point.read_write) note("Mounts /workspace", "read-only", "read-write");
      } else {
        note("Mounts", "the workspace alone", point.source + " at " + point.destination);
      }
    }
    if (!mounted) note("Mounts", container_.workspace + " at /workspace", "absent");
    for (const auto& [target, options] : asked_.tmpfs) {
      const auto same = host_.tmpfs.find(target);
      if (same == host_.tmpfs.end()) {
        note("HostConfig.Tmpfs", target, "absent");
        continue;
      }
      const auto words = option_words(same->second);
      for (const std::string& word : option_words(options)) {
        const bool guards = word == "nosuid" || word == "nodev" || word == "noexec" || word.rfind("size=", 0) == 0;
        if (guards && !words.contains(word)) note("HostConfig.Tmpfs " + target, word, same->second);
      }
    }
    const auto unmasked = [](const std::optional<std::vector<std::string>>& paths) { return paths && paths->empty(); };
    if (unmasked(host_.masked_paths)) note("HostConfig.MaskedPaths", "the engine's", "none");
    if (unmasked(host_.readonly_paths)) note("HostConfig.ReadonlyPaths", "the engine's", "none");
    const auto& restart = host_.restart_policy;
    if (!restart.empty() && restart != "no") note("HostConfig.RestartPolicy", "no", restart);
    if (host_.auto_remove) note("HostConfig.AutoRemove", "false", yes_no(host_.auto_remove));
  }

  void user() {
    const auto numbers = numeric_user_of(found_.config.user);
    if (!numbers) {
      note("Config.User", "uid:gid", found_.config.user.empty() ? "the image's" : found_.config.user);
    } else if (!allow_root_ && (numbers->first == 0 || numbers->second == 0)) {
      note("Config.User", "not root", found_.config.user);
    }
  }

  const docker::HostConfig& asked_;
  const specs::EffectiveContainer& container_;
  bool allow_root_;
  const docker::ContainerDetails& found_;
  const docker::HostConfig& host_;
  std::vector<Weaker> weaker_;
};

}  // namespace

std::string to_string(const Weaker& weaker) {
  return weaker.field + ": asked " + weaker.wanted + ", found " + weaker.found;
}

std::vector<Weaker> weaker_fields(const docker::HostConfig& asked, const specs::EffectiveContainer& container, bool allow_root,
                                  const docker::ContainerDetails& found) {
  return Comparison(asked, container, allow_root, found).run();
}

std::optional<std::pair<std::uint32_t, std::uint32_t>> numeric_user_of(const std::string& text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos) return std::nullopt;
  const auto number = [](const std::string& digits) -> std::optional<std::uint32_t> {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size() || std::to_string(value) != digits) {
      return std::nullopt;
    }
    return value;
  };
  const auto uid = number(text.substr(0, colon));
  const auto gid = number(text.substr(colon + 1));
  if (!uid || !gid) return std::nullopt;
  return std::pair{*uid, *gid};
}

}  // namespace cofferdam::reconciler
