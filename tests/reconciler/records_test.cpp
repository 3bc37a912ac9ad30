// State records: written, read back, and told apart from torn ones.

#include "reconciler/records.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace cofferdam::reconciler {
namespace {

AgentRecord full_record() {
  AgentRecord record;
  Outcome outcome;
  outcome.attempt = 7;
  outcome.container_id = "abc";
  outcome.run_hash = "run";
  outcome.config_hash = "config";
  outcome.schema = 1;
  outcome.stopped = StopCause::hardening_violated;
  outcome.exit_code = -1;
  outcome.oom_killed = true;
  outcome.started_at = WallTime{std::chrono::nanoseconds{1'700'000'000'123'456'789}};
  outcome.finished_at = WallTime{std::chrono::nanoseconds{-5}};
  outcome.ran_at_most = std::chrono::seconds{3};
  outcome.restarts = 3;
  outcome.failures = 2;
  outcome.released = true;
  record.outcome = outcome;
  record.accepted_run_hash = "other";
  record.accepted_attempt = 7;
  record.admitted_file = "bot.yaml";
  record.admitted_bytes = "a: 1\r\nb: \\n\\\n end\nend\n";
  record.lost_workspace = "/srv/w";
  return record;
}

TEST(Records, ReadBackAsTheyWereWritten) {
  const AgentRecord record = full_record();
  EXPECT_EQ(agent_record_from(to_bytes(record)), record);
  EXPECT_EQ(agent_record_from(to_bytes(AgentRecord{})), AgentRecord{});
  const StopRecord stop{"bot", StopCause::out_of_band_update};
  EXPECT_EQ(stop_record_from(to_bytes(stop)), stop);
  const ContactRecord contact{WallTime{std::chrono::seconds{5}}, "boot", {}, {}};
  EXPECT_EQ(contact_record_from(to_bytes(contact)), contact);
  for (const DirectoryId& directory : {DirectoryId{std::nullopt, 7}, DirectoryId{3, ~std::uint64_t{0}}}) {
    const ContactRecord with{WallTime{std::chrono::seconds{5}}, "boot", WallTime{std::chrono::seconds{1}}, directory};
    EXPECT_EQ(contact_record_from(to_bytes(with)), with);
  }
}

TEST(Records, CountAsAbsentWhenTornOrSpoiled) {
  const std::string bytes = to_bytes(full_record());
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_FALSE(agent_record_from(bytes.substr(0, length))) << length;
  }
  EXPECT_FALSE(agent_record_from(bytes + "more\n"));
  EXPECT_FALSE(agent_record_from("cofferdam record 2 agent\nend\n"));
  EXPECT_FALSE(agent_record_from("cofferdam record 1 agent\nattempt x\nend\n"));
  EXPECT_FALSE(agent_record_from("cofferdam record 1 agent\nattempt 0\nend\n"));
  EXPECT_FALSE(agent_record_from("cofferdam record 1 agent\nattempt 1\nexit 3x\nend\n"));
  EXPECT_FALSE(agent_record_from("cofferdam record 1 agent\nadmitted-bytes \\x\nend\n"));
  EXPECT_FALSE(stop_record_from(to_bytes(AgentRecord{})));
  EXPECT_FALSE(stop_record_from("cofferdam record 1 stop\nagent a\ncause Whim\nend\n"));
  EXPECT_FALSE(contact_record_from("cofferdam record 1 contact\nend\n"));
  EXPECT_FALSE(contact_record_from("cofferdam record 1 contact\ncontact 5\ndirectory-device 1\nend\n"));
}

TEST(Records, TakeNoAcceptedAttemptWithoutWhatWasAccepted) {
  const auto record = agent_record_from("cofferdam record 1 agent\naccepted-attempt 3\nend\n");
  ASSERT_TRUE(record);
  EXPECT_EQ(agent_record_from(to_bytes(*record)), record);
  EXPECT_TRUE(record->empty());
}

TEST(Records, CountAsAbsentWithNumbersThatWeNeverWrote) {
  const std::string beyond = std::to_string(highest_count + 1);
  const std::vector<std::string> fields{"attempt " + beyond, "attempt 1\nrestarts " + beyond, "attempt 1\nfailures -1",
                                        "attempt 1\nschema 4294967296"};
  for (const std::string& field : fields) {
    EXPECT_FALSE(agent_record_from("cofferdam record 1 agent\n" + field + "\nend\n")) << field;
  }
}

TEST(Records, IgnoreFieldsOfALaterVersion) {
  const auto record = agent_record_from("cofferdam record 1 agent\nattempt 2\nnovelty yes\nstopped Whim\nend\n");
  ASSERT_TRUE(record);
  EXPECT_EQ(record->outcome->attempt, 2);
  EXPECT_TRUE(record->outcome->interrupted) << "a cause that is not known is not the agent's own end";
}

}  // namespace
}  // namespace cofferdam::reconciler
