#pragma once

// Directories of our own.

#include <sys/types.h>

#include <string>

namespace cofferdam::controller {

/// Makes the directory, with its missing parents (0755), and gives a new one exactly this mode, whatever the umask. One that
/// is there stays as it is. Returns the system's words where it cannot be had; empty: it is there.
std::string make_directory(const std::string& path, mode_t mode);

/// Why `user` must not run `command` on a directory that is there and belongs to another: our files in it are for their owner
/// alone (0600), so that one run as root would shut the service out of its own. Empty: it may. `field` is the configuration's.
std::string refuse_other_owner(const std::string& field, const std::string& path, uid_t user, const std::string& command);

}  // namespace cofferdam::controller
