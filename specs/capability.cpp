#include "specs/capability.hpp"

#include <algorithm>
#include <array>

namespace cofferdam::specs {
namespace {

// What the engine gives a container that drops nothing.
constexpr std::array<std::string_view, 14> engine_defaults{"AUDIT_WRITE", "CHOWN",   "DAC_OVERRIDE",     "FOWNER",    "FSETID",
                                                           "KILL",        "MKNOD",   "NET_BIND_SERVICE", "NET_RAW",   "SETFCAP",
                                                           "SETGID",      "SETPCAP", "SETUID",           "SYS_CHROOT"};

constexpr std::array<std::string_view, 13> root_equivalent{
    "BPF",       "DAC_OVERRIDE", "DAC_READ_SEARCH", "MKNOD",      "NET_ADMIN", "PERFMON", "SETFCAP",
    "SYS_ADMIN", "SYS_BOOT",     "SYS_MODULE",      "SYS_PTRACE", "SYS_RAWIO", "SYS_TIME"};

}  // namespace

const std::vector<std::string_view>& capability_names() {
  static const std::vector<std::string_view> names{"ALL",
                                                   "AUDIT_CONTROL",
                                                   "AUDIT_READ",
                                                   "AUDIT_WRITE",
                                                   "BLOCK_SUSPEND",
                                                   "BPF",
                                                   "CHECKPOINT_RESTORE",
                                                   "CHOWN",
                                                   "DAC_OVERRIDE",
                                                   "DAC_READ_SEARCH",
                                                   "FOWNER",
                                                   "FSETID",
                                                   "IPC_LOCK",
                                                   "IPC_OWNER",
                                                   "KILL",
                                                   "LEASE",
                                                   "LINUX_IMMUTABLE",
                                                   "MAC_ADMIN",
                                                   "MAC_OVERRIDE",
                                                   "MKNOD",
                                                   "NET_ADMIN",
                                                   "NET_BIND_SERVICE",
                                                   "NET_BROADCAST",
                                                   "NET_RAW",
                                                   "PERFMON",
                                                   "SETFCAP",
                                                   "SETGID",
                                                   "SETPCAP",
                                                   "SETUID",
                                                   "SYSLOG",
                                                   "SYS_ADMIN",
                                                   "SYS_BOOT",
                                                   "SYS_CHROOT",
                                                   "SYS_MODULE",
                                                   "SYS_NICE",
                                                   "SYS_PACCT",
                                                   "SYS_PTRACE",
                                                   "SYS_RAWIO",
                                                   "SYS_RESOURCE",
                                                   "SYS_TIME",
                                                   "SYS_TTY_CONFIG",
                                                   "WAKE_ALARM"};
  return names;
}

std::string normal_capability(std::string_view name) {
  std::string result;
  for (const char c : name) result += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  if (result.starts_with("CAP_")) result.erase(0, 4);
  return result;
}

bool is_root_equivalent_capability(std::string_view normal_name) {
  return normal_name.starts_with("MAC_") ||
         std::find(root_equivalent.begin(), root_equivalent.end(), normal_name) != root_equivalent.end();
}

std::set<std::string> granted_capabilities(const std::vector<std::string>& drop, const std::vector<std::string>& add) {
  std::set<std::string> granted(engine_defaults.begin(), engine_defaults.end());
  for (const std::string& name : drop) {
    const std::string dropped = normal_capability(name);
    if (dropped == "ALL") {
      granted.clear();
      break;
    }
    granted.erase(dropped);
  }
  for (const std::string& name : add) granted.insert(normal_capability(name));
  return granted;
}

}  // namespace cofferdam::specs
