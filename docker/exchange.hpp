#pragma once

// One request and its answer on one open connection. Beast parses; reading, bounds and pauses are here, so that it is
// known at any moment what was written and whether anything of the answer was read.

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "docker/connection.hpp"
#include "docker/wire.hpp"

namespace cofferdam::docker {

struct AnswerHead {
  int status = 0;
  std::string content_type;
  std::string api_version;
  bool podman = false;
};

struct ExchangeEnd {
  std::optional<Failure> failure;
  AnswerHead head;
  std::string body;           ///< where no on_body took it, and always of an answer ≥ 300
  bool wrote_any = false;     ///< a byte of the request may have reached the engine
  bool answer_begun = false;  ///< a byte of the answer was read
  bool reusable = false;      ///< the connection may carry another request
};

class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  struct Callbacks {
    std::function<void(const AnswerHead&)> on_head;  ///< may be empty
    /// Takes the body of a 2xx answer piece by piece, without a bound; empty: it is collected. A text is what is wrong
    /// with it: the exchange then ends as a protocol failure.
    std::function<std::optional<std::string>(std::string_view)> on_body;
    std::function<void()> on_progress;  ///< a byte came; may be empty
    std::function<void(ExchangeEnd)> on_end;
  };

  Exchange(std::shared_ptr<Connection> connection, const WireRequest& request, std::size_t longest_body, Callbacks callbacks);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  void start();
  /// Closes the connection; no callback comes any more.
  void abandon();
  /// No further read is begun until resume(): the engine waits.
  void pause();
  void resume();

 private:
  struct Parser;

  void read();
  void on_read(const std::optional<Failure>& failure, std::size_t count);
  bool parse();
  bool take_head();
  bool take_body();
  void end_of_stream();
  void fail(Failure failure);
  void finish();

  std::shared_ptr<Connection> connection_;
  std::string request_;
  bool head_request_ = false;
  std::size_t longest_body_;
  Callbacks callbacks_;
  std::unique_ptr<Parser> parser_;
  ExchangeEnd end_;
  bool streaming_ = false;
  bool reading_ = false;
  bool paused_ = false;
  bool over_ = false;
};

}  // namespace cofferdam::docker
