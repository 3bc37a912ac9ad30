#pragma once

// Cuts a stream of JSON objects, one a line, out of pieces of any size (GET /events, POST /images/create).

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace cofferdam::docker {

class LineSplitter {
 public:
  /// A line longer than this is garbage: the engine's longest (an exec event with a whole command line) are far below.
  static constexpr std::size_t kMaxLine = 4U << 20U;

  explicit LineSplitter(std::size_t max_line = kMaxLine) : max_line_(max_line) {}

  /// Calls back for each whole line, without its end and never empty; the view is valid during the call. False, for
  /// good, once a line is too long.
  bool feed(std::string_view piece, const std::function<void(std::string_view)>& on_line);
  /// The last line, where the stream ended without a line end.
  void finish(const std::function<void(std::string_view)>& on_line);

 private:
  std::size_t max_line_;
  std::string pending_;
  bool broken_ = false;
};

}  // namespace cofferdam::docker
