#include "tests/sim/allocation.hpp"

namespace cofferdam::sim {

Allocations*& counted_allocations() {
  static thread_local Allocations* by = nullptr;
  return by;
}

}  // namespace cofferdam::sim
