#pragma once

// Which member of Configuration holds which field.

#include <string>
#include <string_view>

#include "specs/configuration.hpp"
#include "specs/slot.hpp"

namespace cofferdam::specs {

/// The slot of a field of configuration_fields() that has a value, or of a free mapping's entry, whose key is `key`; nothing for
/// mappings of further fields. The slot lives as long as the configuration.
std::optional<Slot> configuration_slot(Configuration& configuration, std::string_view path, const std::string& key = "");

}  // namespace cofferdam::specs
