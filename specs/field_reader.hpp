#pragma once

// Holds a YAML tree against a table of fields: every value that is right comes out, every problem with its place.

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "specs/fields.hpp"
#include "specs/place.hpp"
#include "specs/yaml_tree.hpp"

namespace cofferdam::specs {

using FieldValue = std::variant<bool, std::int64_t, double, std::string, std::vector<std::string>>;

/// A value as the table wants it. Of a mapping that was written there is one too (`value` is empty), before its entries.
struct FoundField {
  const Field* field = nullptr;
  std::string path;  ///< "spec.env.LOG_LEVEL"
  std::string key;   ///< what stands for the innermost "*": "LOG_LEVEL"
  Place place;
  FieldValue value;
};

struct ReadFields {
  std::vector<FoundField> found;        ///< in the file's order
  std::map<std::string, Place> places;  ///< of everything written that the table knows: fields, entries, list items
  Problems problems;
};

/// `noun` says what the document is: "an agent spec". Of a document that broke off, nothing is said to be missing.
ReadFields read_fields(const YamlDocument& document, std::span<const Field> fields, const std::string& file,
                       std::string_view noun);

/// One value by itself, as from the command line or the environment: the text as it stands, for any field that is_value and no
/// list or mapping.
std::variant<FieldValue, Refusal> read_scalar(const Field& field, const std::string& text);

}  // namespace cofferdam::specs
