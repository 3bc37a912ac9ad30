#include "reconciler/deletion_guard.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <set>
#include <string>
#include <vector>

namespace cofferdam::reconciler {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Names = std::set<std::string>;

/// A folder with one file an agent, scanned by a guard.
class DeletionGuardTest : public ::testing::Test {
 protected:
  static std::string name(std::size_t number) {
    std::string digits = std::to_string(number);
    return "agent-" + std::string(3 - digits.size(), '0') + digits;
  }
  static Names agents(std::size_t from, std::size_t to) {
    Names names;
    for (std::size_t i = from; i < to; ++i) names.insert(name(i));
    return names;
  }
  void remove(const Names& names) {
    for (const std::string& agent : names) folder.erase(agent);
  }
  void add(const Names& names) { folder.insert(names.begin(), names.end()); }

  std::vector<std::string> scan() {
    ScanFacts facts;
    facts.device = device;
    facts.inode = inode;
    facts.spec_files = folder.size() + never_good.size();
    facts.named = folder;
    facts.known = containers;
    facts.removing = removing;
    facts.never_good = never_good;
    facts.never_good_new = never_good_new;
    containers.insert(folder.begin(), folder.end());
    never_good_new.clear();
    return guard.observe(facts, budget, now);
  }
  /// The second scan follows the first after the settle time.
  void scan_twice() {
    scan();
    now.mono += 100ms;
    scan();
  }
  std::set<Presence> presence(const Names& names) {
    std::set<Presence> found;
    for (const std::string& agent : names) found.insert(guard.presence(agent));
    return found;
  }
  std::string reason(const std::string& agent) {
    for (const Held& held : guard.held()) {
      if (held.agents.contains(agent)) return held.reason;
    }
    return "";
  }
  /// The machine removed them.
  void gone(const Names& names) {
    for (const std::string& agent : names) {
      containers.erase(agent);
      guard.forget(agent);
    }
  }
  void break_file(const std::string& file) {
    never_good.push_back(file);
    never_good_new.push_back(file);
  }

  DeletionGuard guard;
  specs::Configuration::Deletion budget;  // 5, 0.5, 50
  Now now{Monotonic{1h}, {}, {}, {}};
  Names folder;
  Names containers;
  Names removing;
  std::vector<std::string> never_good;
  std::vector<std::string> never_good_new;
  std::uint64_t device = 1;
  std::uint64_t inode = 1;
};

const std::set<Presence> all_present{Presence::present};
const std::set<Presence> all_missed_once{Presence::missed_once};
const std::set<Presence> all_absent{Presence::absent};
const std::set<Presence> all_held{Presence::held};

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
  ScanFacts facts{1, 1, 2, {"a", "b"}, {}, {}, {}, {}};
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

// The budget

struct BudgetCase {
  const char* what;
  std::size_t there;
  std::size_t missing;
  bool held;
};

class DeletionBudgetTest : public DeletionGuardTest, public ::testing::WithParamInterface<BudgetCase> {};

TEST_P(DeletionBudgetTest, HoldsExactlyWhatIsOverIt) {
  const BudgetCase& c = GetParam();
  add(agents(0, c.there));
  scan();
  now.mono += 10min;
  scan();
  remove(agents(0, c.missing));
  scan_twice();
  EXPECT_EQ(presence(agents(0, c.missing)), c.held ? all_held : all_absent) << c.what;
  if (c.missing < c.there) {
    EXPECT_EQ(presence(agents(c.missing, c.there)), all_present);
  }
  EXPECT_EQ(reason(name(0)), c.held ? "BudgetExceeded" : "");
}

INSTANTIATE_TEST_SUITE_P(Numbers, DeletionBudgetTest,
                         ::testing::Values(BudgetCase{"the count, and over the fraction", 9, 5, false},
                                           BudgetCase{"one over the count, and over the fraction", 9, 6, true},
                                           BudgetCase{"over the count, exactly the fraction", 12, 6, false},
                                           BudgetCase{"over the count, just over the fraction", 11, 6, true},
                                           BudgetCase{"over the count, just over the fraction, even", 12, 7, true},
                                           BudgetCase{"exactly the maximum", 200, 50, false},
                                           BudgetCase{"one over the maximum, far below the fraction", 200, 51, true},
                                           BudgetCase{"three of four files", 4, 3, false}),
                         [](const auto& info) {
                           return std::to_string(info.param.missing) + "Of" + std::to_string(info.param.there);
                         });

TEST_F(DeletionGuardTest, FractionIsExactWhereDoublesAreNot) {
  budget.budget_fraction = 0.29;  // × 100 is 28.999999999999996
  add(agents(0, 100));
  scan();
  remove(agents(0, 29));
  scan_twice();
  EXPECT_EQ(presence(agents(0, 29)), all_absent);
}

TEST_F(DeletionGuardTest, FilesRemovedOneByOneAreOrdinary) {
  add(agents(0, 10));
  scan();
  for (std::size_t i = 0; i < 9; ++i) {
    now.mono += 61s;
    remove(agents(i, i + 1));
    scan_twice();
    EXPECT_EQ(guard.presence(name(i)), Presence::absent) << i;
    gone(agents(i, i + 1));
  }
}

TEST_F(DeletionGuardTest, BudgetCountsTheWholeMinuteAlsoWhatIsRemovedAlready) {
  add(agents(0, 11));
  scan();
  now.mono += 10min;
  remove(agents(0, 5));
  scan_twice();
  ASSERT_EQ(presence(agents(0, 5)), all_absent);
  gone(agents(0, 5));

  now.mono += 30s;
  remove(agents(5, 6));
  scan_twice();
  EXPECT_EQ(guard.presence(name(5)), Presence::held);
}

struct AgeCase {
  std::chrono::nanoseconds age;  ///< of the first five misses when the sixth is judged
  bool held;
};
class DeletionWindowTest : public DeletionGuardTest, public ::testing::WithParamInterface<AgeCase> {};

TEST_P(DeletionWindowTest, CountsAMissForSixtySeconds) {
  add(agents(0, 7));
  scan();
  now.mono += 10min;
  const Monotonic first = now.mono;
  remove(agents(0, 5));
  scan_twice();
  gone(agents(0, 5));
  now.mono = first + GetParam().age - 100ms;
  remove(agents(5, 6));
  scan_twice();
  EXPECT_EQ(guard.presence(name(5)), GetParam().held ? Presence::held : Presence::absent);
}

INSTANTIATE_TEST_SUITE_P(Ages, DeletionWindowTest,
                         ::testing::Values(AgeCase{60s - 1ns, true}, AgeCase{60s, true}, AgeCase{60s + 1ns, false}),
                         [](const auto& info) { return "After" + std::to_string(info.param.age.count()) + "ns"; });

struct ThereCase {
  std::chrono::nanoseconds age;  ///< of the growth from 6 to 20 when six are judged missing
  bool held;
};
class DeletionThereTest : public DeletionGuardTest, public ::testing::WithParamInterface<ThereCase> {};

TEST_P(DeletionThereTest, ComparesWithWhatWasThereSixtySecondsAgo) {
  add(agents(0, 6));
  scan();
  now.mono += 10min;
  const Monotonic grown = now.mono;
  add(agents(6, 20));
  scan();
  now.mono = grown + GetParam().age - 100ms;
  remove(agents(0, 6));
  scan_twice();
  EXPECT_EQ(presence(agents(0, 6)), GetParam().held ? all_held : all_absent);
}

INSTANTIATE_TEST_SUITE_P(Ages, DeletionThereTest,
                         ::testing::Values(ThereCase{60s - 1ns, true}, ThereCase{60s, false}, ThereCase{5min, false}),
                         [](const auto& info) { return "After" + std::to_string(info.param.age.count()) + "ns"; });

TEST_F(DeletionGuardTest, AgentsThatAreBackCountNoMore) {
  add(agents(0, 9));
  scan();
  now.mono += 10min;
  remove(agents(0, 6));
  scan();
  now.mono += 100ms;
  add(agents(0, 1));
  scan();
  EXPECT_EQ(presence(agents(1, 6)), all_absent) << "five remain, which is the budget";
}

TEST_F(DeletionGuardTest, ForgottenAgentThatCameBackCountsNoMore) {
  add(agents(0, 9));
  scan();
  remove(agents(0, 5));
  scan_twice();
  gone(agents(0, 5));
  add(agents(0, 5));
  scan();
  remove(agents(5, 6));
  scan_twice();
  EXPECT_EQ(guard.presence(name(5)), Presence::absent);
}

TEST_F(DeletionGuardTest, MissesThatNoCompleteScanCouldJudgeForAMinuteStillCount) {
  add(agents(0, 10));
  scan();
  now.mono += 10min;
  scan();
  remove(agents(0, 8));
  scan();
  guard.scan_failed();
  now.mono += 2min;
  scan_twice();
  EXPECT_EQ(presence(agents(0, 8)), all_held);
}

TEST_F(DeletionGuardTest, AtTheFirstScanTheContainersAreWhatWasThere) {
  containers = agents(0, 12);
  add(agents(6, 12));
  scan_twice();
  EXPECT_EQ(presence(agents(0, 6)), all_absent) << "six of twelve";
}

TEST_F(DeletionGuardTest, MoreThanHalfMissingAtTheFirstScanIsHeld) {
  containers = agents(0, 12);
  add(agents(7, 12));
  scan_twice();
  EXPECT_EQ(presence(agents(0, 7)), all_held);
}

TEST_F(DeletionGuardTest, HeldStaysHeldWhenTheMinuteIsOver) {
  add(agents(0, 8));
  scan();
  remove(agents(0, 7));
  scan_twice();
  ASSERT_EQ(presence(agents(0, 7)), all_held);
  for (int i = 0; i < 100; ++i) {
    now.mono += 20s;
    EXPECT_THAT(scan(), IsEmpty());
  }
  EXPECT_EQ(presence(agents(0, 7)), all_held);
}

TEST_F(DeletionGuardTest, FileThatIsBackFreesItsAgentAlone) {
  add(agents(0, 8));
  scan();
  remove(agents(0, 7));
  scan_twice();
  add(agents(0, 6));
  scan();
  EXPECT_EQ(presence(agents(0, 6)), all_present);
  EXPECT_EQ(guard.presence(name(6)), Presence::held) << "until its file is back, too, or somebody confirms";
  ASSERT_THAT(guard.held(), SizeIs(1));
  EXPECT_EQ(guard.held()[0].agents, agents(6, 7));
}

TEST_F(DeletionGuardTest, AgreedRemovalIsNotTakenBackByALaterHold) {
  add(agents(0, 20));
  scan();
  remove(agents(0, 3));
  scan_twice();
  ASSERT_EQ(presence(agents(0, 3)), all_absent);
  remove(agents(3, 20));
  add({"another"});
  scan_twice();
  EXPECT_EQ(presence(agents(0, 3)), all_absent);
  EXPECT_EQ(presence(agents(3, 20)), all_held);
}

TEST_F(DeletionGuardTest, AbsentAgentThatIsSlowToGoLeavesTheBudgetAfterTheMinute) {
  add(agents(0, 7));
  scan();
  remove(agents(0, 5));
  scan_twice();
  now.mono += 61s;
  remove(agents(5, 6));
  scan_twice();
  EXPECT_EQ(presence(agents(0, 6)), all_absent);
}

TEST_F(DeletionGuardTest, FractionOfZeroLeavesTheCountAlone) {
  budget.budget_fraction = 0;
  add(agents(0, 20));
  scan();
  remove(agents(0, 6));
  scan_twice();
  ASSERT_THAT(guard.held(), SizeIs(1));
  EXPECT_THAT(guard.held()[0].message, HasSubstr("deletion.budgetFraction (0)"));
}

// spec.remove

TEST_F(DeletionGuardTest, RemovalAskedInWordsNeedsNoBudget) {
  add(agents(0, 100));
  removing = agents(0, 99);
  scan();
  remove(agents(0, 99));
  scan();
  EXPECT_EQ(presence(agents(0, 99)), all_missed_once);
  scan();
  EXPECT_EQ(presence(agents(0, 99)), all_absent);
  EXPECT_THAT(guard.held(), IsEmpty());
}

TEST_F(DeletionGuardTest, RemovalAskedInWordsDoesNotUseTheBudgetOfOthers) {
  add(agents(0, 20));
  removing = agents(0, 10);
  scan();
  remove(agents(0, 15));
  scan_twice();
  EXPECT_EQ(presence(agents(10, 15)), all_absent) << "five others: the budget";
}

TEST_F(DeletionGuardTest, AgentsToBeRemovedAreNotAmongThoseThere) {
  add(agents(0, 20));
  removing = agents(0, 9);
  scan();
  remove(agents(9, 15));
  scan_twice();
  EXPECT_EQ(presence(agents(9, 15)), all_held) << "six of eleven, not of twenty";
}

TEST_F(DeletionGuardTest, RemovalAskedInWordsIsFreeInAnEmptiedDirectoryToo) {
  add(agents(0, 3));
  removing = agents(0, 1);
  scan();
  remove(agents(0, 3));
  scan_twice();
  EXPECT_EQ(guard.presence(name(0)), Presence::absent);
  EXPECT_EQ(presence(agents(1, 3)), all_held);
}

TEST_F(DeletionGuardTest, RemovalAskedInWordsIsRememberedWhenTheFileIsGone) {
  add(agents(0, 3));
  removing = agents(0, 2);
  scan();
  removing.clear();  // nobody can say so any more
  remove(agents(0, 3));
  scan_twice();
  EXPECT_EQ(presence(agents(0, 2)), all_absent);
  EXPECT_EQ(guard.presence(name(2)), Presence::held);
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

// Files that were never good

TEST_F(DeletionGuardTest, AgentThatGoesMissingAsABrokenFileAppearsMayBeInIt) {
  add(agents(0, 3));
  scan();
  remove(agents(0, 1));
  break_file("b.yaml");
  scan_twice();
  ASSERT_THAT(guard.held(), SizeIs(1));
  EXPECT_EQ(guard.held()[0].reason, "MaybeMoved");
  EXPECT_THAT(guard.held()[0].maybe_in, ElementsAre("b.yaml"));
  EXPECT_EQ(guard.held()[0].agents, agents(0, 1));
  EXPECT_THAT(guard.held()[0].message, HasSubstr("b.yaml"));
}

TEST_F(DeletionGuardTest, BrokenFileThatWasThereBeforeHoldsNothing) {
  add(agents(0, 3));
  break_file("b.yaml");
  scan();
  remove(agents(0, 1));
  scan_twice();
  EXPECT_EQ(guard.presence(name(0)), Presence::absent);
}

TEST_F(DeletionGuardTest, BrokenFileThatAppearsAScanLaterHoldsNothing) {
  add(agents(0, 3));
  scan();
  remove(agents(0, 1));
  scan();
  break_file("b.yaml");
  scan();
  EXPECT_EQ(guard.presence(name(0)), Presence::absent);
}

TEST_F(DeletionGuardTest, AgentIsFreeWhenTheBrokenFileNamesIt) {
  add(agents(0, 3));
  scan();
  remove(agents(0, 1));
  break_file("b.yaml");
  scan_twice();
  never_good.clear();
  add(agents(0, 1));
  scan();
  EXPECT_EQ(guard.presence(name(0)), Presence::present);
}

TEST_F(DeletionGuardTest, AgentIsAbsentWhenTheBrokenFileIsMendedWithoutIt) {
  add(agents(0, 3));
  scan();
  remove(agents(0, 1));
  break_file("b.yaml");
  scan_twice();
  never_good.clear();
  EXPECT_THAT(scan(), ElementsAre(name(0)));
  EXPECT_EQ(guard.presence(name(0)), Presence::absent);
}

TEST_F(DeletionGuardTest, AgentIsHeldUntilTheLastOfTheBrokenFilesIsSettled) {
  add(agents(0, 3));
  scan();
  remove(agents(0, 1));
  break_file("b.yaml");
  break_file("c.yaml");
  scan_twice();
  never_good = {"c.yaml"};
  scan();
  ASSERT_THAT(guard.held(), SizeIs(1));
  EXPECT_THAT(guard.held()[0].maybe_in, ElementsAre("c.yaml"));
  never_good.clear();
  scan();
  EXPECT_EQ(guard.presence(name(0)), Presence::absent);
}

TEST_F(DeletionGuardTest, BrokenFileThatIsRenamedTakesTheSuspicionAlong) {
  add(agents(0, 3));
  scan();
  remove(agents(0, 1));
  break_file("b.yaml");
  scan_twice();
  never_good.clear();
  break_file("c.yaml");
  scan();
  ASSERT_THAT(guard.held(), SizeIs(1));
  EXPECT_THAT(guard.held()[0].maybe_in, ElementsAre("c.yaml"));
}

TEST_F(DeletionGuardTest, ManyThatABrokenFileSetsFreeAtOnceAreHeldToTheBudget) {
  add(agents(0, 8));
  budget.budget_max = 3;
  budget.budget_count = 100;
  scan();
  remove(agents(0, 3));
  break_file("b.yaml");
  scan_twice();
  budget.budget_max = 2;
  now.mono += 10min;
  scan();
  ASSERT_EQ(reason(name(0)), "MaybeMoved");
  never_good.clear();
  scan();
  EXPECT_EQ(presence(agents(0, 3)), all_held);
  EXPECT_EQ(reason(name(0)), "BudgetExceeded");
}

TEST_F(DeletionGuardTest, MaybeMovedHoldsNobodyElse) {
  add(agents(0, 3));
  scan();
  remove(agents(0, 1));
  break_file("b.yaml");
  scan_twice();
  now.mono += 20s;
  remove(agents(1, 2));
  scan_twice();
  EXPECT_EQ(guard.presence(name(0)), Presence::held);
  EXPECT_EQ(guard.presence(name(1)), Presence::absent);
}

TEST_F(DeletionGuardTest, MaybeMovedThatIsOverTheBudgetNeedsMoreThanAMendedFile) {
  add(agents(0, 8));
  scan();
  remove(agents(0, 7));
  break_file("b.yaml");
  scan_twice();
  EXPECT_EQ(reason(name(0)), "BudgetExceeded");
  never_good.clear();
  scan();
  EXPECT_EQ(presence(agents(0, 7)), all_held);
}

TEST_F(DeletionGuardTest, SetsThatMayBeInDifferentFilesAreConfirmedApart) {
  add(agents(0, 4));
  scan();
  remove(agents(0, 1));
  break_file("b.yaml");
  scan();
  remove(agents(1, 2));
  break_file("c.yaml");
  scan_twice();
  ASSERT_THAT(guard.held(), SizeIs(2));
  EXPECT_LT(guard.held()[0].id, guard.held()[1].id);
  const Held first = guard.held()[0];
  EXPECT_TRUE(guard.confirm(first.id));
  EXPECT_EQ(presence(first.agents), all_absent);
  ASSERT_THAT(guard.held(), SizeIs(1));
}

// Confirming

TEST_F(DeletionGuardTest, ConfirmedSetIsAbsentAndStaysSo) {
  add(agents(0, 8));
  scan();
  remove(agents(0, 7));
  scan_twice();
  ASSERT_THAT(guard.held(), SizeIs(1));
  const Held held = guard.held()[0];
  EXPECT_EQ(held.agents, agents(0, 7));
  EXPECT_THAT(held.message, HasSubstr("cofferdam confirm-deletions " + held.id));
  EXPECT_THAT(held.message, HasSubstr("7 agents of 8 went missing within a minute"));
  EXPECT_THAT(held.message, HasSubstr("deletion.budgetCount (5)"));
  EXPECT_THAT(held.message, HasSubstr("deletion.budgetFraction (0.5)"));
  EXPECT_TRUE(guard.confirm(held.id));
  EXPECT_EQ(presence(agents(0, 7)), all_absent);
  EXPECT_THAT(guard.held(), IsEmpty());
  EXPECT_FALSE(guard.confirm(held.id)) << "it is spent";
  scan();
  EXPECT_EQ(presence(agents(0, 7)), all_absent);
}

TEST_F(DeletionGuardTest, UnknownIdConfirmsNothing) {
  add(agents(0, 8));
  scan();
  remove(agents(0, 7));
  scan_twice();
  EXPECT_FALSE(guard.confirm("0123456789"));
  EXPECT_FALSE(guard.confirm(""));
  EXPECT_EQ(presence(agents(0, 7)), all_held);
}

TEST_F(DeletionGuardTest, AgentsThatVanishLaterAreHeldWithTheRestUnderANewId) {
  add(agents(0, 20));
  scan();
  remove(agents(0, 11));
  scan_twice();
  ASSERT_THAT(guard.held(), SizeIs(1));
  const std::string before = guard.held()[0].id;

  now.mono += 10min;
  remove(agents(11, 12));
  scan_twice();
  ASSERT_THAT(guard.held(), SizeIs(1));
  EXPECT_NE(guard.held()[0].id, before);
  EXPECT_EQ(guard.held()[0].agents, agents(0, 12));
  EXPECT_FALSE(guard.confirm(before));
  EXPECT_EQ(presence(agents(0, 12)), all_held);
  EXPECT_TRUE(guard.confirm(guard.held()[0].id));
  EXPECT_EQ(presence(agents(0, 12)), all_absent);
}

TEST_F(DeletionGuardTest, IdIsOfExactlyThatSet) {
  const auto id_for = [](const Names& names) {
    DeletionGuard guard;
    ScanFacts facts{1, 1, 3, names, {}, {}, {}, {}};
    facts.named.insert({"x", "y"});
    guard.observe(facts, {}, {});
    facts.named = {"x", "y"};
    facts.inode = 2;
    guard.observe(facts, {}, {});
    guard.observe(facts, {}, {});
    return guard.held().at(0).id;
  };
  EXPECT_EQ(id_for({"a", "b"}), id_for({"b", "a"}));
  EXPECT_NE(id_for({"a", "b"}), id_for({"a", "c"}));
  EXPECT_NE(id_for({"a", "b"}), id_for({"a"}));
  EXPECT_NE(id_for({"ab", "c"}), id_for({"a", "bc"}));
  EXPECT_THAT(id_for({"a"}), SizeIs(10));
}

TEST_F(DeletionGuardTest, ConfirmedRemovalsUseUpNoBudget) {
  add(agents(0, 20));
  scan();
  remove(agents(0, 11));
  scan_twice();
  ASSERT_TRUE(guard.confirm(guard.held().at(0).id));
  remove(agents(11, 12));
  scan_twice();
  EXPECT_EQ(guard.presence(name(11)), Presence::absent);
}

TEST_F(DeletionGuardTest, ConfirmedAgentThatComesBackAndVanishesAgainIsJudgedAnew) {
  add(agents(0, 8));
  scan();
  remove(agents(0, 7));
  scan_twice();
  ASSERT_TRUE(guard.confirm(guard.held().at(0).id));
  add(agents(0, 7));
  scan();
  EXPECT_EQ(presence(agents(0, 7)), all_present);
  remove(agents(0, 7));
  scan_twice();
  EXPECT_EQ(presence(agents(0, 7)), all_held);
}

TEST_F(DeletionGuardTest, HeldAgentThatIsForgottenLeavesTheSet) {
  add(agents(0, 8));
  scan();
  remove(agents(0, 7));
  scan_twice();
  gone(agents(0, 1));
  ASSERT_THAT(guard.held(), SizeIs(1));
  EXPECT_EQ(guard.held()[0].agents, agents(1, 7));
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
  ScanFacts facts{1, 1, 10000, many, many, {}, {}, {}};
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
