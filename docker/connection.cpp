#include "docker/connection.hpp"

#include <grp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <utility>
#include <vector>

#include <boost/asio/connect.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>

// Asio's functions return the code that they also write where they were told to; some versions return nothing.
// NOLINTBEGIN(bugprone-unused-return-value)

namespace cofferdam::docker {

namespace asio = boost::asio;
using boost::system::error_code;
using Socket = asio::generic::stream_protocol::socket;

class TlsContext {
 public:
  asio::ssl::context context{asio::ssl::context::tls_client};
  bool verified = true;
};

namespace {

std::string name_of_group(gid_t group) {
  std::array<char, 4096> buffer{};
  struct group entry{};
  struct group* found = nullptr;
  getgrgid_r(group, &entry, buffer.data(), buffer.size(), &found);
  return found != nullptr ? found->gr_name : std::to_string(group);
}

std::string name_of_user(uid_t user) {
  std::array<char, 4096> buffer{};
  struct passwd entry{};
  struct passwd* found = nullptr;
  getpwuid_r(user, &entry, buffer.data(), buffer.size(), &found);
  return found != nullptr ? found->pw_name : std::to_string(user);
}

/// Who may open the socket, and what mends it.
std::string permission_message(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) {
    return "no permission to reach " + path + ": a folder above it may not be entered";
  }
  const auto group = name_of_group(status.st_gid);
  const auto user = name_of_user(::geteuid());
  return "no permission to open " + path + ": it belongs to group " + group + ", of which " + user +
         " is no member. Mend: usermod -aG " + group + " " + user + ", then start again";
}

Failure connect_failure(const error_code& code, const Endpoint& endpoint) {
  const auto address = address_of(endpoint);
  if (code == asio::error::access_denied || code == asio::error::no_permission) {
    return {ErrorClass::no_permission,
            endpoint.transport == Transport::unix_socket ? permission_message(endpoint.path) : code.message()};
  }
  if (code == boost::system::errc::no_such_file_or_directory) {
    return {ErrorClass::not_found_path, endpoint.path + " does not exist: is the engine installed and running " +
                                            "(systemctl start docker), and engine.host right?"};
  }
  if (code == asio::error::connection_refused) {
    return {ErrorClass::refused, "nobody listens at " + address + ": is the engine running (systemctl start docker)?"};
  }
  // Whatever else happened, no connection came about and nothing was sent.
  return {ErrorClass::refused, "cannot connect to " + address + ": " + code.message()};
}

Failure stream_failure(const error_code& code) {
  if (code == asio::error::eof || code == asio::ssl::error::stream_truncated) {
    return {ErrorClass::reset, "the engine ended the connection", true};
  }
  return {ErrorClass::reset, "the connection broke: " + code.message()};
}

std::optional<Failure> failure_of(const error_code& code) {
  return code ? std::optional(stream_failure(code)) : std::nullopt;
}

class SocketConnection final : public Connection, public std::enable_shared_from_this<SocketConnection> {
 public:
  SocketConnection(asio::io_context& io, Endpoint endpoint, std::shared_ptr<TlsContext> tls, std::shared_ptr<void> alive)
      : alive_(std::move(alive)), endpoint_(std::move(endpoint)), tls_context_(std::move(tls)), resolver_(io), socket_(io) {}

  void open(OnDone done) override {
    if (endpoint_.transport == Transport::unix_socket) {
      constexpr std::size_t kLongestPath = 107;
      if (endpoint_.path.size() > kLongestPath) {
        asio::post(socket_.get_executor(), [self = shared_from_this(), done = std::move(done)] {
          done(connect_failure(boost::system::errc::make_error_code(boost::system::errc::filename_too_long), self->endpoint_));
        });
        return;
      }
      socket_.async_connect(asio::local::stream_protocol::endpoint(endpoint_.path),
                            [self = shared_from_this(), done = std::move(done)](const error_code& code) {
                              done(code ? std::optional(connect_failure(code, self->endpoint_)) : std::nullopt);
                            });
      return;
    }
    resolver_.async_resolve(endpoint_.host, std::to_string(endpoint_.port),
                            [self = shared_from_this(), done = std::move(done)](const error_code& code, const auto& results) {
                              if (code) {
                                done(connect_failure(code, self->endpoint_));
                                return;
                              }
                              std::vector<asio::generic::stream_protocol::endpoint> addresses;
                              for (const auto& result : results) {
                                addresses.emplace_back(result.endpoint());
                              }
                              self->connect(std::move(addresses), 0, done);
                            });
  }

  void write(std::string_view bytes, OnBytes done) override {
    auto handler = [self = shared_from_this(), done = std::move(done)](const error_code& code, std::size_t count) {
      done(failure_of(code), count);
    };
    if (tls_) {
      asio::async_write(*tls_, asio::buffer(bytes), std::move(handler));
    } else {
      asio::async_write(socket_, asio::buffer(bytes), std::move(handler));
    }
  }

  void read_some(char* buffer, std::size_t size, OnBytes done) override {
    auto handler = [self = shared_from_this(), done = std::move(done)](const error_code& code, std::size_t count) {
      done(failure_of(code), count);
    };
    if (tls_) {
      tls_->async_read_some(asio::buffer(buffer, size), std::move(handler));
    } else {
      socket_.async_read_some(asio::buffer(buffer, size), std::move(handler));
    }
  }

  bool is_quiet() override {
    auto& socket = tls_ ? tls_->next_layer() : socket_;
    if (!socket.is_open()) {
      return false;
    }
    char byte = 0;
    const auto count = ::recv(socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
  }

  void close() override {
    error_code ignored;
    closed_ = true;
    resolver_.cancel();
    auto& socket = tls_ ? tls_->next_layer() : socket_;
    socket.close(ignored);
  }

 private:
  /// One address after the other, until one answers.
  void connect(std::vector<asio::generic::stream_protocol::endpoint> addresses, std::size_t index, const OnDone& done) {
    if (closed_ || index >= addresses.size()) {
      done(connect_failure(asio::error::operation_aborted, endpoint_));
      return;
    }
    error_code ignored;
    socket_.close(ignored);
    const auto address = addresses[index];
    socket_.async_connect(
        address, [self = shared_from_this(), addresses = std::move(addresses), index, done](const error_code& code) mutable {
          if (code && (self->closed_ || index + 1 >= addresses.size())) {
            done(connect_failure(code, self->endpoint_));
          } else if (code) {
            self->connect(std::move(addresses), index + 1, done);
          } else if (self->tls_context_) {
            self->shake_hands(done);
          } else {
            self->set_tcp_options();
            done(std::nullopt);
          }
        });
  }

  /// Small requests go at once; and an event stream over TCP notices within two minutes that its host is gone.
  void set_tcp_options() {
    error_code ignored;
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
    socket_.set_option(asio::socket_base::keep_alive(true), ignored);
    for (const auto& [option, value] : {std::pair{TCP_KEEPIDLE, 60}, {TCP_KEEPINTVL, 15}, {TCP_KEEPCNT, 4}}) {
      ::setsockopt(socket_.native_handle(), IPPROTO_TCP, option, &value, sizeof value);
    }
  }

  void shake_hands(const OnDone& done) {
    set_tcp_options();
    tls_ = std::make_unique<asio::ssl::stream<Socket>>(std::move(socket_), tls_context_->context);
    error_code not_an_address;
    asio::ip::make_address(endpoint_.host, not_an_address);
    if (not_an_address) {
      // The macro of OpenSSL casts in the old style: its function, by itself.
      SSL_ctrl(tls_->native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, endpoint_.host.data());
    }
    if (tls_context_->verified) {
      error_code ignored;
      tls_->set_verify_callback(asio::ssl::host_name_verification(endpoint_.host), ignored);
    }
    tls_->async_handshake(asio::ssl::stream_base::client, [self = shared_from_this(), done](const error_code& code) {
      done(code ? std::optional(self->handshake_failure(code)) : std::nullopt);
    });
  }

  Failure handshake_failure(const error_code& code) {
    const auto verdict = SSL_get_verify_result(tls_->native_handle());
    auto why = code.message();
    if (verdict == X509_V_ERR_UNSPECIFIED || verdict == X509_V_ERR_HOSTNAME_MISMATCH) {
      why = "its certificate is not made out to " + endpoint_.host;  // what our own check says
    } else if (verdict != X509_V_OK) {
      why = "its certificate is not accepted: " + std::string(X509_verify_cert_error_string(verdict));
    }
    return {ErrorClass::tls, "TLS with " + address_of(endpoint_) + " failed: " + why};
  }

  std::shared_ptr<void> alive_;  // first: goes last
  Endpoint endpoint_;
  std::shared_ptr<TlsContext> tls_context_;
  asio::ip::tcp::resolver resolver_;
  Socket socket_;
  std::unique_ptr<asio::ssl::stream<Socket>> tls_;
  bool closed_ = false;
};

}  // namespace

std::variant<std::shared_ptr<TlsContext>, Failure> make_tls_context(const Endpoint& endpoint) {
  if (endpoint.tls == TlsMode::none) {
    return std::shared_ptr<TlsContext>{};
  }
  auto tls = std::make_shared<TlsContext>();
  tls->verified = endpoint.tls == TlsMode::verified;
  auto& context = tls->context;
  const auto wrong = [](const std::string& path, const error_code& code) {
    return Failure{ErrorClass::tls, path + " cannot be used: " + code.message()};
  };
  error_code code;
  context.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1,
                      code);
  context.set_verify_mode(tls->verified ? asio::ssl::verify_peer : asio::ssl::verify_none, code);
  if (endpoint.files.ca.empty()) {
    context.set_default_verify_paths(code);
  } else if (context.load_verify_file(endpoint.files.ca, code); code) {
    return wrong(endpoint.files.ca, code);
  }
  if (!endpoint.files.certificate.empty()) {
    if (context.use_certificate_chain_file(endpoint.files.certificate, code); code) {
      return wrong(endpoint.files.certificate, code);
    }
    if (context.use_private_key_file(endpoint.files.key, asio::ssl::context::pem, code); code) {
      return wrong(endpoint.files.key, code);
    }
  }
  return tls;
}

std::shared_ptr<Connection> make_connection(asio::io_context& io, const Endpoint& endpoint, std::shared_ptr<TlsContext> tls,
                                            std::shared_ptr<void> alive) {
  return std::make_shared<SocketConnection>(io, endpoint, std::move(tls), std::move(alive));
}

}  // namespace cofferdam::docker

// NOLINTEND(bugprone-unused-return-value)
