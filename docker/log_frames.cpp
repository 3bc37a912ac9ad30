#include "docker/log_frames.hpp"

#include <algorithm>

namespace cofferdam::docker {

bool LogFrames::feed(std::string_view piece, const std::function<void(LogStream, std::string_view)>& on_bytes) {
  while (!broken_ && !piece.empty()) {
    if (body_left_ > 0) {
      const auto length = std::min<std::size_t>(body_left_, piece.size());
      body_left_ -= static_cast<std::uint32_t>(length);
      on_bytes(stream_, piece.substr(0, length));
      piece.remove_prefix(length);
      continue;
    }
    head_[head_size_++] = static_cast<unsigned char>(piece.front());
    piece.remove_prefix(1);
    if (head_size_ < head_.size()) {
      continue;
    }
    head_size_ = 0;
    if (head_[0] > 2 || head_[1] != 0 || head_[2] != 0 || head_[3] != 0) {
      broken_ = true;
      break;
    }
    stream_ = static_cast<LogStream>(head_[0]);
    for (std::size_t i = 4; i < head_.size(); ++i) {
      body_left_ = (body_left_ << 8U) | head_[i];
    }
  }
  return !broken_;
}

}  // namespace cofferdam::docker
