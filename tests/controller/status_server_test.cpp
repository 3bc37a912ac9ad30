#include "controller/status_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <string>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <nlohmann/json.hpp>

#include "controller/api_client.hpp"
#include "controller/unix_listener.hpp"
#include "fake_api.hpp"
#include "raw_client.hpp"

namespace cofferdam::controller {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Json = nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

std::string get(const std::string& target, const std::string& more = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: localhost\r\n" + more + "\r\n";
}

std::string post(const std::string& target, const std::string& body) {
  return "POST " + target + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

class StatusServerTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "cofferdam-server-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    options_.listen = "127.0.0.1:0";
    options_.socket = (root_ / "api.sock").string();
    api_.files({{"refactor-bot.yaml", smallest_spec}, {"broken.yaml", "apiVersion: cofferdam/v1\nkind: Agnt\n"}});
  }

  void start() {
    server_ = std::make_unique<StatusServer>(io_, api_, options_);
    ASSERT_EQ(server_->start(), "");
    port_ = server_->port();
    loop_ = std::thread([this] { io_.run(); });
  }

  void TearDown() override {
    if (loop_.joinable()) {
      on_loop([this] { server_->stop(); });
      work_.reset();
      loop_.join();
    }
    server_.reset();
    fs::remove_all(root_);
  }

  /// Runs something on the loop's thread and waits for it.
  void on_loop(const std::function<void()>& what) {
    std::promise<void> done;
    boost::asio::post(io_, [&] {
      what();
      done.set_value();
    });
    done.get_future().wait();
  }
  std::size_t connections() {
    std::size_t count = 0;
    on_loop([&] { count = server_->connections(); });
    return count;
  }
  /// Whether the loop comes to see it; each look is a turn of the loop.
  bool comes_true(const std::function<bool()>& what) {
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (std::chrono::steady_clock::now() < end) {
      if (what()) {
        return true;
      }
      std::this_thread::yield();
    }
    return false;
  }

  RawClient tcp() { return RawClient::tcp(port_); }
  RawClient local() { return RawClient::local(options_.socket); }

  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io_.get_executor()};
  FakeApi api_{io_};
  fs::path root_;
  StatusServerOptions options_;
  std::unique_ptr<StatusServer> server_;
  std::uint16_t port_ = 0;
  std::thread loop_;
};

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

TEST_F(StatusServerTest, IsIllWhenTheDecidingLoopWasSilentForHalfAMinute) {
  api_.now_.wall += 31s;
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

// ------------------------------------------------------------------------------------------------ the socket

TEST_F(StatusServerTest, OpensItsSocketToOwnerAndGroup) {
  start();
  struct stat facts{};
  ASSERT_EQ(::stat(options_.socket.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777U, 0660U);
}

TEST_F(StatusServerTest, TakesTheOperatorsWordsOverTheSocketOnly) {
  start();
  EXPECT_EQ(tcp().ask("POST /v1/control HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n").status, 403);
  EXPECT_EQ(local().ask(get("/v1/control")).status, 405);
  RawClient client = local();
  const RawAnswer reload = client.ask(post("/v1/control", R"({"word":"reload"})"));
  EXPECT_EQ(reload.status, 200);
  EXPECT_EQ(Json::parse(reload.body)["message"], "done as asked");
  EXPECT_EQ(client.ask(post("/v1/control", R"({"word":"confirm-deletions","id":"3f9c"})")).status, 200);
  EXPECT_EQ(client.ask(post("/v1/control", R"({"word":"release","agent":"a"})")).status, 200);
  on_loop([&] {
    EXPECT_EQ(api_.reloads_, 1);
    ASSERT_EQ(api_.words_.size(), 2U);
    EXPECT_EQ(std::get<reconciler::ConfirmDeletions>(api_.words_[0]).id, "3f9c");
    EXPECT_EQ(std::get<reconciler::Release>(api_.words_[1]).agent, "a");
  });
}

TEST_F(StatusServerTest, RefusesWordsItDoesNotUnderstand) {
  start();
  for (const char* body : {"", "{", "[]", "{}", "null", R"({"word":5})", R"({"word":"stop-all"})", R"({"word":"release"})",
                           R"({"word":"release","agent":7})", R"({"word":"confirm-deletions","id":""})"}) {
    EXPECT_EQ(local().ask(post("/v1/control", body)).status, 400) << body;
  }
  on_loop([&] { EXPECT_TRUE(api_.words_.empty()); });
}

TEST_F(StatusServerTest, SaysAConflictWhereAWordIsRefused) {
  api_.verdict_ = {false, "no such set is held"};
  start();
  const RawAnswer answer = local().ask(post("/v1/control", R"({"word":"confirm-deletions","id":"x"})"));
  EXPECT_EQ(answer.status, 409);
  EXPECT_EQ(Json::parse(answer.body)["message"], "no such set is held");
}

TEST_F(StatusServerTest, RemovesItsSocketWhenItStops) {
  start();
  ASSERT_TRUE(fs::exists(options_.socket));
  on_loop([this] { server_->stop(); });
  EXPECT_FALSE(fs::exists(options_.socket));
}

TEST_F(StatusServerTest, TakesThePlaceOfASocketThatAKilledOneLeft) {
  {
    UnixListener dead;
    ASSERT_EQ(dead.open(options_.socket), "");
    fs::rename(options_.socket, options_.socket + ".kept");  // so that it is not removed with its listener
  }
  fs::rename(options_.socket + ".kept", options_.socket);
  start();
  EXPECT_EQ(local().ask(get("/healthz")).status, 200);
}

TEST_F(StatusServerTest, DoesNotTakeALiveSocketNorAFile) {
  UnixListener live;
  ASSERT_EQ(live.open(options_.socket), "");
  StatusServer second(io_, api_, options_);
  EXPECT_THAT(second.start(), HasSubstr("another process listens"));
  options_.socket = (root_ / "file").string();
  std::ofstream(options_.socket) << "x";
  StatusServer third(io_, api_, options_);
  EXPECT_THAT(third.start(), HasSubstr("is no socket"));
  EXPECT_TRUE(fs::exists(options_.socket));
}

TEST_F(StatusServerTest, SaysWhatIsWrongWithAnAddress) {
  start();
  StatusServerOptions taken = options_;
  taken.socket.clear();
  taken.listen = "127.0.0.1:" + std::to_string(port_);
  EXPECT_THAT(StatusServer(io_, api_, taken).start(), HasSubstr("server.listen: cannot listen at 127.0.0.1:"));
  taken.listen = "nonsense";
  EXPECT_THAT(StatusServer(io_, api_, taken).start(), HasSubstr("is no address and port"));
}

// ------------------------------------------------------------------------------------------------ logs

class LogsTest : public StatusServerTest {
 protected:
  void with_containers() {
    api_.engine({owned_container("refactor-bot", 1, docker::ContainerState::exited),
                 owned_container("refactor-bot", 2, docker::ContainerState::running)});
  }
  static constexpr const char* target = "/v1/agents/refactor-bot/logs";
};

TEST_F(LogsTest, AreNotServedOverTcp) {
  start();
  EXPECT_EQ(tcp().ask(get(target)).status, 403);
}

TEST_F(LogsTest, AreNotThereWithoutAContainer) {
  start();
  EXPECT_EQ(Json::parse(local().ask(get(target)).body)["error"], "NoLog");
  EXPECT_EQ(Json::parse(local().ask(get("/v1/agents/nobody/logs")).body)["error"], "NoSuchAgent");
}

TEST_F(LogsTest, ComeInPiecesToTheirEnd) {
  with_containers();
  api_.log_pieces_ = {"one\n", "", "two\n"};
  start();
  const RawAnswer answer = local().ask(get(std::string(target) + "?tail=10"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.field("Content-Type"), "text/plain; charset=utf-8");
  EXPECT_EQ(answer.body, "one\ntwo\n");
  on_loop([&] {
    ASSERT_TRUE(api_.log_request_);
    EXPECT_EQ(api_.log_request_->tail, 10);
    EXPECT_FALSE(api_.log_request_->follow);
    EXPECT_THAT(api_.log_request_->container_id, testing::EndsWith("02"));
  });
}

TEST_F(LogsTest, MayBeEmpty) {
  with_containers();
  start();
  const RawAnswer answer = local().ask(get(target));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "");
}

TEST_F(LogsTest, OfThePreviousAttemptAreThoseOfTheOneBefore) {
  with_containers();
  start();
  EXPECT_EQ(local().ask(get(std::string(target) + "?previous=true")).status, 200);
  on_loop([&] { EXPECT_THAT(api_.log_request_->container_id, testing::EndsWith("01")); });
}

TEST_F(LogsTest, ThatCannotBeReadAreAnErrorWithTheEnginesWords) {
  with_containers();
  api_.log_error_ = docker::Error{docker::ErrorClass::status, 500, "container logs", "x", "driver says no"};
  start();
  const RawAnswer answer = local().ask(get(target));
  EXPECT_EQ(answer.status, 502);
  EXPECT_THAT(answer.body, HasSubstr("driver says no"));
}

TEST_F(LogsTest, ThatBreakOffDoNotLookWhole) {
  with_containers();
  api_.log_pieces_ = {"half"};
  api_.log_error_ = docker::Error{docker::ErrorClass::reset, 0, "container logs", "x", "connection reset"};
  start();
  bool closed = false;
  RawClient client = local();
  ASSERT_TRUE(client.send(get(target)));
  const std::string all = client.rest(closed);
  EXPECT_TRUE(closed);
  EXPECT_THAT(all, HasSubstr("half"));
  EXPECT_THAT(all, Not(HasSubstr("0\r\n\r\n"))) << "the last chunk would say that this is all";
}

TEST_F(LogsTest, AreLetGoWhenTheReaderGoes) {
  with_containers();
  api_.log_pieces_ = {"first\n"};
  api_.log_ends_ = false;
  start();
  RawClient client = local();
  ASSERT_TRUE(client.send(get(std::string(target) + "?follow=true")));
  ASSERT_TRUE(comes_true([&] {
    bool begun = false;
    on_loop([&] { begun = api_.log_request_.has_value() && api_.log_pieces_.empty(); });
    return begun;
  }));
  client.close();
  EXPECT_TRUE(comes_true([&] {
    int closed = 0;
    on_loop([&] { closed = api_.streams_closed_; });
    return closed == 1;
  }));
  EXPECT_TRUE(comes_true([&] { return connections() == 0; }));
}

TEST_F(LogsTest, AreLetGoWhenTheServerStops) {
  with_containers();
  api_.log_ends_ = false;
  start();
  RawClient client = local();
  ASSERT_TRUE(client.send(get(std::string(target) + "?follow=true")));
  ASSERT_TRUE(comes_true([&] {
    bool begun = false;
    on_loop([&] { begun = api_.log_request_.has_value(); });
    return begun;
  }));
  on_loop([&] {
    server_->stop();
    EXPECT_EQ(api_.streams_closed_, 1);
  });
}

TEST_F(LogsTest, WaitForASlowReaderInsteadOfGrowing) {
  with_containers();
  const std::string piece(65536, 'x');
  api_.log_pieces_.assign(200, piece);
  start();
  RawClient client = local();
  ASSERT_TRUE(client.send(get(target)));
  // Nothing is read: once the socket's buffer is full, the pieces stay where they are.
  std::size_t left = 0;
  std::size_t before = 0;
  int same = 0;
  ASSERT_TRUE(comes_true([&] {
    on_loop([&] { left = api_.log_pieces_.size(); });
    same = left == before ? same + 1 : 0;
    before = left;
    return same > 200 && left < 200;
  }));
  EXPECT_GT(left, 150U);
  EXPECT_EQ(client.answer().body.size(), 200 * piece.size());
}

TEST_F(LogsTest, TakeOnlyKnownQueries) {
  start();
  EXPECT_EQ(local().ask(get(std::string(target) + "?tail=ten")).status, 400);
  EXPECT_EQ(local().ask(get(std::string(target) + "?tail=-1")).status, 400);
  EXPECT_EQ(local().ask(get(std::string(target) + "?follow=maybe")).status, 400);
  EXPECT_EQ(local().ask(get(std::string(target) + "?since=1")).status, 400);
}

}  // namespace
}  // namespace cofferdam::controller
