// The archives that an image's files come in, which are the image's and not trusted: within bounds, and nothing but bytes of the
// archive comes out. 'c' first: the heads' checksums are mended, so that what stands behind them is read too.

#include <cstdio>
#include <string>
#include <string_view>

#include "docker/tar.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace cofferdam::fuzz {
namespace {

constexpr std::size_t block = 512;
constexpr std::size_t most = 2000;

/// Each block might be a head: bodies are harmed by it as little as by any other change.
std::string mended(std::string archive) {
  for (std::size_t at = 0; at + block <= archive.size(); at += block) {
    std::uint64_t sum = 8 * std::uint64_t{' '};
    for (std::size_t i = 0; i < block; ++i) {
      if (i < 148 || i >= 156) sum += static_cast<unsigned char>(archive[at + i]);
    }
    if (sum == 8 * std::uint64_t{' '}) continue;  // empty: the archive's end
    std::array<char, 8> digits{};
    std::snprintf(digits.data(), digits.size(), "%06llo", static_cast<unsigned long long>(sum));
    std::copy(digits.begin(), digits.end(), archive.begin() + static_cast<std::ptrdiff_t>(at + 148));
  }
  return archive;
}

/// Small inputs make whole archives: each field of 16 bytes is laid at the head's places that matter.
std::string built(Input& input) {
  std::string archive;
  while (!input.at_end() && archive.size() < 16 * block) {
    std::string head(block, '\0');
    const auto put = [&](std::size_t at, std::string_view text) {
      std::copy(text.begin(), text.end(), head.begin() + static_cast<std::ptrdiff_t>(at));
    };
    put(156, input.piece(1));
    put(124, input.piece(12));
    put(0, input.piece(input.below(101)));
    put(157, input.piece(input.below(101)));
    archive += head;
    const std::size_t bodies = input.below(4);
    for (std::size_t i = 0; i < bodies; ++i) archive += std::string(block, static_cast<char>(input.byte()));
  }
  return archive;
}

void check(Input input) {
  const char how = static_cast<char>(input.byte());
  const std::string archive = how == 'b'   ? mended(built(input))
                              : how == 'c' ? mended(std::string(input.rest()))
                                           : std::string(input.rest());
  const auto found = docker::first_file(archive, most);
  if (const auto* wrong = std::get_if<std::string>(&found)) return require(!wrong->empty(), "what is wrong has words");
  const auto& file = std::get<docker::ArchiveFile>(found);
  require(file.content.size() <= most, "a file is within its bound");
  require(file.name.size() <= 100, "a name is within its field");
  require(file.content.size() + block <= archive.size() && archive.find(file.content) != std::string::npos,
          "a file's content is the archive's");
}

}  // namespace
}  // namespace cofferdam::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  cofferdam::fuzz::check({data, size});
  return 0;
}
