#pragma once

// One run of chaos, from the first agent to the last comparison. It starts a private daemon and everything else itself.

#include <chrono>
#include <cstdint>
#include <string>

namespace cofferdam::test::chaos {

struct Options {
  std::chrono::seconds duration{180};
  std::uint64_t seed = 0;
  int agents = 30;
  int decoys = 32;
  std::chrono::seconds settle_within{300};  ///< for the end: everything as the files say
};

struct Outcome {
  int violations = 0;
  std::string lacking;  ///< what was not as the files say when the time to settle was over
  long observations = 0;
  long changing_calls = 0;
  long overlooked = 0;  ///< of them, on containers that were gone before they could be looked at
  int decoys = 0;
  std::string summary;  ///< lines for people; after a failure with the timeline and where the files are
  [[nodiscard]] bool good() const { return violations == 0 && lacking.empty(); }
};

/// Must be called before the process has threads. Where there is no engine, it ends the process with 2.
Outcome run(const Options& options);

}  // namespace cofferdam::test::chaos
