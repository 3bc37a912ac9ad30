#pragma once

// Work on paths that can hang (a dead NFS mount, a dying disk), off the deciding thread: a few threads, each job with
// a deadline. A job that passed its deadline is answered at once as unfinished; its thread is written off until the
// system lets it go, and another takes its place, up to a bound. Jobs of one key never overlap and keep their order,
// so that a hung path holds one thread, not one for each time that it is asked about.
// Everything here is called from the loop's thread; only the work itself runs on the pool's.

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace boost::asio {
class io_context;
}

namespace cofferdam::controller {

struct PathPoolBounds {
  std::size_t threads = 4;      ///< at work at the same time
  std::size_t written_off = 8;  ///< hung ones beside them; beyond that jobs wait, to their deadline at most
};

class PathPool {
 public:
  explicit PathPool(boost::asio::io_context& loop, PathPoolBounds bounds = {});
  ~PathPool();
  PathPool(const PathPool&) = delete;
  PathPool& operator=(const PathPool&) = delete;

  /// `work` runs on a thread of the pool and must own what it uses; it must not throw. `done` is called once, from the
  /// loop and never from inside this call: with the result, or with nothing when the deadline passed first. Work that
  /// had not begun by then never begins. After stop() nothing is called any more.
  template <class Result>
  void run(const std::string& key, std::chrono::milliseconds deadline, std::function<Result()> work,
           std::function<void(std::optional<Result>)> done) {
    auto result = std::make_shared<std::optional<Result>>();
    submit(
        key, deadline, [result, work = std::move(work)] { result->emplace(work()); },
        [result, done = std::move(done)](bool finished) { done(finished ? std::move(*result) : std::optional<Result>{}); });
  }

  /// Jobs that are not answered yet.
  [[nodiscard]] std::size_t outstanding() const;
  /// Threads that the system does not give back.
  [[nodiscard]] std::size_t hung() const;

  /// Drops what has not begun, and joins every thread that ends within `grace`; the hung ones are let go: they touch
  /// nothing of ours any more.
  void stop(std::chrono::milliseconds grace = std::chrono::milliseconds{300});

 private:
  void submit(const std::string& key, std::chrono::milliseconds deadline, std::function<void()> work,
              std::function<void(bool finished)> done);

  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace cofferdam::controller
