#pragma once

// --known-bugs: whether the checks catch what they are for. Every variant of this program with one known bug in the product
// (tests/sim/known_bugs/) runs seeds from 0, then the named scenarios and the corpus, until a promise is seen broken or its
// bound is reached. The unharmed program goes the same way and must not be caught, or the table would mean nothing.

#include <cstddef>
#include <cstdint>
#include <string>

namespace cofferdam::sim {

/// Prints the table. `program`: this one's path, beside which the variants lie; `within`: 0, or a bound in place of each one's
/// own. The program's exit code: 1 where one survives, or the unharmed one does not.
int run_known_bugs(const std::string& program, std::uint64_t within, std::size_t jobs);

/// What a variant does: tells each stage it comes to, and what it was caught by. 0: by nothing.
int run_until_caught(std::uint64_t within);

}  // namespace cofferdam::sim
