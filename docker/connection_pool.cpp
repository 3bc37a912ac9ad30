#include "docker/connection_pool.hpp"

#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

namespace cofferdam::docker {

ConnectionPool::ConnectionPool(boost::asio::io_context& io, Endpoint endpoint, Limits limits, std::shared_ptr<void> alive)
    : io_(io), endpoint_(std::move(endpoint)), limits_(limits), alive_(std::move(alive)) {}

std::shared_ptr<void> ConnectionPool::wait_for_slot(std::function<void(Slot)> got) {
  auto ticket = std::make_shared<Waiting>(std::move(got));
  waiting_.push_back(ticket);
  boost::asio::post(io_, [self = shared_from_this()] { self->pump(); });
  return ticket;
}

ConnectionPool::Slot ConnectionPool::make_slot() {
  ++in_use_;
  return {static_cast<void*>(nullptr), [weak = weak_from_this()](void*) {
            if (const auto self = weak.lock()) {
              --self->in_use_;
              if (!self->waiting_.empty()) {
                boost::asio::post(self->io_, [self] { self->pump(); });
              }
            }
          }};
}

void ConnectionPool::pump() {
  while (in_use_ < limits_.in_use && !waiting_.empty()) {
    const auto next = waiting_.front().lock();
    waiting_.pop_front();
    if (next) {
      (*next)(make_slot());
    }
  }
}

std::shared_ptr<Connection> ConnectionPool::take_idle() {
  while (!idle_.empty()) {
    auto connection = std::move(idle_.back());
    idle_.pop_back();
    if (connection->is_quiet()) {
      return connection;
    }
    connection->close();  // the engine has ended it meanwhile
  }
  return nullptr;
}

std::variant<std::shared_ptr<Connection>, Failure> ConnectionPool::make() {
  if (endpoint_.tls != TlsMode::none && !tls_) {
    auto tls = make_tls_context(endpoint_);
    if (auto* failure = std::get_if<Failure>(&tls)) {
      return std::move(*failure);
    }
    tls_ = std::get<std::shared_ptr<TlsContext>>(tls);
  }
  return make_connection(io_, endpoint_, tls_, alive_);
}

void ConnectionPool::give_back(std::shared_ptr<Connection> connection) {
  if (closed_ || idle_.size() >= limits_.idle) {
    connection->close();
  } else {
    idle_.push_back(std::move(connection));
  }
}

void ConnectionPool::close() {
  closed_ = true;
  for (const auto& connection : idle_) {
    connection->close();
  }
  idle_.clear();
  waiting_.clear();
  alive_.reset();
}

}  // namespace cofferdam::docker
