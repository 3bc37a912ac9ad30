#pragma once

// Allocations of the machine that fail, on a plan: while they are counted, operator new (allocation_new.cpp, linked into
// the programs that want it) asks here first. Only what the machine allocates within a turn is counted; the simulator's
// own memory is never short.

#include <cstdint>

namespace cofferdam::sim {

struct Allocations {
  std::uint64_t count = 0;        ///< so far
  std::uint64_t fails_at = 0;     ///< the one that fails; 0: none
  std::uint64_t fails_every = 0;  ///< every such one fails; 0: none
  std::uint64_t failed = 0;

  /// One more is asked for. False: it fails.
  bool grant() {
    ++count;
    if (count != fails_at && (fails_every == 0 || count % fails_every != 0)) return true;
    ++failed;
    return false;
  }
};

/// What this thread's allocations are counted by; nullptr: nothing, and all are granted.
Allocations*& counted_allocations();

/// Counts by `by` for as long as it lives.
class CountedAllocations {
 public:
  explicit CountedAllocations(Allocations* by) { counted_allocations() = by; }
  ~CountedAllocations() { counted_allocations() = nullptr; }
  CountedAllocations(const CountedAllocations&) = delete;
  CountedAllocations& operator=(const CountedAllocations&) = delete;
};

}  // namespace cofferdam::sim
