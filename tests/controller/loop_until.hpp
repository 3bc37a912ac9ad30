#pragma once

// Turns an io_context until something is so, within a bound: no test sleeps and hopes.

#include <chrono>
#include <functional>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

namespace cofferdam::controller::testing {

/// False: it did not become so in time.
inline bool loop_until(boost::asio::io_context& io, const std::function<bool()>& so,
                       std::chrono::milliseconds bound = std::chrono::seconds{10}) {
  const auto stays = boost::asio::make_work_guard(io);
  const auto end = std::chrono::steady_clock::now() + bound;
  while (!so()) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= end) return false;
    if (io.stopped()) io.restart();
    io.run_one_for(std::chrono::duration_cast<std::chrono::milliseconds>(end - now) + std::chrono::milliseconds{1});
  }
  return true;
}

}  // namespace cofferdam::controller::testing
