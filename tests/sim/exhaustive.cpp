#include "tests/sim/exhaustive.hpp"

#include <map>
#include <utility>

#include "tests/sim/scenarios.hpp"
#include "tests/sim/world.hpp"

namespace cofferdam::sim {
namespace {

constexpr const char* crashes[] = {"crash-before", "crash-applied", "crash-after"};
constexpr const char* errors[] = {"refused",      "no-permission", "reset",         "garbage",         "bad-request",
                                  "not-found",    "conflict",      "in-progress",   "error",           "unavailable",
                                  "timeout",      "reset-applied", "error-applied", "garbage-applied", "timeout-applied",
                                  "timeout-late", "slow:9000"};

class Exhaustion {
 public:
  explicit Exhaustion(Exhausted& result) : result_(result) {}

  void scenario(const Scenario& scenario, bool pairs) {
    ++result_.scenarios;
    World calm(scenario.plan, false);
    calm.run();
    note(scenario.plan, calm, scenario.name);
    for (const auto& [operation, times] : calm.counts_in_faults()) {
      if (operation == "event" || operation == "verify") continue;
      for (std::int64_t number = 1; number <= times; ++number) {
        if (operation == "save") {
          for (const char* crash : {"crash-before", "crash-applied"}) hurt(scenario, "call", operation, crash, number);
          continue;
        }
        for (const char* crash : crashes) hurt(scenario, "call", operation, crash, number);
        for (const char* error : errors) {
          hurt(scenario, "call", operation, error, number);
          hurt(scenario, "calls", operation, error, number);
        }
      }
    }
    if (pairs && scenario.core) all_pairs(scenario, calm.counts_in_faults());
  }

 private:
  void hurt(const Scenario& scenario, const std::string& verb, const std::string& operation, const std::string& how,
            std::int64_t number) {
    Plan plan = scenario.plan;
    plan.items.push_back({0, verb, operation, how, number});
    run(plan, scenario.name + ": " + to_text(plan.items.back()), 1);
  }

  void all_pairs(const Scenario& scenario, const std::map<std::string, std::int64_t>& calls) {
    for (const auto& [operation, times] : calls) {
      if (operation == "event" || operation == "verify" || operation == "save") continue;
      for (std::int64_t number = 1; number <= times; ++number) {
        for (const char* crash : crashes) {
          Plan once = scenario.plan;
          once.items.push_back({0, "call", operation, crash, number});
          World world(once, false);
          world.run();
          for (const auto& [second_operation, second_times] : world.counts_in_faults()) {
            if (second_operation == "event" || second_operation == "verify" || second_operation == "save") continue;
            // Those that are made after the first crash.
            for (std::int64_t second = counted_before(second_operation, operation, number, calls) + 1; second <= second_times;
                 ++second) {
              for (const char* again : crashes) {
                Plan twice = once;
                twice.items.push_back({0, "call", second_operation, again, second});
                run(twice, scenario.name + ": pair", 2);
              }
            }
          }
        }
      }
    }
  }

  /// A bound from below on how many calls of an operation come before another: the same operation's own count is exact.
  static std::int64_t counted_before(const std::string& counted, const std::string& operation, std::int64_t number,
                                     const std::map<std::string, std::int64_t>& calls) {
    if (counted == operation) return number;
    const auto found = calls.find(counted);
    return found == calls.end() ? 0 : found->second;  // beyond the calm run's: surely made by a later life
  }

  void run(const Plan& plan, const std::string& what, std::uint64_t faults) {
    ++result_.expected;
    World world(plan, false);
    world.run();
    std::uint64_t took_place = 0;
    for (const auto& [kind, count] : world.statistics().faults) {
      if (kind.starts_with("call")) took_place += count;
    }
    if (took_place >= faults) ++result_.executed;
    note(plan, world, what);
  }

  void note(const Plan& plan, const World& world, const std::string& what) {
    if (world.violations().empty() || result_.violations.size() >= 200) return;
    result_.violations.push_back(what + "\n" + world.violations().front() + "\n" + to_text(plan));
  }

  Exhausted& result_;
};

}  // namespace

Exhausted exhaust(std::size_t part, std::size_t parts, bool pairs) {
  Exhausted result;
  Exhaustion exhaustion(result);
  const auto all = scenarios();
  for (std::size_t i = part; i < all.size(); i += parts) exhaustion.scenario(all[i], pairs);
  return result;
}

}  // namespace cofferdam::sim
