#include "specs/source_text.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace cofferdam::specs {
namespace {

constexpr std::string_view save_as_utf8 = "save it as UTF-8 without a byte order mark";

/// The length of the valid UTF-8 sequence at the beginning; 0 where there is none (overlong, surrogate, cut off …).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xC2 && lead <= 0xDF   ? 2U
                             : (lead >> 4U) == 0xE          ? 3U
                             : lead >= 0xF0 && lead <= 0xF4 ? 4U
                                                            : 0U;
  if (length == 0) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80) return 0;
  }
  const unsigned second = byte(1);
  const bool wrong = (lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) || (lead == 0xF0 && second < 0x90) ||
                     (lead == 0xF4 && second > 0x8F);
  return wrong ? 0 : length;
}

/// What the first bytes say of another encoding; empty for none.
std::string_view other_encoding(std::string_view bytes) {
  using namespace std::string_view_literals;
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 5> marks{{
      {"\xFF\xFE\0\0"sv, "UTF-32, little-endian"},  // before UTF-16's, which begins alike
      {"\0\0\xFE\xFF"sv, "UTF-32, big-endian"},
      {"\xFF\xFE"sv, "UTF-16, little-endian"},
      {"\xFE\xFF"sv, "UTF-16, big-endian"},
      {"\xEF\xBB\xBF"sv, "UTF-8 with a byte order mark"},
  }};
  for (const auto& [mark, name] : marks) {
    if (bytes.substr(0, mark.size()) == mark) return name;
  }
  if (bytes.size() >= 4 && bytes[0] != 0 && bytes[1] == 0 && bytes[2] != 0 && bytes[3] == 0)
    return "UTF-16, little-endian, unmarked";
  if (bytes.size() >= 4 && bytes[0] == 0 && bytes[1] != 0 && bytes[2] == 0 && bytes[3] != 0)
    return "UTF-16, big-endian, unmarked";
  return {};
}

std::string hex(unsigned char byte) {
  static constexpr std::string_view digits = "0123456789ABCDEF";
  return std::string("0x") + digits[byte >> 4U] + digits[byte & 15U];
}

/// Walks the bytes once, notes each kind's first refusal and puts '_' over what was refused.
class Cleaner {
 public:
  Cleaner(std::string_view bytes, const std::string& file) : text_(bytes), file_(file) {}

  void walk() {
    while (offset_ < text_.size()) {
      const auto byte = static_cast<unsigned char>(text_[offset_]);
      const std::size_t length = utf8_length(std::string_view(text_).substr(offset_));
      if (length == 0) {
        refuse(not_utf8_, "the byte " + hex(byte) + " is not UTF-8", save_as_utf8);
      } else if (byte == 0) {
        refuse(nul_, "a NUL byte stands in the text", "remove it; a file full of them was cut off by a crash or is no text");
      } else if (byte == '\r' && (offset_ + 1 == text_.size() || text_[offset_ + 1] != '\n')) {
        refuse(carriage_return_, "a carriage return stands without a line feed", "end lines with a line feed");
        text_[offset_] = '\n';
      } else if (is_control(byte)) {
        refuse(control_, "the control character " + hex(byte) + " stands in the text",
               "remove it, or write it as an escape in double quotes");
        for (std::size_t i = 0; i < length; ++i) text_[offset_ + i] = '_';
      }
      if (text_[offset_] == '\n') {
        ++line_;
        line_start_ = offset_ + 1;
      }
      offset_ += std::max<std::size_t>(length, 1);
    }
  }

  CleanText result() && { return {std::move(text_), std::move(problems_)}; }

 private:
  [[nodiscard]] bool is_control(unsigned char byte) const {
    if (byte == 0xC2) {  // U+0080 to U+009F, but for NEL
      const auto second = static_cast<unsigned char>(text_[offset_ + 1]);
      return second <= 0x9F && second != 0x85;
    }
    return (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7F;
  }

  void refuse(bool& told, std::string what, std::string_view mend) {
    text_[offset_] = '_';
    if (std::exchange(told, true)) return;
    problems_.push_back(
        {{file_, line_, static_cast<int>(offset_ - line_start_) + 1}, "", std::move(what), std::string(mend), ""});
  }

  std::string text_;
  const std::string& file_;
  Problems problems_;
  std::size_t offset_ = 0;
  std::size_t line_start_ = 0;
  int line_ = 1;
  bool not_utf8_ = false;
  bool nul_ = false;
  bool control_ = false;
  bool carriage_return_ = false;
};

bool is_marker(std::string_view line, std::string_view marker) {
  return line.substr(0, 3) == marker && (line.size() == 3 || line[3] == ' ' || line[3] == '\t' || line[3] == '\r');
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

CleanText clean_text(std::string_view bytes, const std::string& file, std::size_t max_bytes) {
  const auto whole_file = [&](std::string what, std::string_view mend) {
    return Problem{{file, 1, 1}, "", std::move(what), std::string(mend), ""};
  };
  if (bytes.size() > max_bytes) {
    return {{},
            {whole_file("the file has " + std::to_string(bytes.size()) + " bytes, more than " + std::to_string(max_bytes),
                        "split it into several files")}};
  }
  const std::string_view encoding = other_encoding(bytes);
  const bool marked_utf8 = encoding.substr(0, 5) == "UTF-8";
  if (!encoding.empty() && !marked_utf8) return {{}, {whole_file("the file is " + std::string(encoding), save_as_utf8)}};
  Cleaner cleaner(marked_utf8 ? bytes.substr(3) : bytes, file);
  cleaner.walk();
  CleanText result = std::move(cleaner).result();
  if (marked_utf8)
    result.problems.insert(result.problems.begin(), whole_file("the file is " + std::string(encoding), save_as_utf8));
  return result;
}

std::size_t quoted_length(std::string_view text) {
  const char quote = text.empty() ? '\0' : text.front();
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (quote == '"' && text[i] == '\\') {
      ++i;
    } else if (text[i] == quote) {
      if (quote == '"' || i + 1 == text.size() || text[i + 1] != quote) return i + 1;
      ++i;  // '' within single quotes
    }
  }
  return 0;
}

SourceText::SourceText(std::string_view text) : text_(text), starts_{0} {
  for (std::size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) starts_.push_back(at + 1);
}

std::string_view SourceText::line(int number) const {
  const auto index = static_cast<std::size_t>(number - 1);
  if (number < 1 || index >= starts_.size()) return {};
  const std::size_t end = index + 1 < starts_.size() ? starts_[index + 1] - 1 : text_.size();
  return text_.substr(starts_[index], end - starts_[index]);
}

std::string_view SourceText::from(YamlMark mark) const {
  const auto index = static_cast<std::size_t>(mark.line - 1);
  if (mark.line < 1 || mark.column < 1 || index >= starts_.size()) return {};
  const std::size_t offset = starts_[index] + static_cast<std::size_t>(mark.column - 1);
  return offset < text_.size() ? text_.substr(offset) : std::string_view{};
}

char SourceText::at(YamlMark mark) const {
  const std::string_view rest = from(mark);
  return rest.empty() ? '\0' : rest.front();
}

YamlMark SourceText::within(YamlMark mark) const {
  return {mark.line, std::min(mark.column, static_cast<int>(line(mark.line).size()) + 1)};
}

std::optional<int> SourceText::tab_in_indentation(int number, int before) const {
  std::string_view indentation = line(number);
  const std::size_t end = indentation.find_first_not_of(" \t");
  if (before > 0 && end != static_cast<std::size_t>(before - 1)) return {};  // something else stands before it
  indentation = indentation.substr(0, end);
  const std::size_t tab = indentation.find('\t');
  if (tab == std::string_view::npos) return {};
  return static_cast<int>(tab) + 1;
}

std::optional<YamlMark> SourceText::open_quote(const Segment& segment) const {
  int line = segment.first_line;
  std::size_t line_start = segment.begin;
  char before = '\n';
  for (std::size_t i = segment.begin; i < segment.end; ++i) {
    const char c = text_[i];
    const bool opens = std::string_view(" \t\n[{,").find(before) != std::string_view::npos;
    if (c == '#' && (before == ' ' || before == '\t' || before == '\n')) {
      i = std::min(text_.find('\n', i), segment.end) - 1;
      before = ' ';
      continue;
    }
    if (opens && (c == '"' || c == '\'')) {
      const std::size_t length = quoted_length(text_.substr(i, segment.end - i));
      if (length == 0) return YamlMark{line, static_cast<int>(i - line_start) + 1};
      for (std::size_t end = i + length; i + 1 < end; ++i) {
        if (text_[i] != '\n') continue;
        ++line;
        line_start = i + 1;
      }
    }
    if (text_[i] == '\n') {
      ++line;
      line_start = i + 1;
    }
    before = text_[i];
  }
  return {};
}

std::vector<Segment> SourceText::segments(std::size_t at_most) const {
  std::vector<Segment> result{{0, text_.size(), 1}};
  for (std::size_t i = 0; i < starts_.size() && result.size() <= at_most; ++i) {
    const std::string_view text = line(static_cast<int>(i) + 1);
    if (is_marker(text, "---")) {
      result.back().end = starts_[i];
      result.push_back({starts_[i], text_.size(), static_cast<int>(i) + 1});
    } else if (is_marker(text, "...")) {
      result.back().end = starts_[i];
      const std::size_t next = i + 1 < starts_.size() ? starts_[i + 1] : text_.size();
      result.push_back({next, text_.size(), static_cast<int>(i) + 2});
    }
  }
  return result;
}

}  // namespace cofferdam::specs
