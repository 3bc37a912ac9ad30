#pragma once

// Asked against inspected, by meaning: an engine drops what it does not know in silence, so nothing is started before
// its configuration was read back and found no weaker than asked (docs/semantics.md, row 28; S5).

#include <optional>
#include <string>
#include <vector>

#include "docker/requests.hpp"
#include "specs/effective.hpp"

namespace cofferdam::reconciler {

struct Weaker {
  std::string field;  ///< "HostConfig.Memory"
  std::string wanted;
  std::string found;
  std::optional<docker::LimitKind> limit;  ///< a limit that an operator may tolerate to be missing

  bool operator==(const Weaker&) const = default;
};
/// "HostConfig.Memory: asked 1, found 0"
std::string to_string(const Weaker& weaker);

/// Every field of the container that is weaker than asked; a stronger one is none. `allow_root`: policy admits uid or gid 0.
std::vector<Weaker> weaker_fields(const docker::HostConfig& asked, const specs::EffectiveContainer& container, bool allow_root,
                                  const docker::ContainerDetails& found);

/// "uid:gid" in canonical decimals; nothing else.
std::optional<std::pair<std::uint32_t, std::uint32_t>> numeric_user_of(const std::string& text);

}  // namespace cofferdam::reconciler
