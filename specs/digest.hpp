#pragma once

// The one digest of the project: SHA-256, for hashes of specs and of file contents.

#include <string>
#include <string_view>

namespace cofferdam::specs {

/// 64 lower-case hex digits.
std::string sha256_hex(std::string_view bytes);

}  // namespace cofferdam::specs
