#pragma once

// Directories of our own.

#include <sys/types.h>

#include <string>

namespace cofferdam::controller {

/// Makes the directory, with its missing parents (0755), and gives a new one exactly this mode, whatever the umask. One that
/// is there stays as it is. Returns the system's words where it cannot be had; empty: it is there.
std::string make_directory(const std::string& path, mode_t mode);

}  // namespace cofferdam::controller
