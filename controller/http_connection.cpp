#include "controller/http_connection.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <string>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

namespace cofferdam::controller {

namespace http = boost::beast::http;

namespace {

/// The headers that every answer has, and the body; a HEAD gets the length alone.
Response to_response(const HttpAnswer& answer, unsigned version, bool head, bool keep_alive) {
  Response response(static_cast<http::status>(answer.status), version);
  response.set(http::field::server, "cofferdam");
  response.set(http::field::content_type, answer.content_type);
  response.set(http::field::cache_control, "no-store");
  response.set("X-Content-Type-Options", "nosniff");
  response.set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
  for (const auto& [name, value] : answer.headers) {
    response.set(name, value);
  }
  response.keep_alive(keep_alive);
  response.content_length(answer.body.size());
  if (!head) {
    response.body() = answer.body;
  }
  return response;
}

/// SO_PEERCRED says root, or our own user.
bool is_peer_in_control(int socket) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && (peer.uid == 0 || peer.uid == ::geteuid());
}

}  // namespace

// ------------------------------------------------------------------------------------------------ requests

template <typename Protocol>
void Connection<Protocol>::await_request() {
  if (buffer_.size() > 0) {  // a pipelined one is here already
    read_header();
    return;
  }
  stream_.expires_after(context_->options.idle_time);
  stream_.async_read_some(buffer_.prepare(1024), [self = this->shared_from_this()](error_code failed, std::size_t bytes) {
    if (failed || self->is_closed()) {
      self->close();
      return;
    }
    self->buffer_.commit(bytes);
    self->read_header();
  });
}

template <typename Protocol>
void Connection<Protocol>::read_header() {
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(context_->options.header_limit));
  parser_->body_limit(context_->options.body_limit);
  stream_.expires_after(context_->options.header_time);
  boost::beast::http::async_read_header(
      stream_, buffer_, *parser_, [self = this->shared_from_this()](error_code failed, std::size_t) { self->on_header(failed); });
}

template <typename Protocol>
void Connection<Protocol>::on_header(error_code failed) {
  if (is_closed()) {
    return;
  }
  if (failed == http::error::header_limit || failed == http::error::buffer_overflow) {
    send(error_answer(431, "HeaderTooLarge", "the request's header is larger than allowed",
                      "at most " + std::to_string(context_->options.header_limit) + " bytes"),
         true);
  } else if (failed == http::error::body_limit) {
    send(error_answer(413, "BodyTooLarge", "the request's body is larger than allowed",
                      "at most " + std::to_string(context_->options.body_limit) + " bytes, over the unix socket"),
         true);
  } else if (failed.category() == http::make_error_code(http::error::bad_version).category() &&
             failed != http::error::end_of_stream && failed != http::error::partial_message) {
    send(error_answer(400, "BadRequest", "this is no HTTP/1.1 request: " + failed.message(), "for example GET /v1/agents"), true);
  } else if (failed) {
    close();
  } else if (const auto refused = refusal()) {
    send(*refused, true);
  } else if (parser_->is_done()) {
    react_to_request();
  } else {
    read_body();
  }
}

template <typename Protocol>
std::optional<HttpAnswer> Connection<Protocol>::refusal() const {
  const auto& request = parser_->get();
  if (request.count(http::field::host) != 1) {
    return error_answer(400, "BadHost", "a request has exactly one Host header", "for example Host: localhost");
  }
  const std::string host(request[http::field::host]);
  if (!is_local && !is_our_host(host, context_->listen_host)) {
    return error_answer(421, "NotOurHost", "this is not the server that the Host header names",
                        "ask by localhost, 127.0.0.1, [::1] or the host of server.listen");
  }
  if (!is_local && !parser_->is_done()) {
    return error_answer(413, "NoBody", "requests over TCP have no body", "use the unix socket for control words");
  }
  return std::nullopt;
}

template <typename Protocol>
void Connection<Protocol>::read_body() {
  stream_.expires_after(context_->options.header_time);
  http::async_read(stream_, buffer_, *parser_, [self = this->shared_from_this()](error_code failed, std::size_t) {
    if (self->is_closed()) {
      return;
    }
    if (failed == http::error::body_limit) {
      self->send(error_answer(413, "BodyTooLarge", "the request's body is larger than allowed", "a control word is short"), true);
    } else if (failed) {
      self->close();
    } else {
      self->react_to_request();
    }
  });
}

template <typename Protocol>
void Connection<Protocol>::react_to_request() {
  if (context_->api == nullptr) {
    close();
    return;
  }
  const auto& message = parser_->get();
  HttpRequest request;
  request.method = std::string(message.method_string());
  request.target = std::string(message.target());
  request.body = message.body();
  request.local = is_local;
  request.peer_controls = is_local && is_peer_in_control(stream_.socket().native_handle());
  const HttpReaction reaction = react(*context_->api, request);
  if (const auto* answer = std::get_if<HttpAnswer>(&reaction)) {
    send(*answer);
  } else if (const auto* word = std::get_if<HttpWord>(&reaction)) {
    say(word->word ? &*word->word : nullptr);
  } else if (const auto* log = std::get_if<LogRequest>(&reaction)) {
    start_log(*log);
  }
}

template <typename Protocol>
void Connection<Protocol>::say(const Word* word) {
  auto done = [self = this->weak_from_this()](const Verdict& verdict) {
    if (const auto connection = self.lock(); connection && !connection->is_closed()) {
      connection->send(answer_of(verdict));
    }
  };
  // Nothing of this connection is pending while the loop considers it: so the word itself keeps it alive.
  auto keep = [done, self = this->shared_from_this()](const Verdict& verdict) { done(verdict); };
  if (word != nullptr) {
    context_->api->post(*word, keep);
  } else {
    context_->api->reload(keep);
  }
}

template <typename Protocol>
void Connection<Protocol>::send(const HttpAnswer& answer, bool last) {
  const auto& request = parser_->get();
  const bool keep_alive = !last && request.keep_alive();
  const unsigned version = request.version() == 10 ? 10 : 11;
  response_ = to_response(answer, version, request.method() == http::verb::head, keep_alive);
  if (context_->api != nullptr) {
    context_->api->metrics().record("cofferdam_http_requests_total", {std::to_string(answer.status)}, 1);
  }
  stream_.expires_after(context_->options.write_time);
  http::async_write(stream_, response_, [self = this->shared_from_this(), keep_alive](error_code failed, std::size_t) {
    if (failed || self->is_closed()) {
      self->close();
    } else if (keep_alive) {
      self->await_request();
    } else {
      self->finish();
    }
  });
}

/// Says that nothing more comes, and lets the peer read what was sent: closing on unread bytes would reset the connection.
template <typename Protocol>
void Connection<Protocol>::finish() {
  error_code ignored;
  stream_.socket().shutdown(Socket::shutdown_send, ignored);  // NOLINT(bugprone-unused-return-value)
  if (watching_) {
    close();
    return;
  }
  stream_.expires_after(std::chrono::seconds(1));
  drain();
}

template <typename Protocol>
void Connection<Protocol>::drain() {
  constexpr std::size_t most = 65536;
  stream_.async_read_some(boost::asio::buffer(spare_), [self = this->shared_from_this()](error_code failed, std::size_t bytes) {
    self->drained_ += bytes;
    if (failed || self->is_closed() || self->drained_ > most) {
      self->close();
    } else {
      self->drain();
    }
  });
}

// ------------------------------------------------------------------------------------------------ logs

/// Hands a log's pieces to its connection, for as long as that is there.
template <typename Protocol>
class Connection<Protocol>::Pump : public LogSink {
 public:
  explicit Pump(std::weak_ptr<Connection> connection) : connection_(std::move(connection)) {}
  void write(bool /*is_stderr*/, std::string bytes, std::function<void()> more) override {
    if (const auto connection = connection_.lock()) {
      connection->log_piece(std::move(bytes), std::move(more));
    }
  }
  void end(std::optional<docker::Error> error) override {
    if (const auto connection = connection_.lock()) {
      connection->log_end(error);
    }
  }

 private:
  std::weak_ptr<Connection> connection_;
};

template <typename Protocol>
void Connection<Protocol>::start_log(const LogRequest& request) {
  if (parser_->get().version() != 11) {
    send(error_answer(505, "NeedsHttp11", "a log is sent in chunks, which HTTP/1.0 does not have", "ask with HTTP/1.1"), true);
    return;
  }
  if (parser_->get().method() == http::verb::head) {
    HttpAnswer answer;
    answer.content_type = "text/plain; charset=utf-8";
    send(answer);
    return;
  }
  watch_for_end();
  log_ = context_->api->stream_logs(request, std::make_shared<Pump>(this->weak_from_this()));
}

/// The peer that goes away while nothing is written is seen by reading. It also keeps this object alive while the log is silent.
template <typename Protocol>
void Connection<Protocol>::watch_for_end() {
  watching_ = true;
  stream_.expires_never();
  stream_.async_read_some(boost::asio::buffer(spare_), [self = this->shared_from_this()](error_code failed, std::size_t bytes) {
    self->drained_ += bytes;
    constexpr std::size_t most = 65536;
    if (failed || self->is_closed() || self->drained_ > most) {
      self->close();
    } else {
      self->watch_for_end();
    }
  });
}

template <typename Protocol>
void Connection<Protocol>::log_header() {
  log_response_.emplace(http::status::ok, 11);
  log_response_->set(http::field::server, "cofferdam");
  log_response_->set(http::field::content_type, "text/plain; charset=utf-8");
  log_response_->set(http::field::cache_control, "no-store");
  log_response_->set("X-Content-Type-Options", "nosniff");
  log_response_->keep_alive(false);
  log_response_->chunked(true);
  log_serializer_.emplace(*log_response_);
  context_->api->metrics().record("cofferdam_http_requests_total", {"200"}, 1);
  writing_ = true;
  stream_.expires_after(context_->options.write_time);
  http::async_write_header(stream_, *log_serializer_,
                           [self = this->shared_from_this()](error_code failed, std::size_t) { self->after_log_write(failed); });
}

template <typename Protocol>
void Connection<Protocol>::log_piece(std::string bytes, std::function<void()> more) {
  if (is_closed() || context_->api == nullptr) {
    return;
  }
  if (bytes.empty()) {  // an empty chunk would end the body
    more();
    return;
  }
  piece_ = std::move(bytes);
  more_ = std::move(more);
  if (!log_response_) {
    log_header();
  } else if (!writing_) {
    after_log_write({});
  }
}

template <typename Protocol>
void Connection<Protocol>::log_end(const std::optional<docker::Error>& error) {
  if (is_closed() || context_->api == nullptr) {
    return;
  }
  ended_ = true;
  if (error && !log_response_) {
    send(error_answer(502, "LogUnreadable", to_string(*error), "`cofferdam get` tells whether the engine is up"), true);
    return;
  }
  broken_ = error.has_value();
  if (!log_response_) {
    log_header();
  } else if (!writing_) {
    after_log_write({});
  }
}

/// The next thing to write: the piece at hand, the last chunk, or nothing yet.
template <typename Protocol>
void Connection<Protocol>::after_log_write(error_code failed) {
  writing_ = false;
  if (failed || is_closed()) {
    close();
    return;
  }
  if (last_sent_) {
    finish();
    return;
  }
  if (piece_.empty()) {
    if (auto more = std::exchange(more_, nullptr)) {
      more();  // may bring the next piece, or the end, at once
    }
    if (is_closed() || writing_ || piece_.empty()) {
      if (!is_closed() && !writing_ && ended_) {
        if (broken_) {
          close();  // without the last chunk: the reader sees that this is not the whole log
          return;
        }
        writing_ = last_sent_ = true;
        stream_.expires_after(context_->options.write_time);
        boost::asio::async_write(
            stream_, http::make_chunk_last(),
            [self = this->shared_from_this()](error_code failed_now, std::size_t) { self->after_log_write(failed_now); });
      }
      return;
    }
  }
  writing_ = true;
  auto chunk = std::make_shared<std::string>(std::exchange(piece_, {}));
  stream_.expires_after(context_->options.write_time);
  boost::asio::async_write(
      stream_, http::make_chunk(boost::asio::buffer(*chunk)),
      [self = this->shared_from_this(), chunk](error_code failed_now, std::size_t) { self->after_log_write(failed_now); });
}

template class Connection<boost::asio::ip::tcp>;
template class Connection<boost::asio::local::stream_protocol>;

}  // namespace cofferdam::controller
