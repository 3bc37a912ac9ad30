#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "reconciler/deletion_guard.hpp"
#include "tests/reconciler/deletion_guard_support.hpp"

namespace cofferdam::reconciler {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

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

TEST_F(DeletionGuardTest, AgentThatAFileBeingWrittenNamesIsNotAbsent) {
  settle = 100ms;
  add(agents(0, 3));
  scan();
  remove(agents(0, 1));
  scan_twice();
  ASSERT_EQ(guard.presence(name(0)), Presence::absent) << "a version in force alone names it, and that is kept by a duplicate";
  being_written = agents(0, 1);
  scan();
  EXPECT_EQ(guard.presence(name(0)), Presence::missed_once);
  being_written.clear();
  now.mono += 100ms;
  scan();
  EXPECT_EQ(guard.presence(name(0)), Presence::absent) << "it was not in there";
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

TEST_F(DeletionGuardTest, NewFileThatIsNotWholeYetIsWaitedForBeforeAnybodyIsAbsent) {
  add(agents(0, 3));
  scan();
  remove(agents(0, 1));
  scan();
  arriving = true;
  scan_twice();
  EXPECT_EQ(guard.presence(name(0)), Presence::missed_once) << "it may be in there";
  EXPECT_TRUE(guard.wants_second_scan());
  arriving = false;
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
  EXPECT_EQ(guard.presence(name(0)), Presence::missed_once) << "an editor may just write the file anew";
  now.mono += 100ms;
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
  scan_twice();
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
  scan_twice();
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
    ScanFacts facts{1, 1, 3, names, {}, {}, {}, {}, {}};
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

}  // namespace
}  // namespace cofferdam::reconciler
