#pragma once

// What all fuzz targets share: an input read as a row of small choices, and assertions that stay in every build. A target
// asserts what holds for every input; a finding is an abort, so that libFuzzer keeps the bytes that led to it.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace cofferdam::fuzz {

/// Ends the process where a promise is broken. `what` says which, `detail` what was found.
inline void require(bool holds, std::string_view what, std::string_view detail = {}) {
  if (holds) return;
  std::fprintf(stderr, "broken promise: %.*s\n%.*s\n", static_cast<int>(what.size()), what.data(),
               static_cast<int>(std::min<std::size_t>(detail.size(), 4000)), detail.data());
  std::abort();
}

/// The bytes as choices, from the front. Behind the end everything is zero, so that any bytes are a whole input.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : bytes_(reinterpret_cast<const char*>(data), size) {}
  explicit Input(std::string_view bytes) : bytes_(bytes) {}

  [[nodiscard]] bool at_end() const { return bytes_.empty(); }
  [[nodiscard]] std::size_t left() const { return bytes_.size(); }

  std::uint8_t byte() {
    if (bytes_.empty()) return 0;
    const auto value = static_cast<std::uint8_t>(bytes_.front());
    bytes_.remove_prefix(1);
    return value;
  }
  /// [0, bound); bound from 1 to 256.
  std::size_t below(std::size_t bound) { return byte() % bound; }
  bool flag() { return (byte() & 1U) != 0; }
  std::int64_t number() {
    std::uint64_t value = 0;
    for (int i = 0; i < 8; ++i) value = value << 8U | byte();
    return static_cast<std::int64_t>(value);
  }
  template <class T, std::size_t N>
  const T& pick(const std::array<T, N>& choices) {
    return choices[below(N)];
  }
  /// At most so many bytes.
  std::string_view piece(std::size_t most) {
    const auto taken = bytes_.substr(0, most);
    bytes_.remove_prefix(taken.size());
    return taken;
  }
  std::string_view rest() { return piece(bytes_.size()); }

 private:
  std::string_view bytes_;
};

}  // namespace cofferdam::fuzz
