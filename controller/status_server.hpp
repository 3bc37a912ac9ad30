#pragma once

// The status server: HTTP/1.1 on a TCP address (server.listen) and on a unix socket (server.socket). Read-only over TCP;
// logs and control words over the unix socket only, control words from root and our own user only (SO_PEERCRED). Everything
// a peer can make us hold is bounded: connections, header, body, time.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "controller/api.hpp"

namespace boost::asio {
class io_context;
}

namespace cofferdam::controller {

struct StatusServerState;

struct StatusServerOptions {
  std::string listen;                            ///< "127.0.0.1:9476", "[::1]:9476", "localhost:0"; empty: no TCP
  std::string socket;                            ///< path; empty: no unix socket
  std::size_t most_connections = 64;             ///< of each listener; one more is answered 503 and closed
  std::size_t header_limit = 8192;               ///< bytes
  std::size_t body_limit = 16384;                ///< bytes; over TCP there are no bodies at all
  std::chrono::milliseconds header_time{10000};  ///< from a request's first byte (or the connection) to its header's end
  std::chrono::milliseconds idle_time{60000};    ///< between requests of one connection
  std::chrono::milliseconds write_time{30000};   ///< for an answer, and for each piece of a log
};

/// Why a server does not listen, with the mend.
struct ListenRefusal {
  std::string text;      ///< empty: it listens
  bool by_host = false;  ///< another has the address or the socket, or the host has no such address yet: it may pass
};

class StatusServer {
 public:
  /// `io` and `api` must outlive this object, and be used by one thread.
  StatusServer(boost::asio::io_context& io, Api& api, StatusServerOptions options);
  /// As stop().
  ~StatusServer();
  StatusServer(const StatusServer&) = delete;
  StatusServer& operator=(const StatusServer&) = delete;

  ListenRefusal start();
  /// Ends every connection and listener; nothing touches the Api any more.
  void stop();

  [[nodiscard]] std::uint16_t port() const;  ///< of TCP, once started; 0: none
  [[nodiscard]] std::size_t connections() const;

 private:
  std::shared_ptr<StatusServerState> state_;
};

}  // namespace cofferdam::controller
