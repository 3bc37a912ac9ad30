#include "controller/directories.hpp"

#include <sys/stat.h>

#include <cerrno>

#include "controller/system_error.hpp"

namespace cofferdam::controller {

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

}  // namespace cofferdam::controller
