#include "controller/api_client.hpp"

#include <array>
#include <chrono>
#include <functional>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

namespace cofferdam::controller {

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using Local = asio::local::stream_protocol;

constexpr std::chrono::seconds patience{30};
constexpr std::size_t largest_reply = 256U << 20U;

ApiFailure cannot_connect(const std::string& socket, const error_code& failed) {
  if (failed == asio::error::access_denied || failed == boost::system::errc::operation_not_permitted) {
    return {ApiFailure::Kind::no_permission, "cannot open " + socket + ": " + failed.message() +
                                                 "; use sudo, or join the socket's group (`stat -c %G " + socket + "` names it)"};
  }
  return {ApiFailure::Kind::nobody, "no running controller at " + socket + " (" + failed.message() +
                                        "); start one: `systemctl start cofferdam`, or `cofferdam run`. Does it use another "
                                        "configuration? Name that by --config"};
}

/// One request on a connection of its own. Asynchronous inside, because only that can be bounded in time.
class Exchange {
 public:
  explicit Exchange(bool endless) : stream_(io_), endless_(endless) { parser_.body_limit(largest_reply); }

  ApiResult run(const std::string& socket, const std::string& target, const std::string& body,
                const std::function<bool(std::string_view)>& on_bytes) {
    error_code failed;
    if (socket.empty() || socket.size() >= 108) {
      return ApiFailure{ApiFailure::Kind::nobody, "server.socket is \"" + socket + "\": no path that a unix socket may have"};
    }
    if (stream_.socket().connect(Local::endpoint(socket), failed)) {
      return cannot_connect(socket, failed);
    }
    http::request<http::string_body> request(body.empty() ? http::verb::get : http::verb::post, target, 11);
    request.set(http::field::host, "localhost");
    request.set(http::field::user_agent, "cofferdam");
    if (!body.empty()) {
      request.set(http::field::content_type, "application/json");
      request.body() = body;
    }
    request.prepare_payload();
    failed = wait([&](auto done) { http::async_write(stream_, request, done); });
    if (!failed || failed == asio::error::broken_pipe) {
      failed = wait([&](auto done) { http::async_read_header(stream_, buffer_, parser_, done); });
    }
    if (failed) {
      return broken(failed);
    }
    return read_body(on_bytes);
  }

 private:
  template <typename Start>
  error_code wait(const Start& start) {
    if (endless_) {
      stream_.expires_never();
    } else {
      stream_.expires_after(patience);
    }
    error_code result;
    start([&result](error_code failed, std::size_t) { result = failed; });
    io_.restart();
    io_.run();
    return result;
  }

  ApiResult read_body(const std::function<bool(std::string_view)>& on_bytes) {
    ApiReply reply{static_cast<int>(parser_.get().result_int()), {}};
    std::array<char, 16384> room{};
    while (!parser_.is_done()) {
      parser_.get().body().data = room.data();
      parser_.get().body().size = room.size();
      error_code failed = wait([&](auto done) { http::async_read_some(stream_, buffer_, parser_, done); });
      const std::string_view piece(room.data(), room.size() - parser_.get().body().size);
      if (on_bytes && reply.status == 200) {
        if (!piece.empty() && !on_bytes(piece)) {
          return reply;
        }
      } else {
        reply.body += piece;
      }
      if (failed && failed != http::error::need_buffer) {
        return broken(failed);
      }
    }
    return reply;
  }

  static ApiFailure broken(const error_code& failed) {
    return {ApiFailure::Kind::broken,
            "the controller did not answer to the end: " + failed.message() + "; its log tells more (`journalctl -u cofferdam`)"};
  }

  asio::io_context io_;
  boost::beast::basic_stream<Local> stream_;
  boost::beast::flat_buffer buffer_;
  http::response_parser<http::buffer_body> parser_;
  bool endless_;
};

}  // namespace

ApiResult ask_controller(const std::string& socket, const std::string& target, const std::string& body) {
  return Exchange(false).run(socket, target, body, {});
}

ApiResult stream_from_controller(const std::string& socket, const std::string& target,
                                 const std::function<bool(std::string_view)>& on_bytes) {
  return Exchange(true).run(socket, target, {}, on_bytes);
}

}  // namespace cofferdam::controller
