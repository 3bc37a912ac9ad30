#include "specs/user.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <string_view>
#include <vector>

namespace cofferdam::specs {
namespace {

constexpr std::uint32_t largest_id = std::numeric_limits<std::int32_t>::max();

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<std::uint32_t> canonical_id(std::string_view text) {
  if (!all_digits(text) || text.size() > 10 || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  if (value > largest_id) return std::nullopt;
  return static_cast<std::uint32_t>(value);
}

struct Parts {
  std::string_view user;
  std::optional<std::string_view> group;
};

Parts split(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return {text, std::nullopt};
  return {text.substr(0, colon), text.substr(colon + 1)};
}

// A name as useradd(8) makes them; what starts like a number is meant as one.
std::string part_error(std::string_view part, const std::string& which) {
  if (part.empty()) return "has an empty " + which;
  const char first = part.front();
  if ((first >= '0' && first <= '9') || first == '+' || first == '-') {
    if (canonical_id(part)) return {};
    return "has a " + which + " that is no canonical decimal number from 0 to " + std::to_string(largest_id);
  }
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
  };
  if (part.size() > 64 || !std::all_of(part.begin(), part.end(), good)) {
    return "has a " + which + " name with other characters than letters, digits, '_', '-' and '.', or more than 64 of them";
  }
  return {};
}

std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> fields;
  std::size_t begin = 0;
  while (true) {
    const std::size_t colon = line.find(':', begin);
    fields.push_back(line.substr(begin, colon - begin));
    if (colon == std::string_view::npos) return fields;
    begin = colon + 1;
  }
}

/// The fields of the first line whose field `key` is `value`; empty: none.
std::vector<std::string_view> first_line(std::string_view text, std::size_t key, std::string_view value) {
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line = text.substr(begin, end - begin);
    begin = end + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);
    std::vector<std::string_view> fields = fields_of(line);
    if (fields.size() > key && fields[key] == value) return fields;
  }
  return {};
}

constexpr const char* mend = "; set spec.user, for example 1000:1000";

UserResolution failed(std::string what) {
  return {std::nullopt, std::move(what) + mend};
}

}  // namespace

std::string user_form_error(const std::string& user) {
  const Parts parts = split(user);
  std::string error = part_error(parts.user, "user");
  if (error.empty() && parts.group) error = part_error(*parts.group, "group");
  return error;
}

bool user_needs_files(const std::string& user) {
  const Parts parts = split(user);
  return !canonical_id(parts.user) || !parts.group || !canonical_id(*parts.group);
}

UserResolution resolve_user(const std::string& user, const std::string& passwd, const std::string& group) {
  if (const std::string error = user_form_error(user); !error.empty()) return failed("user '" + user + "' " + error);
  const Parts parts = split(user);
  NumericUser numbers;
  std::optional<std::uint32_t> primary;  // the group of the passwd line

  const std::optional<std::uint32_t> uid = canonical_id(parts.user);
  std::vector<std::string_view> line;
  if (!uid || !parts.group) line = first_line(passwd, uid ? 2 : 0, parts.user);
  if (!uid && line.empty()) return failed("image has no user " + std::string(parts.user));
  if (!line.empty()) {
    const std::optional<std::uint32_t> listed_uid = line.size() > 3 ? canonical_id(line[2]) : std::nullopt;
    primary = line.size() > 3 ? canonical_id(line[3]) : std::nullopt;
    if (!listed_uid || !primary) return failed("image's passwd has no numbers for user " + std::string(parts.user));
    numbers.uid = *listed_uid;
  } else {
    numbers.uid = *uid;
  }

  if (!parts.group) {
    numbers.gid = primary.value_or(numbers.uid);
  } else if (const std::optional<std::uint32_t> gid = canonical_id(*parts.group)) {
    numbers.gid = *gid;
  } else {
    const std::vector<std::string_view> entry = first_line(group, 0, *parts.group);
    if (entry.empty()) return failed("image has no group " + std::string(*parts.group));
    const std::optional<std::uint32_t> listed_gid = entry.size() > 2 ? canonical_id(entry[2]) : std::nullopt;
    if (!listed_gid) return failed("image's group file has no number for group " + std::string(*parts.group));
    numbers.gid = *listed_gid;
  }
  return {numbers, {}};
}

std::string to_string(const NumericUser& user) {
  return std::to_string(user.uid) + ':' + std::to_string(user.gid);
}

}  // namespace cofferdam::specs
