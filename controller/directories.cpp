#include "controller/directories.hpp"

#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>

#include "controller/system_error.hpp"

namespace cofferdam::controller {

namespace {

/// As sudo -u takes it.
std::string user_text(uid_t user) {
  std::array<char, 16384> room{};
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(user, &entry, room.data(), room.size(), &found) != 0 || found == nullptr) return fmt::format("'#{}'", user);
  return found->pw_name;
}

}  // namespace

std::string make_directory(const std::string& path, mode_t mode) {
  struct stat info{};
  if (stat(path.c_str(), &info) == 0) return S_ISDIR(info.st_mode) ? std::string{} : system_message(ENOTDIR);
  if (errno != ENOENT) return path + ": " + system_message(errno);
  std::string trimmed = path;
  while (trimmed.size() > 1 && trimmed.back() == '/') trimmed.pop_back();
  const auto slash = trimmed.rfind('/');
  if (slash != std::string::npos && slash > 0) {
    std::string error = make_directory(trimmed.substr(0, slash), 0755);
    if (!error.empty()) return error;
  }
  if (mkdir(trimmed.c_str(), mode) != 0) return errno == EEXIST ? std::string{} : trimmed + ": " + system_message(errno);
  if (chmod(trimmed.c_str(), mode) != 0) return trimmed + ": " + system_message(errno);
  return {};
}

std::string refuse_other_owner(const std::string& field, const std::string& path, uid_t user, const std::string& command) {
  struct stat info{};
  if (stat(path.c_str(), &info) != 0 || info.st_uid == user) return {};
  const std::string owner = user_text(info.st_uid);
  return fmt::format(
      "{} {} belongs to {}, and this is {}: its owner could not read what would be written there, and could not go on; run it as "
      "its owner (sudo -u {} {})",
      field, path, owner, user_text(user), owner, command);
}

}  // namespace cofferdam::controller
