#pragma once

// The bytes of a file before any YAML is seen in them: is it UTF-8 text at all, where its lines and documents begin.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "specs/yaml_tree.hpp"

namespace cofferdam::specs {

/// Text that a YAML reader may be given: where a byte was refused it holds '_' in its place, so that the marks stay
/// right and the rest of the file can still be checked. Nothing where no text can be made of it (UTF-16, UTF-32, too big).
struct CleanText {
  std::optional<std::string> text;
  Problems problems;  ///< of each kind the first
};

CleanText clean_text(std::string_view bytes, const std::string& file, std::size_t max_bytes);

bool is_utf8(std::string_view text);

/// One document's lines: from its "---" (if any) to before the next marker.
struct Segment {
  std::size_t begin = 0;  ///< offsets into the text
  std::size_t end = 0;
  int first_line = 1;
};

/// Line index over clean text. The text must outlive it.
class SourceText {
 public:
  explicit SourceText(std::string_view text);

  /// The character at a mark; '\0' behind the end.
  [[nodiscard]] char at(YamlMark mark) const;
  /// The text from a mark on; empty behind the end.
  [[nodiscard]] std::string_view from(YamlMark mark) const;
  /// The mark, or the end of its line where the mark lies behind it.
  [[nodiscard]] YamlMark within(YamlMark mark) const;
  /// The column of a tab in the white space that the line begins with, up to `before` (0: all of it).
  [[nodiscard]] std::optional<int> tab_in_indentation(int line, int before = 0) const;
  /// A guess for messages: the first quote in the segment that nothing closes.
  [[nodiscard]] std::optional<YamlMark> open_quote(const Segment& segment) const;
  /// Documents as "---" and "..." at the beginning of a line part them; YAML lets no text contain those.
  [[nodiscard]] std::vector<Segment> segments(std::size_t at_most) const;

 private:
  [[nodiscard]] std::string_view line(int number) const;

  std::string_view text_;
  std::vector<std::size_t> starts_;  ///< of each line
};

/// The length of the quoted text that begins here with its quote, both quotes counted; 0 where it is never closed.
std::size_t quoted_length(std::string_view text);

}  // namespace cofferdam::specs
