// cofferdam-sim: drives the controller's machine through a simulated world.
//   --seeds A..B        runs them on all processors; prints a summary, and each failure cut down to its least. A seed that
//                       fails is named at once on stderr. Each run is followed by a day without faults, at the plan's
//                       calm pace: relists and rescans are seldom then, and what happens between them is jumped over
//   --seed N [--trace]  one run, as a timeline
//   --plan FILE [--trace]
//   --exhaustive        every call of every named scenario, hurt in every way; and pairs of crashes (--no-pairs: without)
//   --allocation-failure [--places N]  allocations of the machine fail, N of each scenario (0: each)
//   --only NAME         for these two: this scenario
//   --known-bugs [--within N]  whether every known bug is caught (known_bugs.hpp)

#include <sys/mman.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "tests/sim/compare.hpp"
#include "tests/sim/known_bugs.hpp"
#include "tests/sim/main_exhaustive.hpp"
#include "tests/sim/row_coverage.hpp"
#include "tests/sim/shrink.hpp"
#include "tests/sim/side_by_side.hpp"
#include "tests/sim/world.hpp"

namespace {

using namespace cofferdam::sim;

struct Options {
  std::uint64_t first = 0;
  std::uint64_t last = 999;
  bool single = false;
  std::string plan;
  bool trace = false;
  bool print_plan = false;
  bool hashes = false;
  bool shrinks = true;
  bool exhaustive = false;
  bool known_bugs = false;
  bool coverage = false;
  bool until_caught = false;
  std::uint64_t within = 0;
  bool allocation_failure = false;
  Scope scope;
  std::size_t jobs = 0;
  std::size_t most_failures = 5;
};

/// What one worker counted, as text between processes.
struct Tally {
  std::uint64_t seeds = 0;
  std::uint64_t failed = 0;
  Statistics statistics;
  std::map<std::string, std::uint64_t> broken;
  std::vector<std::string> failures;  ///< "seed promise text"
  std::vector<std::uint64_t> failed_seeds;
  std::uint64_t hash = 0;
};

void add(Tally& tally, std::uint64_t seed, const World& world) {
  ++tally.seeds;
  const Statistics& one = world.statistics();
  tally.statistics.steps += one.steps;
  tally.statistics.inputs += one.inputs;
  tally.statistics.calls += one.calls;
  tally.statistics.simulated_seconds += one.simulated_seconds;
  for (const auto& [kind, count] : one.faults) tally.statistics.faults[kind] += count;
  for (const auto& [row, count] : one.rows) tally.statistics.rows[row] += count;
  tally.hash += mixed(world.trace().hash() ^ seed);
  if (world.violations().empty()) return;
  ++tally.failed;
  const std::string& first = world.violations().front();
  ++tally.broken[first.substr(0, first.find(' '))];
  tally.failed_seeds.push_back(seed);
  tally.failures.push_back(std::to_string(seed) + " " + first);
}

std::string text_of(const Tally& tally) {
  std::ostringstream out;
  const Statistics& s = tally.statistics;
  out << "n " << tally.seeds << ' ' << tally.failed << ' ' << s.steps << ' ' << s.inputs << ' ' << s.calls << ' '
      << s.simulated_seconds << ' ' << tally.hash << '\n';
  for (const auto& [row, count] : s.rows) out << "r " << count << ' ' << row << '\n';
  for (const auto& [kind, count] : s.faults) out << "f " << count << ' ' << kind << '\n';
  for (const auto& [promise, count] : tally.broken) out << "b " << count << ' ' << promise << '\n';
  for (const std::string& failure : tally.failures) out << "v " << failure << '\n';
  return out.str();
}

void read_tally(const std::string& text, Tally& tally) {
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line.substr(2));
    std::uint64_t count = 0;
    if (line[0] == 'n') {
      Tally one;
      Statistics& s = one.statistics;
      words >> one.seeds >> one.failed >> s.steps >> s.inputs >> s.calls >> s.simulated_seconds >> one.hash;
      tally.seeds += one.seeds;
      tally.failed += one.failed;
      tally.statistics.steps += s.steps;
      tally.statistics.inputs += s.inputs;
      tally.statistics.calls += s.calls;
      tally.statistics.simulated_seconds += s.simulated_seconds;
      tally.hash += one.hash;
    } else if (line[0] == 'v') {
      tally.failures.push_back(line.substr(2));
      tally.failed_seeds.push_back(std::strtoull(line.c_str() + 2, nullptr, 10));
    } else {
      words >> count;
      std::string name;
      std::getline(words >> std::ws, name);
      auto& counts = line[0] == 'f' ? tally.statistics.faults : line[0] == 'r' ? tally.statistics.rows : tally.broken;
      counts[name] += count;
    }
  }
}

/// Seeds first, first + step, … up to last; `progress` holds the one in work, for the case that the worker dies.
Worker begin_seeds(std::uint64_t first, std::uint64_t last, std::uint64_t step, volatile std::uint64_t* progress) {
  return begin_worker([=] {
    Tally tally;
    for (std::uint64_t seed = first; seed <= last; seed += step) {
      *progress = seed;
      World world(plan_of(seed), false);
      world.run();
      if (seed % 8 == 0 && world.violations().empty()) {
        for (const std::string& difference : differs_from_fresh(world)) world.checks().violated("D1", difference);
      }
      add(tally, seed, world);
      if (!world.violations().empty()) {
        std::fprintf(stderr, "seed %llu %s\n", static_cast<unsigned long long>(seed), world.violations().front().c_str());
      }
    }
    return text_of(tally);
  });
}

double processor_seconds_of_workers() {
  rusage used{};
  getrusage(RUSAGE_CHILDREN, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

void report(const Plan& plan, const std::string& promise, bool shrinks) {
  const Plan least = shrinks ? shrink(plan, promise) : plan;
  std::printf("--- the least of seed %llu that breaks %s (save as FILE; cofferdam-sim --plan FILE --trace):\n%s",
              static_cast<unsigned long long>(plan.seed), promise.c_str(), to_text(least).c_str());
}

int run_seeds(const Options& options) {
  const auto begun = std::chrono::steady_clock::now();
  const std::uint64_t jobs = options.jobs > 0 ? options.jobs : processors();
  auto* const shared = static_cast<std::uint64_t*>(
      mmap(nullptr, jobs * sizeof(std::uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  Tally tally;
  std::vector<Worker> workers;
  for (std::uint64_t job = 0; job < jobs; ++job) {
    workers.push_back(begin_seeds(options.first + job, options.last, jobs, shared + job));
  }
  for (std::uint64_t job = 0; job < jobs; ++job) {
    // A worker that dies loses its count: the seed is a failure, and the rest goes on after it.
    while (true) {
      if (const auto text = finish(workers[job])) {
        read_tally(*text, tally);
        break;
      }
      const std::uint64_t seed = shared[job];
      ++tally.failed;
      ++tally.broken["abort"];
      tally.failed_seeds.push_back(seed);
      tally.failures.push_back(std::to_string(seed) + " abort: the machine died");
      if (seed + jobs > options.last) break;
      workers[job] = begin_seeds(seed + jobs, options.last, jobs, shared + job);
    }
  }
  munmap(shared, jobs * sizeof(std::uint64_t));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  const double used = processor_seconds_of_workers();

  std::size_t shown = 0;
  for (const std::string& failure : tally.failures) {
    if (++shown > 40) break;
    std::printf("seed %s\n", failure.c_str());
  }
  std::map<std::string, int> reported;
  for (std::size_t i = 0; i < tally.failures.size() && reported.size() < options.most_failures; ++i) {
    const std::string text = tally.failures[i].substr(tally.failures[i].find(' ') + 1);
    const std::string promise = text.starts_with("abort") ? "abort" : text.substr(0, text.find(' '));
    if (reported[promise]++ == 0) report(plan_of(tally.failed_seeds[i]), promise, options.shrinks);
  }
  const Statistics& s = tally.statistics;
  std::printf("faults and actions that took place:\n");
  for (const auto& [kind, count] : s.faults) std::printf("  %-24s %llu\n", kind.c_str(), static_cast<unsigned long long>(count));
  for (const auto& [promise, count] : tally.broken) {
    std::printf("broken first: %s in %llu seeds\n", promise.c_str(), static_cast<unsigned long long>(count));
  }
  std::printf(
      "seeds=%llu steps=%llu inputs=%llu calls=%llu simulated_hours=%lld steps_per_second=%.0f (%llu at once) "
      "steps_per_processor_second=%.0f hash=%016llx violations=%llu\n",
      static_cast<unsigned long long>(tally.seeds), static_cast<unsigned long long>(s.steps),
      static_cast<unsigned long long>(s.inputs), static_cast<unsigned long long>(s.calls),
      static_cast<long long>(s.simulated_seconds / 3600), static_cast<double>(s.steps) / took.count(),
      static_cast<unsigned long long>(jobs), static_cast<double>(s.steps) / used, static_cast<unsigned long long>(tally.hash),
      static_cast<unsigned long long>(tally.failed));
  const bool covered = !options.coverage || print_coverage(s, tally.seeds);
  return tally.failed == 0 && covered ? 0 : 1;
}

int run_one(const Plan& plan, const Options& options) {
  if (options.print_plan) std::cout << to_text(plan);
  World world(plan, options.trace);
  world.run();
  if (world.violations().empty()) {
    for (const std::string& difference : differs_from_fresh(world)) world.checks().violated("D1", difference);
  }
  for (const std::string& line : world.trace().lines()) std::cout << line << '\n';
  for (const std::string& violation : world.violations()) std::cout << "violated " << violation << '\n';
  std::printf("seed=%llu steps=%llu inputs=%llu calls=%llu hash=%016llx violations=%zu\n",
              static_cast<unsigned long long>(plan.seed), static_cast<unsigned long long>(world.statistics().steps),
              static_cast<unsigned long long>(world.statistics().inputs),
              static_cast<unsigned long long>(world.statistics().calls), static_cast<unsigned long long>(world.trace().hash()),
              world.violations().size());
  return world.violations().empty() ? 0 : 1;
}

int usage() {
  std::cerr
      << "cofferdam-sim --seeds A..B [--jobs N] [--no-shrink] | --seed N [--trace] [--print-plan] | --plan FILE [--trace] | "
         "--exhaustive [--no-pairs] [--only NAME] | --allocation-failure [--places N] [--only NAME] | --known-bugs [--within "
         "N]\n";
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const bool more = i + 1 < argc;
    if (word == "--coverage") {
      options.coverage = true;
    } else if (word == "--trace") {
      options.trace = true;
    } else if (word == "--print-plan") {
      options.print_plan = true;
    } else if (word == "--exhaustive") {
      options.exhaustive = true;
    } else if (word == "--known-bugs") {
      options.known_bugs = true;
    } else if (word == "--within" && more) {
      options.within = std::strtoull(argv[++i], nullptr, 10);
    } else if (word == "--until-caught" && more) {
      options.until_caught = true;
      options.within = std::strtoull(argv[++i], nullptr, 10);
    } else if (word == "--no-pairs") {
      options.scope.pairs = false;
    } else if (word == "--allocation-failure") {
      options.allocation_failure = true;
    } else if (word == "--only" && more) {
      options.scope.only.emplace_back(argv[++i]);
    } else if (word == "--places" && more) {
      options.scope.places = std::strtoull(argv[++i], nullptr, 10);
    } else if (word == "--no-shrink") {
      options.shrinks = false;
    } else if (word == "--jobs" && more) {
      options.jobs = std::strtoull(argv[++i], nullptr, 10);
    } else if (word == "--seed" && more) {
      options.single = true;
      options.first = std::strtoull(argv[++i], nullptr, 10);
    } else if (word == "--plan" && more) {
      options.plan = argv[++i];
    } else if (word == "--seeds" && more) {
      const std::string range = argv[++i];
      const auto dots = range.find("..");
      options.first = std::strtoull(range.c_str(), nullptr, 10);
      options.last = dots == std::string::npos ? options.first : std::strtoull(range.c_str() + dots + 2, nullptr, 10);
    } else {
      return usage();
    }
  }
  if (options.until_caught) return run_until_caught(options.within);
  if (options.known_bugs) return run_known_bugs(argv[0], options.within, options.jobs > 0 ? options.jobs : processors());
  if (options.exhaustive || options.allocation_failure) {
    return run_exhaustive(options.scope, options.jobs > 0 ? options.jobs : processors(), options.allocation_failure);
  }
  if (!options.plan.empty()) {
    std::ifstream file(options.plan);
    std::ostringstream text;
    text << file.rdbuf();
    std::string error;
    const auto plan = plan_from(text.str(), error);
    if (!plan) {
      std::cerr << options.plan << ": no plan: " << error << '\n';
      return 2;
    }
    return run_one(*plan, options);
  }
  return options.single ? run_one(plan_of(options.first), options) : run_seeds(options);
}
