#pragma once

// The first regular file of a tar archive, as GET /containers/{id}/archive answers for one path.

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>

#include "docker/requests.hpp"

namespace cofferdam::docker {

/// The text says what was found instead: a directory, a symbolic link (the engine does not follow the last one), a
/// truncated or broken archive, a file over the bound. pax and GNU long-name heads are skipped.
std::variant<ArchiveFile, std::string> first_file(std::string_view archive, std::size_t max_bytes = 1U << 20U);

}  // namespace cofferdam::docker
