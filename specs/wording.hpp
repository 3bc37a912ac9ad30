#pragma once

// The small change of messages: how texts, paths and lists are shown to people, and which known word was meant.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace cofferdam::specs {

/// "spec.env.NAME" from "spec.env" and "NAME"; of a strange key only its printable beginning.
std::string join_path(const std::string& parent, std::string_view key);
/// "spec.command[0]".
std::string join_path(const std::string& parent, std::size_t index);

/// In double quotes, control characters escaped, no longer than a line can bear.
std::string quoted_for_people(std::string_view text);

/// "a, b or c".
std::string one_of(const std::vector<std::string_view>& words);

/// The known word that looks most like this one, or begins with it, case aside; empty where none is near enough.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known);

}  // namespace cofferdam::specs
