#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "metrics/metrics.hpp"

namespace cofferdam::metrics {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Registry, AddsToCountersSetsGaugesAndObservesInHistograms) {
  Registry registry;
  registry.record("cofferdam_actions_total", {"create", "spec is new", "ok"}, 1);
  registry.record("cofferdam_actions_total", {"create", "spec is new", "ok"}, 2);
  registry.record("cofferdam_queue_depth", {}, 7);
  registry.record("cofferdam_queue_depth", {}, 4);
  registry.record("cofferdam_spec_to_running_seconds", {}, 0.2);
  const std::string text = registry.exposition();
  EXPECT_THAT(text, HasSubstr("cofferdam_actions_total{action=\"create\",cause=\"spec is new\",result=\"ok\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("\ncofferdam_queue_depth 4\n"));
  EXPECT_THAT(text, HasSubstr("cofferdam_spec_to_running_seconds_bucket{le=\"0.1\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("cofferdam_spec_to_running_seconds_bucket{le=\"0.25\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("cofferdam_spec_to_running_seconds_count 1\n"));
}

TEST(Registry, ShowsCountersWithoutLabelsFromTheStart) {
  EXPECT_THAT(Registry().exposition(), HasSubstr("\ncofferdam_internal_errors_total 0\n"));
}

TEST(Registry, CountsANameThatIsNotInTheTableAsADefect) {
  Registry registry;
  registry.record("cofferdam_no_such_thing", {}, 1);
  EXPECT_THAT(registry.exposition(), HasSubstr("\ncofferdam_internal_errors_total 1\n"));
  EXPECT_THAT(registry.exposition(), Not(HasSubstr("no_such_thing")));
}

TEST(Registry, CountsAWrongNumberOfLabelsAsADefect) {
  Registry registry;
  registry.record("cofferdam_agents", {}, 1);
  registry.record("cofferdam_agents", {"Running", "more"}, 1);
  EXPECT_THAT(registry.exposition(), HasSubstr("\ncofferdam_internal_errors_total 2\n"));
}

TEST(Registry, RefusesToLowerACounter) {
  Registry registry;
  registry.record("cofferdam_env_filtered_total", {}, 3);
  registry.record("cofferdam_env_filtered_total", {}, -1);
  EXPECT_THAT(registry.exposition(), HasSubstr("\ncofferdam_env_filtered_total 3\n"));
  EXPECT_THAT(registry.exposition(), HasSubstr("\ncofferdam_internal_errors_total 1\n"));
}

TEST(Registry, RaisesAKeptCounterAndNeverLowersIt) {
  Registry registry;
  registry.raise_to("process_cpu_seconds_total", {}, 2.5);
  registry.raise_to("process_cpu_seconds_total", {}, 2.0);
  EXPECT_THAT(registry.exposition(), HasSubstr("\nprocess_cpu_seconds_total 2.5\n"));
}

TEST(Registry, DropsWhatWasClearedAndNotSetAnew) {
  Registry registry;
  registry.record("cofferdam_agent_phase", {"a", "Running"}, 1);
  registry.record("cofferdam_agent_phase", {"b", "Running"}, 1);
  registry.clear("cofferdam_agent_phase");
  registry.record("cofferdam_agent_phase", {"a", "Failed"}, 1);
  registry.record("cofferdam_agent_phase", {"b", "Running"}, 1);
  const std::string text = registry.exposition();
  EXPECT_THAT(text, HasSubstr("cofferdam_agent_phase{agent=\"a\",phase=\"Failed\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("cofferdam_agent_phase{agent=\"b\",phase=\"Running\"} 1\n"));
  EXPECT_THAT(text, Not(HasSubstr("agent=\"a\",phase=\"Running\"")));
}

TEST(Registry, SetsASeriesAgainAfterItWasDropped) {
  Registry registry;
  registry.record("cofferdam_limits_missing", {"swap"}, 1);
  registry.clear("cofferdam_limits_missing");
  EXPECT_THAT(registry.exposition(), Not(HasSubstr("limit=\"swap\"")));
  registry.record("cofferdam_limits_missing", {"swap"}, 1);
  EXPECT_THAT(registry.exposition(), HasSubstr("cofferdam_limits_missing{limit=\"swap\"} 1\n"));
}

TEST(Registry, ForgetsAgentsThatAreGoneInEveryMetricOfAgents) {
  Registry registry;
  registry.record("cofferdam_agent_restarts_total", {"gone"}, 1);
  registry.record("cofferdam_agent_last_exit_code", {"gone"}, 3);
  registry.record("cofferdam_agent_restarts_total", {"here"}, 1);
  registry.record("cofferdam_agents", {"Running"}, 1);
  registry.keep_agents({"here"});
  const std::string text = registry.exposition();
  EXPECT_THAT(text, Not(HasSubstr("gone\"")));
  EXPECT_THAT(text, HasSubstr("cofferdam_agent_restarts_total{agent=\"here\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("cofferdam_agents{phase=\"Running\"} 1\n"));
}

TEST(Registry, TellsSeriesInOneOrderWhateverTheOrderTheyCameIn) {
  Registry one;
  Registry other;
  for (const char* action : {"die", "create", "start", "kill"}) {
    one.record("cofferdam_engine_events_total", {action}, 1);
  }
  for (const char* action : {"kill", "start", "create", "die"}) {
    other.record("cofferdam_engine_events_total", {action}, 1);
  }
  EXPECT_EQ(one.exposition(), other.exposition());
}

TEST(Registry, EscapesWhatLabelsHold) {
  Registry registry;
  registry.record("cofferdam_engine_events_total", {"a\"b\\c\nd"}, 1);
  EXPECT_THAT(registry.exposition(), HasSubstr("cofferdam_engine_events_total{action=\"a\\\"b\\\\c\\nd\"} 1\n"));
}

TEST(Registry, BoundsTheSeriesOfOneMetric) {
  Registry registry;
  for (std::size_t i = 0; i <= Registry::most_series; ++i) {
    registry.record("cofferdam_engine_events_total", {std::to_string(i)}, 1);
  }
  const std::string text = registry.exposition();
  EXPECT_THAT(text, HasSubstr("\ncofferdam_internal_errors_total 1\n"));
  EXPECT_EQ(text.find("action=\"" + std::to_string(Registry::most_series) + "\""), std::string::npos);
}

TEST(LabelValue, KeepsWellFormedUtf8) {
  EXPECT_EQ(label_value("grün € 🐳"), "grün € 🐳");
}

TEST(LabelValue, ReplacesWhatIsNotUtf8) {
  EXPECT_EQ(label_value("a\xFFz"), "a\xEF\xBF\xBDz");
  EXPECT_EQ(label_value("\xC0\xAF"), "\xEF\xBF\xBD\xEF\xBF\xBD") << "overlong";
  EXPECT_EQ(label_value("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD") << "surrogate";
  EXPECT_EQ(label_value("\xF4\x90\x80\x80").substr(0, 3), "\xEF\xBF\xBD") << "over U+10FFFF";
  EXPECT_EQ(label_value("cut \xE2\x82"), "cut \xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(LabelValue, CutsLongTextsAtAWholeCharacter) {
  std::string text(longest_label - 1, 'x');
  EXPECT_EQ(label_value(text + "€"), text);
  EXPECT_EQ(label_value(std::string(1000, 'y')).size(), longest_label);
}

TEST(Process, TellsTheProcessItself) {
  Registry registry;
  record_process(registry);
  const std::string text = registry.exposition();
  for (const char* name : {"process_cpu_seconds_total ", "process_resident_memory_bytes ", "process_virtual_memory_bytes ",
                           "process_open_fds ", "process_max_fds ", "process_threads ", "process_start_time_seconds "}) {
    EXPECT_THAT(text, HasSubstr(std::string("\n") + name));
  }
  EXPECT_THAT(text, Not(HasSubstr("process_resident_memory_bytes 0\n")));
  EXPECT_THAT(text, HasSubstr("\ncofferdam_internal_errors_total 0\n"));
}

}  // namespace
}  // namespace cofferdam::metrics
