// What a seed draws: agents, engine, and the list of faults and actions. How many and of which kinds is itself drawn, so
// that some runs are calm and others wild.

#include <algorithm>
#include <iterator>

#include "tests/sim/plan.hpp"

namespace cofferdam::sim {
namespace {

struct Kind {
  const char* verb;
  const char* arguments;  ///< by '|'; "": none
  bool on_agent;
  std::int64_t low;  ///< of the number
  std::int64_t high;
};

constexpr Kind people[] = {
    {"kill", "TERM|KILL|TERM", true, 0, 0},
    {"stop", "", true, 0, 0},
    {"rm", "", true, 0, 0},
    {"start", "", true, 0, 0},
    {"restart", "", true, 0, 0},
    {"pause", "", true, 500, 60000},
    {"rename", "", true, 0, 0},
    {"policy", "always|on-failure", true, 0, 0},
    {"exec", "", true, 0, 0},
    {"old-start", "", false, 0, 0},
    {"copy", "", true, 0, 0},
    {"decoy", "name|instance|role|label|attempt|image|mount", true, 0, 0},
    {"decoy", "name|mount", true, 0, 0},
    {"confirm", "", false, 0, 0},
    {"release", "", true, 0, 0},
};
constexpr Kind engine[] = {
    {"engine-kill", "", false, 500, 40000},
    {"engine-stop", "", false, 500, 40000},
    {"engine-hang", "", false, 1000, 50000},
    {"stream-break", "", false, 0, 0},
    {"stream-gap", "", false, 0, 0},
    {"unkillable", "", true, 1000, 90000},
    {"sticky-removal", "", true, 5000, 120000},
    {"inspect-hangs", "", true, 1000, 60000},
    {"image-gone", "", false, 1000, 90000},
    {"image-moves", "plain|plain|volume", false, 1000, 60000},
    {"registry-gone", "", false, 1000, 60000},
    {"network-gone", "", false, 1000, 60000},
    {"phantom-name", "", true, 0, 0},
    {"ghost", "", true, 1000, 120000},
};
constexpr Kind folder[] = {
    {"edit",
     "memory=64|memory=96|task=t1|task=t2|program=agent|program=agent,term=0|restart=Always|restart=OnFailure|restart=Never|"
     "suspend=yes|suspend=no|remove=yes|remove=no|stop=3|deadline=30|deadline=-1|ttl=20|max=2|network=n1|network=none|"
     "image=tool:1|image=node:20-alpine|pull=Always|pull=IfNotPresent|pull=Never",
     true, 0, 4},
    {"edit", "memory=64|memory=128|task=t3|suspend=yes|suspend=no", true, 0, 4},
    {"delete", "", true, 0, 0},
    {"add", "", true, 0, 4},
    {"move", "m.yaml|z.yaml|a.yaml", true, 0, 60000},
    {"break", "cut|empty|key|garbage", true, 500, 90000},
    {"unreadable-file", "", true, 500, 60000},
    {"duplicate", "", true, 500, 60000},
    {"fifo", "", false, 500, 60000},
    {"backup", "", true, 0, 0},
    {"folder-missing", "", false, 500, 60000},
    {"folder-unreadable", "", false, 500, 60000},
    {"folder-emptied", "", false, 500, 60000},
    {"folder-replaced", "", false, 0, 0},
    {"hints-lost", "", false, 1000, 90000},
};
constexpr Kind host[] = {
    {"crash", "", false, 10, 20000},
    {"crash", "", false, 10, 2000},
    {"shutdown", "", false, 10, 5000},
    {"reboot", "", false, 2000, 30000},
    {"clock", "", false, -100000000, 100000000},
    {"disk-full", "", false, 1000, 90000},
    {"state-read-only", "", false, 1000, 90000},
    {"state-unknown", "", false, 1000, 60000},
    {"state-lost", "", false, 10, 2000},
    {"ws-missing", "", true, 1000, 90000},
    {"ws-link", "", true, 1000, 60000},
    {"ws-hangs", "", true, 1000, 60000},
    {"ws-owner", "", true, 1000, 60000},
    {"ws-swap", "", true, 0, 0},
    {"configure", "memory|pids|off|on|tight|loose|ceiling|memory", false, 0, 0},
};

struct CallKind {
  const char* operation;
  std::int64_t most;  ///< so many of these calls are worth a fault
};
constexpr CallKind calls[] = {{"create", 8}, {"start", 8}, {"kill", 10}, {"remove", 8},  {"inspect", 40},
                              {"list", 8},   {"image", 4}, {"pull", 3},  {"archive", 3}, {"save", 40}};
constexpr const char* call_faults[] = {"refused",         "reset",        "garbage",       "bad-request",   "conflict",
                                       "error",           "unavailable",  "timeout",       "slow",          "crash-before",
                                       "crash-applied",   "crash-after",  "reset-applied", "error-applied", "garbage-applied",
                                       "timeout-applied", "timeout-late", "not-found",     "in-progress",   "no-permission"};
constexpr const char* programs[] = {"agent",
                                    "agent",
                                    "agent",
                                    "agent,term=0",
                                    "agent,term=ignore",
                                    "agent,run=4000,code=0",
                                    "agent,run=900,code=1,times=2",
                                    "agent,run=3000,oom,times=1",
                                    "agent,run=2500,code=3",
                                    "agent,run=20000,code=0,times=2",
                                    "agent,missing",
                                    "agent,start=126",
                                    "agent,run=2,code=1,times=3",
                                    "agent,takes=4000"};

std::string one_of(Random& random, const char* choices) {
  const std::string all = choices;
  if (all.empty()) return {};
  const std::int64_t bars = std::count(all.begin(), all.end(), '|');
  std::int64_t skip = random.between(0, bars);
  std::size_t begin = 0;
  for (; skip > 0; --skip) begin = all.find('|', begin) + 1;
  return all.substr(begin, all.find('|', begin) - begin);
}

class Drawing {
 public:
  explicit Drawing(std::uint64_t seed) : random_(mixed(seed, "plan")) { plan_.seed = seed; }

  Plan draw() {
    settings();
    agents();
    if (plan_.agents.size() > 1 && random_.one_in(16)) return one_in_trouble();
    plan_.faults_until = random_.between(20, 240) * second;
    // Calm or wild, and in which way.
    const std::int64_t wildness = random_.pick({0, 1, 2, 3, 5, 8, 13});
    group(people, wildness);
    group(engine, wildness);
    group(folder, wildness + 1);
    group(host, wildness);
    const std::int64_t faults = random_.chance(700) ? random_.between(0, 2 * wildness + 2) : 0;
    for (std::int64_t i = 0; i < faults; ++i) call_fault();
    const std::int64_t events = random_.chance(400) ? random_.between(0, 3 * wildness) : 0;
    for (std::int64_t i = 0; i < events; ++i) event_fault();
    if (random_.one_in(30)) started_while_removed();
    if (random_.one_in(20)) plan_.items.push_back({0, "violate", "verify", {}, random_.between(1, 6)});
    others();
    std::vector<Item> sorted;
    for (Item& item : plan_.items) {
      const auto at =
          std::upper_bound(sorted.begin(), sorted.end(), item, [](const Item& a, const Item& b) { return a.at < b.at; });
      sorted.insert(at, std::move(item));
    }
    plan_.items = std::move(sorted);
    return std::move(plan_);
  }

 private:
  /// One agent's engine objects give lasting trouble, and the others are edited meanwhile: they must not notice (L2).
  Plan one_in_trouble() {
    plan_.troubled = plan_.agents.front().name;
    plan_.engine.slowness = std::min<std::int64_t>(plan_.engine.slowness, 300);
    plan_.engine.drops_swap = plan_.engine.drops_pids = plan_.engine.drops_silently = false;
    for (AgentPlan& agent : plan_.agents) agent.file = agent.name + ".yaml";
    plan_.faults_until = 240 * second;
    const SimTime trouble = random_.between(10, 30) * second;
    const char* const verb = random_.pick({"inspect-hangs", "inspect-hangs", "unkillable", "sticky-removal", "ws-hangs"});
    plan_.items.push_back({trouble, verb, plan_.troubled, {}, 600000});
    plan_.items.push_back({trouble + second, "edit", plan_.troubled, "memory=64", 0});
    for (std::size_t i = 1; i < plan_.agents.size(); ++i) {
      plan_.items.push_back({trouble + random_.between(20, 90) * second, "edit", plan_.agents[i].name, "memory=96", 0});
    }
    std::sort(plan_.items.begin(), plan_.items.end(), [](const Item& a, const Item& b) { return a.at < b.at; });
    return std::move(plan_);
  }

  /// Somebody starts what a removal is on its way to (R6).
  void started_while_removed() {
    const std::string agent = an_agent();
    const SimTime at = a_moment();
    plan_.items.push_back({at, "edit", agent, "suspend=yes", 0});
    for (std::int64_t number = 1; number <= 4; ++number) plan_.items.push_back({0, "call", "remove", "slow:8000", number});
    plan_.items.push_back({at + 2 * second, "start", agent, {}, 0});
  }

  /// Other controllers, crowds of look-alikes, events that lie, descriptors that have run out.
  void others() {
    if (random_.one_in(8)) {
      for (std::int64_t i = random_.between(1, 4); i > 0; --i) {
        plan_.items.push_back({a_moment(), "rival", an_agent(), random_.pick({"same", "other"}), 0});
      }
    }
    if (random_.one_in(24)) plan_.items.push_back({a_moment(), "crowd", {}, {}, random_.between(30, 40)});
    if (random_.one_in(8)) {
      for (std::int64_t i = random_.between(1, 6); i > 0; --i) {
        plan_.items.push_back({0, "event", "any", "forged", random_.between(1, 60)});
      }
    }
    if (random_.one_in(16)) {
      const CallKind& kind = random_.pick(calls);
      if (kind.operation != std::string("save")) {
        plan_.items.push_back({0, "call", kind.operation, "descriptors", random_.between(1, kind.most)});
      }
    }
  }

  void settings() {
    plan_.engine.live_restore = random_.one_in(3);
    plan_.engine.local = !random_.one_in(8);
    plan_.engine.drops_swap = random_.one_in(25);
    plan_.engine.drops_pids = random_.one_in(40);
    plan_.engine.drops_silently = random_.one_in(40);
    plan_.engine.slowness = random_.pick({100LL, 100LL, 30LL, 300LL, 2000LL});
    plan_.relist_seconds = static_cast<int>(random_.pick({60, 300, 900, 1800, 600, 120, 60, 600}));
    plan_.rescan_seconds = static_cast<int>(random_.pick({20, 600, 120, 300, 60, 900, 20, 600}));
    plan_.backoff_seconds = static_cast<int>(random_.pick({60, 600, 900, 600, 300, 900, 600, 900}));
    plan_.calm_seconds = static_cast<int>(random_.one_in(32) ? 0 : random_.pick({7200LL, 14400LL, 21600LL}));
    plan_.rollout = static_cast<int>(random_.between(1, 2));
    plan_.budget_count = static_cast<int>(random_.pick({5, 1, 2}));
  }

  void agents() {
    const std::int64_t count = random_.pick({1, 1, 2, 2, 3, 4, 6});
    for (std::int64_t i = 0; i < count; ++i) {
      AgentPlan agent;
      agent.name = std::string(1, static_cast<char>('a' + i));
      agent.file = i > 0 && random_.one_in(4) ? plan_.agents.back().file : agent.name + ".yaml";
      agent.restart = random_.pick({"OnFailure", "Always", "Never"});
      agent.program = random_.pick(programs);
      agent.stop_timeout = static_cast<int>(random_.pick({10, 3, 0, 20}));
      if (random_.one_in(5)) agent.max_restarts = static_cast<int>(random_.between(0, 4));
      if (random_.one_in(6)) agent.deadline = static_cast<int>(random_.between(3, 120));
      if (random_.one_in(5)) agent.ttl = static_cast<int>(random_.between(1, 60));
      if (random_.one_in(6)) agent.pull = "Always";
      if (random_.one_in(6)) agent.image = "tool:1";
      if (random_.one_in(5)) agent.network = random_.pick({"bridge", "n1"});
      if (agent.restart == "Always" && agent.program.find("run=") != std::string::npos &&
          agent.program.find("times") == std::string::npos && agent.max_restarts < 0) {
        agent.program += ",times=4";
      }
      plan_.agents.push_back(agent);
    }
  }

  std::string an_agent() { return plan_.agents[random_.below(plan_.agents.size())].name; }

  /// Microseconds: what the text form keeps.
  SimTime a_moment() { return random_.between(0, plan_.faults_until / 1000) * 1000; }

  template <std::size_t N>
  void group(const Kind (&kinds)[N], std::int64_t wildness) {
    if (random_.chance(350)) return;
    const std::int64_t count = random_.between(0, wildness);
    for (std::int64_t i = 0; i < count; ++i) {
      const Kind& kind = random_.pick(kinds);
      Item item;
      item.at = a_moment();
      item.verb = kind.verb;
      if (kind.on_agent) item.target = an_agent();
      item.argument = one_of(random_, kind.arguments);
      item.number = random_.between(kind.low, kind.high);
      plan_.items.push_back(item);
      // Trouble comes in bursts: the next thing may follow at once.
      if (random_.one_in(3)) {
        const Kind& more = random_.pick(kinds);
        plan_.items.push_back({item.at + random_.between(0, 2'000'000) * 1000, more.verb,
                               more.on_agent ? an_agent() : std::string(), one_of(random_, more.arguments),
                               random_.between(more.low, more.high)});
      }
    }
  }

  void call_fault() {
    const CallKind& kind = random_.pick(calls);
    const std::string operation = kind.operation;
    Item item{0, "call", operation, random_.pick(call_faults), random_.between(1, kind.most)};
    if (operation == "save") item.argument = random_.pick({"crash-before", "crash-applied"});
    if (item.argument == "slow") item.argument += ":" + std::to_string(random_.between(100, 40000));
    const std::int64_t times = random_.one_in(4) ? random_.between(2, 12) : 1;  // once, or for a while
    for (std::int64_t i = 0; i < times; ++i, ++item.number) {
      if (i > 0 && item.argument.starts_with("crash")) break;
      plan_.items.push_back(item);
    }
  }

  void event_fault() {
    Item item{0, "event", "any", random_.pick({"drop", "drop", "late", "twice"}), random_.between(1, 60)};
    if (item.argument != "drop") item.argument += ":" + std::to_string(random_.between(1, 5000));
    plan_.items.push_back(item);
  }

  Random random_;
  Plan plan_;
};

}  // namespace

Plan plan_of(std::uint64_t seed) {
  return Drawing(seed).draw();
}

}  // namespace cofferdam::sim
