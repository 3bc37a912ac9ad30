#pragma once

// One call from its start to its one answer: its turn, its connection, one repetition where that is safe, its
// deadlines, its withdrawal.

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/steady_timer.hpp>

#include "docker/connection_pool.hpp"
#include "docker/credential_helper.hpp"
#include "docker/exchange.hpp"
#include "docker/http_engine.hpp"
#include "docker/line_splitter.hpp"
#include "docker/pull_progress.hpp"

namespace cofferdam::docker {

/// What all calls of one engine share.
struct EngineContext {
  boost::asio::io_context& io;
  Endpoint endpoint;
  HttpEngineOptions options;
  std::string api_version{kOldestApi};
  std::shared_ptr<ConnectionPool> pool;
  std::shared_ptr<void> alive;
};

class EngineCall : public std::enable_shared_from_this<EngineCall> {
 public:
  /// `done` is called once, from the loop.
  using OnResult = std::function<void(Result)>;

  EngineCall(std::shared_ptr<EngineContext> context, Request request, CallOptions options, OnResult done);

  void start();
  void cancel();
  /// The callback never comes; everything ends.
  void abandon();

 private:
  void look_up_credentials();
  void on_credentials(CredentialHelper::Answer answer, const std::string& key);
  void queue();
  void dispatch(bool fresh);
  void send(bool reused);
  void on_end(ExchangeEnd end, bool reused);
  std::optional<std::string> on_pull_bytes(std::string_view bytes);
  void report_progress();
  void set_idle_deadline();
  Result result_of(ExchangeEnd end);
  Error error_of(ErrorClass error_class, std::string message) const;
  void explain(Error& error) const;
  void finish(Result result);
  void release();

  std::shared_ptr<EngineContext> context_;
  Request request_;
  CallOptions options_;
  OnResult done_;
  WireRequest wire_;
  std::chrono::steady_clock::time_point started_;
  boost::asio::steady_timer deadline_;
  boost::asio::steady_timer idle_deadline_;
  std::shared_ptr<CredentialHelper> helper_;
  std::shared_ptr<void> ticket_;
  ConnectionPool::Slot slot_;
  std::shared_ptr<Connection> connection_;
  std::shared_ptr<Exchange> exchange_;
  LineSplitter lines_;
  PullProgress pull_;
  std::string missed_credentials_;
  std::chrono::steady_clock::time_point progress_reported_{};
  bool repeated_ = false;
  bool over_ = false;
};

}  // namespace cofferdam::docker
