#pragma once

// One connection of the status server: waits for a request, answers it, waits for the next. Private to status_server.cpp; here
// HTTP meets Beast. An object lives as long as one of its operations is pending, and close() ends them all.

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include "controller/http_message.hpp"
#include "controller/status_server.hpp"

namespace cofferdam::controller {

using Response = boost::beast::http::response<boost::beast::http::string_body>;

/// What the server knows of a connection: something to be ended.
class AnyConnection {
 public:
  virtual ~AnyConnection() = default;
  virtual void close() = 0;
};

/// What connections share. `api` is null once the server has stopped: nothing of the run loop is touched any more.
struct ConnectionContext {
  Api* api = nullptr;
  StatusServerOptions options;
  std::string listen_host;
};

template <typename Protocol>
class Connection : public AnyConnection, public std::enable_shared_from_this<Connection<Protocol>> {
 public:
  using Socket = typename Protocol::socket;
  static constexpr bool is_local = std::is_same_v<Protocol, boost::asio::local::stream_protocol>;

  Connection(Socket socket, std::shared_ptr<ConnectionContext> context, std::function<void()> closed)
      : context_(std::move(context)),
        stream_(std::move(socket)),
        buffer_(context_->options.header_limit + context_->options.body_limit),
        closed_(std::move(closed)) {}
  ~Connection() override { close(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void start() { read_header(); }

  void close() final {
    if (auto closed = std::exchange(closed_, nullptr)) {
      log_.reset();
      more_ = nullptr;
      stream_.close();
      closed();
    }
  }

 private:
  using error_code = boost::system::error_code;
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  class Pump;

  [[nodiscard]] bool is_closed() const { return closed_ == nullptr; }

  void await_request();
  void read_header();
  void on_header(error_code failed);
  [[nodiscard]] std::optional<HttpAnswer> refusal() const;
  void read_body();
  void react_to_request();
  void say(const Word* word);
  void send(const HttpAnswer& answer, bool last = false);
  void finish();
  void drain();

  void start_log(const LogRequest& request);
  void watch_for_end();
  void log_header();
  void log_piece(std::string bytes, std::function<void()> more);
  void log_end(const std::optional<docker::Error>& error);
  void after_log_write(error_code failed);

  std::shared_ptr<ConnectionContext> context_;
  boost::beast::basic_stream<Protocol> stream_;
  boost::beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  Response response_;
  std::function<void()> closed_;

  // Of a log being streamed.
  std::unique_ptr<LogStream> log_;
  std::optional<boost::beast::http::response<boost::beast::http::empty_body>> log_response_;
  std::optional<boost::beast::http::response_serializer<boost::beast::http::empty_body>> log_serializer_;
  std::string piece_;
  std::function<void()> more_;
  bool watching_ = false;
  bool writing_ = false;
  bool ended_ = false;      ///< the log has ended
  bool broken_ = false;     ///< … by an error after its first piece
  bool last_sent_ = false;  ///< the last chunk is on its way
  std::size_t drained_ = 0;
  std::array<char, 512> spare_{};
};

}  // namespace cofferdam::controller
