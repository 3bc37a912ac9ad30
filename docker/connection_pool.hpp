#pragma once

// Keep-alive connections to the engine, bounded. A call holds a slot from its turn to its end; the newest idle
// connection is used first, so that the rest may age and go.

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "docker/connection.hpp"
#include "docker/endpoint.hpp"

namespace cofferdam::docker {

class ConnectionPool : public std::enable_shared_from_this<ConnectionPool> {
 public:
  struct Limits {
    std::size_t in_use = 64;
    std::size_t idle = 16;
  };
  /// A turn: released when the last copy goes.
  using Slot = std::shared_ptr<void>;

  ConnectionPool(boost::asio::io_context& io, Endpoint endpoint, Limits limits, std::shared_ptr<void> alive);

  /// Calls back, from the loop, when there is a slot. Destroying the returned ticket withdraws from the queue.
  [[nodiscard]] std::shared_ptr<void> wait_for_slot(std::function<void(Slot)> got);

  /// An idle connection on which nothing has come; null where there is none.
  std::shared_ptr<Connection> take_idle();
  /// A new one, not opened yet; a Failure where the certificates cannot be used.
  std::variant<std::shared_ptr<Connection>, Failure> make();
  void give_back(std::shared_ptr<Connection> connection);
  /// Nothing is kept or made any more.
  void close();

  std::size_t idle_connections() const { return idle_.size(); }

 private:
  using Waiting = std::function<void(Slot)>;

  void pump();
  Slot make_slot();

  boost::asio::io_context& io_;
  Endpoint endpoint_;
  Limits limits_;
  std::shared_ptr<void> alive_;
  std::shared_ptr<TlsContext> tls_;
  std::size_t in_use_ = 0;
  std::deque<std::weak_ptr<Waiting>> waiting_;
  std::vector<std::shared_ptr<Connection>> idle_;
  bool closed_ = false;
};

}  // namespace cofferdam::docker
