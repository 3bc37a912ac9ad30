#pragma once

// The images that there are in the machine's world.

#include <array>
#include <string>
#include <string_view>

namespace cofferdam::fuzz {

inline constexpr std::array<std::string_view, 3> image_references{"docker.io/library/node:20-alpine", "docker.io/library/i:1",
                                                                  "docker.io/library/j:2"};

inline std::string image_id(std::string_view reference) {
  return "sha256:" + std::string(63, '0') +
         (reference == image_references[0]   ? '1'
          : reference == image_references[1] ? '2'
                                             : '3');
}

}  // namespace cofferdam::fuzz
