#include "docker/exchange.hpp"

#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

namespace cofferdam::docker {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

namespace {

constexpr std::size_t kPiece = 64U << 10U;
constexpr std::size_t kLongestErrorBody = 1U << 20U;
constexpr int kFirstFinal = 200;
constexpr int kFirstNotGood = 300;

std::string http_text(const WireRequest& request) {
  std::string text =
      request.method + " " + request.target + " HTTP/1.1\r\nHost: docker\r\nUser-Agent: cofferdam/" COFFERDAM_VERSION "\r\n";
  if (!request.registry_auth.empty()) {
    text += "X-Registry-Auth: " + request.registry_auth + "\r\n";
  }
  if (!request.body.empty()) {
    text += "Content-Type: application/json\r\n";
  }
  if (request.method == "POST") {
    text += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  }
  return text + "\r\n" + request.body;
}

std::string kilobytes(std::size_t bytes) {
  return std::to_string(bytes >> 10U) + " KiB";
}

}  // namespace

struct Exchange::Parser {
  http::response_parser<http::string_body> http;
  boost::beast::flat_buffer buffer;
};

Exchange::Exchange(std::shared_ptr<Connection> connection, const WireRequest& request, std::size_t longest_body,
                   Callbacks callbacks)
    : connection_(std::move(connection)),
      request_(http_text(request)),
      head_request_(request.method == "HEAD"),
      longest_body_(longest_body),
      callbacks_(std::move(callbacks)),
      parser_(std::make_unique<Parser>()) {
  parser_->http.body_limit(boost::none);  // bounded here, by status and by use
  parser_->http.skip(head_request_);
}

Exchange::~Exchange() = default;

void Exchange::start() {
  connection_->write(request_, [self = shared_from_this()](const std::optional<Failure>& failure, std::size_t count) {
    if (self->over_) {
      return;
    }
    self->end_.wrote_any = count > 0;
    if (failure && count == 0) {
      self->fail(*failure);
      return;
    }
    // A request that was cut short may have been answered all the same: the answer says why.
    self->read();
  });
}

void Exchange::abandon() {
  over_ = true;  // the callbacks stay: one of them may be what called us
  connection_->close();
}

void Exchange::pause() {
  paused_ = true;
}

void Exchange::resume() {
  paused_ = false;
  if (!over_ && !reading_ && end_.wrote_any) {
    read();
  }
}

void Exchange::read() {
  if (paused_ || over_) {
    return;
  }
  reading_ = true;
  const auto space = parser_->buffer.prepare(kPiece);
  connection_->read_some(static_cast<char*>(space.data()), space.size(),
                         [self = shared_from_this()](const std::optional<Failure>& failure, std::size_t count) {
                           self->reading_ = false;
                           if (!self->over_) {
                             self->on_read(failure, count);
                           }
                         });
}

void Exchange::on_read(const std::optional<Failure>& failure, std::size_t count) {
  if (failure) {
    if (failure->end_of_stream && end_.answer_begun) {
      end_of_stream();
    } else {
      fail(*failure);
    }
    return;
  }
  end_.answer_begun = true;
  parser_->buffer.commit(count);
  if (callbacks_.on_progress) {
    callbacks_.on_progress();
  }
  if (parse() && !over_) {
    if (parser_->http.is_done()) {
      finish();
    } else {
      read();
    }
  }
}

/// Everything that the buffer holds; false once the exchange is over.
bool Exchange::parse() {
  auto& http = parser_->http;
  auto& buffer = parser_->buffer;
  bool more = true;
  while (more && buffer.size() > 0 && !http.is_done()) {
    const bool had_head = http.is_header_done();
    error_code code;
    http.eager(had_head);  // the head alone first: its bounds are checked before a body is made room for
    const auto used = http.put(buffer.data(), code);
    buffer.consume(used);
    more = code != http::error::need_more && (used > 0 || code);
    if (code && code != http::error::need_more) {
      fail({ErrorClass::protocol, "the answer is not HTTP as it should be: " + code.message()});
      return false;
    }
    if (http.is_header_done() && !had_head && !take_head()) {
      return false;
    }
    if (http.is_header_done() && !take_body()) {
      return false;
    }
  }
  return true;
}

bool Exchange::take_head() {
  const auto& message = parser_->http.get();
  end_.head.status = static_cast<int>(message.result_int());
  if (end_.head.status < kFirstFinal) {  // "020" is three digits to the parser; and no call of ours is answered with a 1xx
    fail({ErrorClass::protocol, "the answer's status is " + std::to_string(end_.head.status) + ", which ends no call"});
    return false;
  }
  end_.head.content_type = std::string(message[http::field::content_type]);
  end_.head.api_version = std::string(message["Api-Version"]);
  end_.head.podman = message.find("Libpod-Api-Version") != message.end();
  const bool good = end_.head.status < kFirstNotGood;
  streaming_ = good && callbacks_.on_body != nullptr;
  if (!good) {
    longest_body_ = kLongestErrorBody;
  }
  const auto length = parser_->http.content_length();
  if (!streaming_ && !head_request_ && length && *length > longest_body_) {
    fail({ErrorClass::protocol,
          "the answer's body has " + std::to_string(*length) + " bytes, more than " + kilobytes(longest_body_)});
    return false;
  }
  if (streaming_ && length && *length > (std::uint64_t{1} << 40U)) {
    fail({ErrorClass::protocol, "the answer's length is absurd"});
    return false;
  }
  if (callbacks_.on_head) {
    callbacks_.on_head(end_.head);
  }
  return !over_;
}

bool Exchange::take_body() {
  auto& body = parser_->http.get().body();
  if (!streaming_) {
    if (body.size() > longest_body_) {
      fail({ErrorClass::protocol, "the answer's body is longer than " + kilobytes(longest_body_)});
      return false;
    }
    return true;
  }
  if (!body.empty()) {
    const auto wrong = callbacks_.on_body(body);
    if (over_) {
      return false;
    }
    body.clear();
    if (wrong) {
      fail({ErrorClass::protocol, *wrong});
      return false;
    }
  }
  return true;
}

void Exchange::end_of_stream() {
  error_code code;
  if (parser_->http.is_header_done()) {
    parser_->http.put_eof(code);  // good where the body ends with the connection
  } else {
    code = http::error::end_of_stream;
  }
  if (code || !parser_->http.is_done()) {
    fail({ErrorClass::reset, "the engine ended the connection in the middle of its answer"});
  } else {
    finish();
  }
}

void Exchange::fail(Failure failure) {
  end_.failure = std::move(failure);
  finish();
}

void Exchange::finish() {
  if (over_) {
    return;
  }
  over_ = true;
  end_.body = std::move(parser_->http.get().body());
  end_.reusable = !end_.failure && parser_->http.is_done() && parser_->http.keep_alive() && parser_->buffer.size() == 0;
  if (!end_.reusable) {
    connection_->close();
  }
  const auto on_end = std::move(callbacks_.on_end);
  callbacks_ = {};
  if (on_end) {
    on_end(std::move(end_));
  }
}

}  // namespace cofferdam::docker
