#pragma once

// Drives an HttpEngine from a test: one call at a time in straight lines, and the loop where a test wants more.

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>

#include "docker/http_engine.hpp"

namespace cofferdam::test {

inline docker::Endpoint unix_endpoint(const std::string& path) {
  docker::Endpoint endpoint;
  endpoint.path = path;
  return endpoint;
}

class EngineClient {
 public:
  explicit EngineClient(docker::Endpoint endpoint, docker::HttpEngineOptions options = {})
      : engine(std::make_unique<docker::HttpEngine>(io, std::move(endpoint), std::move(options))) {}
  explicit EngineClient(const std::string& path, docker::HttpEngineOptions options = {})
      : EngineClient(unix_endpoint(path), std::move(options)) {}

  /// Runs the loop until the condition holds; a minute without it is a failure, not a wait.
  bool run_until(const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (!condition()) {
      io.restart();
      io.run_one_for(std::chrono::milliseconds(200));
      if (std::chrono::steady_clock::now() > end) {
        ADD_FAILURE() << "what was waited for did not come within a minute";
        return false;
      }
    }
    return true;
  }

  docker::Result call(docker::Request request, docker::CallOptions options = {}) {
    std::optional<docker::Result> result;
    engine->start(next_id++, std::move(request), std::move(options), [&](docker::Result answer) {
      EXPECT_FALSE(result.has_value()) << "a call was answered twice";
      result = std::move(answer);
    });
    EXPECT_FALSE(result.has_value()) << "answered from inside start()";
    run_until([&] { return result.has_value(); });
    return result.value_or(docker::Error{});
  }
  /// The error of a call that must fail.
  docker::Error failing(docker::Request request, docker::CallOptions options = {}) {
    auto result = call(std::move(request), std::move(options));
    if (const auto* error = std::get_if<docker::Error>(&result)) {
      return *error;
    }
    ADD_FAILURE() << "the call did not fail";
    return {};
  }
  /// The reply of a call that must be good.
  template <class Reply>
  Reply good(docker::Request request, docker::CallOptions options = {}) {
    auto result = call(std::move(request), std::move(options));
    if (const auto* error = std::get_if<docker::Error>(&result)) {
      ADD_FAILURE() << docker::to_string(*error);
      return {};
    }
    auto* reply = std::get_if<Reply>(&std::get<docker::Reply>(result));
    if (reply == nullptr) {
      ADD_FAILURE() << "another kind of reply";
      return {};
    }
    return std::move(*reply);
  }
  std::variant<docker::Handshake, docker::Error> negotiate() {
    std::optional<std::variant<docker::Handshake, docker::Error>> result;
    engine->negotiate([&](auto answer) { result = std::move(answer); });
    run_until([&] { return result.has_value(); });
    return result.value_or(docker::Error{});
  }
  void close() {
    bool closed = false;
    engine->close([&] { closed = true; });
    run_until([&] { return closed; });
  }

  boost::asio::io_context io;  // before the engine: outlives it
  std::unique_ptr<docker::HttpEngine> engine;
  docker::CallId next_id = 1;
};

}  // namespace cofferdam::test
