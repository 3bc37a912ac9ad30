#pragma once

// What the shared contract tests stand on: an engine, calls in straight lines, and a container as the product would ask
// for it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/contract/engine_under_contract.hpp"

namespace cofferdam::test {

/// The hardened container of the product's defaults, without a network, running `command`.
docker::ContainerCreate agent(const std::string& name, std::vector<std::string> command);

class Contract : public ::testing::Test {
 protected:
  Contract() : engine(engine_under_contract()) {}
  ~Contract() override;

  docker::Result result(docker::Request request);
  /// The error of a call that must fail.
  docker::Error failing(docker::Request request);
  /// The reply of a call that must be good.
  template <class Reply>
  Reply good(docker::Request request) {
    auto answer = result(std::move(request));
    if (const auto* error = std::get_if<docker::Error>(&answer)) {
      ADD_FAILURE() << docker::to_string(*error);
      return {};
    }
    auto* reply = std::get_if<Reply>(&std::get<docker::Reply>(answer));
    if (reply != nullptr) return std::move(*reply);
    ADD_FAILURE() << "another kind of reply";
    return {};
  }

  docker::ContainerCreate agent(const std::string& name, Behaviour behaviour = Behaviour::patient) const {
    return test::agent(name, engine->command(behaviour));
  }
  /// Creates it; the id. It is removed after the test.
  std::string create(const docker::ContainerCreate& request);
  std::string create(const std::string& name, Behaviour behaviour = Behaviour::patient) { return create(agent(name, behaviour)); }
  /// Creates and starts it.
  std::string run(const docker::ContainerCreate& request);
  std::string run(const std::string& name, Behaviour behaviour = Behaviour::patient) { return run(agent(name, behaviour)); }
  void start(const std::string& id) { good<docker::Done>(docker::ContainerStart{id}); }
  void kill(const std::string& id, const std::string& signal) { good<docker::Done>(docker::ContainerKill{id, signal}); }
  void remove(const std::string& id, bool force = false) { good<docker::Done>(docker::ContainerRemove{id, force}); }
  docker::ContainerDetails inspect(const std::string& id) { return good<docker::ContainerDetails>(docker::ContainerInspect{id}); }
  /// After its end.
  docker::ContainerDetails ended(const std::string& id);
  bool is_gone(const std::string& id);
  std::vector<docker::ContainerSummary> list(std::vector<std::string> labels) {
    return good<std::vector<docker::ContainerSummary>>(docker::ContainerList{std::move(labels)});
  }

  /// The actions on one container until this one, in order.
  std::vector<std::string> actions_until(const std::string& id, const std::string& last);
  /// The first such event.
  docker::Event event(const std::string& id, const std::string& action);
  std::size_t count(const std::string& id, const std::string& action) const;

  std::unique_ptr<EngineUnderContract> engine;

 private:
  std::vector<std::string> made_;
};

}  // namespace cofferdam::test
