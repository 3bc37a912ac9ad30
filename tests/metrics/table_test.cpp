#include <gtest/gtest.h>

#include <cctype>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "metrics/metrics.hpp"

namespace cofferdam::metrics {
namespace {

std::string read(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string_view type_of(Type type) {
  switch (type) {
    case Type::counter: return "counter";
    case Type::gauge: return "gauge";
    case Type::histogram: return "histogram";
  }
  return "";
}

/// A registry in which every metric of the table has a series.
void fill(Registry& registry) {
  for (const Definition& definition : definitions()) {
    registry.record(definition.name, std::vector<std::string>(definition.labels.size(), "x"), 1);
  }
}

TEST(Table, NamesEachMetricOnce) {
  std::set<std::string_view> names;
  for (const Definition& definition : definitions()) {
    EXPECT_TRUE(names.insert(definition.name).second) << definition.name;
    EXPECT_EQ(find(definition.name), &definition);
  }
  EXPECT_EQ(find("cofferdam_no_such_thing"), nullptr);
}

TEST(Table, HasEveryMetricThatOthersRelyOn) {
  for (const char* name : {"cofferdam_build_info",
                           "cofferdam_sandbox_enabled",
                           "cofferdam_engine_up",
                           "cofferdam_engine_info",
                           "cofferdam_agents",
                           "cofferdam_agent_phase",
                           "cofferdam_agent_restarts_total",
                           "cofferdam_agent_last_exit_code",
                           "cofferdam_reconcile_total",
                           "cofferdam_reconcile_duration_seconds",
                           "cofferdam_actions_total",
                           "cofferdam_engine_requests_total",
                           "cofferdam_engine_request_duration_seconds",
                           "cofferdam_engine_events_total",
                           "cofferdam_spec_files",
                           "cofferdam_spec_errors_total",
                           "cofferdam_deletions_held",
                           "cofferdam_env_filtered_total",
                           "cofferdam_limits_missing",
                           "cofferdam_spec_to_running_seconds",
                           "cofferdam_last_list_timestamp_seconds",
                           "cofferdam_queue_depth",
                           "cofferdam_internal_errors_total"}) {
    EXPECT_NE(find(name), nullptr) << name;
  }
}

TEST(Table, WritesHelpThatNeedsNoEscaping) {
  for (const Definition& definition : definitions()) {
    EXPECT_FALSE(definition.help.empty()) << definition.name;
    EXPECT_EQ(definition.help.find_first_of("\\\n"), std::string_view::npos) << definition.name;
    EXPECT_EQ(label_value(definition.help), definition.help.substr(0, longest_label)) << definition.name << ": not UTF-8";
  }
}

TEST(Table, GivesHistogramsRisingBucketsAndNobodyElse) {
  for (const Definition& definition : definitions()) {
    EXPECT_EQ(definition.buckets.empty(), definition.type != Type::histogram) << definition.name;
    for (std::size_t i = 1; i < definition.buckets.size(); ++i) {
      EXPECT_LT(definition.buckets[i - 1], definition.buckets[i]) << definition.name;
    }
  }
}

TEST(Table, StandsInTheDocumentationWithTypeLabelsAndHelp) {
  const std::string page = read(COFFERDAM_SOURCE_DIR "/docs/metrics.md");
  for (const Definition& definition : definitions()) {
    std::string labels;
    for (const std::string_view label : definition.labels) {
      labels += (labels.empty() ? "" : ", ") + ("`" + std::string(label) + "`");
    }
    const std::string row = "| `" + std::string(definition.name) + "` | " + std::string(type_of(definition.type)) + " | " +
                            (labels.empty() ? "–" : labels) + " | " + std::string(definition.help) + " |";
    EXPECT_NE(page.find(row), std::string::npos) << "docs/metrics.md lacks the row\n" << row;
  }
}

TEST(Table, IsAllThatTheDocumentationNames) {
  const std::string page = read(COFFERDAM_SOURCE_DIR "/docs/metrics.md");
  for (std::size_t at = page.find("\n| `"); at != std::string::npos; at = page.find("\n| `", at + 1)) {
    const std::size_t end = page.find('`', at + 4);
    ASSERT_NE(end, std::string::npos);
    const std::string name = page.substr(at + 4, end - at - 4);
    if (name.starts_with("cofferdam_") || name.starts_with("process_")) {
      EXPECT_NE(find(name), nullptr) << name << " stands in docs/metrics.md and not in the table";
    }
  }
}

TEST(Exposition, IsCleanForPromtool) {
  Registry registry;
  fill(registry);
  registry.record("cofferdam_engine_events_total", {"hostile \"\\\n\xFF label"}, 1);
  const std::string path = testing::TempDir() + "cofferdam-exposition.txt";
  {
    std::ofstream file(path);
    file << registry.exposition();
    ASSERT_TRUE(file.good());
  }
  const std::string command = "promtool check metrics < '" + path + "' 2>&1";
  FILE* pipe = popen(command.c_str(), "r");  // NOLINT(cert-env33-c): the tool is what is asked
  ASSERT_NE(pipe, nullptr);
  std::string said;
  for (int c = fgetc(pipe); c != EOF; c = fgetc(pipe)) {
    said += static_cast<char>(c);
  }
  EXPECT_EQ(pclose(pipe), 0) << said;
  EXPECT_EQ(said, "");
  std::remove(path.c_str());
}

}  // namespace
}  // namespace cofferdam::metrics
