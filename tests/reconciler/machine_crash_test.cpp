// A crash at every boundary of every effect: the next life ends where an undisturbed one would have.

#include "world.hpp"

namespace cofferdam::reconciler::testing {
namespace {

struct Scenario {
  std::string name;
  std::function<void(World&)> before;  ///< undisturbed
  std::function<void(World&)> change;  ///< what is lived through with a crash in it
  std::function<void(World&)> expect;
};

void running_once(World& world, std::int64_t memory_mb) {
  ASSERT_EQ(world.engine.running("bot").size(), 1U);
  EXPECT_EQ(world.engine.running("bot").front()->made.host_config.memory, memory_mb << 20);
  EXPECT_EQ(world.phase("bot"), "Running");
  EXPECT_EQ(world.condition("bot", "Ready"), "True");
}

std::vector<Scenario> scenarios() {
  const auto drop = [](World& world) { world.write("bot.yaml", agent_file("bot")); };
  return {
      {"drop", [](World&) {}, drop, [](World& world) { running_once(world, 512); }},
      {"edit", drop, [](World& world) { world.write("bot.yaml", agent_file("bot", "  memoryMB: 256\n")); },
       [](World& world) { running_once(world, 256); }},
      {"suspend", drop, [](World& world) { world.write("bot.yaml", agent_file("bot", "  suspend: true\n")); },
       [](World& world) {
         EXPECT_EQ(world.engine.of("bot").size(), 0U);
         EXPECT_EQ(world.phase("bot"), "Suspended");
       }},
      {"erase",
       [](World& world) {
         world.write("bot.yaml", agent_file("bot"));
         world.write("other.yaml", agent_file("other"));
       },
       [](World& world) { world.erase("bot.yaml"); },
       [](World& world) {
         EXPECT_EQ(world.engine.of("bot").size(), 0U);
         EXPECT_EQ(world.engine.running("other").size(), 1U);
         EXPECT_EQ(world.state.count("agents/bot"), 0U);
         EXPECT_EQ(world.state.count("files/bot.yaml"), 0U);
       }},
      {"run once",
       [](World& world) { world.write("bot.yaml", agent_file("bot", "  restartPolicy: Never\n  ttlSecondsAfterFinished: 1\n")); },
       [](World& world) { world.engine.exit(world.running("bot"), 0, world.now); },
       [](World& world) {
         EXPECT_EQ(world.engine.count("container start"), 1);
         EXPECT_EQ(world.phase("bot"), "Succeeded/Completed");
       }},
      {"crash of the agent", drop, [](World& world) { world.engine.exit(world.running("bot"), 1, world.now); },
       [](World& world) {
         running_once(world, 512);
         EXPECT_EQ(world.status("bot").restarts, 1);
       }},
  };
}

/// Lives through it with a crash after that many effects. False: it was over before.
bool live_through(const Scenario& scenario, int crash_after, bool shuffled) {
  World world;
  world.start();
  scenario.before(world);
  world.pass(seconds{2});
  scenario.change(world);
  int effects = 0;
  bool crashed = false;
  const Monotonic end = world.now.mono + seconds{3};
  while (!crashed && world.now.mono < end) {
    if (shuffled && world.pending.size() > 1) std::swap(world.pending.front(), world.pending.back());
    if (world.step()) {
      if (++effects == crash_after) crashed = true;
    } else {
      world.pass(milliseconds{200});
    }
  }
  if (!crashed) return false;
  world.crash();
  world.start();
  world.pass(minutes{3});
  SCOPED_TRACE(scenario.name + ", crash after " + std::to_string(crash_after));
  scenario.expect(world);
  EXPECT_LE(world.engine.most_live_of_one, 1U) << scenario.name << " " << crash_after;
  return true;
}

class MachineCrash : public ::testing::TestWithParam<std::size_t> {};

TEST_P(MachineCrash, EndsWhereAnUndisturbedLifeWouldHave) {
  const Scenario scenario = scenarios().at(GetParam());
  for (const bool shuffled : {false, true}) {
    int points = 0;
    while (live_through(scenario, points + 1, shuffled) && !::testing::Test::HasFailure()) ++points;
    EXPECT_GT(points, 5) << scenario.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Every, MachineCrash, ::testing::Range<std::size_t>(0, 6));

}  // namespace
}  // namespace cofferdam::reconciler::testing
