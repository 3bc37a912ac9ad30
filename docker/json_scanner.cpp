#include "docker/json_scanner.hpp"

#include <array>
#include <charconv>
#include <cstring>

namespace cofferdam::docker {

namespace {

/// True for bytes that a string holds as they are: all but the quote, the backslash and control characters.
constexpr std::array<bool, 256> plain_bytes() {
  std::array<bool, 256> plain{};
  for (std::size_t i = 0x20; i < plain.size(); ++i) {
    plain[i] = i != '"' && i != '\\';
  }
  return plain;
}
constexpr auto kPlain = plain_bytes();

/// Eight bytes at once: true where all of them are plain and ASCII.
bool eight_plain(const char* bytes) {
  constexpr std::uint64_t kOnes = 0x0101010101010101U;
  constexpr std::uint64_t kHigh = 0x8080808080808080U;
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  const auto zero_in = [](std::uint64_t x) { return (x - kOnes) & ~x & kHigh; };
  const auto control = (word - kOnes * 0x20U) & ~word & kHigh;
  return (control | zero_in(word ^ (kOnes * '"')) | zero_in(word ^ (kOnes * '\\')) | (word & kHigh)) == 0;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

void append_utf8(std::string& text, std::uint32_t point) {
  const auto byte = [&](std::uint32_t value) { text += static_cast<char>(value); };
  if (point < 0x80) {
    byte(point);
  } else if (point < 0x800) {
    byte(0xC0U | (point >> 6U));
    byte(0x80U | (point & 0x3FU));
  } else if (point < 0x10000) {
    byte(0xE0U | (point >> 12U));
    byte(0x80U | ((point >> 6U) & 0x3FU));
    byte(0x80U | (point & 0x3FU));
  } else {
    byte(0xF0U | (point >> 18U));
    byte(0x80U | ((point >> 12U) & 0x3FU));
    byte(0x80U | ((point >> 6U) & 0x3FU));
    byte(0x80U | (point & 0x3FU));
  }
}

/// The length of the well-formed UTF-8 sequence that text begins with; 0: there is none.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  const std::size_t length =
      lead < 0x80 ? 1 : (lead >= 0xC2 && lead < 0xE0 ? 2 : ((lead & 0xF0U) == 0xE0 ? 3 : (lead >= 0xF0 && lead < 0xF5 ? 4 : 0)));
  if (length == 0 || length > text.size()) {
    return 0;
  }
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) {
      return 0;
    }
  }
  // Overlong forms, surrogates, and what is above the last code point.
  const bool wrong = (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) > 0x9F) || (lead == 0xF0 && byte(1) < 0x90) ||
                     (lead == 0xF4 && byte(1) > 0x8F);
  return wrong ? 0 : length;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto length = sequence_length(text);
    if (length == 0) {
      return false;
    }
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace

bool JsonScanner::fail() {
  failed_ = true;
  at_ = text_.size();
  return false;
}

char JsonScanner::peek() {
  while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r')) {
    ++at_;
  }
  return at_ < text_.size() ? text_[at_] : '\0';
}

bool JsonScanner::take(char expected) {
  if (peek() != expected || at_ >= text_.size()) {
    return fail();
  }
  ++at_;
  return true;
}

JsonScanner::Kind JsonScanner::next_kind() {
  switch (const char c = peek()) {
    case '{': return Kind::object;
    case '[': return Kind::array;
    case '"': return Kind::string;
    case 't':
    case 'f':
    case 'n': return Kind::literal;
    default: return is_digit(c) || c == '-' ? Kind::number : Kind::nothing;
  }
}

void JsonScanner::enter() {
  if (const char c = peek(); c == '{' || c == '[') {
    ++at_;
  } else {
    fail();
  }
}

bool JsonScanner::next_member(bool& first, std::string& key) {
  if (failed_) {
    return false;
  }
  if (peek() == '}') {
    ++at_;
    return false;
  }
  if (!first && !take(',')) {
    return false;
  }
  first = false;
  key.clear();
  return peek() == '"' ? string_token(&key) && take(':') : fail();
}

bool JsonScanner::next_item(bool& first) {
  if (failed_) {
    return false;
  }
  if (peek() == ']') {
    ++at_;
    return false;
  }
  if (!first && !take(',')) {
    return false;
  }
  first = false;
  return true;
}

void JsonScanner::read(std::string& value) {
  value.clear();
  if (peek() != '"' || !string_token(&value)) {
    fail();
  }
}

void JsonScanner::read(std::int64_t& value) {
  std::string_view token;
  if (!number_token(token)) {
    return;
  }
  const auto parsed = std::from_chars(token.data(), token.data() + token.size(), value);
  if (parsed.ec != std::errc{} || parsed.ptr != token.data() + token.size()) {
    fail();
  }
}

void JsonScanner::read(bool& value) {
  value = peek() == 't';
  literal_token(value ? "true" : "false");
}

bool JsonScanner::take_null() {
  return peek() == 'n' && literal_token("null");
}

bool JsonScanner::at_end() {
  return !failed_ && peek() == '\0' && at_ == text_.size();
}

/// From a quote to its partner; where `value` is null the bytes are looked at only.
bool JsonScanner::string_token(std::string* value) {
  ++at_;
  while (true) {
    const auto start = at_;
    bool ascii = true;
    while (at_ + sizeof(std::uint64_t) <= text_.size() && eight_plain(text_.data() + at_)) {
      at_ += sizeof(std::uint64_t);
    }
    while (at_ < text_.size() && kPlain[static_cast<unsigned char>(text_[at_])]) {
      ascii = ascii && static_cast<signed char>(text_[at_]) >= 0;
      ++at_;
    }
    const auto run = text_.substr(start, at_ - start);
    if (at_ >= text_.size() || (!ascii && !is_utf8(run))) {
      return fail();
    }
    if (value != nullptr) {
      value->append(run);
    }
    const char c = text_[at_++];
    if (c == '"') {
      return true;
    }
    if (c != '\\' || !escape(value)) {
      return fail();
    }
  }
}

bool JsonScanner::hex4(std::uint32_t& unit) {
  if (at_ + 4 > text_.size()) {
    return false;
  }
  const auto* const begin = text_.data() + at_;
  const auto parsed = std::from_chars(begin, begin + 4, unit, 16);
  at_ += 4;
  return parsed.ec == std::errc{} && parsed.ptr == begin + 4;
}

bool JsonScanner::escape(std::string* value) {
  static constexpr std::string_view kNames = "\"\\/bfnrt";
  static constexpr std::string_view kBytes = "\"\\/\b\f\n\r\t";
  if (at_ >= text_.size()) {
    return false;
  }
  const char name = text_[at_++];
  if (const auto known = kNames.find(name); known != std::string_view::npos) {
    if (value != nullptr) {
      *value += kBytes[known];
    }
    return true;
  }
  std::uint32_t point = 0;
  if (name != 'u' || !hex4(point)) {
    return false;
  }
  if (point >= 0xD800 && point < 0xDC00) {  // the first half of a pair
    std::uint32_t second = 0;
    if (text_.substr(at_, 2) != "\\u") {
      return false;
    }
    at_ += 2;
    if (!hex4(second) || second < 0xDC00 || second > 0xDFFF) {
      return false;
    }
    point = 0x10000 + ((point - 0xD800) << 10U) + (second - 0xDC00);
  } else if (point >= 0xDC00 && point < 0xE000) {
    return false;
  }
  if (value != nullptr) {
    append_utf8(*value, point);
  }
  return true;
}

bool JsonScanner::number_token(std::string_view& token) {
  peek();
  const auto start = at_;
  const auto digits = [this] {
    const auto from = at_;
    while (at_ < text_.size() && is_digit(text_[at_])) {
      ++at_;
    }
    return at_ > from;
  };
  const auto is = [this](char c) { return at_ < text_.size() && text_[at_] == c; };
  at_ += is('-') ? 1 : 0;
  const bool zero = is('0');
  const auto whole = at_;
  if (!digits() || (zero && at_ - whole > 1)) {
    return fail();
  }
  if (is('.')) {
    ++at_;
    if (!digits()) {
      return fail();
    }
  }
  if (is('e') || is('E')) {
    ++at_;
    at_ += is('+') || is('-') ? 1 : 0;
    if (!digits()) {
      return fail();
    }
  }
  token = text_.substr(start, at_ - start);
  return true;
}

bool JsonScanner::literal_token(std::string_view word) {
  peek();
  if (text_.substr(at_, word.size()) != word) {
    return fail();
  }
  at_ += word.size();
  return true;
}

bool JsonScanner::key_and_colon() {
  return peek() == '"' ? string_token(nullptr) && take(':') : fail();
}

/// After a value inside `open` brackets: closes what ends here, and goes on to the next value. False at a failure.
bool JsonScanner::close_nested(std::string& open) {
  while (!open.empty()) {
    const bool object = open.back() == '{';
    const char c = peek();
    if (c == (object ? '}' : ']')) {
      ++at_;
      open.pop_back();
    } else if (c == ',') {
      ++at_;
      return !object || key_and_colon();
    } else {
      return fail();
    }
  }
  return true;
}

void JsonScanner::skip() {
  std::string open;  // the brackets around the place
  do {
    bool opened = false;
    std::string_view number;
    switch (next_kind()) {
      case Kind::object:
        ++at_;
        open += '{';
        opened = peek() != '}' && key_and_colon();
        break;
      case Kind::array:
        ++at_;
        open += '[';
        opened = peek() != ']';
        break;
      case Kind::string: string_token(nullptr); break;
      case Kind::number: number_token(number); break;
      case Kind::literal: literal_token(peek() == 't' ? "true" : (peek() == 'f' ? "false" : "null")); break;
      case Kind::nothing: fail(); break;
    }
    if (!failed_ && !opened) {
      close_nested(open);
    }
  } while (!open.empty() && !failed_);
}

}  // namespace cofferdam::docker
