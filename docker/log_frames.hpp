#pragma once

// The engine's multiplexed log stream: frames of 8 bytes of head (stream, 0, 0, 0, length big-endian) and a body.

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

namespace cofferdam::docker {

enum class LogStream { standard_input, standard_output, standard_error };

class LogFrames {
 public:
  /// Calls back for each piece of a body as it comes: nothing is collected, so a frame may be of any length. The view
  /// is valid during the call. False, for good, at a head that is none (a terminal's raw stream, or garbage).
  bool feed(std::string_view piece, const std::function<void(LogStream, std::string_view)>& on_bytes);
  /// Whether the stream may end here: between two frames.
  bool at_boundary() const { return !broken_ && head_size_ == 0 && body_left_ == 0; }

 private:
  std::array<unsigned char, 8> head_{};
  std::size_t head_size_ = 0;
  std::uint32_t body_left_ = 0;
  LogStream stream_ = LogStream::standard_output;
  bool broken_ = false;
};

}  // namespace cofferdam::docker
