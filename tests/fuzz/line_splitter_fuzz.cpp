// The splitter of lines: the same lines whatever the pieces, held against a plain reading of the whole.

#include <string>
#include <string_view>
#include <vector>

#include "docker/line_splitter.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace cofferdam::fuzz {
namespace {

struct Cut {
  std::vector<std::string> lines;
  bool good = true;
  bool operator==(const Cut&) const = default;
};

Cut plainly(std::string_view text, std::size_t longest) {
  Cut cut;
  while (!text.empty()) {
    const auto end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (line.size() > longest) {
      cut.good = false;
      return cut;
    }
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (!line.empty()) cut.lines.emplace_back(line);
  }
  return cut;
}

void check(Input input) {
  const std::size_t longest = 1 + input.byte();
  std::array<std::uint8_t, 8> sizes{};
  for (auto& size : sizes) size = input.byte();
  const std::string_view text = input.rest();

  Cut cut;
  docker::LineSplitter splitter(longest);
  const auto keep = [&cut](std::string_view line) { cut.lines.emplace_back(line); };
  std::string_view left = text;
  for (std::size_t i = 0; !left.empty(); ++i) {
    const std::string piece(left.substr(0, std::size_t{1} + sizes[i % sizes.size()]));  // a copy: the splitter may keep no view
    left.remove_prefix(piece.size());
    const bool good = splitter.feed(piece, keep);
    require(cut.good || !good, "a splitter that gave up stays so");
    cut.good = good;
  }
  splitter.finish(keep);
  const Cut expected = plainly(text, longest);
  require(cut == expected, "the lines are those of the whole, whatever the pieces");
}

}  // namespace
}  // namespace cofferdam::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  cofferdam::fuzz::check({data, size});
  return 0;
}
