#pragma once

// The host ceilings of policy (totalMemoryMB, totalCpuLimit): what the containers that exist, or are being made, may use.

#include <cstdint>
#include <string>
#include <unordered_map>

#include "specs/configuration.hpp"

namespace cofferdam::reconciler {

class Capacity {
 public:
  /// What the agent's containers may use; replaces what was held for it. True where it became less.
  bool hold(const std::string& agent, std::int64_t memory_bytes, std::int64_t nano_cpus);
  bool release(const std::string& agent) { return hold(agent, 0, 0); }

  /// Which ceiling is in the way of the agent's wish, for people; empty: none.
  [[nodiscard]] std::string lacking(const std::string& agent, std::int64_t memory_bytes, std::int64_t nano_cpus,
                                    const specs::Policy& policy) const;

 private:
  struct Share {
    std::int64_t memory_bytes = 0;
    std::int64_t nano_cpus = 0;
  };
  std::unordered_map<std::string, Share> held_;
  Share total_;
};

}  // namespace cofferdam::reconciler
