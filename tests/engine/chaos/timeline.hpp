#pragma once

// What happened, in order: each act, each changing call of the controller, each violation. The whole of it goes to a file;
// the last lines are kept for the report of a failure. For several threads.

#include <atomic>
#include <chrono>
#include <deque>
#include <fstream>
#include <mutex>
#include <string>
#include <vector>

namespace cofferdam::test::chaos {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

class Timeline {
 public:
  explicit Timeline(const std::string& path);

  void note(const std::string& text);
  void violation(const std::string& rule, const std::string& text);

  [[nodiscard]] int violations() const { return violations_; }
  /// The last lines before the first violation (or the end), then all violations.
  [[nodiscard]] std::string report() const;

 private:
  void write(const std::string& text);

  static constexpr std::size_t kept = 80;
  mutable std::mutex mutex_;
  std::ofstream file_;
  Clock::time_point begin_ = Clock::now();
  std::deque<std::string> last_;
  std::vector<std::string> before_first_;
  std::vector<std::string> found_;
  std::atomic<int> violations_ = 0;
};

}  // namespace cofferdam::test::chaos
