#include "controller/engine_session.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "tests/controller/loop_until.hpp"
#include "tests/controller/scripted_engine.hpp"
#include "tests/controller/temp_directory.hpp"

namespace cofferdam::controller {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;
using reconciler::Session;
using testing::loop_until;
using testing::ScriptedEngine;
using testing::TempDirectory;

/// Holds an answer back until the test is over, however it ends.
class Gate {
 public:
  class Opener {
   public:
    explicit Opener(Gate& gate) : gate_(gate) {}
    ~Opener() { gate_.promise_.set_value(); }
    Opener(const Opener&) = delete;
    Opener& operator=(const Opener&) = delete;

   private:
    Gate& gate_;
  };
  std::string wait() {
    future_.wait();
    return {};
  }

 private:
  std::promise<void> promise_;
  std::shared_future<void> future_ = promise_.get_future().share();
};

class EngineSessionTest : public ::testing::Test {
 protected:
  void connect(const std::string& path) {
    docker::Endpoint endpoint;
    endpoint.path = path;
    engine_ = std::make_unique<docker::HttpEngine>(io_, endpoint, docker::HttpEngineOptions{});
    session_ = std::make_unique<EngineSession>(
        io_, *engine_,
        EngineSession::Handlers{[this](Session one) { sessions_.push_back(std::move(one)); },
                                [this](reconciler::Reply one) { replies_.push_back(std::move(one)); },
                                [](const reconciler::PullProgress&) {},
                                [this](reconciler::Event one) { events_.push_back(std::move(one)); }},
        ReconnectDelays{1ms, 20ms});
    session_->start();
  }
  void TearDown() override {
    if (session_) session_->stop();
    if (!engine_) return;
    bool closed = false;
    engine_->close([&] { closed = true; });
    EXPECT_TRUE(loop_until(io_, [&] { return closed; }));
  }
  bool comes(Session::State state, std::size_t times = 1) {
    return loop_until(io_, [&] {
      return static_cast<std::size_t>(std::count_if(sessions_.begin(), sessions_.end(),
                                                    [&](const Session& one) { return one.state == state; })) >= times;
    });
  }
  reconciler::Call list(std::uint64_t epoch, reconciler::CallId id = 1) {
    reconciler::Call call;
    call.id = id;
    call.epoch = epoch;
    call.request = docker::ContainerList{};
    call.deadline = 60s;
    return call;
  }

  boost::asio::io_context io_;
  std::unique_ptr<docker::HttpEngine> engine_;
  std::unique_ptr<EngineSession> session_;
  std::vector<Session> sessions_;
  std::vector<reconciler::Reply> replies_;
  std::vector<reconciler::Event> events_;
};

TEST_F(EngineSessionTest, IsUpOnceTheEventStreamWasAccepted) {
  ScriptedEngine engine;
  connect(engine.path());
  ASSERT_TRUE(comes(Session::State::up));
  EXPECT_EQ(engine.streams(), 1);
  const auto& up = sessions_.back();
  EXPECT_EQ(up.epoch, 1U);
  EXPECT_EQ(up.facts.version.version, "20.10.24");
  EXPECT_EQ(up.facts.info.processors, 2);
  EXPECT_EQ(up.facts.address, "unix://" + engine.path());
  EXPECT_TRUE(up.facts.local);
}

TEST_F(EngineSessionTest, TagsRepliesAndEventsWithItsNumber) {
  ScriptedEngine engine;
  connect(engine.path());
  ASSERT_TRUE(comes(Session::State::up));
  session_->call(list(1, 42));
  ASSERT_TRUE(loop_until(io_, [&] { return replies_.size() == 1; }));
  EXPECT_EQ(replies_[0].epoch, 1U);
  EXPECT_EQ(replies_[0].id, 42U);
  EXPECT_TRUE(std::holds_alternative<docker::Reply>(replies_[0].result));
  engine.tell(R"({"Type":"container","Action":"die","Actor":{"ID":"abc","Attributes":{}},"timeNano":1700000000000000001})");
  ASSERT_TRUE(loop_until(io_, [&] { return events_.size() == 1; }));
  EXPECT_EQ(events_[0].epoch, 1U);
  EXPECT_EQ(events_[0].event.action, "die");
}

TEST_F(EngineSessionTest, IsDownWhenTheStreamEndsAndUpAgainWithANewNumber) {
  ScriptedEngine engine;
  connect(engine.path());
  ASSERT_TRUE(comes(Session::State::up));
  engine.end_streams();
  ASSERT_TRUE(comes(Session::State::down));
  EXPECT_THAT(sessions_.back().why, HasSubstr("event stream ended"));
  ASSERT_TRUE(comes(Session::State::up, 2));
  EXPECT_EQ(sessions_.back().epoch, 2U);
}

TEST_F(EngineSessionTest, WithdrawsItsCallsWhenItEnds) {
  const auto gate = std::make_shared<Gate>();
  ScriptedEngine engine([gate](const std::string&) { return gate->wait(); });
  const Gate::Opener opener(*gate);
  connect(engine.path());
  ASSERT_TRUE(comes(Session::State::up));
  session_->call(list(1));
  EXPECT_EQ(session_->calls_in_flight(), 1U);
  engine.end_streams();
  ASSERT_TRUE(loop_until(io_, [&] { return replies_.size() == 1; }));
  EXPECT_EQ(replies_[0].epoch, 1U) << "of the session that asked";
  const auto* const error = std::get_if<docker::Error>(&replies_[0].result);
  ASSERT_NE(error, nullptr);
  EXPECT_EQ(error->error_class, docker::ErrorClass::cancelled);
}

TEST_F(EngineSessionTest, AnswersACallOfASessionThatIsOver) {
  ScriptedEngine engine;
  connect(engine.path());
  ASSERT_TRUE(comes(Session::State::up));
  session_->call(list(0, 9));
  EXPECT_TRUE(replies_.empty()) << "never from inside the call";
  ASSERT_TRUE(loop_until(io_, [&] { return replies_.size() == 1; }));
  EXPECT_EQ(replies_[0].epoch, 0U);
  EXPECT_TRUE(std::holds_alternative<docker::Error>(replies_[0].result));
  EXPECT_TRUE(engine.lines("GET").size() <= 3U) << "nothing was sent";
}

TEST_F(EngineSessionTest, CancelsOneCall) {
  const auto gate = std::make_shared<Gate>();
  ScriptedEngine engine([gate](const std::string&) { return gate->wait(); });
  const Gate::Opener opener(*gate);
  connect(engine.path());
  ASSERT_TRUE(comes(Session::State::up));
  session_->call(list(1));
  session_->cancel(1);
  ASSERT_TRUE(loop_until(io_, [&] { return replies_.size() == 1; }));
  EXPECT_EQ(session_->calls_in_flight(), 0U);
}

TEST_F(EngineSessionTest, SaysWhatIsMissingAndHowToMendIt) {
  TempDirectory temp;
  connect(temp.at("docker.sock"));
  ASSERT_TRUE(comes(Session::State::down));
  EXPECT_THAT(sessions_[0].why, HasSubstr("unix://" + temp.at("docker.sock")));
  EXPECT_THAT(sessions_[0].why, HasSubstr("systemctl start docker"));
  EXPECT_THAT(sessions_[0].why, HasSubstr("engine.host"));
}

TEST_F(EngineSessionTest, SaysTheSameFailureOnceAndComesUpWhenTheEngineDoes) {
  TempDirectory temp;
  const auto path = temp.at("docker.sock");
  connect(path);
  ASSERT_TRUE(comes(Session::State::down));
  io_.run_for(100ms);  // several tries at 1, 2, 4 … 20 ms
  EXPECT_EQ(sessions_.size(), 1U);
  ScriptedEngine engine;
  std::filesystem::create_symlink(engine.path(), path);
  EXPECT_TRUE(comes(Session::State::up));
}

TEST_F(EngineSessionTest, TellsGarbageFromAnEngine) {
  test::ScriptedServer server([](test::Peer& peer) {
    peer.read_request();
    peer.send("SSH-2.0-OpenSSH_9.2\r\n\r\n");
  });
  connect(server.path());
  ASSERT_TRUE(comes(Session::State::down));
  EXPECT_THAT(sessions_[0].why, HasSubstr("not an engine"));
}

TEST_F(EngineSessionTest, NamesTheGroupWhereTheSocketIsForbidden) {
  ScriptedEngine engine;
  ASSERT_EQ(chmod(engine.path().c_str(), 0), 0);
  if (geteuid() != 0) {
    connect(engine.path());
    ASSERT_TRUE(comes(Session::State::down));
    EXPECT_THAT(sessions_[0].why, HasSubstr("usermod -aG"));
    return;
  }
  // Root opens everything: the words are the client's own, as another user would read them.
  docker::Endpoint endpoint;
  endpoint.path = engine.path();
  const docker::Error error{docker::ErrorClass::no_permission, 0, "system ping", "",
                            "no permission; Mend: usermod -aG docker me"};
  EXPECT_EQ(explain_engine_error(error, endpoint),
            "engine at unix://" + engine.path() + ": no permission; Mend: usermod -aG docker me");
}

TEST(EngineSessionExplain, SendsTheReaderToTheEnginesLogWhenItHangs) {
  const docker::Error error{docker::ErrorClass::timeout, 0, "system ping", "", "no answer within 10 s"};
  EXPECT_THAT(explain_engine_error(error, {}), HasSubstr("journalctl -u docker"));
}

}  // namespace
}  // namespace cofferdam::controller
