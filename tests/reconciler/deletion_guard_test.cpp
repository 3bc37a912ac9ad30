#include "reconciler/deletion_guard.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/reconciler/deletion_guard_support.hpp"

namespace cofferdam::reconciler {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Two scans

TEST_F(DeletionGuardTest, AgentIsAbsentOnlyAfterTwoScansWithoutIt) {
  add(agents(0, 4));
  EXPECT_THAT(scan(), IsEmpty());
  EXPECT_EQ(presence(agents(0, 4)), all_present);
  EXPECT_FALSE(guard.wants_second_scan());

  remove(agents(0, 1));
  EXPECT_THAT(scan(), ElementsAre(name(0)));
  EXPECT_EQ(guard.presence(name(0)), Presence::missed_once);
  EXPECT_TRUE(guard.wants_second_scan());

  EXPECT_THAT(scan(), ElementsAre(name(0)));
  EXPECT_EQ(guard.presence(name(0)), Presence::absent);
  EXPECT_FALSE(guard.wants_second_scan());
  EXPECT_THAT(guard.held(), IsEmpty());
  EXPECT_THAT(scan(), IsEmpty()) << "it stays absent, and that is no news";
  EXPECT_EQ(guard.presence(name(0)), Presence::absent);
}

TEST_F(DeletionGuardTest, SecondScanCountsOnlyAfterTheSettleTime) {
  settle = 100ms;
  add(agents(0, 4));
  scan();
  remove(agents(0, 1));
  scan();
  now.mono += 100ms - 1ns;
  EXPECT_THAT(scan(), IsEmpty());
  EXPECT_EQ(guard.presence(name(0)), Presence::missed_once);
  EXPECT_TRUE(guard.wants_second_scan());
  now.mono += 1ns;
  EXPECT_THAT(scan(), ElementsAre(name(0)));
  EXPECT_EQ(guard.presence(name(0)), Presence::absent);
}

TEST_F(DeletionGuardTest, FilesUnlinkedInARowAreJudgedTogether) {
  settle = 100ms;
  add(agents(0, 8));
  scan();
  for (std::size_t i = 0; i < 7; ++i) {  // each unlink brings a scan
    remove(agents(i, i + 1));
    scan();
    now.mono += 1ms;
  }
  EXPECT_EQ(presence(agents(0, 7)), all_missed_once);
  now.mono += 100ms;
  scan();
  EXPECT_EQ(presence(agents(0, 7)), all_held);
}

TEST_F(DeletionGuardTest, AgentThatIsBackInTheSecondScanWasNeverAbsent) {
  add(agents(0, 4));
  scan();
  remove(agents(0, 1));
  scan();
  add(agents(0, 1));
  EXPECT_THAT(scan(), ElementsAre(name(0)));
  EXPECT_EQ(guard.presence(name(0)), Presence::present);
  remove(agents(0, 1));
  scan();
  EXPECT_EQ(guard.presence(name(0)), Presence::missed_once) << "the count began anew";
}

TEST_F(DeletionGuardTest, AbsentAgentWhoseFileIsBackIsPresent) {
  add(agents(0, 4));
  scan();
  remove(agents(0, 1));
  scan_twice();
  ASSERT_EQ(guard.presence(name(0)), Presence::absent);
  add(agents(0, 1));
  scan();
  EXPECT_EQ(guard.presence(name(0)), Presence::present);
}

TEST_F(DeletionGuardTest, ScanThatFailedBreaksTheRow) {
  add(agents(0, 4));
  scan();
  remove(agents(0, 1));
  scan();
  guard.scan_failed();
  EXPECT_EQ(guard.presence(name(0)), Presence::missed_once);
  EXPECT_TRUE(guard.wants_second_scan());
  scan();
  EXPECT_EQ(guard.presence(name(0)), Presence::missed_once) << "the first of two in a row";
  scan();
  EXPECT_EQ(guard.presence(name(0)), Presence::absent);
  guard.scan_failed();
  EXPECT_EQ(guard.presence(name(0)), Presence::absent) << "what was agreed stays so";
}

TEST_F(DeletionGuardTest, AgentNobodyEverSawIsPresent) {
  EXPECT_EQ(guard.presence("nobody"), Presence::present);
}

TEST_F(DeletionGuardTest, AgentNamedByTheScanBeforeIsMissedWithoutAnyContainer) {
  ScanFacts facts{1, 1, 2, {"a", "b"}, {}, {}, {}, {}, {}};
  guard.observe(facts, budget, now);
  facts.named = {"b"};
  facts.spec_files = 1;
  EXPECT_THAT(guard.observe(facts, budget, now), ElementsAre("a"));
  guard.observe(facts, budget, now);
  EXPECT_EQ(guard.presence("a"), Presence::absent);
}

TEST_F(DeletionGuardTest, ForgottenAgentIsMissedNoMore) {
  add(agents(0, 4));
  scan();
  remove(agents(0, 1));
  scan_twice();
  gone(agents(0, 1));
  EXPECT_EQ(guard.presence(name(0)), Presence::present);
  EXPECT_THAT(scan(), IsEmpty());
  EXPECT_EQ(guard.presence(name(0)), Presence::present);
}

TEST_F(DeletionGuardTest, ForgetBetweenTwoScansDoesNotBringTheAgentBackAsMissing) {
  add(agents(0, 4));
  scan();
  gone(agents(0, 1));
  remove(agents(0, 1));
  EXPECT_THAT(scan(), IsEmpty());
}

// The directory

TEST_F(DeletionGuardTest, ReplacedDirectoryHoldsWhatItLacks) {
  for (const bool by_device : {true, false}) {
    guard = {};
    folder.clear();
    containers.clear();
    add(agents(0, 3));
    scan();
    (by_device ? device : inode) += 1;
    remove(agents(0, 1));
    scan();
    EXPECT_EQ(guard.presence(name(0)), Presence::missed_once);
    scan();
    EXPECT_EQ(guard.presence(name(0)), Presence::held);
    EXPECT_EQ(reason(name(0)), "DirectoryReplaced");
    EXPECT_EQ(presence(agents(1, 3)), all_present);
  }
}

TEST_F(DeletionGuardTest, DirectoryReplacedBetweenTheTwoScansHoldsToo) {
  add(agents(0, 3));
  scan();
  remove(agents(0, 1));
  scan();
  ++inode;
  scan();
  EXPECT_EQ(reason(name(0)), "DirectoryReplaced");
}

TEST_F(DeletionGuardTest, ReplacedDirectoryHoldsWhatItsFilesLackOnceTheyAreWhole) {
  add(agents(0, 3));
  scan();
  ++inode;
  unsettled = true;  // the versions before stand for what is still being written
  scan();
  unsettled = false;
  remove(agents(0, 1));
  scan_twice();
  EXPECT_EQ(guard.presence(name(0)), Presence::held);
  EXPECT_EQ(reason(name(0)), "DirectoryReplaced");
}

TEST_F(DeletionGuardTest, ReplacedDirectoryHoldsAlsoWhoWasBackOnlyUntilItsFilesWereWhole) {
  add(agents(0, 3));
  scan();
  const DirectoryId first = guard.whole_directory().value();
  ++inode;  // the mount is away
  remove(agents(0, 1));
  scan_twice();
  ASSERT_EQ(guard.presence(name(0)), Presence::held);
  --inode;  // it is back, and every file is as if written just now
  add(agents(0, 1));
  unsettled = true;
  scan();
  EXPECT_EQ(guard.presence(name(0)), Presence::present);
  EXPECT_EQ(guard.whole_directory(), first) << "the one that lacked an agent is not what the next life is to compare with";
  ++inode;  // and away again
  remove(agents(0, 1));
  unsettled = false;
  scan_twice();
  EXPECT_EQ(guard.presence(name(0)), Presence::held);
  EXPECT_EQ(reason(name(0)), "DirectoryReplaced");
}

TEST_F(DeletionGuardTest, FileThatIsBeingWrittenAtTheStartIsNoOtherDirectory) {
  add(agents(0, 3));
  unsettled = true;
  scan();
  unsettled = false;
  remove(agents(0, 1));
  scan_twice();
  EXPECT_EQ(guard.presence(name(0)), Presence::absent);
}

TEST_F(DeletionGuardTest, DirectoryOfAnEarlierLifeIsRememberedUntilNothingIsMissing) {
  add(agents(0, 3));
  scan();
  const DirectoryId first = guard.whole_directory().value();
  ++inode;
  remove(agents(0, 1));
  scan_twice();
  ASSERT_EQ(reason(name(0)), "DirectoryReplaced");
  EXPECT_EQ(guard.whole_directory(), first) << "while something is held, what the next life is to compare with";
  const std::string id = guard.held().at(0).id;

  guard = {};  // a new life
  guard.remember(first);
  scan_twice();
  EXPECT_EQ(guard.presence(name(0)), Presence::held);
  EXPECT_EQ(reason(name(0)), "DirectoryReplaced");
  EXPECT_EQ(guard.held().at(0).id, id);
  EXPECT_EQ(guard.whole_directory(), first);
  ASSERT_TRUE(guard.confirm(id));
  EXPECT_EQ(guard.whole_directory(), (DirectoryId{device, inode}));
}

TEST_F(DeletionGuardTest, DeviceOfAnEarlierBootIsNotCompared) {
  add(agents(0, 3));
  guard.remember({std::nullopt, inode});
  ++device;
  scan();
  remove(agents(0, 1));
  scan_twice();
  EXPECT_EQ(guard.presence(name(0)), Presence::absent);
}

TEST_F(DeletionGuardTest, ReplacedDirectoryWithAllTheFilesHoldsNothing) {
  add(agents(0, 3));
  scan();
  ++inode;
  EXPECT_THAT(scan(), IsEmpty());
  now.mono += 20s;
  remove(agents(0, 1));
  scan_twice();
  EXPECT_EQ(guard.presence(name(0)), Presence::absent);
}

TEST_F(DeletionGuardTest, UnmountedAndMountedAgainIsAsBefore) {
  add(agents(0, 3));
  scan();
  ++device;
  remove(agents(0, 3));
  scan_twice();
  EXPECT_EQ(presence(agents(0, 3)), all_held);
  --device;
  add(agents(0, 3));
  scan();
  EXPECT_EQ(presence(agents(0, 3)), all_present);
  EXPECT_THAT(guard.held(), IsEmpty());
}

TEST_F(DeletionGuardTest, TwoFilesToNoneBetweenTwoScansIsHeld) {
  add(agents(0, 2));
  scan();
  remove(agents(0, 2));
  scan_twice();
  EXPECT_EQ(presence(agents(0, 2)), all_held);
  EXPECT_EQ(reason(name(0)), "DirectoryEmptied");
}

TEST_F(DeletionGuardTest, TwoFilesToNoneInTwoStepsIsOrdinary) {
  add(agents(0, 2));
  scan();
  remove(agents(0, 1));
  scan();
  remove(agents(1, 2));
  scan_twice();
  EXPECT_EQ(presence(agents(0, 2)), all_absent);
}

TEST_F(DeletionGuardTest, OneFileToNoneIsOrdinary) {
  add(agents(0, 1));
  scan();
  remove(agents(0, 1));
  scan_twice();
  EXPECT_EQ(guard.presence(name(0)), Presence::absent);
}

TEST_F(DeletionGuardTest, NothingIsRemovedBeforeAnySpecFileWasSeen) {
  containers = agents(0, 1);
  scan_twice();
  EXPECT_EQ(guard.presence(name(0)), Presence::held);
  EXPECT_EQ(reason(name(0)), "NoSpecSeen");
}

TEST_F(DeletionGuardTest, OtherFilesThatComeLaterDoNotEndThatHold) {
  containers = agents(0, 1);
  scan_twice();
  add(agents(1, 3));
  scan_twice();
  EXPECT_EQ(guard.presence(name(0)), Presence::held);
  add(agents(0, 1));
  scan();
  EXPECT_EQ(guard.presence(name(0)), Presence::present);
}

TEST_F(DeletionGuardTest, BadFileIsASpecFileSeen) {
  containers = agents(0, 1);
  never_good = {"b.yaml"};
  scan_twice();
  EXPECT_EQ(reason(name(0)), "MaybeMoved") << "not NoSpecSeen";
}

TEST_F(DeletionGuardTest, ContainerThatIsListedOnlyAfterTheFirstScanMayBeInAFileThatWasNeverGood) {
  add(agents(1, 3));
  never_good = {"b.yaml"};
  scan();
  containers.insert(name(0));
  scan_twice();
  EXPECT_EQ(guard.presence(name(0)), Presence::held);
  EXPECT_EQ(reason(name(0)), "MaybeMoved");
}

TEST_F(DeletionGuardTest, ContainerWithoutASpecAtTheFirstScanBesideGoodFilesIsOrdinary) {
  containers = agents(0, 1);
  add(agents(1, 3));
  scan_twice();
  EXPECT_EQ(guard.presence(name(0)), Presence::absent);
}

TEST_F(DeletionGuardTest, WhatVanishesBesideTwoHeldSetsJoinsTheGraverOne) {
  add(agents(0, 20));
  scan();
  now.mono += 10min;
  remove(agents(0, 11));
  scan_twice();
  ++inode;
  remove(agents(11, 12));
  scan_twice();
  ASSERT_EQ(reason(name(0)), "BudgetExceeded");
  ASSERT_EQ(reason(name(11)), "DirectoryReplaced");
  remove(agents(12, 13));
  scan_twice();
  EXPECT_EQ(reason(name(12)), "DirectoryReplaced");
}

// Words

TEST_F(DeletionGuardTest, MessageNamesTenAndCountsTheRest) {
  add(agents(0, 100));
  scan();
  remove(agents(0, 51));
  scan_twice();
  ASSERT_THAT(guard.held(), SizeIs(1));
  EXPECT_THAT(guard.held()[0].message, HasSubstr("agent-009 and 41 more"));
  EXPECT_THAT(guard.held()[0].message, HasSubstr("deletion.budgetMax (50)"));
}

TEST_F(DeletionGuardTest, EachDirectoryReasonIsToldInWords) {
  add(agents(0, 2));
  scan();
  remove(agents(0, 2));
  scan_twice();
  EXPECT_THAT(guard.held().at(0).message, HasSubstr("lost all of its files at once"));

  guard = {};
  folder.clear();
  scan_twice();
  EXPECT_THAT(guard.held().at(0).message, HasSubstr("no spec file at all was seen"));

  guard = {};
  add(agents(0, 2));
  scan();
  ++inode;
  remove(agents(0, 1));
  scan_twice();
  EXPECT_THAT(guard.held().at(0).message, HasSubstr("1 agent without a spec (agent-000)"));
  EXPECT_THAT(guard.held().at(0).message, HasSubstr("was replaced by another"));
}

TEST_F(DeletionGuardTest, TenThousandAgentsAreScannedWithoutAnyChange) {
  Names many;
  for (int i = 0; i < 10000; ++i) many.insert("agent-" + std::to_string(i));
  ScanFacts facts{1, 1, 10000, many, many, {}, {}, {}, {}};
  guard.observe(facts, budget, now);
  EXPECT_THAT(guard.observe(facts, budget, now), IsEmpty());
  facts.named.clear();
  facts.spec_files = 0;
  guard.observe(facts, budget, now);
  guard.observe(facts, budget, now);
  ASSERT_THAT(guard.held(), SizeIs(1));
  EXPECT_THAT(guard.held()[0].agents, SizeIs(10000));
}

}  // namespace
}  // namespace cofferdam::reconciler
