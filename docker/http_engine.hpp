#pragma once

// The engine client: HTTP over a unix socket or TCP with TLS, on one io_context and one thread. Each call is answered
// by exactly one callback, never from inside the function that began it. Nothing here decides anything: errors are
// values, and a call that may have been applied is never repeated.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "docker/endpoint.hpp"
#include "docker/error.hpp"
#include "docker/log_frames.hpp"
#include "docker/requests.hpp"
#include "docker/types.hpp"

namespace boost::asio {
class io_context;
}

namespace cofferdam::docker {

/// The API versions that we speak. Between them and the engine's own range the highest common one is used.
inline constexpr std::string_view kOldestApi = "1.41";
inline constexpr std::string_view kNewestApi = "1.52";

/// Given by the caller, unique among the calls in flight.
using CallId = std::uint64_t;
/// Given by the engine client, unique in its life.
using StreamId = std::uint64_t;

/// What a new session knows. Calls before the first good handshake use kOldestApi.
struct Handshake {
  std::string api_version;  ///< the one that every later call uses
  EngineVersion version;
  EngineInfo info;
  bool podman = false;
};

struct CallOptions {
  std::chrono::milliseconds deadline{30000};              ///< for the whole call, waiting for a connection included
  std::chrono::milliseconds idle_deadline{0};             ///< without a byte from the engine; 0: none
  std::function<void(const std::string&)> on_progress{};  ///< pulls: a line for people, at most about one a second
};

struct EventCallbacks {
  std::function<void()> on_subscribed{};  ///< the engine accepted: what happens from now on will be told
  std::function<void(Event)> on_event{};  ///< must return at once: the next one waits in the socket
  std::function<void(Error)> on_end{};    ///< once, however it ends; a clean end is a reset
};

struct LogOptions {
  bool follow = false;
  std::optional<std::uint64_t> tail{};  ///< unset: all
  bool timestamps = false;
  std::optional<Time> since{};
  bool tty = false;  ///< the container has a terminal: one raw stream (before API 1.42 the answer does not say)
};
struct LogCallbacks {
  /// A piece of a stream: lines may come in several pieces. Valid only during the call.
  std::function<void(LogStream, std::string_view)> on_bytes{};
  std::function<void(std::optional<Error>)> on_end{};  ///< once; nullopt: the log ended
};

struct HttpEngineOptions {
  std::size_t max_connections = 64;                     ///< in use at once by calls; more wait their turn within their deadline
  std::size_t max_idle_connections = 16;                ///< kept open
  std::chrono::milliseconds handshake_deadline{10000};  ///< for each of the calls of negotiate(), and a stream's headers
  /// Docker's config.json with registry credentials; empty: none. One that cannot be read is mentioned where a pull fails.
  std::string registry_auth_file;
  std::chrono::milliseconds credential_helper_deadline{10000};
  std::size_t max_reply_bytes = 64U << 20U;
  /// After each call: moby's operation, the status ("200") or the error's class ("timeout"), and how long it took.
  std::function<void(std::string_view operation, std::string_view code, std::chrono::duration<double> took)> on_call_done{};
};

class HttpEngine {
 public:
  /// The io_context must outlive this object and be run by one thread, the one that calls all of these functions.
  HttpEngine(boost::asio::io_context& io, Endpoint endpoint, HttpEngineOptions options);
  /// Without close(): connections end, callbacks still owed are never called.
  ~HttpEngine();
  HttpEngine(const HttpEngine&) = delete;
  HttpEngine& operator=(const HttpEngine&) = delete;

  const Endpoint& endpoint() const;

  /// Ping, version, info. Too old, too new: an Error of class version that says what the engine is and what we need.
  void negotiate(std::function<void(std::variant<Handshake, Error>)> done);

  void start(CallId id, Request request, CallOptions options, std::function<void(Result)> done);
  /// The answer still comes: `cancelled`, or the real one where it was quicker. Unknown ids are ignored.
  void cancel(CallId id);

  /// GET /events, of containers, images, networks and the daemon. Its own connection, read without pause.
  StreamId subscribe(EventCallbacks callbacks);
  /// A container's log. Its own connection.
  StreamId logs(const std::string& container_id, const LogOptions& options, LogCallbacks callbacks);
  /// Stops reading a log (at most 64 KiB that were read already still come): the engine then waits for us.
  void pause(StreamId id);
  void resume(StreamId id);
  /// The stream's on_end still comes: `cancelled`.
  void cancel_stream(StreamId id);

  /// Ends every call and stream (`cancelled`) and drops the connections; `closed` is called after the last callback.
  /// What is started afterwards is answered `cancelled`.
  void close(std::function<void()> closed);

  /// For tests and metrics.
  std::size_t calls_in_flight() const;
  std::size_t idle_connections() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace cofferdam::docker
