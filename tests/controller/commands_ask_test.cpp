#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <nlohmann/json.hpp>

#include "commands_fixture.hpp"
#include "controller/command_context.hpp"
#include "controller/status_server.hpp"
#include "controller/text.hpp"
#include "fake_api.hpp"

namespace cofferdam::controller {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// ------------------------------------------------------------------------------------------------ with a controller

class AskingTest : public CommandsTest {
 protected:
  void SetUp() override {
    CommandsTest::SetUp();
    api_.files({{"refactor-bot.yaml", smallest_spec}});
    api_.engine({owned_container("refactor-bot", 1, docker::ContainerState::running)});
    StatusServerOptions options;
    options.socket = socket_ = (root_ / "api.sock").string();
    server_ = std::make_unique<StatusServer>(io_, api_, options);
    ASSERT_EQ(server_->start().text, "");
    loop_ = std::thread([this] { io_.run(); });
  }
  void TearDown() override {
    on_loop([this] { server_->stop(); });
    work_.reset();
    loop_.join();
    CommandsTest::TearDown();
  }
  /// The fake belongs to the loop's thread.
  void on_loop(const std::function<void()>& what) {
    std::promise<void> done;
    boost::asio::post(io_, [&] {
      what();
      done.set_value();
    });
    done.get_future().wait();
  }
  Outcome ask(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--socket", socket_});
    return command(arguments);
  }

  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io_.get_executor()};
  FakeApi api_{io_};
  std::string socket_;
  std::unique_ptr<StatusServer> server_;
  std::thread loop_;
};

TEST_F(AskingTest, GetListsAgents) {
  const Outcome outcome = ask({"get"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, StartsWith("NAME          PHASE"));
  EXPECT_THAT(outcome.out, HasSubstr("\nrefactor-bot  "));
  EXPECT_EQ(ask({"get", "refactor-bot"}).out, outcome.out);
  EXPECT_EQ(outcome.out.find("yaml"), std::string::npos) << "no file is in error";
  EXPECT_EQ(nlohmann::json::parse(ask({"get", "--output", "json"}).out)["agents"][0]["agent"], "refactor-bot");
}

TEST_F(AskingTest, GetTellsOfFilesInError) {
  on_loop([&] { api_.files({{"refactor-bot.yaml", smallest_spec}, {"broken.yaml", "kind: Agnt\napiVersion: x\n"}}); });
  EXPECT_THAT(ask({"get"}).out,
              testing::ContainsRegex("\nbroken.yaml:[0-9:]+ [^\n]* \\(and [0-9]+ more\\); nothing of it runs\n"));
}

TEST_F(AskingTest, AnUnknownAgentIsNotFound) {
  for (const char* name : {"nobody", "../secret", "a b", "a/logs", "?x"}) {
    EXPECT_EQ(ask({"get", name}).code, 1) << name;
    EXPECT_EQ(ask({"describe", name}).code, 1) << name;
    EXPECT_EQ(ask({"logs", name}).code, 1) << name;
  }
  EXPECT_THAT(ask({"get", "nobody"}).err, HasSubstr("no agent is named nobody"));
}

TEST_F(AskingTest, DescribeTellsItAll) {
  const Outcome outcome = ask({"describe", "refactor-bot"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.out, StartsWith("Name:             refactor-bot\n"));
  EXPECT_THAT(outcome.out, HasSubstr("Spec:             refactor-bot.yaml:"));
}

TEST_F(AskingTest, LogsArePassedOn) {
  on_loop([&] { api_.log_pieces_ = {"hello\n", "world\n"}; });
  const Outcome outcome = ask({"logs", "refactor-bot", "--tail", "5"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "hello\nworld\n");
}

TEST_F(AskingTest, LogsThatBreakOffAreAnError) {
  on_loop([&] { api_.log_pieces_ = {"half"}; });
  on_loop([&] { api_.log_error_ = docker::Error{docker::ErrorClass::reset, 0, "container logs", "x", "reset"}; });
  const Outcome outcome = ask({"logs", "refactor-bot"});
  EXPECT_NE(outcome.code, 0);
  EXPECT_EQ(outcome.out, "half");
}

TEST_F(AskingTest, PlanAsksTheRunningOne) {
  const Outcome outcome = ask({"plan"});
  EXPECT_THAT(outcome.err, HasSubstr("engine unix:///run/test-engine.sock, version 20.10.24, ID ENGINE:ID\n"));
  EXPECT_THAT(outcome.out, HasSubstr("refactor-bot"));
  EXPECT_EQ(outcome.out.find("yaml"), std::string::npos) << "no file is in error";
  const auto json = nlohmann::json::parse(ask({"plan", "--output", "json"}).out);
  EXPECT_EQ(json["files"].size(), 1U);
  EXPECT_EQ(outcome.code, json["changes"] == 0 ? 0 : 1);
}

TEST_F(AskingTest, WordsAreCarriedAndTheirVerdictTold) {
  const Outcome good = ask({"confirm-deletions", "3f9c"});
  EXPECT_EQ(good.code, 0);
  EXPECT_EQ(good.out, "done as asked\n");
  EXPECT_EQ(ask({"release", "refactor-bot"}).code, 0);
  EXPECT_EQ(ask({"reload"}).code, 0);
  on_loop([&] { api_.verdict_ = {false, "engine.host needs a restart"}; });
  const Outcome refused = ask({"reload"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_EQ(refused.err, "cofferdam: engine.host needs a restart\n");
}

// ------------------------------------------------------------------------------------------------ text

TEST(Text, KeepsColumnsAlignedForEveryScript) {
  Table table({"NAME", "PHASE"});
  table.add({"größe", "Running"});
  table.add({"a", ""});
  EXPECT_EQ(table.text(false, 1), "NAME   PHASE\ngröße  Running\na      -\n");
}

TEST(Text, ColoursOnlyWhenAsked) {
  Table table({"NAME", "PHASE"});
  table.add({"a", "Failed"});
  EXPECT_THAT(table.text(false, 1), Not(HasSubstr("\x1b")));
  EXPECT_THAT(table.text(true, 1), HasSubstr("\x1b[31mFailed\x1b[0m"));
}

TEST(Text, LetsNothingDriveTheTerminal) {
  EXPECT_EQ(clean("a\x1b[2Jb\r\nc\x7f"), "a?[2Jb??c?");
  EXPECT_EQ(clean("\xC2\x9B"
                  "31m grün"),
            "?31m grün");
}

TEST(Text, SaysAgesInTwoUnits) {
  using namespace std::chrono_literals;
  EXPECT_EQ(age(-5s), "0s");
  EXPECT_EQ(age(59s), "59s");
  EXPECT_EQ(age(192s), "3m12s");
  EXPECT_EQ(age(2h), "2h");
  EXPECT_EQ(age(2h + 5min + 9s), "2h5m");
  EXPECT_EQ(age(98h), "4d2h");
  EXPECT_EQ(age_of("2027-01-15T08:00:00.000Z", reconciler::WallTime(std::chrono::seconds(1'800'000'007))), "7s");
  EXPECT_EQ(age_of("soon", reconciler::WallTime()), "-");
}

TEST(Text, DescribesAnAgentInOneAlignedPage) {
  const Json agent = Json::parse(R"({"agent":"a","task":"t","phase":"BackOff","reason":"Error","message":"exit code 3",
    "conditions":[{"type":"Ready","status":"False","reason":"NotRunning","message":""},
                  {"type":"SpecValid","status":"True","reason":"","message":""}],
    "source":{"file":"a.yaml","line":3,"sha256":"x"},"observedRevision":"","containerName":"c-a-2","containerId":"0123",
    "image":"docker.io/library/node:20","imageId":"sha256:1","attempt":2,"restarts":1,"exitCode":3,"oomKilled":true,
    "startedAt":"2027-01-15T08:00:00.000Z","finishedAt":null,"nextRetryAt":null,"verification":"",
    "lastTermination":{"attempt":1,"reason":"Error","exitCode":1,"oomKilled":false,"startedAt":null,"finishedAt":null},
    "filteredVariables":["A","B"]})");
  const auto now = reconciler::WallTime(std::chrono::seconds(1'800'000'007));
  EXPECT_EQ(agent_text(agent, false, now), R"(Name:             a
Task:             t
Phase:            BackOff
Reason:           Error
Message:          exit code 3
Spec:             a.yaml:3
Container:        c-a-2
Container ID:     0123
Image:            docker.io/library/node:20
Image ID:         sha256:1
Attempt:          2
Restarts:         1
Started:          2027-01-15T08:00:00.000Z (7s ago)
Exit code:        3, out of memory
Last termination:
  attempt 1: Error, exit code 1
  from ? to ?
Filtered:         A, B
Conditions:
  Ready      False    NotRunning
  SpecValid  True
)");
}

TEST(Text, TellsThePlanWithItsHolds) {
  const Json plan = Json::parse(R"({"changes":1,"plan":[{"agent":"a","action":"create","text":"a: create attempt 1, row 52"}],
    "held":[{"id":"3f9c","reason":"BudgetExceeded","message":"confirm or put them back","agents":["b","c"]}]
})");
  EXPECT_EQ(plan_text(plan, false),
            "a: create attempt 1, row 52\nheld 3f9c: BudgetExceeded: b, c: confirm or put them back\n1 change\n");
  EXPECT_EQ(held_text(plan), "held 3f9c: BudgetExceeded: b, c: confirm or put them back\n");
  EXPECT_EQ(plan_text(Json::parse(R"({"changes":0,"plan":[],"held":[]})"), false), "nothing to do\n");
}

}  // namespace
}  // namespace cofferdam::controller
