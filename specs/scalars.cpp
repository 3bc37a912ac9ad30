#include "specs/scalars.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "specs/wording.hpp"

namespace cofferdam::specs {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

/// 0, 12, -3: the one way to write an integer.
bool is_canonical_integer(std::string_view text) {
  const std::string_view digits = text.substr(0, 1) == "-" ? text.substr(1) : text;
  return all_digits(digits) && (digits == "0" ? text == "0" : digits.front() != '0');
}

/// An integer with or without a fraction: 1, 1.0, -0.25.
bool is_decimal(std::string_view text) {
  const std::size_t point = text.find('.');
  if (point == std::string_view::npos) return is_canonical_integer(text);
  const std::string_view whole = text.substr(0, point);
  return (is_canonical_integer(whole) || whole == "-0") && all_digits(text.substr(point + 1));
}

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

/// 1:30 and 1:30.5: numbers in base 60 to YAML 1.1.
bool is_base_60(std::string_view text) {
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
  const std::size_t first = text.find(':');
  if (first == std::string_view::npos || first == 0 || !is_digit(text.front())) return false;
  const std::size_t point = text.find('.');
  const std::string_view fraction = point == std::string_view::npos ? std::string_view{} : text.substr(point + 1);
  if (!std::all_of(fraction.begin(), fraction.end(), [](char c) { return is_digit(c) || c == '_'; })) return false;
  std::string_view rest = text.substr(0, point);
  for (bool leading = true; !rest.empty(); leading = false) {
    const std::size_t end = rest.find(':');
    const std::string_view part = rest.substr(0, end);
    const bool good = leading ? std::all_of(part.begin(), part.end(), [](char c) { return is_digit(c) || c == '_'; })
                              : all_digits(part) && part.size() <= 2 && (part.size() == 1 || part.front() <= '5');
    if (!good) return false;
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  }
  return text.substr(0, point).back() != ':';
}

/// Digits with a date before a time: 2026-01-31T12:00:00Z, 2026-1-31 12:00:00. A date alone reads back the same.
bool is_time_stamp(std::string_view text) {
  std::size_t i = 0;
  for (int part = 0; part < 3; ++part) {
    const std::size_t begin = i;
    while (i < text.size() && is_digit(text[i])) ++i;
    if (part == 0 ? i - begin != 4 : i == begin || i - begin > 2) return false;
    if (part == 2) break;
    if (i >= text.size() || text[i] != '-') return false;
    ++i;
  }
  const bool time_follows = i + 1 < text.size() && is_one_of(text.substr(i, 1), {"T", "t", " ", "\t"}) && is_digit(text[i + 1]);
  return time_follows && text.find(':', i) != std::string_view::npos;
}

std::string_view other_number(std::string_view text) {
  std::string_view digits = text;
  const bool has_sign = digits.front() == '+' || digits.front() == '-';
  if (has_sign) digits.remove_prefix(1);
  if (digits.empty()) return {};
  if (digits.size() > 2 && digits[0] == '0' && is_one_of(digits.substr(1, 1), {"x", "X", "o", "b"})) {
    const auto alphanumeric = [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == '_'; };
    return std::all_of(digits.begin() + 2, digits.end(), alphanumeric) ? "a number in another base" : "";
  }
  if (is_one_of(lower(digits), {".inf", ".nan"})) return "a number that is none";
  if (is_base_60(text)) return "a number in base 60";
  const auto numeric = [](char c) { return is_digit(c) || std::string_view("._eE+-").find(c) != std::string_view::npos; };
  const bool like_number = std::all_of(digits.begin(), digits.end(), numeric) &&
                           (is_digit(digits.front()) || (digits.front() == '.' && digits.size() > 1 && is_digit(digits[1])));
  if (!like_number || is_time_stamp(text) || is_canonical_integer(text)) return {};
  if (std::count(digits.begin(), digits.end(), '.') > 1 || digits.find('-', 1) != std::string_view::npos) {
    // 1.2.3 and 2026-01-31 are texts; 1e-3 is a number
    const std::size_t exponent = digits.find_first_of("eE");
    if (exponent == std::string_view::npos || digits.find('-') != exponent + 1) return {};
  }
  if (is_decimal(text) && text.back() != '0' && text.substr(0, 2) != "-0") return {};  // 1.5
  if (all_digits(digits) && digits.front() == '0' && digits.size() > 1) return "an octal number";
  return "a number that would be written otherwise";
}

Refusal wrong_type(const YamlNode& node, std::string_view wanted, std::string mend) {
  return {"is " + describe_found(node) + ", where " + std::string(wanted) + " is wanted", std::move(mend)};
}

std::string range(std::string_view noun, NumberBounds bounds) {
  return "write " + std::string(noun) + " from " + number_text(bounds.min) + " to " + number_text(bounds.max);
}

/// Why a plain scalar that should be a number is none, or nothing.
std::string number_refusal(std::string_view text) {
  if (text.front() == '+') return "has a '+'";
  if (is_one_of(lower(text), {".nan", "nan"})) return "is not a number";
  if (is_one_of(lower(text), {".inf", "-.inf", "inf", "-inf", "infinity"})) return "is infinite";
  const std::string_view other = other_number(text);
  if (other == "an octal number") return "begins with a zero, as octal numbers do";
  if (other == "a number in base 60") return "is in base 60 to some readers";
  if (other == "a number in another base") return "is not in decimals";
  if (text.find('_') != std::string_view::npos && !other.empty()) return "has a '_' between its digits";
  if (text.find_first_of("eE") != std::string_view::npos && !other.empty()) return "has an exponent";
  return {};
}

Refusal not_a_number(const YamlNode& node, std::string_view noun, NumberBounds bounds) {
  std::string mend = range(noun, bounds) + ", in plain decimals";
  if (!node.is_scalar()) return wrong_type(node, noun, std::move(mend));
  if (node.style != YamlNode::Style::plain) return wrong_type(node, noun, range(noun, bounds) + ", without quotes");
  const std::string why = node.text.empty() ? "" : number_refusal(node.text);
  if (!why.empty()) return {"is " + node.text.substr(0, 60) + ", which " + why, std::move(mend)};
  return wrong_type(node, noun, std::move(mend));
}

std::variant<double, Refusal> bounded(double value, const YamlNode& node, std::string_view noun, NumberBounds bounds) {
  if (value >= bounds.min && value <= bounds.max) return value;
  return Refusal{"is " + node.text.substr(0, 60) + ", which is too " + (value < bounds.min ? "small" : "large"),
                 range(noun, bounds)};
}

double to_double(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  // Too many digits for a double are out of every bound.
  if (error == std::errc::result_out_of_range) return text.front() == '-' ? -HUGE_VAL : HUGE_VAL;
  return value;
}

}  // namespace

std::string describe_found(const YamlNode& node, bool secret) {
  switch (node.kind) {
    case YamlNode::Kind::null: return node.text.empty() ? "empty" : "null (" + node.text + ')';
    case YamlNode::Kind::sequence: return "a list";
    case YamlNode::Kind::mapping: return "a mapping";
    case YamlNode::Kind::scalar: break;
  }
  if (secret) return "a text (not shown)";
  if (node.style == YamlNode::Style::plain) return quoted_for_people(node.text);
  return "the quoted text " + quoted_for_people(node.text);
}

std::string_view other_reading(std::string_view plain) {
  if (plain.empty()) return "null";
  const std::string word = lower(plain);
  if (plain == "true" || plain == "false") return {};
  if (is_one_of(word, {"true", "false", "yes", "no", "on", "off", "y", "n"})) return "a boolean";
  if (is_one_of(word, {"~", "null"})) return "null";
  if (is_one_of(plain, {"=", "<<"})) return "a special sign";
  if (is_time_stamp(plain)) return "a time";
  return other_number(plain);
}

std::variant<bool, Refusal> boolean_of(const YamlNode& node) {
  const std::string mend = "write true or false";
  if (!node.is_scalar()) return wrong_type(node, "a boolean", mend);
  if (node.style != YamlNode::Style::plain) return wrong_type(node, "a boolean", mend + ", without quotes");
  if (node.text == "true") return true;
  if (node.text == "false") return false;
  const std::string word = lower(node.text);
  if (is_one_of(word, {"true", "yes", "on", "y"})) return wrong_type(node, "a boolean", "write true");
  if (is_one_of(word, {"false", "no", "off", "n"})) return wrong_type(node, "a boolean", "write false");
  return wrong_type(node, "a boolean", mend);
}

std::variant<std::int64_t, Refusal> integer_of(const YamlNode& node, NumberBounds bounds) {
  constexpr std::string_view noun = "an integer";
  const bool plain = node.is_scalar() && node.style == YamlNode::Style::plain;
  if (!plain || !is_canonical_integer(node.text)) return not_a_number(node, noun, bounds);
  const auto value = bounded(to_double(node.text), node, noun, bounds);
  if (const auto* refusal = std::get_if<Refusal>(&value)) return *refusal;
  return static_cast<std::int64_t>(std::get<double>(value));  // the bounds keep it below 2^53
}

std::variant<double, Refusal> number_of(const YamlNode& node, NumberBounds bounds) {
  constexpr std::string_view noun = "a number";
  const bool plain = node.is_scalar() && node.style == YamlNode::Style::plain;
  if (!plain || !is_decimal(node.text)) return not_a_number(node, noun, bounds);
  return bounded(to_double(node.text), node, noun, bounds);
}

std::variant<std::string, Refusal> text_of(const YamlNode& node, bool secret) {
  if (!node.is_scalar()) {
    return Refusal{
        "is " + describe_found(node, secret) + ", where a text is wanted",
        node.kind == YamlNode::Kind::null ? "write a text, \"\" for an empty one, or remove the line" : "write a text"};
  }
  if (node.style != YamlNode::Style::plain) return node.text;
  const std::string_view other = other_reading(node.text);
  if (other.empty()) return node.text;
  return Refusal{"is " + describe_found(node, secret) + " without quotes, which YAML readers may take for " + std::string(other),
                 "quote it if the text is meant" + (secret ? "" : ": \"" + node.text.substr(0, 60) + '"')};
}

std::string number_text(double value) {
  std::array<char, 64> buffer{};
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed);
  return {buffer.data(), end};
}

}  // namespace cofferdam::specs
