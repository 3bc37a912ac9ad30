#include "tests/sim/trace.hpp"

namespace cofferdam::sim {

std::string seconds_text(SimTime time) {
  const std::string micros = std::to_string((time % second) / 1000);
  return std::to_string(time / second) + "." + std::string(6 - micros.size(), '0') + micros;
}

}  // namespace cofferdam::sim
