#pragma once

// Scalars, strictly: a field's value is what its author wrote, or it is refused; nothing is guessed. Booleans are
// true and false; integers and numbers are canonical decimals without quotes; a text without quotes is taken unless
// a reader of YAML 1.1 or 1.2 would make something else of it ("yes", "~", "010", "1e3", "1:30", "1.10").

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "specs/yaml_tree.hpp"

namespace cofferdam::specs {

/// Why a value is not taken ("is …") and what to write instead.
struct Refusal {
  std::string what;
  std::string mend;

  bool operator==(const Refusal&) const = default;
};

struct NumberBounds {
  double min = 0;
  double max = 0;
};

std::variant<bool, Refusal> boolean_of(const YamlNode& node);
std::variant<std::int64_t, Refusal> integer_of(const YamlNode& node, NumberBounds bounds);
std::variant<double, Refusal> number_of(const YamlNode& node, NumberBounds bounds);

/// `secret`: the refusal does not show the value.
std::variant<std::string, Refusal> text_of(const YamlNode& node, bool secret = false);

/// What a reader might take this plain text for: "a boolean", "octal", …; empty where it is a text to all, or written
/// in the one way that reads back the same (12, -3, 1.5, true, 2026-01-31).
std::string_view other_reading(std::string_view plain);

/// "a list", "a mapping", "empty", the quoted text "512", …
std::string describe_found(const YamlNode& node, bool secret = false);

/// As YAML text that number_of reads back the same: "1", "0.5".
std::string number_text(double value);

}  // namespace cofferdam::specs
