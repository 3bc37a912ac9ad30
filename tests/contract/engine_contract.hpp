#pragma once

// What the contract tests share: one private engine for the program, a client of the product and a plain one beside it,
// and a container as the product would ask for it.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/docker/engine_client.hpp"
#include "tests/docker/scripted_server.hpp"
#include "tests/engine/private_engine.hpp"

namespace cofferdam::test {

/// Started before the first test; the program fails where it cannot be.
PrivateEngine& engine();

/// The hardened container of the product's defaults, without a network, running `command`.
docker::ContainerCreate agent(const std::string& name, std::vector<std::string> command);

/// A fresh client with negotiated version, and cleaning up of what a test made.
class Contract : public ::testing::Test {
 protected:
  Contract();
  ~Contract() override;

  /// Creates it; the id.
  std::string create(const docker::ContainerCreate& request);
  std::string create(const std::string& name, std::vector<std::string> command) {
    return create(agent(name, std::move(command)));
  }
  /// Creates and starts it.
  std::string run(const docker::ContainerCreate& request);
  std::string run(const std::string& name, std::vector<std::string> command) { return run(agent(name, std::move(command))); }
  docker::ContainerDetails inspect(const std::string& id);
  /// After its end.
  docker::ContainerDetails wait(const std::string& id);
  std::string log_of(const std::string& id);
  void pause(const std::string& id);

  EngineClient client;
  RawEngine raw;
  docker::Handshake handshake;

 private:
  std::vector<std::string> made_;
};

/// A command that runs until it is told to end, and then ends well.
std::vector<std::string> patient();

/// Follows the engine's events from its construction on.
class EventLog {
 public:
  explicit EventLog(EngineClient& client);
  ~EventLog();
  EventLog(const EventLog&) = delete;
  EventLog& operator=(const EventLog&) = delete;
  /// The actions on one container until this one, in order.
  std::vector<std::string> actions_until(const std::string& id, const std::string& last);
  /// The first such event.
  docker::Event find(const std::string& id, const std::string& action);
  bool ended() const { return ended_; }

 private:
  EngineClient& client_;
  docker::StreamId stream_ = 0;
  std::vector<docker::Event> events_;
  bool ended_ = false;
};

}  // namespace cofferdam::test
