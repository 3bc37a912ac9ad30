#pragma once

// The one table of fields for agent specs and the one for the configuration: path, type, bounds, allowed words, default and
// help. Parsing, checking and every message come from it; so may a schema and a reference page.

#include <span>
#include <string_view>
#include <vector>

#include "specs/forms.hpp"

namespace cofferdam::specs {

enum class FieldType { mapping, list, text, boolean, integer, number };

/// One field. In a path, the step "*" stands for any key of a mapping that its author fills freely: "spec.env.*".
struct Field {
  std::string_view path;
  FieldType type = FieldType::text;
  std::string_view help;           ///< one line; for an integer or number with its unit
  std::string_view fallback = {};  ///< the default as YAML text, or the configuration's field that gives it; empty: none
  Form form = Form::text;          ///< of a text, of a list's items, of a free mapping's keys
  std::string_view allowed = {};   ///< of a text, or of a list's items: the words, parted by spaces; empty: any
  double min = 0;                  ///< of an integer or number; of a list or free mapping: how many
  double max = 0;
  bool required = false;
  bool secret = false;      ///< its value is never shown
  bool controller = false;  ///< only the controller uses it: in no hash
  bool restart = false;     ///< of the configuration: a reload cannot change it
};

/// In the order in which a file is best written; parents before their children.
std::span<const Field> agent_fields();
std::span<const Field> configuration_fields();

/// The field with that path in the table; null where there is none.
const Field* find_field(std::span<const Field> fields, std::string_view path);
/// The fields right below a path ("" for the top), in the table's order.
std::vector<const Field*> children_of(std::span<const Field> fields, std::string_view path);
/// The last step of a path.
std::string_view last_step(std::string_view path);
/// A field that has a value of its own: no mapping of further fields, nor inside a free mapping, which is one value.
bool is_value(std::span<const Field> fields, const Field& field);
std::vector<std::string_view> words_of(std::string_view allowed);

}  // namespace cofferdam::specs
