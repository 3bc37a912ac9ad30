#pragma once

// Linux capabilities by name (capabilities(7)): what a container is left with, and which of them amount to root.

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace cofferdam::specs {

/// Upper case, without the prefix CAP_: "cap_net_raw" → "NET_RAW".
std::string normal_capability(std::string_view name);

/// ALL, and every name that there is, normalised, sorted but for ALL.
const std::vector<std::string_view>& capability_names();

/// True for those that hand out the host, or every file in it: SYS_ADMIN, SYS_MODULE, MAC_*, … (docs/hardening.md).
bool is_root_equivalent_capability(std::string_view normal_name);

/// What the engine's own default set leaves after `drop`, and `add` besides: empty for ALL dropped and none added.
/// "ALL" in `add` stands for itself.
std::set<std::string> granted_capabilities(const std::vector<std::string>& drop, const std::vector<std::string>& add);

}  // namespace cofferdam::specs
