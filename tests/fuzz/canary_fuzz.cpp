// A promise that does not hold: run.sh asks for it to be found, so that a run without a finding means something.

#include <string_view>

#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  cofferdam::fuzz::require(!text.starts_with("tweet"), "no bird sings");
  return 0;
}
