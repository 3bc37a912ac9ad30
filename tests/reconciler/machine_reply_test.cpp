// The replies of docs/semantics.md that a machine must not misread.

#include "world.hpp"

namespace cofferdam::reconciler::testing {
namespace {

std::size_t place_of(const World& world, const std::string& call) {
  const auto& calls = world.engine.calls;
  return static_cast<std::size_t>(std::find(calls.begin(), calls.end(), call) - calls.begin());
}

TEST(Machine, LooksAtWhatItCreatedBeforeItStartsIt) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.settle();
  const std::string id = world.running("bot");
  ASSERT_FALSE(id.empty());
  EXPECT_LT(place_of(world, "container inspect " + id), place_of(world, "container start " + id));
}

TEST(Machine, PullsAnImageThatVanishedBetweenTheLookAndTheCreate) {
  World world;
  world.start();
  world.engine.registry = world.engine.images;
  world.engine.fail("container create",
                    {docker::ErrorClass::status, 404, "container create", "", "No such image: docker.io/library/node:20-alpine"});
  world.write("bot.yaml", agent_file("bot", "  user: \"1000:1000\"\n"));
  world.pass(seconds{5});
  EXPECT_EQ(world.engine.count("image pull"), 1);
  EXPECT_EQ(world.phase("bot"), "Running");
}

TEST(Machine, TakesAnEndThatCameBeforeItsKillForTheAgentsOwn) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.settle();
  const std::string id = world.running("bot");
  world.hold_replies = true;
  world.write("bot.yaml", agent_file("bot", "  suspend: true\n"));
  world.settle();
  ASSERT_EQ(world.in_flight.size(), 1U);
  ASSERT_TRUE(std::holds_alternative<docker::ContainerKill>(world.in_flight.front().request));
  world.engine.exit(id, 0, world.now);
  world.hold_replies = false;
  world.answer_calls();  // 409: it does not run
  world.settle();
  EXPECT_EQ(world.phase("bot"), "Suspended");
  world.write("bot.yaml", agent_file("bot"));
  world.settle();
  EXPECT_EQ(world.phase("bot"), "Succeeded/Completed") << "its exit 0 was its own: it is not run again";
  EXPECT_EQ(world.engine.count("container create"), 1 + 1) << "the probe and one attempt";
}

TEST(Machine, StopsWhatSomebodyStartedWhileItsRemovalWasOnTheWay) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot", "  restartPolicy: Never\n"));
  world.settle();
  const std::string id = world.running("bot");
  world.engine.exit(id, 0, world.now);
  world.settle();
  ASSERT_EQ(world.phase("bot"), "Succeeded/Completed");
  world.hold_replies = true;
  world.write("bot.yaml", agent_file("bot", "  restartPolicy: Never\n  remove: true\n"));
  world.settle();
  ASSERT_EQ(world.in_flight.size(), 1U);
  ASSERT_TRUE(std::holds_alternative<docker::ContainerRemove>(world.in_flight.front().request));
  EXPECT_FALSE(std::get<docker::ContainerRemove>(world.in_flight.front().request).force);
  world.engine.start_from_outside(id, world.now);
  world.hold_replies = false;
  world.answer_calls();  // 409: it runs
  world.pass(seconds{10});
  EXPECT_EQ(world.phase("bot"), "Removed");
  EXPECT_TRUE(world.engine.of("bot").empty());
  EXPECT_LT(place_of(world, "container kill " + id), world.engine.calls.size()) << "stopped first, never removed by force";
}

TEST(Machine, KeepsTheVerdictOfAFinishedContainerThatSomebodyRemoved) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot", "  restartPolicy: Never\n"));
  world.settle();
  const std::string id = world.running("bot");
  world.engine.exit(id, 0, world.now);
  world.settle();
  world.engine.remove_from_outside(id, world.now);
  world.pass(minutes{2});
  EXPECT_EQ(world.phase("bot"), "Succeeded/Completed");
  EXPECT_TRUE(world.engine.of("bot").empty()) << "it is not run again";
}

TEST(Machine, BelievesItsOwnCallRatherThanAListThatLags) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.settle();
  const std::string id = world.running("bot");
  const auto lagging = world.engine.containers;  // as a list still shows it when its die event is out already
  world.engine.exit(id, 0, world.now);
  world.settle();
  ASSERT_EQ(world.phase("bot"), "Succeeded/Completed");
  const auto truth = world.engine.containers;
  world.engine.containers = lagging;
  Session gap;
  gap.epoch = world.epoch;
  gap.state = Session::State::gap;
  gap.why = "events lost";
  world.give(gap);
  world.step();
  world.step();  // the list is answered from the past
  world.engine.containers = truth;
  world.settle();
  EXPECT_EQ(world.phase("bot"), "Succeeded/Completed");
  EXPECT_EQ(world.engine.running("bot").size(), 0U);
  EXPECT_EQ(world.engine.count("container kill"), 0);
}

}  // namespace
}  // namespace cofferdam::reconciler::testing
