#include "reconciler/capacity.hpp"

namespace cofferdam::reconciler {
namespace {

constexpr std::int64_t mebibyte = 1 << 20;
constexpr double nano = 1e9;

std::string cpus(std::int64_t nano_cpus) {
  const std::int64_t hundredths = nano_cpus / 10'000'000;
  const std::int64_t rest = hundredths % 100;
  return std::to_string(hundredths / 100) + "." + (rest < 10 ? "0" : "") + std::to_string(rest);
}

}  // namespace

bool Capacity::hold(const std::string& agent, std::int64_t memory_bytes, std::int64_t nano_cpus) {
  const auto found = held_.find(agent);
  const Share before = found == held_.end() ? Share{} : found->second;
  if (before.memory_bytes == memory_bytes && before.nano_cpus == nano_cpus) return false;
  total_.memory_bytes += memory_bytes - before.memory_bytes;
  total_.nano_cpus += nano_cpus - before.nano_cpus;
  if (memory_bytes == 0 && nano_cpus == 0) {
    held_.erase(agent);
  } else {
    held_[agent] = Share{memory_bytes, nano_cpus};
  }
  return memory_bytes < before.memory_bytes || nano_cpus < before.nano_cpus;
}

std::string Capacity::lacking(const std::string& agent, std::int64_t memory_bytes, std::int64_t nano_cpus,
                              const specs::Policy& policy) const {
  const auto found = held_.find(agent);
  const Share own = found == held_.end() ? Share{} : found->second;
  if (policy.total_memory_mb > 0) {
    const std::int64_t others = total_.memory_bytes - own.memory_bytes;
    if (others + memory_bytes > policy.total_memory_mb * mebibyte) {
      return "policy.totalMemoryMB is " + std::to_string(policy.total_memory_mb) + " MiB, other agents hold " +
             std::to_string(others / mebibyte) + " MiB, this one asks for " + std::to_string(memory_bytes / mebibyte) + " MiB";
    }
  }
  if (policy.total_cpu_limit > 0) {
    const std::int64_t others = total_.nano_cpus - own.nano_cpus;
    const auto ceiling = static_cast<std::int64_t>(policy.total_cpu_limit * nano);
    if (others + nano_cpus > ceiling) {
      return "policy.totalCpuLimit is " + cpus(ceiling) + ", other agents hold " + cpus(others) + ", this one asks for " +
             cpus(nano_cpus);
    }
  }
  return {};
}

}  // namespace cofferdam::reconciler
