// What the machine tells without being changed: plan, statuses, files, whose logs may be read, what is ours; the names that
// people know things by; and records that cannot be read.

#include <gmock/gmock.h>

#include <set>

#include "reconciler/decide.hpp"
#include "reconciler/effects.hpp"
#include "world.hpp"

namespace cofferdam::reconciler::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Key;

TEST(ConstView, PlansWhatWouldBeDoneAndWhy) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.hold_replies = true;
  world.settle();
  EXPECT_EQ(world.plan(), "bot: inspect image (row 47: the image's facts are unknown)\n") << "what is on its way is being done";
  world.hold_replies = false;
  world.answer_calls();
  world.settle();
  EXPECT_EQ(world.plan(), "bot: none (row 26: runs as its spec says)\n");
}

TEST(ConstView, PlansTheNumberOfTheAttemptThatIsBeingMade) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.hold_replies = true;
  world.settle();
  for (int calls = 0; calls < 20 && world.plan().find("create") == std::string::npos; ++calls) {
    world.answer_calls();
    world.settle();
  }
  EXPECT_EQ(world.plan(), "bot: create attempt 1 (row 52: nothing is there)\n");
}

TEST(ConstView, WritesAPlanLineWithWhatIsKnown) {
  PlanLine line;
  line.agent = "bot";
  line.action = "create";
  EXPECT_EQ(line.text(), "bot: create");
  line.row = "52";
  EXPECT_EQ(line.text(), "bot: create (row 52)");
  line.cause = "nothing is there";
  EXPECT_EQ(line.text(), "bot: create (row 52: nothing is there)");
}

TEST(ConstView, TellsEveryAgentsStatusAndFile) {
  World world;
  world.start();
  world.write("one.yaml", agent_file("one"));
  world.write("two.yaml", agent_file("two"));
  world.settle();
  EXPECT_THAT(world.machine->statuses(), ElementsAre(Key("one"), Key("two")));
  ASSERT_TRUE(world.machine->status("one"));
  EXPECT_EQ(world.machine->status("one")->phase, Phase::running);
  EXPECT_EQ(*world.machine->status("one"), world.status("one")) << "the same as was written";
  EXPECT_FALSE(world.machine->status("three"));
  EXPECT_THAT(world.machine->files(), ElementsAre(Key("one.yaml"), Key("two.yaml")));
}

TEST(ConstView, KnowsWhoseLogsAreTheAgents) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.settle();
  const std::string first = world.running("bot");
  EXPECT_EQ(world.machine->log_sources("bot").current, first);
  EXPECT_EQ(world.machine->log_sources("bot").previous, "");
  world.write("bot.yaml", agent_file("bot", "  memoryMB: 256\n"));
  world.settle();
  EXPECT_EQ(world.machine->log_sources("bot").current, world.running("bot"));
  EXPECT_EQ(world.machine->log_sources("bot").previous, first);
  EXPECT_EQ(world.machine->log_sources("stranger").current, "");
}

TEST(ConstView, OwnsWhatPassesEveryCheckAndNothingElse) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.settle();
  const std::string id = world.running("bot");
  const auto owned = world.machine->owned_containers();
  ASSERT_EQ(owned.size(), 1U);
  EXPECT_EQ(owned.front().id, id);
  EXPECT_EQ(owned.front().name, "cofferdam-default-bot-1");
  EXPECT_EQ(owned.front().labels.at("cofferdam.agent"), "bot");
  EXPECT_EQ(owned.front().labels.at("cofferdam.instance"), "default");
  world.engine.rename_from_outside(id, "look-alike", world.now);
  world.pass(minutes{2});
  for (const auto& container : world.machine->owned_containers()) EXPECT_NE(container.id, id) << "its name is not its label's";
  EXPECT_NE(world.machine->log_sources("bot").current, id);
}

TEST(Names, AreAllDifferentAndNoneIsEmpty) {
  const auto distinct = [](const auto& values) {
    std::set<std::string_view> names;
    for (const auto value : values) names.insert(name_of(value));
    EXPECT_FALSE(names.contains(""));
    return names.size() == std::size(values);
  };
  EXPECT_TRUE(distinct(all_phases));
  EXPECT_TRUE(distinct(std::vector{Truth::yes, Truth::no, Truth::unknown}));
  EXPECT_TRUE(distinct(
      std::vector{Want::held, Want::never_good, Want::absent, Want::remove, Want::suspended, Want::denied, Want::present}));
  EXPECT_TRUE(distinct(std::vector{Lane::changes, Lane::reads, Lane::pulls, Lane::penalty}));
  EXPECT_TRUE(
      distinct(std::vector{Action::none, Action::kill_term, Action::kill_kill, Action::record_stop, Action::inspect,
                           Action::save_outcome, Action::drop_outcome, Action::accept_run_hash, Action::remove,
                           Action::remove_forced, Action::note_discarded, Action::check_workspace, Action::start, Action::create,
                           Action::pull, Action::cancel_pull, Action::inspect_image, Action::probe, Action::drop_records}));
}

TEST(Records, ThatCannotBeReadCountAsAbsentAndAreTold) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.settle();
  const std::string id = world.running("bot");
  world.crash();
  world.state["engine"] = "{";
  world.state["agents/bot"] = "not a record";
  world.state["stops/" + id] = "";
  world.start();
  world.pass(minutes{2});
  EXPECT_EQ(world.logged("RecordSpoiled"), 3U);
  EXPECT_EQ(world.running("bot"), id) << "what runs goes on";
  EXPECT_EQ(world.phase("bot"), "Running");
}

TEST(Records, KeepTheRunHashOfASpecThatIsOnlyWrittenDifferently) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.settle();
  const std::string id = world.running("bot");
  // The default, written out: other words, the same container.
  world.write("bot.yaml", agent_file("bot", "  memoryMB: 512\n"));
  world.settle();
  EXPECT_EQ(world.running("bot"), id);
  EXPECT_EQ(world.condition("bot", "UpToDate"), "True");
  ASSERT_TRUE(world.state.contains("agents/bot")) << "the hash that it is known by now is kept";
  world.crash();
  const int changes = world.engine.changes();
  world.start();
  world.pass(minutes{2});
  EXPECT_EQ(world.running("bot"), id);
  EXPECT_EQ(world.engine.changes(), changes);
}

TEST(Records, ThatCannotBeSavedDoNotHoldUpASpecThatIsOnlyWrittenDifferently) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.settle();
  const std::string id = world.running("bot");
  world.state_writable = false;
  world.write("bot.yaml", agent_file("bot", "  memoryMB: 512\n"));
  world.pass(minutes{1});
  EXPECT_EQ(world.running("bot"), id);
  EXPECT_EQ(world.phase("bot"), "Running");
  EXPECT_GT(world.logged("StateUnwritable"), 0U);
  world.state_writable = true;
  world.pass(minutes{3});
  EXPECT_EQ(world.condition("bot", "UpToDate"), "True");
}

}  // namespace
}  // namespace cofferdam::reconciler::testing
