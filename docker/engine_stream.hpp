#pragma once

// A GET whose answer has no end: events and logs. Its own connection, outside the pool's bound.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/steady_timer.hpp>

#include "docker/engine_call.hpp"
#include "docker/exchange.hpp"

namespace cofferdam::docker {

class EngineStream : public std::enable_shared_from_this<EngineStream> {
 public:
  struct Callbacks {
    std::function<void(const AnswerHead&)> on_head;
    /// A text is what is wrong with the bytes: the stream ends as a protocol failure.
    std::function<std::optional<std::string>(std::string_view)> on_bytes;
    std::function<void(std::optional<Error>)> on_end;  ///< nullopt: the engine ended its answer in an orderly way
  };

  EngineStream(std::shared_ptr<EngineContext> context, std::string operation, std::string object, WireRequest request,
               Callbacks callbacks);

  void start();
  void cancel();
  void abandon();
  void pause();
  void resume();

 private:
  void send();
  void on_head(const AnswerHead& head);
  void on_end(const ExchangeEnd& end);
  void fail(ErrorClass error_class, std::string message);
  void finish(std::optional<Error> error);

  std::shared_ptr<EngineContext> context_;
  std::string operation_;
  std::string object_;
  WireRequest request_;
  Callbacks callbacks_;
  boost::asio::steady_timer head_deadline_;
  std::shared_ptr<Connection> connection_;
  std::shared_ptr<Exchange> exchange_;
  bool paused_ = false;
  bool over_ = false;
};

}  // namespace cofferdam::docker
