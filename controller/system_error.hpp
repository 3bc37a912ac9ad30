#pragma once

// The system's words for an error number, the same on every thread.

#include <string>
#include <system_error>

namespace cofferdam::controller {

inline std::string system_message(int error) {
  return std::generic_category().message(error);
}

}  // namespace cofferdam::controller
