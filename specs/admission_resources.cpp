// Ceilings of memory, processors, processes and tmpfs: per agent, and what the host has at all. Whether the host's total is used
// up by others is judged when an agent is about to start, not here.

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "specs/admission_rules.hpp"

namespace cofferdam::specs {
namespace {

constexpr std::int64_t mib = 1048576;
constexpr std::int64_t least_memory_mb = 6;           // the engine's own minimum
constexpr std::int64_t least_nano_cpus = 10'000'000;  // 0.01 processors, the engine's own

/// The shortest decimal: 1.5, not 1.500000.
std::string decimal(double value) {
  std::array<char, 512> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed).ptr;
  return {buffer.data(), end};
}

void judge_memory(Judgement& judgement, const HostFacts& host) {
  const std::string field = "spec.memoryMB";
  const Policy& policy = judgement.policy();
  const std::int64_t memory_mb = judgement.container.memory_bytes / mib;
  const std::string what = std::to_string(memory_mb) + " MiB of memory" + judgement.origin(field);
  const auto at_most = [](std::int64_t most) { return "write at most " + std::to_string(most); };
  if (memory_mb < least_memory_mb) {
    judgement.refuse("memory-minimum", field, what + " is less than the engine's minimum",
                     "write at least " + std::to_string(least_memory_mb));
  }
  if (policy.max_memory_mb > 0 && memory_mb > policy.max_memory_mb) {
    judgement.refuse("memory-ceiling", field, what + " is more than policy.maxMemoryMB", at_most(policy.max_memory_mb));
  }
  if (policy.total_memory_mb > 0 && memory_mb > policy.total_memory_mb) {
    judgement.refuse("memory-total", field, what + " is more than all agents may have together (policy.totalMemoryMB)",
                     at_most(policy.total_memory_mb));
  }
  if (host.memory_bytes > 0 && judgement.container.memory_bytes > host.memory_bytes) {
    judgement.refuse("memory-host", field, what + " is more than the host has", at_most(host.memory_bytes / mib));
  }
}

void judge_processors(Judgement& judgement, const HostFacts& host) {
  const std::string field = "spec.cpuLimit";
  const Policy& policy = judgement.policy();
  const std::int64_t nanos = judgement.container.nano_cpus;
  const std::string what = "a limit of " + decimal(static_cast<double>(nanos) / 1e9) + " processors" + judgement.origin(field);
  if (nanos < least_nano_cpus) {
    judgement.refuse("cpu-minimum", field, what + " is less than the engine's minimum", "write at least 0.01");
  }
  if (policy.max_cpu_limit > 0 && nanos > nano_cpus_of(policy.max_cpu_limit)) {
    judgement.refuse("cpu-ceiling", field, what + " is more than policy.maxCpuLimit",
                     "write at most " + decimal(policy.max_cpu_limit));
  }
  if (policy.total_cpu_limit > 0 && nanos > nano_cpus_of(policy.total_cpu_limit)) {
    judgement.refuse("cpu-total", field, what + " is more than all agents may have together (policy.totalCpuLimit)",
                     "write at most " + decimal(policy.total_cpu_limit));
  }
  if (host.processors > 0 && nanos > nano_cpus_of(host.processors)) {
    judgement.refuse("cpu-host", field, what + " is more than the host has", "write at most " + std::to_string(host.processors));
  }
}

}  // namespace

void judge_resources(Judgement& judgement, const HostFacts& host) {
  judge_memory(judgement, host);
  judge_processors(judgement, host);
  const Policy& policy = judgement.policy();
  const std::string pids_field = "spec.security.pidsLimit";
  if (policy.max_pids > 0 && judgement.container.pids_limit.value_or(policy.max_pids + 1) > policy.max_pids) {
    const auto& limit = judgement.container.pids_limit;
    judgement.refuse("pids-ceiling", pids_field,
                     (limit ? "a limit of " + std::to_string(*limit) + " processes" : std::string("no limit on processes")) +
                         judgement.origin(pids_field) + " is more than policy.maxPids",
                     "write 1 to " + std::to_string(policy.max_pids));
  }
  std::int64_t tmpfs_bytes = 0;
  for (const auto& [target, tmpfs] : judgement.container.tmpfs)
    tmpfs_bytes = std::min(tmpfs_bytes, INT64_MAX - tmpfs.size_bytes) + tmpfs.size_bytes;
  if (policy.max_tmpfs_mb > 0 && tmpfs_bytes / mib > policy.max_tmpfs_mb) {
    judgement.refuse("tmpfs-ceiling", "spec.tmpfs",
                     "the tmpfs mounts have " + std::to_string(tmpfs_bytes / mib) +
                         " MiB together, the configuration's defaults included, more than policy.maxTmpfsMB",
                     "write sizes of at most " + std::to_string(policy.max_tmpfs_mb) + " MiB together");
  }
}

}  // namespace cofferdam::specs
