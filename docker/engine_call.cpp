#include "docker/engine_call.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "docker/wire.hpp"

namespace cofferdam::docker {

namespace {

using boost::system::error_code;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kProgressInterval{1};

std::string seconds_text(std::chrono::milliseconds duration) {
  constexpr int kSecond = 1000;
  return duration.count() % kSecond == 0 ? std::to_string(duration.count() / kSecond) + " s"
                                         : std::to_string(duration.count()) + " ms";
}

/// Docker's config.json: a small regular file on the local disk, read anew for each pull, since people change it.
std::variant<std::string, std::string> read_auth_file(const std::string& path) {
  constexpr std::size_t kLongest = 1U << 20U;
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  std::string text;
  struct stat status{};
  if (file < 0) {
    return std::variant<std::string, std::string>{std::in_place_index<1>, std::strerror(errno)};
  }
  std::string wrong = ::fstat(file, &status) != 0 || !S_ISREG(status.st_mode) ? "not a regular file" : "";
  std::array<char, 16384> piece{};
  while (wrong.empty()) {
    const auto count = ::read(file, piece.data(), piece.size());
    if (count <= 0) {
      wrong = count < 0 ? std::strerror(errno) : "";
      break;
    }
    text.append(piece.data(), static_cast<std::size_t>(count));
    wrong = text.size() > kLongest ? "larger than 1 MiB" : "";
  }
  ::close(file);
  return wrong.empty() ? std::variant<std::string, std::string>{std::in_place_index<0>, std::move(text)}
                       : std::variant<std::string, std::string>{std::in_place_index<1>, std::move(wrong)};
}

}  // namespace

EngineCall::EngineCall(std::shared_ptr<EngineContext> context, Request request, CallOptions options, OnResult done)
    : context_(std::move(context)),
      request_(std::move(request)),
      options_(std::move(options)),
      done_(std::move(done)),
      started_(steady_clock::now()),
      deadline_(context_->io),
      idle_deadline_(context_->io) {}

void EngineCall::start() {
  auto wire = wire_request(request_, context_->api_version);
  if (auto* error = std::get_if<Error>(&wire)) {
    finish(std::move(*error));
    return;
  }
  wire_ = std::get<WireRequest>(std::move(wire));
  deadline_.expires_after(options_.deadline);
  deadline_.async_wait([self = shared_from_this()](const error_code& code) {
    if (!code) {
      self->finish(self->error_of(ErrorClass::timeout, "no whole answer within " + seconds_text(self->options_.deadline)));
    }
  });
  if (std::holds_alternative<ImagePull>(request_) && !context_->options.registry_auth_file.empty()) {
    look_up_credentials();
  } else {
    queue();
  }
}

void EngineCall::look_up_credentials() {
  const auto& path = context_->options.registry_auth_file;
  const auto text = read_auth_file(path);
  if (text.index() == 1) {
    // Most images are for everybody, and few hosts have the file: it is missed only where the pull fails.
    missed_credentials_ = "; no credentials were shown, since " + path + " cannot be read: " + std::get<1>(text);
    queue();
    return;
  }
  const auto config = decode_client_config(std::get<0>(text));
  if (const auto* wrong = std::get_if<std::string>(&config)) {
    finish(error_of(ErrorClass::protocol, "not sent: the registry credentials in " + path + " cannot be understood: " + *wrong));
    return;
  }
  const auto& reference = std::get<ImagePull>(request_).reference;
  auto source = credential_source(std::get<ClientConfig>(config), registry_of(reference));
  if (source.helper.empty()) {
    on_credentials(std::move(source.credentials), source.key);
    return;
  }
  helper_ = ask_credential_helper(
      context_->io, source.helper, source.key, context_->options.credential_helper_deadline,
      [self = shared_from_this(), key = source.key](CredentialHelper::Answer answer) {
        self->on_credentials(std::move(answer), key);
      },
      context_->alive);
}

void EngineCall::on_credentials(CredentialHelper::Answer answer, const std::string& key) {
  if (over_) {
    return;
  }
  if (const auto* wrong = std::get_if<std::string>(&answer)) {
    finish(error_of(ErrorClass::protocol, "not sent: no credentials: " + *wrong));
    return;
  }
  if (const auto& credentials = std::get<0>(answer)) {
    wire_.registry_auth = encode_registry_auth(*credentials, key);
  }
  queue();
}

void EngineCall::queue() {
  ticket_ = context_->pool->wait_for_slot([weak = weak_from_this()](ConnectionPool::Slot slot) {
    if (const auto self = weak.lock(); self && !self->over_) {
      self->slot_ = std::move(slot);
      // What may take minutes gets a connection of its own, sure to be good: nothing could be sent twice.
      const bool fresh =
          std::holds_alternative<ImagePull>(self->request_) || std::holds_alternative<ContainerWait>(self->request_);
      self->dispatch(fresh);
    }
  });
}

void EngineCall::dispatch(bool fresh) {
  connection_ = fresh ? nullptr : context_->pool->take_idle();
  if (connection_) {
    send(true);
    return;
  }
  auto made = context_->pool->make();
  if (const auto* failure = std::get_if<Failure>(&made)) {
    finish(error_of(failure->error_class, failure->message));
    return;
  }
  connection_ = std::get<std::shared_ptr<Connection>>(std::move(made));
  connection_->open([self = shared_from_this()](const std::optional<Failure>& failure) {
    if (self->over_) {
      return;
    }
    if (failure) {
      self->finish(self->error_of(failure->error_class, failure->message));
    } else {
      self->send(false);
    }
  });
}

void EngineCall::send(bool reused) {
  const bool pull = std::holds_alternative<ImagePull>(request_);
  Exchange::Callbacks callbacks;
  if (pull) {
    callbacks.on_body = [self = shared_from_this()](std::string_view bytes) { return self->on_pull_bytes(bytes); };
  }
  if (options_.idle_deadline.count() > 0) {
    callbacks.on_progress = [self = shared_from_this()] { self->set_idle_deadline(); };
    set_idle_deadline();
  }
  callbacks.on_end = [self = shared_from_this(), reused](ExchangeEnd end) { self->on_end(std::move(end), reused); };
  exchange_ = std::make_shared<Exchange>(connection_, wire_, longest_body(request_, context_->options.max_reply_bytes),
                                         std::move(callbacks));
  exchange_->start();
}

void EngineCall::on_end(ExchangeEnd end, bool reused) {
  if (over_) {
    return;
  }
  exchange_.reset();
  const bool stale = end.failure && end.failure->error_class == ErrorClass::reset && reused && !repeated_ && !end.answer_begun;
  if (stale && (wire_.safe() || !end.wrote_any)) {
    repeated_ = true;
    dispatch(true);
    return;
  }
  if (end.reusable) {
    context_->pool->give_back(std::move(connection_));
  }
  connection_.reset();
  finish(result_of(std::move(end)));
}

Result EngineCall::result_of(ExchangeEnd end) {
  if (end.failure) {
    return error_of(end.failure->error_class, end.failure->message);
  }
  constexpr int kFirstNotGood = 300;
  if (std::holds_alternative<ImagePull>(request_) && end.head.status < kFirstNotGood) {
    std::optional<std::string> wrong;
    lines_.finish([&](std::string_view line) {
      auto decoded = decode_pull_line(line);
      if (const auto* text = std::get_if<std::string>(&decoded)) {
        wrong = *text;
      } else {
        pull_.add(std::get<PullLine>(decoded));
      }
    });
    if (wrong) {
      return error_of(ErrorClass::protocol, "a line of the answer cannot be read: " + *wrong);
    }
    if (const auto& failure = pull_.failure()) {
      auto error = error_of(ErrorClass::in_stream, failure->error);
      error.status = failure->error_code;
      return error;
    }
    return Reply{ImagePulled{.digest = pull_.digest()}};
  }
  return read_reply(request_, {.status = end.head.status,
                               .body = std::move(end.body),
                               .api_version_header = end.head.api_version,
                               .podman = end.head.podman});
}

std::optional<std::string> EngineCall::on_pull_bytes(std::string_view bytes) {
  std::optional<std::string> wrong;
  const bool good = lines_.feed(bytes, [&](std::string_view line) {
    auto decoded = decode_pull_line(line);
    if (const auto* text = std::get_if<std::string>(&decoded)) {
      wrong = "a line of the answer cannot be read: " + *text;
    } else {
      pull_.add(std::get<PullLine>(decoded));
    }
  });
  if (!good) {
    return "a line of the answer is longer than any that an engine writes";
  }
  report_progress();
  return wrong;
}

void EngineCall::report_progress() {
  const auto now = steady_clock::now();
  if (options_.on_progress && now - progress_reported_ >= kProgressInterval) {
    progress_reported_ = now;
    options_.on_progress(pull_.text());
  }
}

void EngineCall::set_idle_deadline() {
  if (over_) {
    return;
  }
  idle_deadline_.expires_after(options_.idle_deadline);
  idle_deadline_.async_wait([self = shared_from_this()](const error_code& code) {
    if (!code) {
      self->finish(self->error_of(ErrorClass::timeout, "not a byte within " + seconds_text(self->options_.idle_deadline)));
    }
  });
}

void EngineCall::cancel() {
  finish(error_of(ErrorClass::cancelled, "withdrawn"));
}

void EngineCall::abandon() {
  over_ = true;
  done_ = nullptr;
  release();
}

void EngineCall::explain(Error& error) const {
  const bool by_registry = error.error_class == ErrorClass::status || error.error_class == ErrorClass::in_stream;
  if (by_registry) {
    error.message += missed_credentials_;
  }
}

Error EngineCall::error_of(ErrorClass error_class, std::string message) const {
  return {.error_class = error_class,
          .status = 0,
          .operation = std::string(operation_of(request_)),
          .object = object_of(request_),
          .message = std::move(message)};
}

void EngineCall::finish(Result result) {
  if (over_) {
    return;
  }
  over_ = true;
  release();
  if (auto* error = std::get_if<Error>(&result)) {
    explain(*error);
  }
  const std::chrono::duration<double> took = steady_clock::now() - started_;
  boost::asio::post(context_->io, [self = shared_from_this(), result = std::move(result), took]() mutable {
    const auto done = std::exchange(self->done_, nullptr);
    if (!done) {
      return;  // abandoned meanwhile
    }
    if (const auto& observe = self->context_->options.on_call_done) {
      const auto* error = std::get_if<Error>(&result);
      const auto* reply = std::get_if<Reply>(&result);
      const auto* plain = reply != nullptr ? std::get_if<Done>(reply) : nullptr;
      std::string code = "200";
      if (error != nullptr) {
        code =
            error->error_class == ErrorClass::status ? std::to_string(error->status) : std::string(name_of(error->error_class));
      } else if (plain != nullptr) {
        code = plain->already ? "304" : "204";
      } else if (reply != nullptr && std::holds_alternative<ContainerCreated>(*reply)) {
        code = "201";
      }
      observe(operation_of(self->request_), code, took);
    }
    done(std::move(result));
  });
}

void EngineCall::release() {
  deadline_.cancel();
  idle_deadline_.cancel();
  if (helper_) {
    helper_->stop();
    helper_.reset();
  }
  ticket_.reset();
  if (exchange_) {
    exchange_->abandon();
    exchange_.reset();
  }
  if (connection_) {
    connection_->close();
    connection_.reset();
  }
  slot_.reset();
  wire_ = {};
}

}  // namespace cofferdam::docker
