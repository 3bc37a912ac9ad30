// Images, copies and the daemon's own life: of every engine.

#include <algorithm>
#include <string>

#include "tests/contract/contract.hpp"

namespace cofferdam::docker {
namespace {

using test::Behaviour;
using test::offered_image;
using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::StartsWith;

class WorldContract : public test::Contract {};

// Images.

TEST_F(WorldContract, AnAbsentImageIsNotFound) {
  const auto error = failing(ImageInspect{"docker.io/library/absent:1"});
  EXPECT_EQ(error.status, 404);
  EXPECT_THAT(error.message, HasSubstr("No such image"));
}

TEST_F(WorldContract, AnImageSaysWhatItBrings) {
  const auto image = good<ImageDetails>(ImageInspect{"traps:labels"});
  EXPECT_THAT(image.id, StartsWith("sha256:"));
  EXPECT_EQ(image.id.size(), 71U);
  EXPECT_THAT(image.labels, Contains(Pair("exitCode", "0")));
  EXPECT_THAT(image.repo_tags, Contains("traps:labels"));
  EXPECT_EQ(image.os, "linux");
  EXPECT_NE(image.architecture, "");
  EXPECT_THAT(good<ImageDetails>(ImageInspect{"traps:env"}).env, Contains("CUSTOM=kept"));
}

TEST_F(WorldContract, APullBringsWhatIsOffered) {
  EXPECT_EQ(failing(ImageInspect{offered_image}).status, 404);
  good<ImagePulled>(ImagePull{offered_image});
  const auto image = good<ImageDetails>(ImageInspect{offered_image});
  EXPECT_THAT(image.repo_tags, Contains(offered_image));
  good<ImagePulled>(ImagePull{offered_image});
  EXPECT_EQ(good<ImageDetails>(ImageInspect{offered_image}).id, image.id) << "again";
  engine->until([&] {
    const auto& events = engine->events();
    return std::any_of(events.begin(), events.end(), [](const auto& event) {
      return event.type == "image" && event.action == "pull" && event.actor == offered_image;
    });
  });
  EXPECT_TRUE(engine->remove_image(offered_image));
  EXPECT_EQ(failing(ImageInspect{offered_image}).status, 404);
}

TEST_F(WorldContract, APullOfAnAbsentTagFails) {
  const auto error = failing(ImagePull{"registry.test:5000/agents/busybox:absent"});
  EXPECT_THAT(error.error_class, AnyOf(ErrorClass::status, ErrorClass::in_stream));
  EXPECT_THAT(error.message, AnyOf(HasSubstr("not found"), HasSubstr("manifest unknown")));
}

TEST_F(WorldContract, AnImageInUseStays) {
  auto request = agent("in-use");
  request.config.image = "traps:volumes";
  create(request);
  EXPECT_FALSE(engine->remove_image("traps:volumes"));
  EXPECT_THAT(good<ImageDetails>(ImageInspect{"traps:volumes"}).repo_tags, Contains("traps:volumes"));
}

TEST_F(WorldContract, OneOfTwoNamesOfAnImageInUseGoes) {
  engine->tag("busybox:test", "second", "1");
  auto request = agent("second-name");
  request.config.image = "second:1";
  const auto id = create(request);
  EXPECT_TRUE(engine->remove_image("second:1"));
  EXPECT_EQ(failing(ImageInspect{"second:1"}).status, 404);
  const auto details = inspect(id);
  EXPECT_EQ(details.image_id, good<ImageDetails>(ImageInspect{"busybox:test"}).id);
  EXPECT_EQ(list({"cofferdam.agent=second-name"}).at(0).image, details.image_id) << "a list has no other name for it";
  start(id);
}

TEST_F(WorldContract, ATagThatMovedLeavesAContainerItsImage) {
  engine->tag("busybox:test", "moving", "1");
  const auto before = good<ImageDetails>(ImageInspect{"moving:1"}).id;
  auto request = agent("moved");
  request.config.image = "moving:1";
  const auto id = create(request);
  engine->tag("traps:env", "moving", "1");
  EXPECT_NE(good<ImageDetails>(ImageInspect{"moving:1"}).id, before);
  const auto details = inspect(id);
  EXPECT_EQ(details.image_id, before);
  EXPECT_EQ(details.config.image, "moving:1");
  const auto rows = list({"cofferdam.agent=moved"});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].image_id, before);
  EXPECT_EQ(rows[0].image, before) << "a list names the image where the tag means another";
  start(id);
  EXPECT_TRUE(inspect(id).running);
}

TEST_F(WorldContract, ACommittedCopyBearsItsLabelsOnAnotherImage) {
  const auto original = inspect(run("original"));
  const auto copy = inspect(engine->commit_and_run(original, "copy"));
  EXPECT_THAT(copy.config.labels, ::testing::IsSupersetOf(original.config.labels));
  EXPECT_NE(copy.image_id, original.image_id);
  EXPECT_TRUE(copy.running);
  EXPECT_THAT(list({"cofferdam.agent=original"}), ::testing::SizeIs(2));
  result(ContainerRemove{.id = copy.id, .force = true});
}

// The daemon.

TEST_F(WorldContract, ADaemonThatIsKilledEndsWhatRanWhenItIsBack) {
  const auto patient = run("patient");
  const auto created = create("created");
  engine->daemon_dies();
  const auto down = failing(ContainerInspect{patient});
  EXPECT_THAT(down.error_class, AnyOf(ErrorClass::refused, ErrorClass::reset));
  engine->daemon_returns();
  // Without live-restore the engine ends what ran before it answers.
  const auto details = inspect(patient);
  EXPECT_FALSE(details.running);
  EXPECT_EQ(details.state, ContainerState::exited);
  EXPECT_EQ(details.exit_code, 0) << "it was told by TERM first";
  EXPECT_GT(details.finished_at, details.started_at);
  EXPECT_EQ(inspect(created).state, ContainerState::created);
  start(patient);
  EXPECT_TRUE(inspect(patient).running);
}

TEST_F(WorldContract, ADaemonThatStopsInGoodOrderEndsWhatRuns) {
  const auto patient = run("patient");
  const auto paused = run("paused");
  engine->pause(paused);
  engine->daemon_stops();
  engine->daemon_returns();
  const auto details = inspect(patient);
  EXPECT_EQ(details.state, ContainerState::exited);
  EXPECT_EQ(details.exit_code, 0);
  EXPECT_EQ(inspect(paused).state, ContainerState::exited);
}

TEST_F(WorldContract, ADaemonThatReturnsRestartsWhatItsPolicySays) {
  const auto with_policy = [this](const std::string& name, const std::string& policy) {
    auto request = agent(name);
    request.host_config.restart_policy = policy;
    return run(request);
  };
  const auto always = with_policy("always", "always");
  const auto unless_stopped = with_policy("unless-stopped", "unless-stopped");
  const auto on_failure = with_policy("on-failure", "on-failure");
  const auto stopped = with_policy("stopped", "unless-stopped");
  const auto stopped_always = with_policy("stopped-always", "always");
  for (const auto& id : {stopped, stopped_always}) good<Done>(ContainerStop{.id = id, .timeout = {}});
  engine->daemon_stops();
  engine->daemon_returns();
  engine->until([&] { return inspect(always).running && inspect(unless_stopped).running && inspect(stopped_always).running; });
  EXPECT_FALSE(inspect(stopped).running);
  EXPECT_FALSE(inspect(on_failure).running) << "its end was no failure";
}

/// With live-restore. What a test leaves running is removed before the daemon loses the setting again.
class LiveRestoreContract : public WorldContract {
 protected:
  LiveRestoreContract() { restart_with(true); }
  ~LiveRestoreContract() override { restart_with(false); }

 private:
  void restart_with(bool on) {
    engine->daemon_dies();
    engine->live_restore(on);
    engine->daemon_returns();
  }
};

TEST_F(LiveRestoreContract, ADaemonThatIsKilledFindsWhatRanAgain) {
  const auto patient = run("patient");
  const auto paused = run("paused");
  engine->pause(paused);
  const auto before = inspect(patient);
  engine->daemon_dies();
  engine->daemon_returns();
  const auto after = inspect(patient);
  EXPECT_EQ(after.state, ContainerState::running);
  EXPECT_EQ(after.pid, before.pid);
  EXPECT_EQ(after.started_at, before.started_at);
  EXPECT_EQ(inspect(paused).state, ContainerState::paused);
  EXPECT_EQ(count(patient, "start"), 1U) << "it did not start again";
  kill(patient, "TERM");
  EXPECT_EQ(ended(patient).exit_code, 0);
  event(patient, "die");
}

TEST_F(LiveRestoreContract, ADaemonThatStopsInGoodOrderLeavesWhatRuns) {
  const auto patient = run("patient");
  const auto before = inspect(patient);
  engine->daemon_stops();
  engine->daemon_returns();
  EXPECT_TRUE(inspect(patient).running);
  EXPECT_EQ(inspect(patient).pid, before.pid);
}

TEST_F(LiveRestoreContract, WhatEndedWhileTheDaemonWasAwayHasNoDieEvent) {
  const auto failed = run("failed", Behaviour::fails_later);
  const auto before = inspect(failed);
  engine->daemon_dies();
  engine->process_over(before);
  engine->daemon_returns();
  const auto after = inspect(failed);
  EXPECT_EQ(after.state, ContainerState::exited);
  EXPECT_EQ(after.exit_code, 42);
  EXPECT_GT(after.finished_at, before.started_at);
  const auto marker = create("marker");
  event(marker, "create");  // what comes in order has come
  EXPECT_EQ(count(failed, "die"), 0U);
}

TEST_F(WorldContract, ANameIsStillTakenAfterTheDaemonCameBack) {
  create("kept");
  engine->daemon_dies();
  engine->daemon_returns();
  EXPECT_EQ(conflict_kind(failing(agent("kept"))), ConflictKind::name_in_use);
}

}  // namespace
}  // namespace cofferdam::docker
