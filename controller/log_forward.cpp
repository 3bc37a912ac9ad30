#include "controller/log_forward.hpp"

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

namespace cofferdam::controller {

namespace asio = boost::asio;

namespace {

class Forward : public std::enable_shared_from_this<Forward> {
 public:
  Forward(asio::io_context& loop, const std::shared_ptr<docker::HttpEngine>& engine, std::shared_ptr<LogSink> sink)
      : loop_(loop), engine_(engine), sink_(std::move(sink)) {}

  void begin(const LogRequest& request) {
    docker::LogOptions options;
    options.follow = request.follow;
    if (request.tail && *request.tail >= 0) options.tail = static_cast<std::uint64_t>(*request.tail);
    docker::LogCallbacks callbacks;
    callbacks.on_bytes = [self = shared_from_this()](docker::LogStream stream, std::string_view bytes) {
      self->came(stream == docker::LogStream::standard_error, std::string(bytes));
    };
    callbacks.on_end = [self = shared_from_this()](std::optional<docker::Error> error) {
      self->ended_ = true;
      self->error_ = std::move(error);
      self->step();
    };
    if (const auto engine = engine_.lock()) id_ = engine->logs(request.container_id, options, std::move(callbacks));
  }

  void withdraw() {
    sink_.reset();
    pieces_.clear();
    const auto engine = engine_.lock();
    if (engine && !ended_) engine->cancel_stream(id_);
  }

 private:
  struct Piece {
    bool is_stderr = false;
    std::string bytes;
  };

  void came(bool is_stderr, std::string bytes) {
    if (!sink_) return;
    pieces_.push_back({is_stderr, std::move(bytes)});
    const auto engine = engine_.lock();
    if (engine && !std::exchange(paused_, true)) engine->pause(id_);
    step();
  }

  void step() {
    if (!sink_ || writing_) return;
    if (!pieces_.empty()) {
      Piece piece = std::move(pieces_.front());
      pieces_.pop_front();
      writing_ = true;
      const auto sink = sink_;
      sink->write(piece.is_stderr, std::move(piece.bytes), [self = shared_from_this()] {
        // Posted: a sink that is always ready would otherwise deepen the stack with each piece.
        asio::post(self->loop_, [self] {
          self->writing_ = false;
          self->step();
        });
      });
      return;
    }
    if (ended_) {
      const auto sink = std::exchange(sink_, nullptr);
      sink->end(std::move(error_));
      return;
    }
    const auto engine = engine_.lock();
    if (engine && std::exchange(paused_, false)) engine->resume(id_);
  }

  asio::io_context& loop_;
  const std::weak_ptr<docker::HttpEngine> engine_;
  std::shared_ptr<LogSink> sink_;
  docker::StreamId id_ = 0;
  std::deque<Piece> pieces_;
  bool writing_ = false;
  bool paused_ = false;
  bool ended_ = false;
  std::optional<docker::Error> error_;
};

class Handle final : public LogStream {
 public:
  explicit Handle(std::shared_ptr<Forward> forward) : forward_(std::move(forward)) {}
  ~Handle() override { forward_->withdraw(); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

 private:
  std::shared_ptr<Forward> forward_;
};

}  // namespace

std::unique_ptr<LogStream> forward_log(asio::io_context& loop, const std::shared_ptr<docker::HttpEngine>& engine,
                                       const LogRequest& request, std::shared_ptr<LogSink> sink) {
  auto forward = std::make_shared<Forward>(loop, engine, std::move(sink));
  forward->begin(request);
  return std::make_unique<Handle>(std::move(forward));
}

}  // namespace cofferdam::controller
