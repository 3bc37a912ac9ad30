#pragma once

// Base64 both ways: credentials come in it and go out in it.

#include <optional>
#include <string>
#include <string_view>

namespace cofferdam::docker {

/// RFC 4648 with '-' and '_' and padding: what X-Registry-Auth carries.
std::string base64url_encode(std::string_view bytes);
/// Either alphabet, padding optional; nullopt where another character stands in it.
std::optional<std::string> base64_decode(std::string_view text);

}  // namespace cofferdam::docker
