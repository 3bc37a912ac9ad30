#include "docker/http_engine.hpp"

#include <map>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "docker/engine_call.hpp"
#include "docker/engine_stream.hpp"
#include "docker/time.hpp"

namespace cofferdam::docker {

namespace {

using HandshakeDone = std::function<void(std::variant<Handshake, Error>)>;

Error version_error(std::string message) {
  return {.error_class = ErrorClass::version,
          .status = 0,
          .operation = "version negotiation",
          .object = {},
          .message = std::move(message)};
}

/// The highest version that both speak.
std::variant<std::string, Error> common_version(const Endpoint& endpoint, const EngineVersion& version) {
  const auto who = "the engine at " + address_of(endpoint) + " (version " + version.version + ")";
  const std::string oldest(kOldestApi);
  const std::string newest(kNewestApi);
  if (older_version(version.api_version, oldest)) {
    return version_error(who + " is too old: it speaks API " + version.api_version + " at most, and " + oldest +
                         " is needed (Docker 20.10, Podman 4). Mend: upgrade the engine");
  }
  if (older_version(newest, version.min_api_version)) {
    return version_error(
        who + " is too new: the oldest API it speaks is " + version.min_api_version + ", and " + newest +
        " is the newest known here. Mend: upgrade Cofferdam, or start the engine with DOCKER_MIN_API_VERSION=" + newest);
  }
  return older_version(version.api_version, newest) ? version.api_version : newest;
}

}  // namespace

class HttpEngine::Impl : public std::enable_shared_from_this<HttpEngine::Impl> {
 public:
  Impl(boost::asio::io_context& io, Endpoint endpoint, HttpEngineOptions options) : io_(io) {
    // What is under way holds a copy; with the last one close() has been done.
    auto alive = std::shared_ptr<void>(static_cast<void*>(nullptr), [closed = closed_](void*) {
      if (*closed) {
        (*closed)();
      }
    });
    const ConnectionPool::Limits limits{.in_use = options.max_connections, .idle = options.max_idle_connections};
    auto pool = std::make_shared<ConnectionPool>(io, endpoint, limits, alive);
    context_ = std::make_shared<EngineContext>(EngineContext{.io = io,
                                                             .endpoint = std::move(endpoint),
                                                             .options = std::move(options),
                                                             .pool = std::move(pool),
                                                             .alive = std::move(alive)});
  }

  const Endpoint& endpoint() const { return context_->endpoint; }
  std::size_t calls_in_flight() const { return calls_.size(); }
  std::size_t idle_connections() const { return context_->pool->idle_connections(); }

  void call(CallId id, Request request, CallOptions options, std::function<void(Result)> done) {
    auto call = std::make_shared<EngineCall>(context_, std::move(request), std::move(options),
                                             [weak = weak_from_this(), id, done = std::move(done)](Result result) {
                                               if (const auto self = weak.lock()) {
                                                 self->calls_.erase(id);
                                               }
                                               done(std::move(result));
                                             });
    calls_[id] = call;
    if (closing_) {
      call->cancel();
    } else {
      call->start();
    }
  }

  void cancel(CallId id) {
    if (const auto found = calls_.find(id); found != calls_.end()) {
      found->second->cancel();
    }
  }

  void negotiate(HandshakeDone done) {
    own_call(SystemPing{}, [self = shared_from_this(), done = std::move(done)](Result result) {
      const auto* error = std::get_if<Error>(&result);
      // What is too old for HEAD, or refuses it, may still tell its version: the message is better then.
      if (error != nullptr && error->error_class != ErrorClass::status) {
        done(*error);
        return;
      }
      const auto* reply = std::get_if<Reply>(&result);
      const auto pong = reply != nullptr ? std::get<Pong>(*reply) : Pong{};
      self->ask_version(pong, done);
    });
  }

  StreamId open_stream(const std::string& operation, const std::string& object, WireRequest request,
                       EngineStream::Callbacks callbacks) {
    const auto id = next_stream_++;
    callbacks.on_end = [weak = weak_from_this(), id, on_end = std::move(callbacks.on_end)](std::optional<Error> error) {
      if (const auto self = weak.lock()) {
        self->streams_.erase(id);
      }
      on_end(std::move(error));
    };
    auto stream = std::make_shared<EngineStream>(context_, operation, object, std::move(request), std::move(callbacks));
    streams_[id] = stream;
    if (closing_) {
      stream->cancel();
    } else {
      stream->start();
    }
    return id;
  }

  EngineStream* stream(StreamId id) {
    const auto found = streams_.find(id);
    return found == streams_.end() ? nullptr : found->second.get();
  }

  const std::string& api_version() const { return context_->api_version; }

  void close(std::function<void()> closed) {
    closing_ = true;
    *closed_ = [&io = io_, closed = std::move(closed)] { boost::asio::post(io, closed); };
    for (const auto& [id, call] : std::map(calls_)) {
      call->cancel();
    }
    for (const auto& [id, stream] : std::map(streams_)) {
      stream->cancel();
    }
    context_->pool->close();
    // Behind the answers that were just posted.
    boost::asio::post(io_, [self = shared_from_this()] { self->context_->alive.reset(); });
  }

  void abandon() {
    closing_ = true;
    for (const auto& [id, call] : std::map(calls_)) {
      call->abandon();
    }
    for (const auto& [id, stream] : std::map(streams_)) {
      stream->abandon();
    }
    calls_.clear();
    streams_.clear();
    context_->pool->close();
  }

 private:
  void own_call(Request request, std::function<void(Result)> done) {
    call(next_own_call_++, std::move(request), {.deadline = context_->options.handshake_deadline}, std::move(done));
  }

  void ask_version(const Pong& pong, const HandshakeDone& done) {
    own_call(SystemVersion{}, [self = shared_from_this(), pong, done](Result result) {
      if (auto* error = std::get_if<Error>(&result)) {
        done(std::move(*error));
        return;
      }
      auto version = std::get<EngineVersion>(std::get<Reply>(std::move(result)));
      auto chosen = common_version(self->endpoint(), version);
      if (auto* error = std::get_if<Error>(&chosen)) {
        done(std::move(*error));
        return;
      }
      self->context_->api_version = std::get<std::string>(chosen);
      self->ask_info(
          {.api_version = std::get<std::string>(chosen), .version = std::move(version), .info = {}, .podman = pong.podman}, done);
    });
  }

  void ask_info(Handshake handshake, const HandshakeDone& done) {
    own_call(SystemInfo{}, [handshake = std::move(handshake), done](Result result) mutable {
      if (auto* error = std::get_if<Error>(&result)) {
        done(std::move(*error));
        return;
      }
      handshake.info = std::get<EngineInfo>(std::get<Reply>(std::move(result)));
      done(std::move(handshake));
    });
  }

  boost::asio::io_context& io_;
  std::shared_ptr<std::function<void()>> closed_ = std::make_shared<std::function<void()>>();
  std::shared_ptr<EngineContext> context_;
  std::map<CallId, std::shared_ptr<EngineCall>> calls_;
  std::map<StreamId, std::shared_ptr<EngineStream>> streams_;
  CallId next_own_call_ = CallId{1} << 63U;  ///< apart from the caller's
  StreamId next_stream_ = 1;
  bool closing_ = false;
};

HttpEngine::HttpEngine(boost::asio::io_context& io, Endpoint endpoint, HttpEngineOptions options)
    : impl_(std::make_shared<Impl>(io, std::move(endpoint), std::move(options))) {}

HttpEngine::~HttpEngine() {
  impl_->abandon();
}

const Endpoint& HttpEngine::endpoint() const {
  return impl_->endpoint();
}

void HttpEngine::negotiate(std::function<void(std::variant<Handshake, Error>)> done) {
  impl_->negotiate(std::move(done));
}

void HttpEngine::start(CallId id, Request request, CallOptions options, std::function<void(Result)> done) {
  impl_->call(id, std::move(request), std::move(options), std::move(done));
}

void HttpEngine::cancel(CallId id) {
  impl_->cancel(id);
}

StreamId HttpEngine::subscribe(EventCallbacks callbacks) {
  auto lines = std::make_shared<LineSplitter>();
  EngineStream::Callbacks stream;
  stream.on_head = [on_subscribed = std::move(callbacks.on_subscribed)](const AnswerHead&) {
    if (on_subscribed) {
      on_subscribed();
    }
  };
  stream.on_bytes = [lines, on_event = std::move(callbacks.on_event)](std::string_view bytes) {
    std::optional<std::string> wrong;
    const bool good = lines->feed(bytes, [&](std::string_view line) {
      auto event = decode_event(line);
      if (const auto* text = std::get_if<std::string>(&event)) {
        wrong = "an event cannot be read: " + *text;
      } else if (on_event) {
        on_event(std::get<Event>(std::move(event)));
      }
    });
    return good ? wrong : std::optional<std::string>("an event is longer than any that an engine writes");
  };
  stream.on_end = [on_end = std::move(callbacks.on_end)](const std::optional<Error>& error) {
    if (on_end) {
      on_end(error.value_or(Error{.error_class = ErrorClass::reset,
                                  .status = 0,
                                  .operation = "system events",
                                  .object = {},
                                  .message = "the engine ended its event stream (it may be going down)"}));
    }
  };
  return impl_->open_stream("system events", {}, wire_events(impl_->api_version()), std::move(stream));
}

StreamId HttpEngine::logs(const std::string& container_id, const LogOptions& options, LogCallbacks callbacks) {
  const LogQuery query{.follow = options.follow, .tail = options.tail, .timestamps = options.timestamps, .since = options.since};
  auto frames = std::make_shared<LogFrames>();
  auto raw = std::make_shared<bool>(options.tty);
  EngineStream::Callbacks stream;
  stream.on_head = [raw](const AnswerHead& head) {
    // From 1.42 on the answer of a container without a terminal says so. "raw-stream" says nothing: before, all were.
    *raw = *raw && head.content_type != "application/vnd.docker.multiplexed-stream";
  };
  stream.on_bytes = [frames, raw,
                     on_bytes = std::move(callbacks.on_bytes)](std::string_view bytes) -> std::optional<std::string> {
    if (*raw) {
      on_bytes(LogStream::standard_output, bytes);
      return std::nullopt;
    }
    return frames->feed(bytes, on_bytes) ? std::nullopt
                                         : std::optional<std::string>("the log is not in frames (has the container a terminal?)");
  };
  stream.on_end = std::move(callbacks.on_end);
  return impl_->open_stream("container logs", container_id, wire_logs(container_id, query, impl_->api_version()),
                            std::move(stream));
}

void HttpEngine::pause(StreamId id) {
  if (auto* stream = impl_->stream(id)) {
    stream->pause();
  }
}

void HttpEngine::resume(StreamId id) {
  if (auto* stream = impl_->stream(id)) {
    stream->resume();
  }
}

void HttpEngine::cancel_stream(StreamId id) {
  if (auto* stream = impl_->stream(id)) {
    stream->cancel();
  }
}

void HttpEngine::close(std::function<void()> closed) {
  impl_->close(std::move(closed));
}

std::size_t HttpEngine::calls_in_flight() const {
  return impl_->calls_in_flight();
}
std::size_t HttpEngine::idle_connections() const {
  return impl_->idle_connections();
}

}  // namespace cofferdam::docker
