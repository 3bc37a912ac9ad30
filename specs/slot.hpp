#pragma once

// Where a field's value goes: a pointer into the structs that the rest of the product reads. One list of slots binds the table
// of fields to AgentSpec, another to Configuration; a test holds each list and its table together.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "specs/agent_spec.hpp"
#include "specs/configuration.hpp"
#include "specs/field_reader.hpp"

namespace cofferdam::specs {

using Slot = std::variant<std::string*, std::optional<std::string>*, bool*, std::optional<bool>*, std::int64_t*,
                          std::optional<std::int64_t>*, double*, std::optional<double>*, std::vector<std::string>*,
                          std::optional<std::vector<std::string>>*, std::chrono::seconds*, std::optional<std::chrono::seconds>*,
                          std::chrono::milliseconds*, RestartPolicy*, ImagePullPolicy*, OnViolation*,
                          std::map<std::string, std::string>*, std::map<std::string, TmpfsDefault>*>;

/// Puts a value that the table allowed into its slot; an enumeration's words stand in the table in the enumeration's order.
void assign(const Slot& slot, const Field& field, const FieldValue& value);

/// What stands in the slot as YAML text: 512, [ALL], {/tmp: {sizeMB: 256, exec: true}}, "quoted where needed". Unset: "".
std::string slot_text(const Slot& slot, const Field& field);

/// Text as a YAML scalar on one line, quoted where plain text would not read back the same.
std::string yaml_text(const std::string& text);

}  // namespace cofferdam::specs
