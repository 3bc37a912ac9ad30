#pragma once

// Who an agent runs as: a spec's `user` (name[:group] or canonical decimals) and an image's passwd(5) and group(5) texts make
// the numbers that the container is created with. The texts are the image's, and not trusted.

#include <cstdint>
#include <optional>
#include <string>

namespace cofferdam::specs {

struct NumericUser {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;

  bool operator==(const NumericUser&) const = default;
};

struct UserResolution {
  std::optional<NumericUser> user;
  std::string error;  ///< "image has no user node; set spec.user, for example 1000:1000"
};

/// Why `user` is none, for people ("has an empty group behind ':'"); empty: it is one. Numbers are canonical: no sign, no
/// leading zero, at most 2147483647 (the engine's own bound), since the engine takes "00" and "+0" for root.
std::string user_form_error(const std::string& user);

/// True when `user` needs the image's files: any part of it is a name, or the group is left to passwd.
bool user_needs_files(const std::string& user);

/// The first passwd line of that name (or uid) counts, as for the engine. Without a group it is the group of that line; a bare
/// uid that passwd does not list gets the gid of the same number, never 0, which is what the engine would take.
/// No supplementary groups: the container is created with the two numbers.
UserResolution resolve_user(const std::string& user, const std::string& passwd, const std::string& group);

/// "1000:1000"
std::string to_string(const NumericUser& user);

}  // namespace cofferdam::specs
