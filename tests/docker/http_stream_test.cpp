// Answers without an end: pulls, events, logs.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
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
using test::chunk;
using test::chunked_head;
using test::EngineClient;
using test::Peer;
using test::ScriptedServer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

ScriptedServer::Script once(const std::string& bytes, std::size_t piece = 1U << 20U) {
  return [=](Peer& peer) {
    peer.read_request();
    peer.send_in_pieces(bytes, piece);
  };
}
ScriptedServer::Script then_silence(const std::string& bytes) {
  return [=](Peer& peer) {
    peer.read_request();
    peer.send(bytes);
    peer.wait_until_closed();
  };
}

const std::string kPulled = R"({"status":"Pulling from library/busybox","id":"1"}
{"status":"Pulling fs layer","progressDetail":{},"id":"aa"}
{"status":"Downloading","progressDetail":{"current":500000,"total":2000000},"id":"aa"}
{"status":"Pull complete","progressDetail":{},"id":"aa"}
{"status":"Digest: sha256:feed"}
{"status":"Status: Downloaded newer image for busybox:1"}
)";

TEST(Pull, EndsWithTheDigest) {
  for (const std::size_t piece : {1U, 7U, 100000U}) {
    ScriptedServer server(once(chunked_head() + chunk(kPulled.substr(0, 100)) + chunk(kPulled.substr(100)) + chunk(""), piece));
    EngineClient client(server.path());
    std::vector<std::string> progress;
    const auto pulled = client.good<ImagePulled>(ImagePull{"docker.io/library/busybox:1"},
                                                 {.on_progress = [&](const std::string& line) { progress.push_back(line); }});
    EXPECT_EQ(pulled.digest, "sha256:feed");
    EXPECT_FALSE(progress.empty());
  }
}

TEST(Pull, AsksForOneTagOnly) {
  std::vector<std::string> asked;
  for (const auto* const reference : {"docker.io/library/busybox:1", "host:5000/a/b", "a/b@sha256:0123", "a/b:tag@sha256:0123"}) {
    std::promise<std::string> request;
    ScriptedServer server([&](Peer& peer) {
      request.set_value(peer.read_request());
      peer.send(answer(200, kPulled));
    });
    EngineClient client(server.path());
    client.good<ImagePulled>(ImagePull{reference});
    const auto text = request.get_future().get();
    asked.push_back(text.substr(0, text.find(" HTTP")));
    EXPECT_EQ(text.find("X-Registry-Auth"), std::string::npos);
  }
  EXPECT_THAT(asked, ElementsAre("POST /v1.41/images/create?fromImage=docker.io%2Flibrary%2Fbusybox&tag=1",
                                 "POST /v1.41/images/create?fromImage=host%3A5000%2Fa%2Fb&tag=latest",
                                 "POST /v1.41/images/create?fromImage=a%2Fb&tag=sha256%3A0123",
                                 "POST /v1.41/images/create?fromImage=a%2Fb&tag=sha256%3A0123"));
}

TEST(Pull, FailsWhereTheStreamSaysSo) {
  for (const auto* const line : {R"({"errorDetail":{"code":401,"message":"unauthorized"},"error":"unauthorized"})",
                                 R"({"errorDetail":{"code":401,"message":"unauthorized"}})"}) {
    ScriptedServer server(once(answer(200, kPulled + line)));
    EngineClient client(server.path());
    EXPECT_EQ(client.failing(ImagePull{"a:1"}), (Error{ErrorClass::in_stream, 401, "image pull", "a:1", "unauthorized"}));
  }
  ScriptedServer server(once(answer(200, R"({"error":"unexpected EOF"})")));
  EngineClient client(server.path());
  EXPECT_EQ(client.failing(ImagePull{"a:1"}), (Error{ErrorClass::in_stream, 0, "image pull", "a:1", "unexpected EOF"}));
}

TEST(Pull, FailsBeforeTheStream) {
  ScriptedServer server(once(answer(404, R"({"message":"manifest unknown"})")));
  EngineClient client(server.path());
  EXPECT_EQ(client.failing(ImagePull{"a:1"}), (Error{ErrorClass::status, 404, "image pull", "a:1", "manifest unknown"}));
}

TEST(Pull, FailsWhereTheEngineGoesInTheMiddle) {
  ScriptedServer server(once(chunked_head() + chunk(kPulled)));
  EngineClient client(server.path());
  EXPECT_EQ(client.failing(ImagePull{"a:1"}).error_class, ErrorClass::reset);
}

TEST(Pull, FailsAtGarbage) {
  ScriptedServer server(once(answer(200, "{\"status\":\n")));
  EngineClient client(server.path());
  EXPECT_EQ(client.failing(ImagePull{"a:1"}).error_class, ErrorClass::protocol);
}

TEST(Pull, LivesAsLongAsBytesCome) {
  std::promise<void> ask;
  ScriptedServer server([&](Peer& peer) {
    peer.read_request();
    peer.send(chunked_head());
    const auto end = std::chrono::steady_clock::now() + 200ms;  // twice the idle deadline, in small steps
    while (std::chrono::steady_clock::now() < end) {
      peer.send(chunk("{\"status\":\"x\"}\n"));
      std::this_thread::yield();
    }
    peer.send(chunk(kPulled) + chunk(""));
  });
  EngineClient client(server.path());
  client.good<ImagePulled>(ImagePull{"a:1"}, {.deadline = 60s, .idle_deadline = 100ms});
}

TEST(Pull, EndsWhenTheRegistryFallsSilent) {
  ScriptedServer server(then_silence(chunked_head() + chunk(kPulled)));
  EngineClient client(server.path());
  EXPECT_EQ(client.failing(ImagePull{"a:1"}, {.deadline = 60s, .idle_deadline = 20ms}).error_class, ErrorClass::timeout);
}

// Events.

const std::string kDie =
    R"({"status":"die","id":"c1","Type":"container","Action":"die","Actor":{"ID":"c1","Attributes":{"exitCode":"0"}},"time":1,"timeNano":1767323045123456789})"
    "\n";

struct Watched {
  bool subscribed = false;
  std::vector<Event> events;
  std::vector<Error> ends;
  EventCallbacks callbacks() {
    return {.on_subscribed = [this] { subscribed = true; },
            .on_event = [this](Event event) { events.push_back(std::move(event)); },
            .on_end = [this](Error error) { ends.push_back(std::move(error)); }};
  }
};

TEST(Events, SayThatTheyAreSubscribedBeforeAnythingHappens) {
  ScriptedServer server(then_silence(chunked_head()));
  EngineClient client(server.path());
  Watched watched;
  client.engine->subscribe(watched.callbacks());
  client.run_until([&] { return watched.subscribed; });
  EXPECT_TRUE(watched.events.empty());
  EXPECT_TRUE(watched.ends.empty());
}

TEST(Events, ComeInPiecesOfAnySize) {
  const auto bytes = chunked_head() + chunk(kDie.substr(0, 50)) + chunk(kDie.substr(50) + kDie) + chunk(kDie) + chunk("");
  for (const std::size_t piece : {1U, 13U, 100000U}) {
    ScriptedServer server(once(bytes, piece));
    EngineClient client(server.path());
    Watched watched;
    client.engine->subscribe(watched.callbacks());
    client.run_until([&] { return !watched.ends.empty(); });
    ASSERT_EQ(watched.events.size(), 3U);
    EXPECT_EQ(watched.events[2].time_ns, 1767323045123456789);
    EXPECT_EQ(watched.ends[0].error_class, ErrorClass::reset);
  }
}

TEST(Events, AreOfTheTypesThatWeFollow) {
  std::promise<std::string> request;
  ScriptedServer server([&](Peer& peer) {
    request.set_value(peer.read_request());
    peer.send(chunked_head() + chunk(""));
  });
  EngineClient client(server.path());
  Watched watched;
  client.engine->subscribe(watched.callbacks());
  client.run_until([&] { return !watched.ends.empty(); });
  EXPECT_THAT(
      request.get_future().get(),
      StartsWith(
          "GET /v1.41/events?filters=%7B%22type%22%3A%5B%22container%22%2C%22image%22%2C%22network%22%2C%22daemon%22%5D%7D "));
}

TEST(Events, EndOnceHoweverTheyEnd) {
  for (const auto& [bytes, expected] : {std::pair{chunked_head() + chunk(kDie), ErrorClass::reset},
                                        {chunked_head() + chunk("{garbage}\n"), ErrorClass::protocol},
                                        {chunked_head() + chunk(std::string(5U << 20U, 'x')), ErrorClass::protocol},
                                        {answer(500, R"({"message":"no"})"), ErrorClass::status},
                                        {std::string(), ErrorClass::reset}}) {
    ScriptedServer server(once(bytes));
    EngineClient client(server.path());
    Watched watched;
    client.engine->subscribe(watched.callbacks());
    client.run_until([&] { return !watched.ends.empty(); });
    client.close();
    ASSERT_EQ(watched.ends.size(), 1U);
    EXPECT_EQ(watched.ends[0].error_class, expected);
    EXPECT_EQ(watched.ends[0].operation, "system events");
  }
}

TEST(Events, MustBeginWithinTheDeadline) {
  ScriptedServer server([](Peer& peer) { peer.wait_until_closed(); });
  HttpEngineOptions options;
  options.handshake_deadline = 20ms;
  EngineClient client(server.path(), options);
  Watched watched;
  client.engine->subscribe(watched.callbacks());
  client.run_until([&] { return !watched.ends.empty(); });
  EXPECT_EQ(watched.ends[0].error_class, ErrorClass::timeout);
}

TEST(Events, AreWithdrawnFromInsideOne) {
  ScriptedServer server(then_silence(chunked_head() + chunk(kDie)));
  EngineClient client(server.path());
  Watched watched;
  StreamId id = 0;
  auto callbacks = watched.callbacks();
  callbacks.on_event = [&](Event event) {
    watched.events.push_back(std::move(event));
    client.engine->cancel_stream(id);
  };
  id = client.engine->subscribe(std::move(callbacks));
  client.run_until([&] { return !watched.ends.empty(); });
  EXPECT_EQ(watched.events.size(), 1U);
  EXPECT_EQ(watched.ends[0].error_class, ErrorClass::cancelled);
}

// Logs.

std::string frame(char stream, const std::string& bytes) {
  const auto size = bytes.size();
  std::string head{stream, 0, 0, 0};
  for (const unsigned shift : {24U, 16U, 8U, 0U}) {
    head += static_cast<char>((size >> shift) & 0xFFU);
  }
  return head + bytes;
}

struct Read {
  std::string out;
  std::string err;
  std::optional<std::optional<Error>> end;
  LogCallbacks callbacks() {
    return {.on_bytes = [this](LogStream stream,
                               std::string_view bytes) { (stream == LogStream::standard_error ? err : out) += bytes; },
            .on_end = [this](std::optional<Error> error) { end = std::move(error); }};
  }
};

TEST(Logs, TellTheStreamsApart) {
  for (const std::size_t piece : {1U, 5U, 100000U}) {
    ScriptedServer server(once(chunked_head() + chunk(frame(1, "out\n") + frame(2, "err\n")) + chunk(""), piece));
    EngineClient client(server.path());
    Read read;
    client.engine->logs("c1", {}, read.callbacks());
    client.run_until([&] { return read.end.has_value(); });
    EXPECT_FALSE(read.end->has_value());
    EXPECT_EQ(read.out, "out\n");
    EXPECT_EQ(read.err, "err\n");
  }
}

TEST(Logs, OfATerminalAreOneStream) {
  ScriptedServer server(once(chunked_head() + chunk("raw bytes\r\n") + chunk("")));
  EngineClient client(server.path());
  Read read;
  client.engine->logs("c1", {.tty = true}, read.callbacks());
  client.run_until([&] { return read.end.has_value(); });
  EXPECT_EQ(read.out, "raw bytes\r\n");
}

TEST(Logs, WithoutFramesAreRefused) {
  ScriptedServer server(once(chunked_head() + chunk("raw bytes, not framed\r\n") + chunk("")));
  EngineClient client(server.path());
  Read read;
  client.engine->logs("c1", {}, read.callbacks());
  client.run_until([&] { return read.end.has_value(); });
  ASSERT_TRUE(read.end->has_value());
  EXPECT_THAT((*read.end)->message, HasSubstr("not in frames"));
}

TEST(Logs, AskForWhatIsWanted) {
  std::promise<std::string> request;
  ScriptedServer server([&](Peer& peer) {
    request.set_value(peer.read_request());
    peer.send(answer(404, R"({"message":"No such container: c1"})"));
  });
  EngineClient client(server.path());
  Read read;
  client.engine->logs("c1", {.follow = true, .tail = 10, .timestamps = true, .since = Time{1500ms}}, read.callbacks());
  client.run_until([&] { return read.end.has_value(); });
  EXPECT_THAT(request.get_future().get(),
              StartsWith("GET /v1.41/containers/c1/logs?stdout=1&stderr=1&follow=1&timestamps=1&tail=10&since=1.500000000 "));
  EXPECT_EQ(read.end->value(), (Error{ErrorClass::status, 404, "container logs", "c1", "No such container: c1"}));
}

TEST(Logs, WaitWhileTheyArePaused) {
  constexpr std::size_t kMegabytes = 32;
  std::atomic<std::size_t> sent{0};
  const auto piece = chunk(frame(1, std::string(1U << 20U, 'x')));
  ScriptedServer server([&](Peer& peer) {
    peer.read_request();
    peer.send(chunked_head());
    for (std::size_t i = 0; i < kMegabytes && peer.send(piece); ++i) {
      ++sent;
    }
    peer.send(chunk(""));
  });
  EngineClient client(server.path());
  Read read;
  StreamId id = 0;
  bool paused = false;
  auto callbacks = read.callbacks();
  callbacks.on_bytes = [&](LogStream, std::string_view bytes) {
    read.out += bytes;
    if (!paused) {
      paused = true;
      client.engine->pause(id);
    }
  };
  id = client.engine->logs("c1", {.follow = true}, std::move(callbacks));
  client.run_until([&] { return paused; });
  client.io.restart();
  client.io.run_for(50ms);
  EXPECT_LE(read.out.size(), 64U << 10U) << "at most what had been read already";
  EXPECT_LT(sent, kMegabytes) << "the engine waits";
  client.engine->resume(id);
  client.run_until([&] { return read.end.has_value(); });
  EXPECT_EQ(read.out.size(), kMegabytes << 20U);
}

TEST(Logs, AreWithdrawn) {
  ScriptedServer server(then_silence(chunked_head() + chunk(frame(1, "x"))));
  EngineClient client(server.path());
  Read read;
  const auto id = client.engine->logs("c1", {.follow = true}, read.callbacks());
  client.run_until([&] { return !read.out.empty(); });
  client.engine->cancel_stream(id);
  client.run_until([&] { return read.end.has_value(); });
  EXPECT_EQ((*read.end)->error_class, ErrorClass::cancelled);
  client.close();
}

}  // namespace
}  // namespace cofferdam::docker
