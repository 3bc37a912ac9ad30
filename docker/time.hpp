#pragma once

// The engine's times as text. Nothing here reads a clock.

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "docker/types.hpp"

namespace cofferdam::docker {

/// RFC 3339 with up to nine digits of a second and any offset. The engine's zero time (year 1) and times that 64 bits
/// of nanoseconds cannot hold (before 1678, after 2261) are nullopt, as is an empty text; what is no time at all is
/// the text that says so.
std::variant<std::optional<Time>, std::string> parse_time(std::string_view text);

/// "2026-01-02T03:04:05.000000006Z", always with nine digits.
std::string format_time(Time time);

/// Seconds since 1970 with nine decimals, as the engine takes `since`.
std::string format_unix_time(Time time);

}  // namespace cofferdam::docker
