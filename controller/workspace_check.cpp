#include "controller/workspace_check.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <utility>
#include <vector>

#include "controller/file_descriptor.hpp"
#include "controller/system_error.hpp"

namespace cofferdam::controller {

namespace {

using Kind = specs::WorkspaceFacts::Kind;

FileDescriptor open_without_links(const std::string& path) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return FileDescriptor(static_cast<int>(syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how)));
}

std::vector<std::string> components_of(const std::string& path) {
  std::vector<std::string> components;
  std::size_t at = 0;
  while (at < path.size()) {
    const auto slash = path.find('/', at);
    const auto end = slash == std::string::npos ? path.size() : slash;
    if (end > at) components.push_back(path.substr(at, end - at));
    at = end + 1;
  }
  return components;
}

/// The same walk by hand, a component at a time: says which one stops it, and stands in where the kernel has no openat2
/// (before 5.6) or forbids it. Fills kind and detail on failure.
FileDescriptor walk(const std::string& path, specs::WorkspaceFacts& facts) {
  FileDescriptor here(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!here) {
    facts.kind = Kind::unreadable;
    facts.detail = "/: " + system_message(errno);
    return {};
  }
  std::string walked;
  for (const auto& component : components_of(path)) {
    walked += '/' + component;
    FileDescriptor next(openat(here.get(), component.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat info{};
    if (!next || fstat(next.get(), &info) != 0) {
      const int error = errno;
      facts.kind = error == ENOENT ? Kind::missing : error == ENOTDIR ? Kind::not_a_directory : Kind::unreadable;
      facts.detail = walked + ": " + system_message(error);
      return {};
    }
    if (S_ISLNK(info.st_mode)) {
      facts.kind = Kind::symlink_in_path;
      facts.detail = walked;
      return {};
    }
    if (!S_ISDIR(info.st_mode)) {
      facts.kind = Kind::not_a_directory;
      facts.detail = walked;
      return {};
    }
    here = std::move(next);
  }
  return here;
}

}  // namespace

specs::WorkspaceFacts check_workspace(const std::string& path) {
  specs::WorkspaceFacts facts;
  FileDescriptor found = open_without_links(path);
  struct stat info{};
  if (!found || fstat(found.get(), &info) != 0 || !S_ISDIR(info.st_mode)) {
    found = walk(path, facts);
    if (!found) return facts;
    if (fstat(found.get(), &info) != 0) {
      facts.kind = Kind::unreadable;
      facts.detail = path + ": " + system_message(errno);
      return facts;
    }
  }
  facts.kind = Kind::directory;
  facts.device = info.st_dev;
  facts.inode = info.st_ino;
  facts.uid = info.st_uid;
  facts.gid = info.st_gid;
  facts.mode = info.st_mode & 07777U;
  struct statvfs file_system{};
  if (fstatvfs(found.get(), &file_system) == 0) {
    const auto free_bytes = static_cast<std::uint64_t>(file_system.f_bavail) * file_system.f_frsize;
    facts.free_mb = static_cast<std::int64_t>(free_bytes >> 20U);
    facts.nosuid = (file_system.f_flag & ST_NOSUID) != 0;
    facts.nodev = (file_system.f_flag & ST_NODEV) != 0;
  }
  return facts;
}

}  // namespace cofferdam::controller
