#include "docker/engine_stream.hpp"

#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

namespace cofferdam::docker {

namespace {

constexpr int kFirstNotGood = 300;

}  // namespace

EngineStream::EngineStream(std::shared_ptr<EngineContext> context, std::string operation, std::string object, WireRequest request,
                           Callbacks callbacks)
    : context_(std::move(context)),
      operation_(std::move(operation)),
      object_(std::move(object)),
      request_(std::move(request)),
      callbacks_(std::move(callbacks)),
      head_deadline_(context_->io) {}

void EngineStream::start() {
  // Once the head is here the engine may be silent for as long as it likes.
  head_deadline_.expires_after(context_->options.handshake_deadline);
  head_deadline_.async_wait([self = shared_from_this()](const boost::system::error_code& code) {
    if (!code) {
      const auto deadline = self->context_->options.handshake_deadline.count();
      self->fail(ErrorClass::timeout, "the stream did not begin within " + std::to_string(deadline) + " ms");
    }
  });
  auto made = context_->pool->make();
  if (const auto* failure = std::get_if<Failure>(&made)) {
    fail(failure->error_class, failure->message);
    return;
  }
  connection_ = std::get<std::shared_ptr<Connection>>(std::move(made));
  connection_->open([self = shared_from_this()](const std::optional<Failure>& failure) {
    if (self->over_) {
      return;
    }
    if (failure) {
      self->fail(failure->error_class, failure->message);
    } else {
      self->send();
    }
  });
}

void EngineStream::send() {
  // Weak: the exchange is ours, and whoever ends us may never let the loop run again.
  Exchange::Callbacks callbacks;
  callbacks.on_head = [weak = weak_from_this()](const AnswerHead& head) {
    if (const auto self = weak.lock()) {
      self->on_head(head);
    }
  };
  callbacks.on_body = [weak = weak_from_this()](std::string_view bytes) {
    const auto self = weak.lock();
    return self ? self->callbacks_.on_bytes(bytes) : std::nullopt;
  };
  callbacks.on_end = [weak = weak_from_this()](const ExchangeEnd& end) {
    if (const auto self = weak.lock()) {
      self->on_end(end);
    }
  };
  constexpr std::size_t kNoBody = 1U << 20U;  // of an error: a stream's own bytes are not collected
  exchange_ = std::make_shared<Exchange>(connection_, request_, kNoBody, std::move(callbacks));
  if (paused_) {
    exchange_->pause();
  }
  exchange_->start();
}

void EngineStream::on_head(const AnswerHead& head) {
  head_deadline_.cancel();
  if (head.status < kFirstNotGood && callbacks_.on_head) {
    callbacks_.on_head(head);
  }
}

void EngineStream::on_end(const ExchangeEnd& end) {
  if (end.failure) {
    fail(end.failure->error_class, end.failure->message);
  } else if (end.head.status >= kFirstNotGood) {
    finish(status_error(operation_, object_, end.head.status, end.body));
  } else {
    finish(std::nullopt);
  }
}

void EngineStream::pause() {
  paused_ = true;
  if (exchange_) {
    exchange_->pause();
  }
}

void EngineStream::resume() {
  paused_ = false;
  if (exchange_) {
    exchange_->resume();
  }
}

void EngineStream::cancel() {
  fail(ErrorClass::cancelled, "withdrawn");
}

void EngineStream::abandon() {
  callbacks_.on_end = nullptr;
  finish(std::nullopt);
}

void EngineStream::fail(ErrorClass error_class, std::string message) {
  finish(
      Error{.error_class = error_class, .status = 0, .operation = operation_, .object = object_, .message = std::move(message)});
}

void EngineStream::finish(std::optional<Error> error) {
  if (over_) {
    return;
  }
  over_ = true;
  head_deadline_.cancel();
  if (exchange_) {
    exchange_->abandon();
  }
  if (connection_) {
    connection_->close();
  }
  // Later, and only then is what it holds let go: one of the callbacks may be what called us.
  boost::asio::post(context_->io, [self = shared_from_this(), error = std::move(error)]() mutable {
    self->exchange_.reset();
    self->connection_.reset();
    const auto on_end = std::exchange(self->callbacks_.on_end, nullptr);
    self->callbacks_ = {};
    if (on_end) {
      on_end(std::move(error));
    }
  });
}

}  // namespace cofferdam::docker
