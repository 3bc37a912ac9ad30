// Calls against a scripted server: every class of failure, once.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <string>

#include "engine_client.hpp"
#include "scripted_server.hpp"

namespace cofferdam::docker {
namespace {

using namespace std::chrono_literals;
using test::answer;
using test::chunk;
using test::chunked_head;
using test::EngineClient;
using test::Peer;
using test::ScriptedServer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kNoContainers = "[]";

ScriptedServer::Script always(const std::string& bytes) {
  return ScriptedServer::answering([bytes](const std::string&) { return bytes; });
}
/// Sends this after the first request, then ends the connection.
ScriptedServer::Script once(const std::string& bytes) {
  return [bytes](Peer& peer) {
    peer.read_request();
    peer.send(bytes);
  };
}
ScriptedServer::Script never() {
  return [](Peer& peer) { peer.wait_until_closed(); };
}
CallOptions within(std::chrono::milliseconds deadline) {
  return {.deadline = deadline};
}

TEST(HttpCall, ReadsAnAnswer) {
  ScriptedServer server(always(answer(200, R"([{"Id":"a1","Names":["/x"],"State":"running"}])")));
  EngineClient client(server.path());
  const auto rows = client.good<std::vector<ContainerSummary>>(ContainerList{});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].name, "x");
}

TEST(HttpCall, ReadsAnAnswerThatComesByteByByte) {
  const auto bytes = chunked_head() + chunk(R"([{"Id":"a1","Names":["/x"],)") + chunk(R"("State":"running"}])") + chunk("");
  ScriptedServer server([bytes](Peer& peer) {
    peer.read_request();
    peer.send_in_pieces(bytes, 1);
  });
  EngineClient client(server.path());
  EXPECT_EQ(client.good<std::vector<ContainerSummary>>(ContainerList{}).size(), 1U);
}

TEST(HttpCall, ReadsABodyThatEndsWithTheConnection) {
  ScriptedServer server(once("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n[]"));
  EngineClient client(server.path());
  EXPECT_TRUE(client.good<std::vector<ContainerSummary>>(ContainerList{}).empty());
}

TEST(HttpCall, KeepsItsConnection) {
  ScriptedServer server(always(answer(200, kNoContainers)));
  EngineClient client(server.path());
  for (int i = 0; i < 5; ++i) {
    client.good<std::vector<ContainerSummary>>(ContainerList{});
  }
  EXPECT_EQ(server.connections(), 1);
  EXPECT_EQ(client.engine->idle_connections(), 1U);
}

TEST(HttpCall, OpensANewConnectionWhereTheEngineAsksForIt) {
  ScriptedServer server(once(answer(200, kNoContainers, "Connection: close\r\n")));
  EngineClient client(server.path());
  client.good<std::vector<ContainerSummary>>(ContainerList{});
  client.good<std::vector<ContainerSummary>>(ContainerList{});
  EXPECT_EQ(server.connections(), 2);
}

TEST(HttpCall, SaysWhatTheEngineSaid) {
  ScriptedServer server(always(answer(409, R"({"message":"Conflict. The container name is already in use"})")));
  EngineClient client(server.path());
  const auto error = client.failing(ContainerCreate{.name = "x", .config = {}, .host_config = {}});
  EXPECT_EQ(error, (Error{ErrorClass::status, 409, "container create", "x", "Conflict. The container name is already in use"}));
  EXPECT_EQ(conflict_kind(error), ConflictKind::name_in_use);
}

TEST(HttpCall, SaysWhatTheEngineSaidInPlainText) {
  ScriptedServer server(always(answer(400, "client version 1.52 is too new. Maximum supported API version is 1.41\n")));
  EngineClient client(server.path());
  const auto error = client.failing(SystemInfo{});
  EXPECT_EQ(error.status, 400);
  EXPECT_EQ(error.message, "client version 1.52 is too new. Maximum supported API version is 1.41");
}

TEST(HttpCall, KnowsEveryStatus) {
  for (const int status : {400, 404, 409, 500, 503}) {
    ScriptedServer server(always(answer(status, R"({"message":"no"})")));
    EngineClient client(server.path());
    const auto error = client.failing(ContainerInspect{"c1"});
    EXPECT_EQ(error, (Error{ErrorClass::status, status, "container inspect", "c1", "no"}));
  }
}

TEST(HttpCall, TellsDoneFromDoneBefore) {
  ScriptedServer server(ScriptedServer::answering([](const std::string& request) {
    return request.find("/start") != std::string::npos ? std::string("HTTP/1.1 304 Not Modified\r\n\r\n")
                                                       : std::string("HTTP/1.1 204 No Content\r\n\r\n");
  }));
  EngineClient client(server.path());
  EXPECT_TRUE(client.good<Done>(ContainerStart{"c1"}).already);
  EXPECT_FALSE(client.good<Done>(ContainerKill{"c1", "TERM"}).already);
  EXPECT_EQ(server.connections(), 1);
}

TEST(HttpCall, RefusesARedirect) {
  ScriptedServer server(always("HTTP/1.1 301 Moved\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"));
  EngineClient client(server.path());
  EXPECT_EQ(client.failing(ContainerInspect{"c1"}).error_class, ErrorClass::protocol);
}

TEST(HttpCall, RefusesWhatIsNotHttp) {
  ScriptedServer server(once("SSH-2.0-OpenSSH_9.2\r\n\r\n"));
  EngineClient client(server.path());
  EXPECT_EQ(client.failing(ContainerInspect{"c1"}).error_class, ErrorClass::protocol);
}

TEST(HttpCall, RefusesAStatusThatEndsNoCall) {
  for (const auto* const status : {"020 OK", "000 None", "199 Almost"}) {
    ScriptedServer server(once("HTTP/1.1 " + std::string(status) + "\r\nContent-Length: 0\r\n\r\n"));
    EngineClient client(server.path());
    const auto error = client.failing(ContainerKill{"c1", "TERM"});
    EXPECT_EQ(error.error_class, ErrorClass::protocol) << status;
    EXPECT_TRUE(may_have_been_applied(error)) << status;
  }
}

TEST(HttpCall, RefusesWhatIsNotJson) {
  for (const auto* const body : {"{\"Id\":", "<html>", "", "[]", "{\"Id\":7,\"State\":{\"Status\":\"running\"}}"}) {
    ScriptedServer server(always(answer(200, body)));
    EngineClient client(server.path());
    const auto error = client.failing(ContainerInspect{"c1"});
    EXPECT_EQ(error.error_class, ErrorClass::protocol) << body;
    EXPECT_TRUE(may_have_been_applied(error));
  }
}

TEST(HttpCall, RefusesAHeadWithoutEnd) {
  ScriptedServer server(once("HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x')));
  EngineClient client(server.path());
  EXPECT_EQ(client.failing(ContainerInspect{"c1"}).error_class, ErrorClass::protocol);
}

TEST(HttpCall, NoticesATruncatedAnswer) {
  for (const auto& bytes : {std::string("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n[]"), chunked_head() + "5\r\n[",
                            chunked_head() + chunk("[]"), std::string("HTTP/1.1 200"), std::string()}) {
    ScriptedServer server(once(bytes));
    EngineClient client(server.path());
    EXPECT_EQ(client.failing(ContainerList{}).error_class, ErrorClass::reset) << bytes;
  }
}

TEST(HttpCall, RefusesABodyThatIsTooLong) {
  HttpEngineOptions options;
  options.max_reply_bytes = 1000;
  for (const auto& bytes : {answer(200, std::string(2000, ' ')), chunked_head() + chunk(std::string(2000, ' ')),
                            std::string("HTTP/1.1 200 OK\r\nContent-Length: 9000000000000000000\r\n\r\n[")}) {
    ScriptedServer server(once(bytes));
    EngineClient client(server.path(), options);
    const auto error = client.failing(ContainerList{});
    EXPECT_EQ(error.error_class, ErrorClass::protocol);
    EXPECT_THAT(error.message, ::testing::ContainsRegex("more than|longer than|overflow|limit")) << error.message;
  }
}

TEST(HttpCall, RefusesAnErrorThatIsTooLong) {
  ScriptedServer server(once(answer(500, std::string(2U << 20U, 'x'))));
  EngineClient client(server.path());
  EXPECT_EQ(client.failing(ContainerList{}).error_class, ErrorClass::protocol);
}

TEST(HttpCall, EndsAtItsDeadlineWhenNothingComes) {
  ScriptedServer server(never());
  EngineClient client(server.path());
  const auto error = client.failing(ContainerStart{"c1"}, within(20ms));
  EXPECT_EQ(error.error_class, ErrorClass::timeout);
  EXPECT_EQ(error.message, "no whole answer within 20 ms");
}

TEST(HttpCall, EndsAtItsDeadlineWhenABodyNeverEnds) {
  ScriptedServer server([](Peer& peer) {
    peer.read_request();
    peer.send(chunked_head());
    while (peer.send(chunk(" "))) {
    }
  });
  EngineClient client(server.path());
  EXPECT_EQ(client.failing(ContainerList{}, within(50ms)).error_class, ErrorClass::timeout);
}

TEST(HttpCall, EndsWhenTheEngineFallsSilent) {
  ScriptedServer server([](Peer& peer) {
    peer.read_request();
    peer.send(chunked_head() + chunk("["));
    peer.wait_until_closed();
  });
  EngineClient client(server.path());
  const auto error = client.failing(ContainerList{}, {.deadline = 60s, .idle_deadline = 20ms});
  EXPECT_EQ(error.error_class, ErrorClass::timeout);
  EXPECT_EQ(error.message, "not a byte within 20 ms");
}

TEST(HttpCall, UsesANewConnectionAfterATimeout) {
  std::atomic<int> seen{0};
  ScriptedServer server([&seen](Peer& peer) {
    peer.read_request();
    if (seen++ == 0) {
      peer.wait_until_closed();
    } else {
      peer.send(answer(200, "[]"));
    }
  });
  EngineClient client(server.path());
  client.failing(ContainerList{}, within(20ms));
  client.good<std::vector<ContainerSummary>>(ContainerList{});
  EXPECT_EQ(server.connections(), 2);
}

TEST(HttpCall, SaysThatTheSocketIsNotThere) {
  EngineClient client(std::string("/nonexistent/docker.sock"));
  const auto error = client.failing(SystemPing{});
  EXPECT_EQ(error.error_class, ErrorClass::not_found_path);
  EXPECT_THAT(error.message, HasSubstr("/nonexistent/docker.sock does not exist"));
  EXPECT_FALSE(may_have_been_applied(error));
}

TEST(HttpCall, SaysThatNobodyListens) {
  const test::TemporaryDirectory directory;
  const auto path = directory.path() + "/s";
  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ::close(socket);
  EngineClient client(path);
  const auto error = client.failing(SystemPing{});
  EXPECT_EQ(error.error_class, ErrorClass::refused);
  EXPECT_THAT(error.message, HasSubstr("nobody listens at unix://" + path));
}

TEST(HttpCall, NamesTheGroupThatMayOpenTheSocket) {
  ScriptedServer server(always(answer(200, "[]")));
  ASSERT_EQ(::chmod(server.path().c_str(), 0), 0);
  ASSERT_EQ(::chmod(server.path().substr(0, server.path().rfind('/')).c_str(), 0755), 0);
  const bool root = ::geteuid() == 0;
  if (root) {
    ASSERT_EQ(::seteuid(65534), 0);  // root may open anything
  }
  EngineClient client(server.path());
  const auto error = client.failing(SystemPing{});
  if (root) {
    ASSERT_EQ(::seteuid(0), 0);
    EXPECT_THAT(error.message, HasSubstr("it belongs to group root"));
    EXPECT_THAT(error.message, HasSubstr("usermod -aG root nobody"));
  }
  EXPECT_EQ(error.error_class, ErrorClass::no_permission);
}

TEST(HttpCall, RefusesAPathThatNoSocketCanHave) {
  EngineClient client("/" + std::string(200, 'x'));
  EXPECT_EQ(client.failing(SystemPing{}).error_class, ErrorClass::refused);
}

TEST(HttpCall, DoesNotSendWhatIsNotUtf8) {
  ScriptedServer server(always(answer(201, R"({"Id":"a"})")));
  EngineClient client(server.path());
  ContainerCreate create{.name = "x", .config = {}, .host_config = {}};
  create.config.env = {"A=\xff"};
  EXPECT_THAT(client.failing(create).message, HasSubstr("not UTF-8"));
  EXPECT_EQ(server.connections(), 0);
}

TEST(HttpCall, TellsTheObserverOfEachCall) {
  ScriptedServer server(ScriptedServer::answering([](const std::string& request) {
    return request.find("/kill") != std::string::npos ? answer(409, R"({"message":"is not running"})") : answer(200, "[]");
  }));
  std::vector<std::string> seen;
  HttpEngineOptions options;
  options.on_call_done = [&](std::string_view operation, std::string_view code, std::chrono::duration<double> took) {
    EXPECT_GE(took.count(), 0);
    seen.push_back(std::string(operation) + " " + std::string(code));
  };
  EngineClient client(server.path(), options);
  client.call(ContainerList{});
  client.call(ContainerKill{"c", "KILL"});
  client.call(ContainerInspect{"c"});
  EXPECT_THAT(seen, ElementsAre("container list 200", "container kill 409", "container inspect protocol"));
}

}  // namespace
}  // namespace cofferdam::docker
