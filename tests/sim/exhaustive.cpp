#include "tests/sim/exhaustive.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "tests/sim/scenarios.hpp"
#include "tests/sim/world.hpp"

namespace cofferdam::sim {
namespace {

constexpr std::string_view crashes[] = {"crash-before", "crash-applied", "crash-after"};

/// Of engine calls.
constexpr std::string_view errors[] = {"refused",       "no-permission",   "reset",           "garbage",      "bad-request",
                                       "not-found",     "conflict",        "in-progress",     "not-running",  "name-taken",
                                       "error",         "unavailable",     "timeout",         "endless",      "reset-applied",
                                       "error-applied", "garbage-applied", "timeout-applied", "timeout-late", "slow:9000"};

constexpr std::size_t most_failures = 40;

/// The ways in which an effect can fail that is no engine call.
std::vector<std::string_view> errors_of(const std::string& operation) {
  if (operation == "save") return {"no-space", "slow:8000"};
  if (operation == "scan") return {"unreadable"};
  if (operation == "check") return {"hangs", "missing"};
  if (operation == "verify" || operation == "other") return {};
  return {std::begin(errors), std::end(errors)};
}

bool is_call(const Point& point) {
  for (const std::string_view other : {"save", "scan", "check", "verify", "other"}) {
    if (point.operation == other) return false;
  }
  return true;
}

Item item_on(const Point& point, std::string_view how, const std::string& verb = "call") {
  return {0, verb, point.operation, std::string(how), point.number};
}

/// The moments at which the controller can die of this effect: one that was never answered in its life has but one.
std::vector<std::string_view> moments_of(const Point& point) {
  if (!point.answered) return {crashes[0]};
  return {std::begin(crashes), std::end(crashes)};
}

class Exhaustion {
 public:
  explicit Exhaustion(const Scope& scope) : scope_(scope) {}

  Exhausted run(void (Exhaustion::*one)(const Scenario&)) {
    for (const Scenario& scenario : scenarios()) {
      const auto& only = scope_.only;
      if (!only.empty() && std::find(only.begin(), only.end(), scenario.name) == only.end()) continue;
      ++result_.scenarios;
      (this->*one)(scenario);
    }
    return std::move(result_);
  }

  void effects(const Scenario& scenario) {
    const std::vector<Point> points = points_of(scenario.plan);
    for (const Point& point : points) {
      if (point.operation == "other") {
        hurt("crash between effects", scenario, {item_on(point, crashes[0])});
        continue;
      }
      for (const auto moment : moments_of(point)) {
        hurt(is_call(point) ? "crash at a call" : "crash at a save or check", scenario, {item_on(point, moment)});
      }
      if (point.operation == "verify") hurt("error, once", scenario, {item_on(point, "", "violate")});
      if (!point.sent) continue;
      for (const auto error : errors_of(point.operation)) {
        hurt("error, once", scenario, {item_on(point, error)});
        hurt("error, from then on", scenario, {item_on(point, error, "calls")});
      }
    }
    if (scope_.pairs && scenario.core) pairs(scenario, points);
  }

  void allocations(const Scenario& scenario) {
    World calm(scenario.plan, false);
    calm.count_allocations();
    calm.run();
    const std::uint64_t total = calm.allocations()->count;
    const std::uint64_t places = scope_.places == 0 ? total : std::min(total, scope_.places);
    for (std::uint64_t place = 0; place < places; ++place) {
      const auto number = static_cast<std::int64_t>(1 + place * total / places);
      hurt("allocation fails", scenario, {{0, "allocation", "", "", number}});
    }
    for (std::int64_t every = 3; every < static_cast<std::int64_t>(total); every = every * 3 / 2 + 1) {
      hurt("every n-th allocation fails", scenario, {{0, "allocations", "", "", every}});
    }
  }

 private:
  static std::vector<Point> points_of(const Plan& plan) {
    World world(plan, false);
    world.notes_points = world.notes_others = true;
    world.run();
    return world.points();
  }

  /// What the second crash may fall on is found by the first: every call and save of the lives after it.
  void pairs(const Scenario& scenario, const std::vector<Point>& points) {
    for (const Point& point : points) {
      if (!is_call(point) && point.operation != "save") continue;
      for (const auto moment : moments_of(point)) {
        Plan once = scenario.plan;
        once.items.push_back(item_on(point, moment));
        for (const Point& second : points_of(once)) {
          if (second.life <= point.life || (!is_call(second) && second.operation != "save")) continue;
          for (const auto again : moments_of(second)) {
            hurt("pair of crashes", scenario, {item_on(point, moment), item_on(second, again)});
          }
        }
      }
    }
  }

  void hurt(const std::string& kind, const Scenario& scenario, const std::vector<Item>& items) {
    if (cases_++ % scope_.parts != scope_.part) return;
    Plan plan = scenario.plan;
    plan.items.insert(plan.items.end(), items.begin(), items.end());
    std::string name = scenario.name;
    for (const Item& item : items) name += ", " + to_text(item);
    if (scope_.begins) scope_.begins(name, plan);

    Exhausted::Count& count = result_.kinds[kind];
    ++count.expected;
    World world(plan, false);
    world.run();
    // A crash falls once; an error or a failing allocation may fall on every call.
    std::uint64_t fell = 0;
    for (const auto& [what, times] : world.statistics().faults) {
      if (what.starts_with("call ") || what.starts_with("violate ") || what == "allocation") fell += times;
    }
    const bool executed = items.size() > 1 ? fell == items.size() : fell > 0;
    if (executed) ++count.executed;
    if (!world.violations().empty()) ++result_.broken;
    if ((executed && world.violations().empty()) || result_.failures.size() >= most_failures) return;
    const std::string what = world.violations().empty() ? "not executed" : world.violations().front();
    result_.failures.push_back(name + "\n" + what + "\n" + to_text(plan));
  }

  const Scope& scope_;
  Exhausted result_;
  std::uint64_t cases_ = 0;
};

}  // namespace

Exhausted::Count Exhausted::all() const {
  Count sum;
  for (const auto& [kind, count] : kinds) {
    sum.expected += count.expected;
    sum.executed += count.executed;
  }
  return sum;
}

Exhausted exhaust(const Scope& scope) {
  return Exhaustion(scope).run(&Exhaustion::effects);
}

Exhausted exhaust_allocations(const Scope& scope) {
  return Exhaustion(scope).run(&Exhaustion::allocations);
}

}  // namespace cofferdam::sim
