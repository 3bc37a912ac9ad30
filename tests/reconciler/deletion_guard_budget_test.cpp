#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <string>

#include "reconciler/deletion_guard.hpp"
#include "tests/reconciler/deletion_guard_support.hpp"

namespace cofferdam::reconciler {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

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
  std::chrono::nanoseconds age;  ///< of the fall from 40 to 11 when six are judged missing
  bool held;
};
class DeletionThereTest : public DeletionGuardTest, public ::testing::WithParamInterface<ThereCase> {};

TEST_P(DeletionThereTest, ComparesWithWhatWasThereSixtySecondsAgo) {
  add(agents(0, 40));
  scan();
  now.mono += 10min;
  const Monotonic fallen = now.mono;
  remove(agents(11, 40));
  scan_twice();
  ASSERT_TRUE(guard.confirm(guard.held().at(0).id));
  now.mono = fallen + GetParam().age - 100ms;
  remove(agents(0, 6));
  scan_twice();
  EXPECT_EQ(presence(agents(0, 6)), GetParam().held ? all_held : all_absent);
}

INSTANTIATE_TEST_SUITE_P(Ages, DeletionThereTest,
                         ::testing::Values(ThereCase{60s - 1ns, false}, ThereCase{60s, true}, ThereCase{5min, true}),
                         [](const auto& info) { return "After" + std::to_string(info.param.age.count()) + "ns"; });

TEST_F(DeletionGuardTest, FolderThatWasJustFilledIsMeasuredByWhatItHolds) {
  scan();
  add(agents(0, 20));
  scan();
  now.mono += 1s;
  remove(agents(0, 6));
  scan_twice();
  EXPECT_EQ(presence(agents(0, 6)), all_absent) << "six of twenty, not of none";
  remove(agents(6, 11));
  scan_twice();
  EXPECT_EQ(presence(agents(6, 11)), all_held);
  EXPECT_THAT(guard.held().at(0).message, HasSubstr("11 agents of 20 went missing within a minute"));
}

TEST_F(DeletionGuardTest, ContainersThatAreListedAfterTheFirstScanWereThereToo) {
  add(agents(6, 12));
  scan();
  for (const std::string& agent : agents(0, 6)) containers.insert(agent);
  scan_twice();
  EXPECT_EQ(presence(agents(0, 6)), all_absent) << "six of twelve";
}

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

}  // namespace
}  // namespace cofferdam::reconciler
