// The exhaustive mode of cofferdam-sim: its parts side by side, their counts together.

#include "tests/sim/main_exhaustive.hpp"

#include <cstdio>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/sim/exhaustive.hpp"
#include "tests/sim/side_by_side.hpp"

namespace cofferdam::sim {

int run_exhaustive(std::size_t jobs, bool pairs) {
  std::vector<Worker> workers;
  for (std::size_t job = 0; job < jobs; ++job) {
    workers.push_back(begin_worker([job, jobs, pairs] {
      const Exhausted part = exhaust(job, jobs, pairs);
      std::ostringstream out;
      out << part.scenarios << ' ' << part.expected << ' ' << part.executed << ' ' << part.violations.size() << '\n';
      for (const std::string& violation : part.violations) out << violation << '\n';
      return out.str();
    }));
  }
  Exhausted all;
  std::size_t violations = 0;
  bool died = false;
  for (const Worker& worker : workers) {
    const auto text = finish(worker);
    died = died || !text;
    std::istringstream in(text.value_or("0 0 0 0\n"));
    Exhausted part;
    std::size_t broken = 0;
    in >> part.scenarios >> part.expected >> part.executed >> broken;
    all.scenarios += part.scenarios;
    all.expected += part.expected;
    all.executed += part.executed;
    violations += broken;
    for (std::string line; std::getline(in, line);) std::cout << line << '\n';
  }
  std::printf("scenarios=%llu expected=%llu executed=%llu violations=%zu%s\n", static_cast<unsigned long long>(all.scenarios),
              static_cast<unsigned long long>(all.expected), static_cast<unsigned long long>(all.executed), violations,
              died ? " (a worker died)" : "");
  return violations == 0 && !died && all.expected == all.executed ? 0 : 1;
}

}  // namespace cofferdam::sim
