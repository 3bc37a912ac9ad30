#include "controller/path_pool.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "tests/controller/loop_until.hpp"

namespace cofferdam::controller {
namespace {

using testing::loop_until;
using namespace std::chrono_literals;

/// Work that hangs until it is let go, as a read from a dead mount does.
class Gate {
 public:
  void open() { promise_.set_value(); }
  std::function<int()> hang(int result) {
    return [future = future_, result] {
      future.wait();
      return result;
    };
  }

 private:
  std::promise<void> promise_;
  std::shared_future<void> future_ = promise_.get_future().share();
};

TEST(PathPool, AnswersFromTheLoopWithTheResult) {
  boost::asio::io_context io;
  PathPool pool(io);
  const auto here = std::this_thread::get_id();
  std::thread::id worked;
  std::thread::id answered;
  std::optional<int> result;
  std::function<int()> work = [&worked] {
    worked = std::this_thread::get_id();
    return 7;
  };
  std::function<void(std::optional<int>)> done = [&](std::optional<int> value) {
    answered = std::this_thread::get_id();
    result = value;
  };
  pool.run("a", 10s, std::move(work), std::move(done));
  EXPECT_EQ(result, std::nullopt) << "never from inside the call";
  ASSERT_TRUE(loop_until(io, [&] { return result.has_value(); }));
  EXPECT_EQ(result, 7);
  EXPECT_EQ(answered, here);
  EXPECT_NE(worked, here);
  EXPECT_EQ(pool.outstanding(), 0U);
}

TEST(PathPool, AnswersUnfinishedAtTheDeadlineAndOthersGoOn) {
  boost::asio::io_context io;
  Gate gate;
  PathPool pool(io, {1, 2});
  bool hung_answered = false;
  std::optional<int> hung_result = 0;
  pool.run<int>("dead", 20ms, gate.hang(1), [&](std::optional<int> value) {
    hung_answered = true;
    hung_result = value;
  });
  std::optional<int> other;
  pool.run<int>("alive", 10s, [] { return 2; }, [&](std::optional<int> value) { other = value; });
  ASSERT_TRUE(loop_until(io, [&] { return hung_answered && other.has_value(); }));
  EXPECT_EQ(hung_result, std::nullopt);
  EXPECT_EQ(other, 2) << "the hung one holds its thread, not the pool's only place";
  EXPECT_EQ(pool.hung(), 1U);
  gate.open();
  EXPECT_TRUE(loop_until(io, [&] { return pool.hung() == 0; })) << "a thread that comes back is counted again";
}

TEST(PathPool, KeepsJobsOfOneKeyInOrderAndApart) {
  boost::asio::io_context io;
  PathPool pool(io, {4, 4});
  std::atomic<int> inside{0};
  std::atomic<bool> overlapped{false};
  std::vector<int> order;
  for (int i = 0; i < 50; ++i) {
    pool.run<int>(
        "one", 10s,
        [&, i] {
          if (inside.fetch_add(1) != 0) overlapped = true;
          std::this_thread::yield();
          inside.fetch_sub(1);
          return i;
        },
        [&](std::optional<int> value) { order.push_back(value.value_or(-1)); });
  }
  ASSERT_TRUE(loop_until(io, [&] { return order.size() == 50; }));
  EXPECT_FALSE(overlapped);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  EXPECT_EQ(order.front(), 0);
}

TEST(PathPool, AHungKeyHoldsOneThreadHoweverOftenItIsAsked) {
  boost::asio::io_context io;
  Gate gate;
  PathPool pool(io, {2, 8});
  int unanswered = 0;
  for (int i = 0; i < 5; ++i) {
    pool.run<int>("dead", 20ms, gate.hang(i), [&](std::optional<int> value) { unanswered += value ? 0 : 1; });
  }
  ASSERT_TRUE(loop_until(io, [&] { return unanswered == 5; }));
  EXPECT_EQ(pool.hung(), 1U);
  gate.open();
}

TEST(PathPool, StopsAtOnceThoughAThreadHangs) {
  boost::asio::io_context io;
  Gate gate;
  const auto begun = std::chrono::steady_clock::now();
  bool answered = false;
  {
    PathPool pool(io, {1, 1});
    pool.run<int>("dead", 60s, gate.hang(1), [&](std::optional<int>) { answered = true; });
    pool.run<int>("waiting", 60s, [] { return 2; }, [&](std::optional<int>) { answered = true; });
    pool.stop(50ms);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s);
  gate.open();
  io.run();
  EXPECT_FALSE(answered) << "nothing is called after stop";
}

TEST(PathPool, FailsWhatWaitsWhenEveryThreadHangs) {
  boost::asio::io_context io;
  Gate gate;
  PathPool pool(io, {1, 0});
  int unanswered = 0;
  for (const auto* const key : {"a", "b", "c"}) {
    pool.run<int>(key, 20ms, gate.hang(1), [&](std::optional<int> value) { unanswered += value ? 0 : 1; });
  }
  EXPECT_TRUE(loop_until(io, [&] { return unanswered == 3; }));
  gate.open();
  EXPECT_TRUE(loop_until(io, [&] { return pool.hung() == 0; }));
}

}  // namespace
}  // namespace cofferdam::controller
