#pragma once

// The configuration as it is on the disk: the file's bytes judged by specs, and what only the system can say about it:
// where workspace roots really are, what seccomp profiles hold, and who may write to what we believe.
// Blocking: at start on the main thread, for a reload on a thread of the pool.

#include <string>
#include <variant>
#include <vector>

#include "controller/api.hpp"

namespace cofferdam::controller {

struct LoadedFile {
  specs::LoadedConfiguration loaded;
  std::vector<std::string> warnings;          ///< for people, complete
  std::vector<std::string> controller_paths;  ///< what no workspace may touch: absolute, without links where they exist
};

std::variant<LoadedFile, specs::Problems> load_configuration_file(const ConfigurationSource& source);

}  // namespace cofferdam::controller
