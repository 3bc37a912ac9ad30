// Connections, cancellation, closing: what happens between and around calls.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <optional>
#include <string>
#include <vector>

#include "engine_client.hpp"
#include "scripted_server.hpp"

namespace cofferdam::docker {
namespace {

using namespace std::chrono_literals;
using test::answer;
using test::EngineClient;
using test::Peer;
using test::ScriptedServer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// The first request is answered; at the second one the connection ends without a word.
ScriptedServer::Script ends_at_the_second(std::atomic<int>& creates) {
  return [&creates](Peer& peer) {
    for (int i = 0; i < 2; ++i) {
      const auto request = peer.read_request();
      creates += request.starts_with("POST") ? 1 : 0;
      if (i == 0 && !request.empty()) {
        peer.send(answer(request.starts_with("POST") ? 201 : 200, request.starts_with("POST") ? R"({"Id":"a"})" : "[]"));
      }
    }
  };
}

TEST(HttpSession, RepeatsAReadOnAStaleConnection) {
  std::atomic<int> creates{0};
  ScriptedServer server(ends_at_the_second(creates));
  EngineClient client(server.path());
  client.good<std::vector<ContainerSummary>>(ContainerList{});
  client.good<std::vector<ContainerSummary>>(ContainerList{});
  EXPECT_EQ(server.connections(), 2);
}

TEST(HttpSession, NeverRepeatsACreate) {
  std::atomic<int> creates{0};
  ScriptedServer server(ends_at_the_second(creates));
  EngineClient client(server.path());
  client.good<std::vector<ContainerSummary>>(ContainerList{});
  const auto error = client.failing(ContainerCreate{.name = "x", .config = {}, .host_config = {}});
  EXPECT_EQ(error.error_class, ErrorClass::reset);
  EXPECT_TRUE(may_have_been_applied(error));
  EXPECT_EQ(creates, 1);
  EXPECT_EQ(server.connections(), 1);
}

TEST(HttpSession, NeverRepeatsAnAnswerThatHadBegun) {
  std::atomic<int> seen{0};
  ScriptedServer server([&seen](Peer& peer) {
    for (auto request = peer.read_request(); !request.empty(); request = peer.read_request()) {
      if (seen++ > 0) {
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[");
        return;
      }
      peer.send(answer(200, "[]"));
    }
  });
  EngineClient client(server.path());
  client.good<std::vector<ContainerSummary>>(ContainerList{});
  EXPECT_EQ(client.failing(ContainerList{}).error_class, ErrorClass::reset);
  EXPECT_EQ(seen, 2);
}

TEST(HttpSession, SendsACreateOnANewConnectionWhereTheOldOneHasEnded) {
  std::promise<void> ended;
  std::atomic<int> seen{0};
  ScriptedServer server([&](Peer& peer) {
    const auto request = peer.read_request();
    peer.send(seen++ == 0 ? answer(200, "[]") : answer(201, R"({"Id":"a"})"));
    if (seen == 2) {
      peer.wait_until_closed();
    }
  });
  EngineClient client(server.path());
  client.good<std::vector<ContainerSummary>>(ContainerList{});
  // The end of the first connection is in our socket before the create is sent, or comes while it is written: either
  // way the engine has seen one create at most.
  auto result = client.call(ContainerCreate{.name = "x", .config = {}, .host_config = {}});
  if (const auto* error = std::get_if<Error>(&result)) {
    EXPECT_EQ(error->error_class, ErrorClass::reset);
  } else {
    EXPECT_EQ(std::get<ContainerCreated>(std::get<Reply>(result)).id, "a");
    EXPECT_EQ(seen, 2);
  }
}

TEST(HttpSession, WithdrawsACall) {
  std::promise<void> arrived;
  ScriptedServer server([&](Peer& peer) {
    peer.read_request();
    arrived.set_value();
    peer.wait_until_closed();
  });
  EngineClient client(server.path());
  std::vector<Result> results;
  client.engine->start(7, ContainerStart{"c1"}, {}, [&](Result result) { results.push_back(std::move(result)); });
  auto here = arrived.get_future();
  client.run_until([&] { return here.wait_for(0s) == std::future_status::ready; });
  EXPECT_EQ(client.engine->calls_in_flight(), 1U);
  client.engine->cancel(7);
  client.engine->cancel(7);
  client.engine->cancel(8);
  EXPECT_TRUE(results.empty()) << "answered from inside cancel()";
  client.run_until([&] { return !results.empty(); });
  client.close();
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(std::get<Error>(results[0]), (Error{ErrorClass::cancelled, 0, "container start", "c1", "withdrawn"}));
  EXPECT_EQ(client.engine->calls_in_flight(), 0U);
}

TEST(HttpSession, WithdrawsACallThatWaitsForItsTurn) {
  ScriptedServer server([](Peer& peer) { peer.wait_until_closed(); });
  HttpEngineOptions options;
  options.max_connections = 1;
  EngineClient client(server.path(), options);
  std::vector<CallId> answered;
  for (const CallId id : {1U, 2U}) {
    client.engine->start(id, ContainerInspect{"c"}, {}, [&answered, id](const Result&) { answered.push_back(id); });
  }
  client.run_until([&] { return server.connections() == 1; });
  client.engine->cancel(2);
  client.run_until([&] { return !answered.empty(); });
  EXPECT_THAT(answered, ElementsAre(2U));
  EXPECT_EQ(server.connections(), 1);
}

TEST(HttpSession, HasNoMoreConnectionsThanItMay) {
  std::atomic<int> at_once{0};
  std::atomic<int> most{0};
  ScriptedServer server([&](Peer& peer) {
    for (auto request = peer.read_request(); !request.empty(); request = peer.read_request()) {
      most = std::max<int>(most, ++at_once);
      std::this_thread::yield();
      --at_once;
      peer.send(answer(200, "[]"));
    }
  });
  HttpEngineOptions options;
  options.max_connections = 3;
  options.max_idle_connections = 2;
  EngineClient client(server.path(), options);
  int good = 0;
  for (CallId id = 1; id <= 40; ++id) {
    client.engine->start(id, ContainerList{}, {},
                         [&](const Result& result) { good += std::holds_alternative<Reply>(result) ? 1 : 0; });
  }
  client.run_until([&] { return client.engine->calls_in_flight() == 0; });
  EXPECT_EQ(good, 40);
  EXPECT_LE(most, 3);
  EXPECT_LE(client.engine->idle_connections(), 2U);
}

TEST(HttpSession, CountsTheWaitForATurnIntoTheDeadline) {
  ScriptedServer server([](Peer& peer) { peer.wait_until_closed(); });
  HttpEngineOptions options;
  options.max_connections = 1;
  EngineClient client(server.path(), options);
  client.engine->start(1001, ContainerInspect{"first"}, {}, [](const Result&) {});
  EXPECT_EQ(client.failing(ContainerInspect{"second"}, {.deadline = 20ms}).error_class, ErrorClass::timeout);
}

TEST(HttpSession, AnswersEveryCallBeforeItIsClosed) {
  ScriptedServer server([](Peer& peer) { peer.wait_until_closed(); });
  HttpEngineOptions options;
  options.max_connections = 2;
  EngineClient client(server.path(), options);
  std::vector<std::string> order;
  for (CallId id = 1; id <= 4; ++id) {
    client.engine->start(id, ContainerInspect{"c"}, {},
                         [&](const Result& result) { order.emplace_back(name_of(std::get<Error>(result).error_class)); });
  }
  client.engine->subscribe({.on_subscribed = {}, .on_event = {}, .on_end = [&](const Error& error) {
                              order.emplace_back(name_of(error.error_class));
                            }});
  client.engine->logs("c", {.follow = true},
                      {.on_bytes = [](LogStream, std::string_view) {},
                       .on_end = [&](const std::optional<Error>& error) { order.emplace_back(name_of(error->error_class)); }});
  client.run_until([&] { return server.connections() == 4; });
  client.engine->close([&] { order.emplace_back("closed"); });
  client.run_until([&] { return !order.empty() && order.back() == "closed"; });
  EXPECT_THAT(order, ElementsAre("cancelled", "cancelled", "cancelled", "cancelled", "cancelled", "cancelled", "closed"));
  // And after it nothing starts any more.
  EXPECT_EQ(client.failing(ContainerInspect{"late"}).error_class, ErrorClass::cancelled);
}

TEST(HttpSession, GoesWithoutCallingBack) {
  ScriptedServer server([](Peer& peer) { peer.wait_until_closed(); });
  EngineClient client(server.path());
  bool called = false;
  client.engine->start(1, ContainerInspect{"c"}, {}, [&](const Result&) { called = true; });
  client.engine->subscribe({.on_subscribed = {}, .on_event = {}, .on_end = [&](const Error&) { called = true; }});
  client.run_until([&] { return server.connections() == 2; });
  client.engine.reset();
  client.io.restart();
  client.io.run();  // ends: nothing is left under way
  EXPECT_FALSE(called);
}

TEST(HttpSession, MayGoFromInsideACallback) {
  ScriptedServer server(ScriptedServer::answering([](const std::string&) { return answer(200, "[]"); }));
  EngineClient client(server.path());
  client.engine->start(1, ContainerList{}, {}, [&](const Result&) { client.engine.reset(); });
  client.run_until([&] { return client.engine == nullptr; });
  client.io.restart();
  client.io.run();
}

// Negotiation.

std::string version_body(const std::string& newest, const std::string& oldest) {
  return R"({"Version":"99.1","ApiVersion":")" + newest + R"(","MinAPIVersion":")" + oldest + R"(","Os":"linux"})";
}

ScriptedServer::Script engine_speaking(const std::string& newest, const std::string& oldest, const std::string& heads = "") {
  return ScriptedServer::answering([=](const std::string& request) {
    if (request.starts_with("HEAD /_ping")) {
      return "HTTP/1.1 200 OK\r\nApi-Version: " + newest + "\r\n" + heads + "Content-Length: 2\r\n\r\n";
    }
    if (request.starts_with("GET /version")) {
      return answer(200, version_body(newest, oldest));
    }
    if (request.find("/info ") != std::string::npos) {
      return answer(200, R"({"ID":"the-engine","Name":")" + request.substr(0, request.find(' ', 4)) + "\"}");
    }
    return answer(404, R"({"message":"page not found"})");
  });
}

TEST(Negotiation, UsesTheHighestVersionThatBothSpeak) {
  for (const auto& [newest, oldest, chosen] :
       {std::tuple{"1.41", "1.12", "1.41"}, {"1.52", "1.44", "1.52"}, {"1.54", "1.40", "1.52"}, {"1.48", "1.24", "1.48"}}) {
    ScriptedServer server(engine_speaking(newest, oldest));
    EngineClient client(server.path());
    const auto result = client.negotiate();
    ASSERT_TRUE(std::holds_alternative<Handshake>(result)) << to_string(std::get<Error>(result));
    const auto& handshake = std::get<Handshake>(result);
    EXPECT_EQ(handshake.api_version, chosen);
    EXPECT_EQ(handshake.info.id, "the-engine");
    EXPECT_EQ(handshake.info.name, std::string("GET /v") + chosen + "/info") << "later calls use the chosen version";
    EXPECT_FALSE(handshake.podman);
    EXPECT_EQ(server.connections(), 1);
  }
}

TEST(Negotiation, KnowsPodman) {
  ScriptedServer server(engine_speaking("1.41", "1.24", "Libpod-Api-Version: 4.3.1\r\n"));
  EngineClient client(server.path());
  EXPECT_TRUE(std::get<Handshake>(client.negotiate()).podman);
}

TEST(Negotiation, SaysThatAnEngineIsTooOld) {
  ScriptedServer server(engine_speaking("1.40", "1.12"));
  EngineClient client(server.path());
  const auto error = std::get<Error>(client.negotiate());
  EXPECT_EQ(error.error_class, ErrorClass::version);
  EXPECT_THAT(error.message, HasSubstr("too old: it speaks API 1.40 at most, and 1.41 is needed"));
}

TEST(Negotiation, SaysThatAnEngineIsTooNew) {
  ScriptedServer server(engine_speaking("1.70", "1.60"));
  EngineClient client(server.path());
  const auto error = std::get<Error>(client.negotiate());
  EXPECT_EQ(error.error_class, ErrorClass::version);
  EXPECT_THAT(error.message, HasSubstr("too new: the oldest API it speaks is 1.60, and 1.52 is the newest known here"));
}

TEST(Negotiation, FailsWhereTheEngineAnswersGarbage) {
  ScriptedServer server(ScriptedServer::answering([](const std::string& request) {
    return request.starts_with("HEAD") ? std::string("HTTP/1.1 200 OK\r\n\r\n") : answer(200, "{\"ApiVersion\":7}");
  }));
  EngineClient client(server.path());
  EXPECT_EQ(std::get<Error>(client.negotiate()).error_class, ErrorClass::protocol);
}

TEST(Negotiation, FailsWhereTheEngineHangs) {
  ScriptedServer server([](Peer& peer) { peer.wait_until_closed(); });
  HttpEngineOptions options;
  options.handshake_deadline = 20ms;
  EngineClient client(server.path(), options);
  const auto error = std::get<Error>(client.negotiate());
  EXPECT_EQ(error.error_class, ErrorClass::timeout);
  EXPECT_EQ(error.operation, "system ping");
}

}  // namespace
}  // namespace cofferdam::docker
