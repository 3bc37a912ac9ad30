#pragma once

// The session with the engine: connect, negotiate, subscribe to its events, and only then `up`, so that what happens after
// the machine's first list is always told. When the stream ends the session is down, its calls are withdrawn, and it is
// tried again after 0.1 s, doubling to 5 s. Every reply and event carries the session's number.

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "docker/http_engine.hpp"
#include "reconciler/effects.hpp"
#include "reconciler/inputs.hpp"
#include "specs/configuration.hpp"

namespace cofferdam::controller {

/// What decided about the engine's address (docker/endpoint.hpp), from a loaded configuration and this process's
/// environment. The text of a refusal is complete.
std::variant<docker::Endpoint, std::string> engine_endpoint(const specs::LoadedConfiguration& loaded);

/// Why there is no session, for people: what, where, and the mend.
std::string explain_engine_error(const docker::Error& error, const docker::Endpoint& endpoint);

/// How long to wait between two tries.
struct ReconnectDelays {
  std::chrono::milliseconds first{100};
  std::chrono::milliseconds longest{5000};
};

class EngineSession {
 public:
  struct Handlers {
    std::function<void(reconciler::Session)> session;
    std::function<void(reconciler::Reply)> reply;
    std::function<void(reconciler::PullProgress)> progress;
    std::function<void(reconciler::Event)> event;
  };
  /// Handlers are called from the loop, never from inside a call of this class. `engine` outlives this object.
  EngineSession(boost::asio::io_context& loop, docker::HttpEngine& engine, Handlers handlers, ReconnectDelays delays = {});
  ~EngineSession();
  EngineSession(const EngineSession&) = delete;
  EngineSession& operator=(const EngineSession&) = delete;

  void start();
  /// Answered by exactly one Reply, in a session that is over or not yet there too.
  void call(const reconciler::Call& call);
  void cancel(reconciler::CallId id);
  [[nodiscard]] std::size_t calls_in_flight() const;
  /// No handler is called after this.
  void stop();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace cofferdam::controller
