#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

#include <nlohmann/json.hpp>

#include "controller/unix_listener.hpp"
#include "status_server_fixture.hpp"

namespace cofferdam::controller {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

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
  EXPECT_THAT(second.start().text, HasSubstr("another process listens"));
  options_.socket = (root_ / "file").string();
  std::ofstream(options_.socket) << "x";
  StatusServer third(io_, api_, options_);
  EXPECT_THAT(third.start().text, HasSubstr("is no socket"));
  EXPECT_TRUE(fs::exists(options_.socket));
}

TEST_F(StatusServerTest, SaysWhatIsWrongWithAnAddress) {
  start();
  StatusServerOptions taken = options_;
  taken.socket.clear();
  taken.listen = "127.0.0.1:" + std::to_string(port_);
  const ListenRefusal busy = StatusServer(io_, api_, taken).start();
  EXPECT_THAT(busy.text, HasSubstr("server.listen: cannot listen at 127.0.0.1:"));
  EXPECT_TRUE(busy.by_host);
  taken.listen = "nonsense";
  const ListenRefusal wrong = StatusServer(io_, api_, taken).start();
  EXPECT_THAT(wrong.text, HasSubstr("is no address and port"));
  EXPECT_FALSE(wrong.by_host);
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
