#pragma once

// How JSON becomes text here; for the files that build it.

#include <string>

#include <nlohmann/json.hpp>

namespace cofferdam::controller {

using Json = nlohmann::ordered_json;

/// Indented by two, with a newline at the end; what is not UTF-8 is replaced rather than refused.
inline std::string json_text(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace cofferdam::controller
