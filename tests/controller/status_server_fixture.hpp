#pragma once

// A status server on loopback and on a unix socket, turning on a thread of its own, with a real machine behind it.

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <future>
#include <string>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "controller/status_server.hpp"
#include "fake_api.hpp"
#include "raw_client.hpp"

namespace cofferdam::controller {

inline std::string get(const std::string& target, const std::string& more = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: localhost\r\n" + more + "\r\n";
}

inline std::string post(const std::string& target, const std::string& body) {
  return "POST " + target + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

class StatusServerTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "cofferdam-server-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    options_.listen = "127.0.0.1:0";
    options_.socket = (root_ / "api.sock").string();
    api_.files({{"refactor-bot.yaml", smallest_spec}, {"broken.yaml", "apiVersion: cofferdam/v1\nkind: Agnt\n"}});
  }

  void start() {
    server_ = std::make_unique<StatusServer>(io_, api_, options_);
    ASSERT_EQ(server_->start().text, "");
    port_ = server_->port();
    loop_ = std::thread([this] { io_.run(); });
  }

  void TearDown() override {
    if (loop_.joinable()) {
      on_loop([this] { server_->stop(); });
      work_.reset();
      loop_.join();
    }
    server_.reset();
    std::filesystem::remove_all(root_);
  }

  /// Runs something on the loop's thread and waits for it.
  void on_loop(const std::function<void()>& what) {
    std::promise<void> done;
    boost::asio::post(io_, [&] {
      what();
      done.set_value();
    });
    done.get_future().wait();
  }
  std::size_t connections() {
    std::size_t count = 0;
    on_loop([&] { count = server_->connections(); });
    return count;
  }
  /// Whether the loop comes to see it; each look is a turn of the loop.
  bool comes_true(const std::function<bool()>& what) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < end) {
      if (what()) {
        return true;
      }
      std::this_thread::yield();
    }
    return false;
  }

  RawClient tcp() { return RawClient::tcp(port_); }
  RawClient local() { return RawClient::local(options_.socket); }

  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io_.get_executor()};
  FakeApi api_{io_};
  std::filesystem::path root_;
  StatusServerOptions options_;
  std::unique_ptr<StatusServer> server_;
  std::uint16_t port_ = 0;
  std::thread loop_;
};

}  // namespace cofferdam::controller
