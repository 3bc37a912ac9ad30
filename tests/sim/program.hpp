#pragma once

// What runs in a simulated container, told by its command line: ["agent", "run=5", "code=1", "times=2", "term=ignore"].
// So a program is part of its spec, as in life, and editing it is an edit.

#include <string>
#include <vector>

#include "tests/sim/trace.hpp"

namespace cofferdam::sim {

struct Program {
  SimTime runs_for = 0;  ///< 0: until it is told to end
  int exit_code = 0;
  bool oom = false;        ///< ends out of memory
  int times = 0;           ///< it ends by itself this many times, then it runs on; 0: always
  int term_code = 143;     ///< on TERM; -1: takes no notice
  bool unhandled = false;  ///< no handler of TERM: as a first process, without an init, it is not reached by it
  SimTime term_takes = 50 * millisecond;
  int start_code = 0;    ///< 126 or 127: its start answers 400
  int command_code = 0;  ///< 126, 127: not executable, not there: under an init it starts and exits with that
};

Program program_from(const std::vector<std::string>& words);

}  // namespace cofferdam::sim
