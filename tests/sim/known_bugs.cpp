#include "tests/sim/known_bugs.hpp"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <new>
#include <optional>
#include <sstream>
#include <vector>

#include "tests/sim/compare.hpp"
#include "tests/sim/known_bugs/defect.hpp"
#include "tests/sim/scenarios.hpp"
#include "tests/sim/side_by_side.hpp"
#include "tests/sim/world.hpp"

namespace cofferdam::sim {
namespace {

namespace fs = std::filesystem;

const fs::path source = COFFERDAM_SOURCE_DIR;
constexpr unsigned patience_seconds = 60;  ///< for one run: a machine that does not come to rest is caught as well

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

std::vector<fs::path> sorted_files(const fs::path& folder, const char* extension) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == extension) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// One run on the way; what broke, or nothing. An hour of silence stands for the day.
std::optional<std::string> first_violation(const std::string& stage, Plan plan, bool compare) {
  std::printf("at %s\n", stage.c_str());
  std::fflush(stdout);
  alarm(patience_seconds);
  plan.quiet = std::min<SimTime>(plan.quiet, hour);
  World world(plan, false);
  world.run();
  if (compare && world.violations().empty()) {
    for (const std::string& difference : differs_from_fresh(world)) world.checks().violated("D1", difference);
  }
  if (world.violations().empty()) return std::nullopt;
  return world.violations().front();
}

/// What came of one variant.
struct Result {
  bool caught = false;
  std::string promise;  ///< "S1", …, "abort", "hangs"
  std::string stage;    ///< "seed 7", "scenario runs", "corpus x"
  std::string text;
  std::uint64_t seeds = 0;
};

/// Runs the program at `path` as a variant.
Result run_variant(const fs::path& path, std::uint64_t within) {
  Result result;
  const std::string command = "'" + path.string() + "' --until-caught " + std::to_string(within) + " 2>/dev/null";
  FILE* out = popen(command.c_str(), "r");
  if (out == nullptr) {
    result.text = "it could not be run";
    return result;
  }
  for (int c = 0; c != EOF;) {
    std::string line;
    while ((c = std::fgetc(out)) != EOF && c != '\n') line += static_cast<char>(c);
    if (line.starts_with("at ")) {
      result.stage = line.substr(3);
      if (result.stage.starts_with("seed ")) ++result.seeds;
    }
    if (!line.starts_with("caught ")) continue;
    result.caught = true;
    result.text = line.substr(7);
    result.promise = result.text.substr(0, result.text.find(' '));
  }
  const int status = pclose(out);
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  if (code < 2 && result.caught == (code == 1)) return result;
  // A shell tells a death by a signal as 128 and the signal.
  result.caught = !result.stage.empty();
  result.promise = code == 128 + SIGALRM ? "hangs" : "abort";
  result.text = "the program ended with " + std::to_string(code);
  return result;
}

std::string text_of(std::size_t index, const Result& result) {
  std::ostringstream out;
  out << index << '\t' << result.caught << '\t' << result.seeds << '\t' << (result.promise.empty() ? "-" : result.promise) << '\t'
      << (result.stage.empty() ? "-" : result.stage) << '\t' << result.text << '\n';
  return out.str();
}

void read_results(const std::string& text, std::vector<Result>& results) {
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    std::istringstream fields(line);
    std::string field;
    const auto next = [&] {
      std::getline(fields, field, '\t');
      return field;
    };
    Result& result = results.at(std::strtoull(next().c_str(), nullptr, 10));
    result.caught = next() == "1";
    result.seeds = std::strtoull(next().c_str(), nullptr, 10);
    result.promise = next();
    result.stage = next();
    result.text = next();
  }
}

struct Variant {
  fs::path program;
  std::uint64_t within = 0;
};

/// All of them, as many at once as there are jobs; the results in the same order.
std::vector<Result> run_all(const std::vector<Variant>& variants, std::size_t jobs) {
  void* const shared = mmap(nullptr, sizeof(std::atomic<std::size_t>), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  auto* const next = new (shared) std::atomic<std::size_t>(0);
  std::vector<Worker> workers;
  for (std::size_t job = 0; job < jobs; ++job) {
    workers.push_back(begin_worker([&] {
      std::string text;
      for (std::size_t index = (*next)++; index < variants.size(); index = (*next)++) {
        text += text_of(index, run_variant(variants[index].program, variants[index].within));
      }
      return text;
    }));
  }
  std::vector<Result> results(variants.size());
  for (const Worker& worker : workers) {
    if (const auto text = finish(worker)) read_results(*text, results);
  }
  munmap(shared, sizeof(std::atomic<std::size_t>));
  return results;
}

/// What must be built before; empty: nothing.
std::string lacking(const fs::path& program, const std::vector<Defect>& defects) {
  const fs::path folder = program.parent_path() / "known-bugs";
  for (const Defect& defect : defects) {
    std::error_code none;
    const auto built = fs::last_write_time(folder / defect.name, none);
    if (none) return defect.name + " is not built";
    if (built < fs::last_write_time(program)) return defect.name + " is older than this program";
  }
  return {};
}

void print(const std::string& name, const std::string& stands_for, const std::string& expected, const Result& result) {
  const std::string by = result.caught ? result.promise : expected == "nothing" ? "nothing" : "SURVIVED";
  const std::string where = result.caught ? (result.stage.starts_with("seed ") ? std::to_string(result.seeds) : result.stage)
                                          : std::to_string(result.seeds);
  std::printf("%-34s %-34s %-10s %-9s %s\n", name.c_str(), stands_for.c_str(), expected.c_str(), by.c_str(), where.c_str());
}

}  // namespace

int run_until_caught(std::uint64_t within) {
  const auto caught = [](const std::optional<std::string>& violation) {
    if (violation) std::printf("caught %s\n", violation->c_str());
    return violation.has_value();
  };
  for (std::uint64_t seed = 0; seed < within; ++seed) {
    if (caught(first_violation("seed " + std::to_string(seed), plan_of(seed), seed % 8 == 0))) return 1;
  }
  for (const Scenario& scenario : scenarios()) {
    if (caught(first_violation("scenario " + scenario.name, scenario.plan, true))) return 1;
  }
  for (const fs::path& file : sorted_files(source / "tests/sim/corpus", ".plan")) {
    std::string error;
    const auto plan = plan_from(read(file), error);
    if (!plan) {
      std::cerr << file << ": " << error << '\n';
      return 2;
    }
    if (caught(first_violation("corpus " + file.stem().string(), *plan, true))) return 1;
  }
  return 0;
}

int run_known_bugs(const std::string& program, std::uint64_t within, std::size_t jobs) {
  const auto begun = std::chrono::steady_clock::now();
  std::vector<Defect> defects;
  for (const fs::path& file : sorted_files(source / "tests/sim/known_bugs", ".patch")) {
    std::string error;
    auto defect = defect_from(file.stem().string(), read(file), error);
    if (!defect) {
      std::cerr << error << '\n';
      return 2;
    }
    if (within > 0) defect->within = within;
    defects.push_back(std::move(*defect));
  }
  const fs::path self = fs::canonical(program);
  if (const std::string what = lacking(self, defects); !what.empty()) {
    std::cerr << what << "; build the variants: cmake --build " << self.parent_path().string() << " --target known-bugs\n";
    return 2;
  }
  std::vector<Variant> variants{{self, 0}};
  for (const Defect& defect : defects) {
    variants.push_back({self.parent_path() / "known-bugs" / defect.name, defect.within});
    variants.front().within = std::max(variants.front().within, defect.within);
  }
  const std::vector<Result> results = run_all(variants, jobs);

  std::printf("%-34s %-34s %-10s %-9s %s\n", "defect", "stands for", "expected", "caught by", "after seeds, or in");
  std::size_t caught = 0;
  std::size_t unexpected = 0;
  for (std::size_t i = 0; i < defects.size(); ++i) {
    const Defect& defect = defects[i];
    const Result& result = results[i + 1];
    std::string expected;
    for (const std::string& promise : defect.promises) expected += (expected.empty() ? "" : "|") + promise;
    print(defect.name, defect.stands_for, expected, result);
    caught += result.caught ? 1 : 0;
    const bool meant = std::find(defect.promises.begin(), defect.promises.end(), result.promise) != defect.promises.end();
    if (result.caught && !meant) {
      ++unexpected;
      std::printf("    by another promise than expected: %s\n", result.text.c_str());
    }
  }
  const Result& unharmed = results.front();
  print("(none: the program as it is)", "", "nothing", unharmed);
  if (unharmed.caught)
    std::printf("    the unharmed program is caught, in %s: %s\n", unharmed.stage.c_str(), unharmed.text.c_str());
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  std::printf("unharmed_seeds=%llu unharmed_caught=%d by_another_promise=%zu seconds=%.0f\n",
              static_cast<unsigned long long>(unharmed.seeds), unharmed.caught ? 1 : 0, unexpected, took.count());
  std::printf("defects=%zu caught=%zu\n", defects.size(), caught);
  const bool whole = unharmed.seeds == variants.front().within && !unharmed.caught;
  return caught == defects.size() && whole ? 0 : 1;
}

}  // namespace cofferdam::sim
