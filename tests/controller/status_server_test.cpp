#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include <nlohmann/json.hpp>

#include "status_server_fixture.hpp"

namespace cofferdam::controller {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

// ------------------------------------------------------------------------------------------------ what is told

TEST_F(StatusServerTest, TellsMetricsFromTheMachineAtScrapeTime) {
  start();
  const RawAnswer answer = tcp().ask(get("/metrics"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.field("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_THAT(answer.body, HasSubstr("\ncofferdam_engine_up 0\n"));
  EXPECT_THAT(answer.body, HasSubstr("\ncofferdam_sandbox_enabled 1\n"));
  EXPECT_THAT(answer.body, HasSubstr("cofferdam_spec_files{state=\"good\"} 1\n"));
  EXPECT_THAT(answer.body, HasSubstr("cofferdam_spec_files{state=\"never_good\"} 1\n"));
  EXPECT_THAT(answer.body, HasSubstr("cofferdam_agent_phase{agent=\"refactor-bot\",phase=\"Pending\"} 1\n"));
  EXPECT_THAT(answer.body, HasSubstr("cofferdam_agents{phase=\"Running\"} 0\n"));
  EXPECT_THAT(answer.body, HasSubstr("cofferdam_build_info{"));
  EXPECT_THAT(answer.body, HasSubstr("\ncofferdam_internal_errors_total 0\n"));
}

TEST_F(StatusServerTest, IsHealthyWhileTheLoopTurnsThoughTheEngineIsDown) {
  start();
  EXPECT_EQ(tcp().ask(get("/healthz")).status, 200);
}

TEST_F(StatusServerTest, IsHealthyAlsoWhereTheClockWasSet) {
  api_.now_.wall += 24h;
  start();
  EXPECT_EQ(tcp().ask(get("/healthz")).status, 200);
}

TEST_F(StatusServerTest, IsIllWhenTheDecidingLoopWasSilentForHalfAMinute) {
  api_.process_.silence = 31s;
  start();
  EXPECT_EQ(tcp().ask(get("/healthz")).status, 503);
}

TEST_F(StatusServerTest, IsNotReadyAndSaysWhy) {
  start();
  const RawAnswer answer = tcp().ask(get("/readyz"));
  EXPECT_EQ(answer.status, 503);
  EXPECT_THAT(answer.body, HasSubstr("engine"));
}

TEST_F(StatusServerTest, TellsAgentsFilesPlanAndHeld) {
  start();
  RawClient client = tcp();
  const Json agents = Json::parse(client.ask(get("/v1/agents")).body);
  ASSERT_FALSE(agents["agents"].empty());
  const Json agent = Json::parse(client.ask(get("/v1/agents/refactor-bot")).body);
  EXPECT_EQ(agent["agent"], "refactor-bot");
  EXPECT_EQ(agent["source"]["file"], "refactor-bot.yaml");
  const Json files = Json::parse(client.ask(get("/v1/files")).body);
  ASSERT_EQ(files["files"].size(), 2U);
  EXPECT_EQ(files["files"][0]["name"], "broken.yaml");
  EXPECT_FALSE(files["files"][0]["problems"].empty());
  EXPECT_TRUE(Json::parse(client.ask(get("/v1/plan")).body).contains("changes"));
  EXPECT_TRUE(Json::parse(client.ask(get("/v1/held")).body)["held"].empty());
  EXPECT_EQ(Json::parse(client.ask(get("/v1/controller")).body)["engine"]["address"], "unix:///run/test-engine.sock");
}

TEST_F(StatusServerTest, AnswersTheFourQueriesOfTheConfiguration) {
  start();
  RawClient client = tcp();
  EXPECT_EQ(Json::parse(client.ask(get("/v1/config/enabled")).body)["enabled"], true);
  EXPECT_THAT(client.ask(get("/v1/config/allow-list")).body, HasSubstr("\"NODE_ENV\""));
  EXPECT_EQ(Json::parse(client.ask(get("/v1/config/hardening")).body)["hardeningDefaults"]["pidsLimit"], 100);
  EXPECT_EQ(Json::parse(client.ask(get("/v1/config/filtered?names=LANG,SECRET")).body)["filtered"], Json::array({"SECRET"}));
  EXPECT_EQ(client.ask(get("/v1/config/filtered")).status, 400);
  const Json all = Json::parse(client.ask(get("/v1/config")).body);
  EXPECT_EQ(all["configuration"]["sandbox"]["defaultMemoryMB"], 512);
  EXPECT_EQ(all["queries"]["enabled"], true);
}

TEST_F(StatusServerTest, ShowsAPageWithoutScriptsThatEscapesWhatFilesSay) {
  api_.files({{"x.yaml", "apiVersion: \"<script>alert(1)</script>\"\n"}, {"refactor-bot.yaml", smallest_spec}});
  start();
  const RawAnswer answer = tcp().ask(get("/"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.field("Content-Security-Policy"), HasSubstr("default-src 'none'"));
  EXPECT_THAT(answer.body, HasSubstr("refactor-bot"));
  EXPECT_THAT(answer.body, Not(HasSubstr("<script")));
  EXPECT_EQ(tcp().ask(get("/style.css")).field("Content-Type"), "text/css; charset=utf-8");
}

TEST_F(StatusServerTest, SaysErrorsAsJsonWithTheMend) {
  start();
  const RawAnswer answer = tcp().ask(get("/v1/agents/nobody"));
  EXPECT_EQ(answer.status, 404);
  const Json error = Json::parse(answer.body);
  EXPECT_EQ(error["error"], "NoSuchAgent");
  EXPECT_THAT(error["message"].get<std::string>(), HasSubstr("nobody"));
  EXPECT_FALSE(error["mend"].get<std::string>().empty());
  EXPECT_EQ(tcp().ask(get("/v2/agents")).status, 404);
  EXPECT_EQ(tcp().ask(get("/v1/agents?what=ever")).status, 400);
}

TEST_F(StatusServerTest, SendsNoCrossOriginHeadersAndForbidsSniffingAndCaching) {
  start();
  const RawAnswer answer = tcp().ask(get("/v1/agents", "Origin: http://evil.example\r\n"));
  EXPECT_EQ(answer.field("Access-Control-Allow-Origin"), "");
  EXPECT_EQ(answer.field("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(answer.field("Cache-Control"), "no-store");
}

TEST_F(StatusServerTest, AnswersHeadWithTheLengthAlone) {
  start();
  RawClient client = tcp();
  const RawAnswer whole = client.ask(get("/v1/config"));
  ASSERT_TRUE(client.send("HEAD /v1/config HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  const RawAnswer head = client.answer(true);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.field("Content-Length"), std::to_string(whole.body.size()));
  EXPECT_EQ(client.ask(get("/healthz")).status, 200) << "no body was sent between";
}

TEST_F(StatusServerTest, AllowsNoOtherMethod) {
  start();
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH"}) {
    const RawAnswer answer =
        tcp().ask(std::string(method) + " /v1/agents HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(answer.status, 405) << method;
    EXPECT_EQ(answer.field("Allow"), "GET, HEAD");
  }
}

// ------------------------------------------------------------------------------------------------ hostile peers

TEST_F(StatusServerTest, RefusesAForeignHost) {
  start();
  EXPECT_EQ(tcp().ask("GET /v1/agents HTTP/1.1\r\nHost: evil.example\r\n\r\n").status, 421);
  EXPECT_EQ(tcp().ask("GET /v1/agents HTTP/1.1\r\n\r\n").status, 400);
  EXPECT_EQ(tcp().ask("GET /v1/agents HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n").status, 400);
  EXPECT_EQ(tcp().ask("GET /v1/agents HTTP/1.0\r\n\r\n").status, 400);
  EXPECT_EQ(tcp().ask("GET http://evil.example/v1/agents HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 400);
}

TEST_F(StatusServerTest, BoundsTheHeader) {
  start();
  const RawAnswer answer = tcp().ask(get("/v1/agents", "X-Large: " + std::string(9000, 'x') + "\r\n"));
  EXPECT_EQ(answer.status, 431);
  EXPECT_EQ(tcp().ask(get("/v1/agents", "X-Fits: " + std::string(4000, 'x') + "\r\n")).status, 200);
}

TEST_F(StatusServerTest, TakesNoBodyOverTcp) {
  start();
  EXPECT_EQ(tcp().ask(post("/v1/agents", "hello")).status, 413);
  EXPECT_EQ(
      tcp().ask("GET /v1/agents HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n").status,
      413);
}

TEST_F(StatusServerTest, BoundsTheBodyOverTheSocket) {
  start();
  EXPECT_EQ(local().ask("POST /v1/control HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n").status, 413);
  const std::string chunk(4096, 'x');
  RawClient client = local();
  std::string body;
  for (int i = 0; i < 6; ++i) {
    body += "1000\r\n" + chunk + "\r\n";
  }
  EXPECT_EQ(client.ask("POST /v1/control HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" + body).status, 413);
}

TEST_F(StatusServerTest, ClosesOnAHeaderThatComesTooSlowly) {
  options_.header_time = 100ms;
  start();
  RawClient client = tcp();
  ASSERT_TRUE(client.send("GET /v1/agents HT"));
  bool closed = false;
  EXPECT_EQ(client.rest(closed), "");
  EXPECT_TRUE(closed);
}

TEST_F(StatusServerTest, ClosesASilentConnection) {
  options_.header_time = 100ms;
  options_.idle_time = 100ms;
  start();
  bool closed = false;
  tcp().rest(closed);
  EXPECT_TRUE(closed) << "that never asked";
  RawClient client = tcp();
  ASSERT_EQ(client.ask(get("/healthz")).status, 200);
  client.rest(closed);
  EXPECT_TRUE(closed) << "that asked once";
}

TEST_F(StatusServerTest, AnswersPipelinedRequestsInTheirOrder) {
  start();
  RawClient client = tcp();
  ASSERT_TRUE(client.send(get("/healthz") + get("/v1/nothing") + get("/v1/held")));
  EXPECT_EQ(client.answer().status, 200);
  EXPECT_EQ(client.answer().status, 404);
  EXPECT_THAT(client.answer().body, HasSubstr("\"held\""));
}

TEST_F(StatusServerTest, AnswersWhatIsNoHttpAndCloses) {
  start();
  for (const char* garbage :
       {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "hello\r\n\r\n"}) {
    RawClient client = tcp();
    EXPECT_EQ(client.ask(garbage).status, 400);
    bool closed = false;
    client.rest(closed);
    EXPECT_TRUE(closed);
  }
}

TEST_F(StatusServerTest, ClosesWhenAskedTo) {
  start();
  RawClient client = tcp();
  EXPECT_EQ(client.ask(get("/healthz", "Connection: close\r\n")).status, 200);
  bool closed = false;
  EXPECT_EQ(client.rest(closed), "");
  EXPECT_TRUE(closed);
}

TEST_F(StatusServerTest, BoundsItsConnectionsAndLeavesTheSocketToTheOperator) {
  options_.most_connections = 3;
  start();
  std::vector<RawClient> open;
  for (int i = 0; i < 3; ++i) {
    open.push_back(tcp());
    ASSERT_EQ(open.back().ask(get("/healthz")).status, 200);
  }
  EXPECT_EQ(tcp().answer().status, 503);
  EXPECT_EQ(local().ask(get("/healthz")).status, 200) << "a flood of TCP does not shut out the socket";
  open.pop_back();
  EXPECT_TRUE(comes_true([&] { return tcp().ask(get("/healthz")).status == 200; })) << "a place that is free is given again";
}

TEST_F(StatusServerTest, ForgetsConnectionsThatAreGone) {
  start();
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(tcp().ask(get("/healthz")).status, 200);
  }
  EXPECT_TRUE(comes_true([&] { return connections() == 0; }));
}

}  // namespace
}  // namespace cofferdam::controller
