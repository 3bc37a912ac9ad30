#include "docker/line_splitter.hpp"

namespace cofferdam::docker {

namespace {

void emit(std::string_view line, const std::function<void(std::string_view)>& on_line) {
  if (!line.empty() && line.back() == '\r') {
    line.remove_suffix(1);
  }
  if (!line.empty()) {
    on_line(line);
  }
}

}  // namespace

bool LineSplitter::feed(std::string_view piece, const std::function<void(std::string_view)>& on_line) {
  while (!broken_ && !piece.empty()) {
    const auto end = piece.find('\n');
    const auto length = end == std::string_view::npos ? piece.size() : end;
    if (pending_.size() + length > max_line_) {
      broken_ = true;
      pending_.clear();
      break;
    }
    if (end == std::string_view::npos) {
      pending_ += piece;
      break;
    }
    if (pending_.empty()) {
      emit(piece.substr(0, end), on_line);
    } else {
      pending_ += piece.substr(0, end);
      emit(pending_, on_line);
      pending_.clear();
    }
    piece.remove_prefix(end + 1);
  }
  return !broken_;
}

void LineSplitter::finish(const std::function<void(std::string_view)>& on_line) {
  if (!broken_ && !pending_.empty()) {
    emit(pending_, on_line);
  }
  pending_.clear();
}

}  // namespace cofferdam::docker
