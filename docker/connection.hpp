#pragma once

// One connection to the engine: a unix socket, TCP, or TLS over TCP. One reader and one writer at a time; callbacks are
// never called from inside the function that asked. Closing ends what is under way, with a failure.

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "docker/endpoint.hpp"
#include "docker/error.hpp"

namespace boost::asio {
class io_context;
}

namespace cofferdam::docker {

/// Why bytes did not go through, in words for people.
struct Failure {
  ErrorClass error_class = ErrorClass::reset;
  std::string message;
  bool end_of_stream = false;  ///< the peer ended the connection in an orderly way
};

class Connection {
 public:
  using OnDone = std::function<void(std::optional<Failure>)>;
  using OnBytes = std::function<void(std::optional<Failure>, std::size_t)>;

  virtual ~Connection() = default;
  Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  virtual void open(OnDone done) = 0;
  /// All of `bytes`, which must live until then; the number is of those written, on failure too.
  virtual void write(std::string_view bytes, OnBytes done) = 0;
  virtual void read_some(char* buffer, std::size_t size, OnBytes done) = 0;
  /// Nothing has come on it since the last answer, not even its end: it may carry another request.
  virtual bool is_quiet() = 0;
  virtual void close() = 0;
};

/// Certificates and the rule of checking them, loaded once. Opaque: TLS stays in connection.cpp.
class TlsContext;
std::variant<std::shared_ptr<TlsContext>, Failure> make_tls_context(const Endpoint& endpoint);

/// `alive` is held as long as anything of the connection is under way. `tls` null: plain.
std::shared_ptr<Connection> make_connection(boost::asio::io_context& io, const Endpoint& endpoint,
                                            std::shared_ptr<TlsContext> tls, std::shared_ptr<void> alive);

}  // namespace cofferdam::docker
