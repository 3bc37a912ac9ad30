#include "controller/status_server.hpp"

#include <charconv>
#include <map>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include "controller/http_connection.hpp"
#include "controller/unix_listener.hpp"

namespace cofferdam::controller {

namespace asio = boost::asio;
using boost::system::error_code;
using Tcp = asio::ip::tcp;
using Local = asio::local::stream_protocol;

namespace {

constexpr std::chrono::milliseconds accept_pause{100};

/// Accepts on one address, within its bound of connections.
template <typename Protocol>
class Listener {
 public:
  Listener(asio::io_context& io, std::shared_ptr<ConnectionContext> context)
      : acceptor(io), pause_(io), context_(std::move(context)) {}

  void accept() {
    acceptor.async_accept([this, alive = std::weak_ptr<bool>(alive_)](error_code failed, typename Protocol::socket socket) {
      if (alive.expired() || failed == asio::error::operation_aborted) {
        return;
      }
      if (failed) {  // no descriptors left, most likely: it passes
        pause_.expires_after(accept_pause);
        pause_.async_wait([this, alive](error_code cancelled) {
          if (!alive.expired() && !cancelled) {
            accept();
          }
        });
        return;
      }
      if (connections_.size() < context_->options.most_connections) {
        serve(std::move(socket));
      } else {
        refuse(socket);
      }
      accept();
    });
  }

  void stop() {
    alive_.reset();
    error_code ignored;
    acceptor.close(ignored);  // NOLINT(bugprone-unused-return-value)
    pause_.cancel();
    const auto open = std::exchange(connections_, {});
    for (const auto& [key, connection] : open) {
      if (const auto still = connection.lock()) {
        still->close();
      }
    }
  }

  [[nodiscard]] std::size_t connections() const { return connections_.size(); }

  typename Protocol::acceptor acceptor;

 private:
  void serve(typename Protocol::socket socket) {
    const std::size_t key = next_++;
    auto closed = [this, key, alive = std::weak_ptr<bool>(alive_)] {
      if (!alive.expired()) {
        connections_.erase(key);
      }
    };
    const auto connection = std::make_shared<Connection<Protocol>>(std::move(socket), context_, std::move(closed));
    connections_.emplace(key, connection);
    connection->start();
  }

  /// One too many: told so as far as that goes without waiting.
  void refuse(typename Protocol::socket& socket) {
    static constexpr std::string_view answer =
        "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 10\r\nConnection: close\r\n\r\n";
    error_code ignored;
    socket.non_blocking(true, ignored);  // NOLINT(bugprone-unused-return-value)
    socket.write_some(asio::buffer(answer.data(), answer.size()), ignored);
    socket.shutdown(Protocol::socket::shutdown_send, ignored);  // NOLINT(bugprone-unused-return-value)
    context_->api->metrics().record("cofferdam_http_requests_total", {"503"}, 1);
  }

  asio::steady_timer pause_;
  std::shared_ptr<ConnectionContext> context_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::map<std::size_t, std::weak_ptr<AnyConnection>> connections_;
  std::size_t next_ = 0;
};

struct ListenAddress {
  std::string host;
  std::uint16_t port = 0;
};

std::optional<ListenAddress> parse_listen(const std::string& listen) {
  const auto colon = listen.rfind(':');
  if (colon == std::string::npos) {
    return std::nullopt;
  }
  ListenAddress address{listen.substr(0, colon), 0};
  if (address.host.starts_with('[') && address.host.ends_with(']')) {
    address.host = address.host.substr(1, address.host.size() - 2);
  }
  const std::string port = listen.substr(colon + 1);
  const auto [end, failed] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  return failed == std::errc() && end == port.data() + port.size() ? std::optional(address) : std::nullopt;
}

}  // namespace

struct StatusServerState {
  StatusServerState(asio::io_context& io, std::shared_ptr<ConnectionContext> connections)
      : context(std::move(connections)), tcp(io, context), local(io, context) {}

  ListenRefusal listen_tcp();
  std::string listen_local();

  std::shared_ptr<ConnectionContext> context;
  Listener<Tcp> tcp;
  Listener<Local> local;
  UnixListener local_path;
};

ListenRefusal StatusServerState::listen_tcp() {
  const std::string& listen = context->options.listen;
  const std::string where = "server.listen: ";
  const auto parsed = parse_listen(listen);
  error_code failed;
  const auto address =
      parsed ? asio::ip::make_address(parsed->host == "localhost" ? "127.0.0.1" : parsed->host, failed) : asio::ip::address();
  if (!parsed || failed) {
    return {where + "\"" + listen + "\" is no address and port; for example 127.0.0.1:9476 or [::1]:9476"};
  }
  context->listen_host = parsed->host;
  const Tcp::endpoint endpoint(address, parsed->port);
  auto& acceptor = tcp.acceptor;
  if (acceptor.open(endpoint.protocol(), failed) || acceptor.set_option(asio::socket_base::reuse_address(true), failed) ||
      acceptor.bind(endpoint, failed) || acceptor.listen(asio::socket_base::max_listen_connections, failed)) {
    return {where + "cannot listen at " + listen + ": " + failed.message() +
                "; set server.listen to a free address and port, or to \"\" for none",
            true};
  }
  tcp.accept();
  return {};
}

std::string StatusServerState::listen_local() {
  if (std::string error = local_path.open(context->options.socket); !error.empty()) {
    return error;
  }
  error_code failed;
  if (local.acceptor.assign(Local(), local_path.take(), failed)) {
    return "server.socket: cannot use " + context->options.socket + ": " + failed.message();
  }
  local.accept();
  return {};
}

StatusServer::StatusServer(asio::io_context& io, Api& api, StatusServerOptions options) {
  auto context = std::make_shared<ConnectionContext>();
  context->api = &api;
  context->options = std::move(options);
  state_ = std::make_shared<StatusServerState>(io, std::move(context));
}

StatusServer::~StatusServer() {
  stop();
}

ListenRefusal StatusServer::start() {
  if (!state_->context->options.socket.empty()) {
    if (std::string error = state_->listen_local(); !error.empty()) {
      return {std::move(error), true};
    }
  }
  return state_->context->options.listen.empty() ? ListenRefusal{} : state_->listen_tcp();
}

void StatusServer::stop() {
  state_->tcp.stop();
  state_->local.stop();
  state_->local_path.remove_path();
  state_->context->api = nullptr;
}

std::uint16_t StatusServer::port() const {
  error_code failed;
  const auto endpoint = state_->tcp.acceptor.local_endpoint(failed);
  return failed ? std::uint16_t{0} : endpoint.port();
}

std::size_t StatusServer::connections() const {
  return state_->tcp.connections() + state_->local.connections();
}

}  // namespace cofferdam::controller
