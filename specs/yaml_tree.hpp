#pragma once

// A bounded YAML reader: bytes in, a small tree with marks out, or what is wrong and where. Nothing is converted here:
// a scalar stays the text that its author wrote, with whether it was quoted.
//
// Taken: the part of YAML 1.2 that means the same to every reader, JSON included. Refused: aliases, anchors, tags,
// directives, duplicate keys, keys that are not text, NUL, control characters, any encoding but UTF-8 without a byte
// order mark, a lone carriage return, tabs in the indentation of blocks, quotes and brackets that are never closed,
// and anything over the bounds. Documents are parsed one by one, so that one broken document hides no other.
// Never throws for what is in the bytes.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "specs/place.hpp"

namespace cofferdam::specs {

/// Position in the file, from 1, columns in bytes.
struct YamlMark {
  int line = 0;
  int column = 0;

  auto operator<=>(const YamlMark&) const = default;
};

struct YamlEntry;

struct YamlNode {
  enum class Kind { null, scalar, sequence, mapping };
  enum class Style { plain, quoted, block };  ///< of a scalar: block is '|' and '>'

  Kind kind = Kind::null;
  Style style = Style::plain;
  bool refused = false;  ///< it has no value to be had, and the problem is told: an alias, an unclosed quote, a NUL
  std::string text;      ///< of a scalar; of a null as written: "~", "null" or nothing
  YamlMark mark;         ///< where it begins; of an unwritten value, its key's
  std::vector<YamlNode> items;
  std::vector<YamlEntry> entries;  ///< as written; of a duplicate key the first only

  [[nodiscard]] bool is_scalar() const { return kind == Kind::scalar; }
  [[nodiscard]] bool is_mapping() const { return kind == Kind::mapping; }
  /// The entry of that key; null where there is none.
  [[nodiscard]] const YamlEntry* find(std::string_view key) const;
};

struct YamlEntry {
  std::string key;
  YamlMark mark;  ///< of the key
  YamlNode value;
};

struct YamlDocument {
  YamlNode root;
  YamlMark start;        ///< of the first thing in it
  bool complete = true;  ///< false: broken off at an error; `root` holds what came before
  /// Where not complete: from here on the tree may hold less, or other, than the author meant.
  YamlMark doubtful;
};

struct YamlFile {
  std::vector<YamlDocument> documents;  ///< without empty ones
  Problems problems;                    ///< in the order found
};

struct YamlBounds {
  std::size_t bytes = 1U << 20U;
  std::size_t depth = 64;
  std::size_t nodes = 10000;      ///< a document; keys count
  std::size_t documents = 10000;  ///< a file, empty ones included
};

YamlFile read_yaml(std::string_view bytes, const std::string& file, const YamlBounds& bounds = {});

}  // namespace cofferdam::specs
