#include "controller/engine_session.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

namespace cofferdam::controller {

namespace asio = boost::asio;

namespace {

/// The client's own words where it could not even connect: they have the mend in them.
bool explains_itself(docker::ErrorClass error) {
  return error == docker::ErrorClass::refused || error == docker::ErrorClass::not_found_path ||
         error == docker::ErrorClass::no_permission || error == docker::ErrorClass::version;
}

std::string mend_of(docker::ErrorClass error) {
  switch (error) {
    case docker::ErrorClass::tls: return "check DOCKER_CERT_PATH (ca.pem, cert.pem, key.pem) against the engine's certificate";
    case docker::ErrorClass::protocol:
      return "what listens there is not an engine, or something stands in between: check engine.host";
    case docker::ErrorClass::timeout:
    case docker::ErrorClass::status: return "look at the engine's own log (journalctl -u docker)";
    case docker::ErrorClass::refused:
    case docker::ErrorClass::not_found_path:
    case docker::ErrorClass::no_permission:
    case docker::ErrorClass::version:
    case docker::ErrorClass::reset:
    case docker::ErrorClass::cancelled:
    case docker::ErrorClass::in_stream: return {};
  }
  return {};
}

}  // namespace

std::string explain_engine_error(const docker::Error& error, const docker::Endpoint& endpoint) {
  std::string text = "engine at " + docker::address_of(endpoint) + ": ";
  text += explains_itself(error.error_class) ? error.message : docker::to_string(error);
  const std::string mend = mend_of(error.error_class);
  if (!mend.empty()) text += "; " + mend;
  return text;
}

std::variant<docker::Endpoint, std::string> engine_endpoint(const specs::LoadedConfiguration& loaded) {
  docker::EndpointInputs inputs;
  for (const char* const name : {"DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"}) {
    if (const char* const value = std::getenv(name)) inputs.environment[name] = value;
  }
  if (const char* const home = std::getenv("HOME")) inputs.home = home;
  inputs.allow_insecure_loopback = loaded.configuration.engine.allow_insecure_loopback;
  const auto found = loaded.origins.find("engine.host");
  const std::string origin = found == loaded.origins.end() ? "default" : found->second;
  if (origin.starts_with("--") || origin.starts_with("COFFERDAM_")) {
    inputs.flag = loaded.configuration.engine.host;
  } else if (origin != "default" && origin != "DOCKER_HOST") {
    inputs.configured = loaded.configuration.engine.host;
  }
  return docker::resolve_endpoint(inputs, [](const std::string& path) -> std::optional<std::string> {
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::nullopt;
    return std::string(std::istreambuf_iterator<char>(file), {});
  });
}

class EngineSession::Impl : public std::enable_shared_from_this<EngineSession::Impl> {
 public:
  Impl(asio::io_context& loop, docker::HttpEngine& engine, Handlers handlers, ReconnectDelays delays)
      : loop_(loop), engine_(engine), handlers_(std::move(handlers)), delays_(delays), delay_(delays.first), retry_(loop) {}

  void connect() {
    if (stopped_) return;
    engine_.negotiate([self = shared_from_this()](std::variant<docker::Handshake, docker::Error> result) {
      if (self->stopped_) return;
      if (const auto* const error = std::get_if<docker::Error>(&result)) return self->failed(*error);
      self->subscribe(std::move(std::get<docker::Handshake>(result)));
    });
  }

  void call(const reconciler::Call& call) {
    if (stopped_) return;
    if (!up_ || call.epoch != epoch_) {
      // The machine asked before it heard of the end: nothing was sent.
      docker::Error error{docker::ErrorClass::cancelled, 0, std::string(docker::operation_of(call.request)),
                          docker::object_of(call.request), "the session with the engine was over before the call was sent"};
      asio::post(loop_, [self = shared_from_this(), epoch = call.epoch, id = call.id, error = std::move(error)] {
        if (!self->stopped_) self->handlers_.reply({epoch, id, error});
      });
      return;
    }
    docker::CallOptions options;
    options.deadline = call.deadline;
    options.idle_deadline = call.idle_deadline;
    if (std::holds_alternative<docker::ImagePull>(call.request)) {
      options.on_progress = [self = shared_from_this(), id = call.id](const std::string& text) {
        if (!self->stopped_) self->handlers_.progress({id, text});
      };
    }
    in_flight_[call.id] = call.epoch;
    engine_.start(call.id, call.request, std::move(options),
                  [self = shared_from_this(), id = call.id, epoch = call.epoch](docker::Result result) {
                    self->in_flight_.erase(id);
                    if (!self->stopped_) self->handlers_.reply({epoch, id, std::move(result)});
                  });
  }

  void cancel(reconciler::CallId id) {
    if (!stopped_ && in_flight_.contains(id)) engine_.cancel(id);
  }

  [[nodiscard]] std::size_t calls_in_flight() const { return in_flight_.size(); }

  void stop() {
    if (stopped_) return;
    stopped_ = true;
    retry_.cancel();
    if (stream_) engine_.cancel_stream(*stream_);
    stream_.reset();
  }

 private:
  void subscribe(docker::Handshake handshake) {
    const auto attempt = ++attempt_;
    docker::EventCallbacks callbacks;
    callbacks.on_subscribed = [self = shared_from_this(), attempt, handshake = std::move(handshake)] {
      if (!self->stopped_ && attempt == self->attempt_) self->established(handshake);
    };
    callbacks.on_event = [self = shared_from_this(), attempt](docker::Event event) {
      if (self->stopped_ || attempt != self->attempt_ || !self->up_) return;
      self->handlers_.event({self->epoch_, std::move(event)});
    };
    callbacks.on_end = [self = shared_from_this(), attempt](const docker::Error& error) {
      if (self->stopped_ || attempt != self->attempt_) return;
      self->stream_.reset();
      self->failed(error);
    };
    stream_ = engine_.subscribe(std::move(callbacks));
  }

  void established(const docker::Handshake& handshake) {
    ++epoch_;
    up_ = true;
    delay_ = delays_.first;
    last_why_.clear();
    reconciler::Session session;
    session.epoch = epoch_;
    session.state = reconciler::Session::State::up;
    session.facts.version = handshake.version;
    session.facts.info = handshake.info;
    session.facts.address = docker::address_of(engine_.endpoint());
    session.facts.local = docker::is_local(engine_.endpoint());
    session.facts.podman = handshake.podman;
    handlers_.session(std::move(session));
  }

  void failed(const docker::Error& error) {
    const bool was_up = std::exchange(up_, false);
    ++attempt_;
    withdraw_calls();
    retry_.expires_after(delay_);
    retry_.async_wait([self = shared_from_this()](boost::system::error_code cancelled) {
      if (!cancelled) self->connect();
    });
    delay_ = std::min(delay_ * 2, delays_.longest);
    std::string why = was_up && error.error_class == docker::ErrorClass::reset
                          ? "engine at " + docker::address_of(engine_.endpoint()) + ": the event stream ended (" + error.message +
                                "): the engine went away, or was restarted; trying again"
                          : explain_engine_error(error, engine_.endpoint());
    // The same failure again is no news.
    if (!was_up && why == last_why_) return;
    last_why_ = why;
    reconciler::Session session;
    session.epoch = epoch_;
    session.state = reconciler::Session::State::down;
    session.why = std::move(why);
    handlers_.session(std::move(session));
  }

  void withdraw_calls() {
    std::vector<reconciler::CallId> ids;
    ids.reserve(in_flight_.size());
    for (const auto& [id, epoch] : in_flight_) ids.push_back(id);
    for (const auto id : ids) engine_.cancel(id);
  }

  asio::io_context& loop_;
  docker::HttpEngine& engine_;
  const Handlers handlers_;
  const ReconnectDelays delays_;
  std::chrono::milliseconds delay_;
  asio::steady_timer retry_;
  std::optional<docker::StreamId> stream_;
  std::uint64_t attempt_ = 0;
  std::uint64_t epoch_ = 0;
  bool up_ = false;
  bool stopped_ = false;
  std::string last_why_;
  std::map<reconciler::CallId, std::uint64_t> in_flight_;
};

EngineSession::EngineSession(asio::io_context& loop, docker::HttpEngine& engine, Handlers handlers, ReconnectDelays delays)
    : impl_(std::make_shared<Impl>(loop, engine, std::move(handlers), delays)) {}
EngineSession::~EngineSession() {
  impl_->stop();
}
void EngineSession::start() {
  impl_->connect();
}
void EngineSession::call(const reconciler::Call& call) {
  impl_->call(call);
}
void EngineSession::cancel(reconciler::CallId id) {
  impl_->cancel(id);
}
std::size_t EngineSession::calls_in_flight() const {
  return impl_->calls_in_flight();
}
void EngineSession::stop() {
  impl_->stop();
}

}  // namespace cofferdam::controller
