#include "tests/sim/main_exhaustive.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <new>
#include <sstream>
#include <string>
#include <vector>

#include "tests/sim/side_by_side.hpp"

namespace cofferdam::sim {
namespace {

/// The case that a worker is at, for the one who finds it dead.
constexpr std::size_t room = 8192;

std::string text_of(const Exhausted& part) {
  std::ostringstream out;
  out << part.scenarios << ' ' << part.broken << ' ' << part.kinds.size() << '\n';
  for (const auto& [kind, count] : part.kinds) out << count.expected << ' ' << count.executed << ' ' << kind << '\n';
  for (const std::string& failure : part.failures) out << failure << '\n';
  return out.str();
}

/// Adds what a worker told.
void add(const std::string& text, Exhausted& all, std::ostream& failures) {
  std::istringstream in(text);
  std::uint64_t scenarios = 0;
  std::uint64_t broken = 0;
  std::size_t kinds = 0;
  in >> scenarios >> broken >> kinds;
  all.scenarios = std::max(all.scenarios, scenarios);
  all.broken += broken;
  for (std::size_t i = 0; i < kinds; ++i) {
    Exhausted::Count count;
    std::string kind;
    in >> count.expected >> count.executed;
    std::getline(in >> std::ws, kind);
    all.kinds[kind].expected += count.expected;
    all.kinds[kind].executed += count.executed;
  }
  for (std::string line; std::getline(in, line);) failures << line << '\n';
}

}  // namespace

int run_exhaustive(const Scope& scope, std::size_t jobs, bool allocations) {
  const auto begun = std::chrono::steady_clock::now();
  auto* const shared = static_cast<char*>(mmap(nullptr, jobs * room, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  if (shared == MAP_FAILED) throw std::bad_alloc();
  std::vector<Worker> workers;
  for (std::size_t job = 0; job < jobs; ++job) {
    workers.push_back(begin_worker([&scope, allocations, job, jobs, at = shared + job * room] {
      Scope mine = scope;
      mine.part = job;
      mine.parts = jobs;
      mine.begins = [at](const std::string& name, const Plan& plan) {
        const std::string text = name + "\nabort: the machine died\n" + to_text(plan);
        std::memcpy(at, text.c_str(), std::min(text.size() + 1, room - 1));
      };
      return text_of(allocations ? exhaust_allocations(mine) : exhaust(mine));
    }));
  }
  Exhausted all;
  bool died = false;
  for (std::size_t job = 0; job < jobs; ++job) {
    if (const auto text = finish(workers[job])) {
      add(*text, all, std::cout);
    } else {
      died = true;
      std::cout << shared + job * room << "\n(and all that this worker had still to do)\n";
    }
  }
  munmap(shared, jobs * room);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  const auto number = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
  for (const auto& [kind, count] : all.kinds) {
    std::printf("  %-28s expected=%llu executed=%llu\n", kind.c_str(), number(count.expected), number(count.executed));
  }
  const auto sum = all.all();
  std::printf("scenarios=%llu expected=%llu executed=%llu violations=%llu seconds=%.0f%s\n", number(all.scenarios),
              number(sum.expected), number(sum.executed), number(all.broken), took.count(), died ? " (a worker died)" : "");
  return all.broken == 0 && !died && sum.expected > 0 && sum.expected == sum.executed ? 0 : 1;
}

}  // namespace cofferdam::sim
