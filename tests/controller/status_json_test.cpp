#include "controller/status_json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace cofferdam::controller {
namespace {

using namespace std::chrono_literals;
using reconciler::AgentStatus;
using reconciler::WallTime;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

WallTime at(std::chrono::nanoseconds since) {
  return WallTime(since);
}

AgentStatus full_status() {
  AgentStatus status;
  status.agent = "refactor-bot";
  status.phase = reconciler::Phase::back_off;
  status.reason = "Error";
  status.message = "exit code 3; again at 02:00:10";
  status.conditions = {{"Ready", reconciler::Truth::no, "NotRunning", ""}, {"SpecValid", reconciler::Truth::yes, "", ""}};
  status.source_file = "refactor-bot.yaml";
  status.source_line = 1;
  status.source_sha256 = "ab";
  status.observed_revision = "17";
  status.task = "PAY-1432";
  status.run_hash = "r";
  status.config_hash = "c";
  status.container_id = "0123";
  status.container_name = "cofferdam-default-refactor-bot-2";
  status.image = "docker.io/library/node:20-alpine";
  status.image_id = "sha256:9";
  status.attempt = 2;
  status.restarts = 1;
  status.failures = 2;
  status.exit_code = 3;
  status.started_at = at(1'800'000'000s);
  status.finished_at = at(1'800'000'001s + 5ms);
  status.last_termination = reconciler::Termination{1, "4567", "OOMKilled", 137, true, std::nullopt, std::nullopt};
  status.filtered_variables = {"SECRET"};
  status.next_retry = at(1'800'000'010s);
  status.verification = "Verified";
  return status;
}

TEST(StatusJson, TellsEverythingOfAnAgentInOneOrder) {
  EXPECT_EQ(agent_json(full_status()), R"({
  "agent": "refactor-bot",
  "phase": "BackOff",
  "reason": "Error",
  "message": "exit code 3; again at 02:00:10",
  "conditions": [
    {
      "type": "Ready",
      "status": "False",
      "reason": "NotRunning",
      "message": ""
    },
    {
      "type": "SpecValid",
      "status": "True",
      "reason": "",
      "message": ""
    }
  ],
  "source": {
    "file": "refactor-bot.yaml",
    "line": 1,
    "sha256": "ab"
  },
  "observedRevision": "17",
  "task": "PAY-1432",
  "runHash": "r",
  "configHash": "c",
  "containerId": "0123",
  "containerName": "cofferdam-default-refactor-bot-2",
  "image": "docker.io/library/node:20-alpine",
  "imageId": "sha256:9",
  "attempt": 2,
  "restarts": 1,
  "failures": 2,
  "exitCode": 3,
  "oomKilled": false,
  "startedAt": "2027-01-15T08:00:00.000Z",
  "finishedAt": "2027-01-15T08:00:01.005Z",
  "lastTermination": {
    "attempt": 1,
    "containerId": "4567",
    "reason": "OOMKilled",
    "exitCode": 137,
    "oomKilled": true,
    "startedAt": null,
    "finishedAt": null
  },
  "filteredVariables": [
    "SECRET"
  ],
  "nextRetryAt": "2027-01-15T08:00:10.000Z",
  "verification": "Verified"
}
)");
}

TEST(StatusJson, SaysNullOfWhatIsNotKnown) {
  const std::string json = agent_json(AgentStatus{});
  for (const char* key : {"exitCode", "startedAt", "finishedAt", "lastTermination", "nextRetryAt"}) {
    EXPECT_THAT(json, HasSubstr("\"" + std::string(key) + "\": null"));
  }
}

TEST(StatusJson, ReplacesBytesThatAreNotUtf8) {
  AgentStatus status;
  status.message = "bad \xFF byte";
  EXPECT_THAT(agent_json(status), HasSubstr("bad \xEF\xBF\xBD byte"));
}

TEST(StatusJson, WritesTimesBeforeTheEpochWithoutSlipping) {
  EXPECT_EQ(time_text(at(-1ms)), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(time_text(at(999999ns)), "1970-01-01T00:00:00.000Z");
}

TEST(StatusJson, ListsFilesWithAllTheirProblems) {
  specs::FileView file;
  file.name = "b.yaml";
  file.state = specs::FileState::last_good;
  file.sha256 = "ff";
  file.names = {"b"};
  file.problems = {{{"b.yaml", 3, 5}, "spec.memoryMB", "is 5", "at least 6", ""},
                   {{"b.yaml", 4, 5}, "spec.user", "is root", "another user", "allow-root"}};
  const std::string json = files_json({{"b.yaml", file}});
  EXPECT_THAT(json, HasSubstr("\"state\": \"last_good\""));
  EXPECT_THAT(json, HasSubstr("\"line\": 3"));
  EXPECT_THAT(json, HasSubstr("\"path\": \"spec.memoryMB\""));
  EXPECT_THAT(json, HasSubstr("\"rule\": \"allow-root\""));
}

TEST(StatusJson, CountsThePlansChanges) {
  reconciler::PlanLine change;
  change.agent = "a";
  change.action = "create";
  change.cause = "nothing is there";
  change.row = "52";
  reconciler::PlanLine quiet;
  quiet.agent = "b";
  quiet.action = "none";
  const reconciler::Held held{"3f9c2a", "BudgetExceeded", "7 of 9 agents are gone", {"c", "d"}, {"e.yaml"}};
  const std::string json = plan_json({change, quiet}, {held});
  EXPECT_THAT(json, HasSubstr("\"changes\": 1"));
  EXPECT_THAT(json, HasSubstr("\"row\": \"52\""));
  EXPECT_THAT(json, HasSubstr("\"id\": \"3f9c2a\""));
  EXPECT_THAT(json, HasSubstr("\"c\",\n        \"d\""));
}

TEST(Readiness, NamesEachReason) {
  reconciler::Summary summary;
  summary.state_error = "Permission denied";
  summary.engine_why = "nobody listens";
  summary.scan_error = "No such file or directory";
  EXPECT_THAT(not_ready(summary),
              ElementsAre("the configuration has not been read yet", "the state directory cannot be read: Permission denied",
                          "the engine is down: nobody listens", "the spec directory cannot be read: No such file or directory"));
}

TEST(Readiness, HasNoReasonWhenReady) {
  reconciler::Summary summary;
  summary.configured = summary.state_known = summary.engine_up = summary.listed = summary.ready = true;
  summary.last_scan = at(1s);
  EXPECT_THAT(not_ready(summary), IsEmpty());
  EXPECT_EQ(ready_json(summary), "{\n  \"ready\": true,\n  \"reasons\": []\n}\n");
  summary.listed = summary.ready = false;
  EXPECT_THAT(not_ready(summary), ElementsAre("the containers of the engine have not been listed yet"));
}

specs::LoadedConfiguration loaded(const std::string& bytes) {
  auto result = specs::parse_configuration(bytes, "c.yaml", {});
  if (const auto* problems = std::get_if<specs::Problems>(&result)) {
    ADD_FAILURE() << to_string(problems->front());
    return {};
  }
  return std::get<specs::LoadedConfiguration>(std::move(result));
}

TEST(Queries, AnswerWhetherTheSandboxIsEnabled) {
  EXPECT_EQ(enabled_json(loaded("").configuration), "{\n  \"enabled\": true\n}\n");
  EXPECT_EQ(enabled_json(loaded("sandbox: {enabled: false}\n").configuration), "{\n  \"enabled\": false\n}\n");
}

TEST(Queries, AnswerTheAllowListWithItsAdditions) {
  EXPECT_THAT(allow_list(loaded("sandbox: {envWhitelist: [LANG, TZ], envWhitelistAdd: [CI]}\n").configuration),
              ElementsAre("CI", "LANG", "TZ"));
}

TEST(Queries, AnswerTheHardeningDefaults) {
  EXPECT_EQ(hardening_json(loaded("sandbox: {security: {pidsLimit: 50}}\n").configuration), R"({
  "hardeningDefaults": {
    "capDrop": [
      "ALL"
    ],
    "capAdd": [],
    "readonlyRootfs": true,
    "pidsLimit": 50,
    "noNewPrivileges": true
  }
}
)");
}

TEST(Queries, AnswerWhichVariablesWouldBeLost) {
  const auto configuration = loaded("").configuration;
  EXPECT_THAT(filtered_of(configuration, {"SECRET", "LANG", "AWS_KEY", "AGENT_ID", "TASK_ID"}), ElementsAre("AWS_KEY", "SECRET"));
  EXPECT_THAT(filtered_json(configuration, {"SECRET", "LANG"}), HasSubstr("\"passed\": [\n    \"LANG\"\n  ]"));
}

TEST(Configuration, IsToldWithItsOrigins) {
  const std::string json = configuration_json(loaded("sandbox:\n  defaultMemoryMB: 256\n"));
  EXPECT_THAT(json, HasSubstr("\"defaultMemoryMB\": 256"));
  EXPECT_THAT(json, HasSubstr("\"sandbox.defaultMemoryMB\": \"c.yaml:2\""));
  EXPECT_THAT(json, HasSubstr("\"allowedNetworks\": [\n"));
}

}  // namespace
}  // namespace cofferdam::controller
