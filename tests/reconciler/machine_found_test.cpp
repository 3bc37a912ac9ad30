// What the simulator found and these tests keep: each is the least of a run that broke a promise.

#include "world.hpp"

namespace cofferdam::reconciler::testing {
namespace {

TEST(Found, LooksAtALookAlikeThatALaggingListCallsNotLive) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot", "  suspend: true\n"));
  world.settle();
  FakeContainer copy;
  copy.id = std::string(64, 'd');
  copy.made.name = "copy-of-bot";
  copy.made.config.labels = {{"cofferdam.managed-by", "cofferdam"},
                             {"cofferdam.instance", "default"},
                             {"cofferdam.role", "agent"},
                             {"cofferdam.agent", "bot"},
                             {"cofferdam.name", "cofferdam-default-bot-1"},
                             {"cofferdam.attempt", "1"}};
  world.engine.containers[copy.id] = copy;
  const int before = world.engine.count("container inspect");
  world.pass(minutes{2});
  EXPECT_EQ(world.engine.count("container inspect"), before + 1) << "once, and not at every list";
  EXPECT_EQ(world.machine->summary().suspect_containers, 1U);
}

}  // namespace
}  // namespace cofferdam::reconciler::testing
