#pragma once

// What stands at a workspace's path, no link followed in any component. Blocking: for a thread of the pool.

#include <string>

#include "specs/admission.hpp"

namespace cofferdam::controller {

/// `path` is absolute. Only looks: nothing is opened for reading.
specs::WorkspaceFacts check_workspace(const std::string& path);

}  // namespace cofferdam::controller
