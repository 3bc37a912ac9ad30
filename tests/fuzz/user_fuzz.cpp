// A spec's user against an image's passwd and group, which are not trusted (three texts, parted by NULs): numbers within bounds
// or words, never root that nobody named. Also the engine's times.

#include <string>
#include <string_view>

#include "docker/time.hpp"
#include "specs/user.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace cofferdam::fuzz {
namespace {

using namespace specs;

std::string next(std::string_view& text) {
  const auto end = std::min(text.find('\0'), text.size());
  std::string part(text.substr(0, end));
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

void check_time(std::string_view text) {
  const auto parsed = docker::parse_time(text);
  if (const auto* wrong = std::get_if<std::string>(&parsed)) return require(!wrong->empty(), "what is no time has words");
  const auto time = std::get<0>(parsed);
  if (!time) return;
  const std::string written = docker::format_time(*time);
  const auto again = docker::parse_time(written);
  require(std::holds_alternative<std::optional<docker::Time>>(again) && std::get<0>(again) == time,
          "a time reads back what was written", written);
  docker::format_unix_time(*time);
}

void check_user(std::string_view text) {
  const std::string user = next(text);
  const std::string passwd = next(text);
  const std::string group = next(text);
  const auto resolved = resolve_user(user, passwd, group);
  require(resolved.user.has_value() == resolved.error.empty(), "numbers or words, not both");
  if (!user_form_error(user).empty()) return require(!resolved.user, "what has no form has no numbers", user);
  if (!user_needs_files(user)) {
    require(resolved.user && to_string(*resolved.user) == user, "numbers are taken as they are", user);
    return;
  }
  if (!resolved.user) return;
  constexpr std::uint32_t largest = 2147483647;
  require(resolved.user->uid <= largest && resolved.user->gid <= largest, "numbers are within the engine's bound");
  if (user.find_first_not_of("0123456789") == std::string::npos) {
    require(std::to_string(resolved.user->uid) == user, "a number that was asked for is kept", user);
    require(resolved.user->gid != 0 || user == "0" || passwd.find(":" + user + ":0") != std::string::npos,
            "the group is 0 only where it was said", user);
  }
}

}  // namespace
}  // namespace cofferdam::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (text.starts_with('@')) {
    cofferdam::fuzz::check_time(text.substr(1));
  } else {
    cofferdam::fuzz::check_user(text);
  }
  return 0;
}
