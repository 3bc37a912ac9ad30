#pragma once

// Whether the places that problems name are places of the file.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "specs/place.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace cofferdam::fuzz {

/// The lengths of a file's lines. A lone carriage return ends a line too: the reader says so and goes on behind it.
class Lines {
 public:
  explicit Lines(std::string_view bytes) {
    std::size_t length = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      const bool lone = bytes[i] == '\r' && (i + 1 == bytes.size() || bytes[i + 1] != '\n');
      if (bytes[i] == '\n' || lone) {
        lengths_.push_back(length);
        length = 0;
      } else {
        ++length;
      }
    }
    lengths_.push_back(length);
  }

  /// The place of a byte, or just behind a line's last, or the beginning of a line behind the file's last.
  [[nodiscard]] bool has(int line, int column) const {
    if (line < 1 || column < 1) return false;
    const auto index = static_cast<std::size_t>(line - 1);
    if (index == lengths_.size()) return column == 1;
    return index < lengths_.size() && static_cast<std::size_t>(column) <= lengths_[index] + 1;
  }

 private:
  std::vector<std::size_t> lengths_;
};

inline void check_places(const specs::Problems& problems, const std::string& file, const Lines& lines) {
  for (const specs::Problem& problem : problems) {
    const std::string text = to_string(problem);
    require(problem.place.file == file, "a problem names its file", text);
    require(problem.place.line == 0 || lines.has(problem.place.line, std::max(problem.place.column, 1)),
            "a problem's place lies within the file", text);
    require(!problem.what.empty() && !problem.mend.empty(), "a problem says what is wrong and what mends it", text);
    require(text.find('\n') == std::string::npos && text.find('\0') == std::string::npos, "a problem is one line", text);
  }
}

}  // namespace cofferdam::fuzz
