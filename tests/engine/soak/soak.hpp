#pragma once

// Lives of agents in waves: files appear, their containers are made and started, end or are stopped, the files go, the
// containers are removed. Every other agent runs to its end, the rest are stopped by the removal of their files. Names come
// round again, since the controller remembers for an hour that an agent was removed.

#include <string>

namespace cofferdam::test::soak {

struct Options {
  int lives = 10'000;
  int wave = 100;
};

struct Use {
  int descriptors = 0;
  int threads = 0;
  long resident_kib = 0;
};

struct Outcome {
  Use after_warm_up;
  Use at_end;
  long created = 0;
  long removed = 0;
  std::string failure;  ///< a wave that did not come to its end
  std::string summary;
};

/// How much resident memory may have grown from the end of the warm-up (two lives of each name) to the end.
constexpr long growth_allowed_kib = 4096;

Outcome run(const Options& options);

}  // namespace cofferdam::test::soak
