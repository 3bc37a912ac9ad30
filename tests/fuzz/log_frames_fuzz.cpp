// The engine's log frames: the same bytes of the same streams whatever the pieces, held against a plain reading of the whole.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "docker/log_frames.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace cofferdam::fuzz {
namespace {

using docker::LogStream;

struct Read {
  std::vector<std::pair<LogStream, std::string>> runs;  ///< neighbours of one stream are one
  bool good = true;
  bool at_boundary = true;
  bool operator==(const Read&) const = default;

  void add(LogStream stream, std::string_view bytes) {
    if (bytes.empty()) return;
    if (runs.empty() || runs.back().first != stream) runs.emplace_back(stream, "");
    runs.back().second += bytes;
  }
};

Read plainly(std::string_view text) {
  Read read;
  while (text.size() >= 8) {
    const auto byte = [text](std::size_t i) { return std::size_t{static_cast<unsigned char>(text[i])}; };
    if (byte(0) > 2 || byte(1) != 0 || byte(2) != 0 || byte(3) != 0) {
      read.good = read.at_boundary = false;
      return read;
    }
    const std::size_t length = byte(4) << 24U | byte(5) << 16U | byte(6) << 8U | byte(7);
    const auto stream = static_cast<LogStream>(byte(0));
    text.remove_prefix(8);
    read.add(stream, text.substr(0, length));
    read.at_boundary = text.size() >= length;
    text.remove_prefix(std::min(length, text.size()));
  }
  read.at_boundary = read.at_boundary && text.empty();
  return read;
}

void check(Input input) {
  std::array<std::uint8_t, 8> sizes{};
  for (auto& size : sizes) size = input.byte();
  const std::string_view text = input.rest();
  Read read;
  docker::LogFrames frames;
  std::string_view left = text;
  for (std::size_t i = 0; !left.empty(); ++i) {
    const std::string piece(left.substr(0, std::size_t{1} + sizes[i % sizes.size()] % 64));
    left.remove_prefix(piece.size());
    read.good = frames.feed(piece, [&read](LogStream stream, std::string_view bytes) { read.add(stream, bytes); });
  }
  read.at_boundary = frames.at_boundary();
  require(read == plainly(text), "the streams are those of the whole, whatever the pieces");
}

}  // namespace
}  // namespace cofferdam::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  cofferdam::fuzz::check({data, size});
  return 0;
}
