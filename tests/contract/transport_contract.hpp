#pragma once

// What the tests of the wire and of the kernel stand on, which only a real daemon can answer: the product's client in
// straight lines, and a plain one beside it.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/contract/contract.hpp"
#include "tests/contract/real_engine.hpp"

namespace cofferdam::test {

/// A fresh client with negotiated version, and cleaning up of what a test made.
class TransportContract : public ::testing::Test {
 protected:
  TransportContract();
  ~TransportContract() override;

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

  EngineClient client;
  RawEngine raw;
  docker::Handshake handshake;

 private:
  std::vector<std::string> made_;
};

/// A command that runs until it is told to end, and then ends well.
std::vector<std::string> patient();

}  // namespace cofferdam::test
