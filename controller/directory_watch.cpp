#include "controller/directory_watch.hpp"

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>

#include "controller/system_error.hpp"

namespace cofferdam::controller {

namespace {

constexpr std::uint32_t inside = IN_CREATE | IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE;
constexpr std::uint32_t itself = IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_EXCL_UNLINK;
constexpr std::uint32_t coming_and_going =
    IN_CREATE | IN_ATTRIB | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

std::string explain(int error) {
  if (error == ENOSPC) {
    return "no inotify watch is left, so changes are seen at the next rescan only; raise fs.inotify.max_user_watches "
           "(sysctl -w fs.inotify.max_user_watches=524288)";
  }
  if (error == EMFILE) {
    return "no inotify instance is left, so changes are seen at the next rescan only; raise fs.inotify.max_user_instances "
           "(sysctl -w fs.inotify.max_user_instances=512), or the limit of open files";
  }
  return "inotify does not work here (" + system_message(error) + "), so changes are seen at the next rescan only";
}

/// "a directory that is open" as a path that inotify takes: exactly this one, whatever its name leads to by now.
std::string path_of_descriptor(int fd) {
  return "/proc/self/fd/" + std::to_string(fd);
}

WatchEvent::Kind kind_of(std::uint32_t mask) {
  if ((mask & (IN_CLOSE_WRITE | IN_MOVED_TO)) != 0) return WatchEvent::Kind::complete;
  if ((mask & (IN_DELETE | IN_MOVED_FROM)) != 0) return WatchEvent::Kind::gone;
  return WatchEvent::Kind::written;
}

}  // namespace

DirectoryWatch::DirectoryWatch(std::string path) : path_(std::move(path)) {
  open();
}

bool DirectoryWatch::open() {
  if (inotify_) return true;
  inotify_ = FileDescriptor(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  no_descriptor_ = inotify_ ? std::string{} : explain(errno);
  return static_cast<bool>(inotify_);
}

DirectoryWatch::Armed DirectoryWatch::arm() {
  Armed armed;
  armed.trouble = no_descriptor_;
  if (inotify_) armed.trouble = watch_ancestor();
  armed.directory = FileDescriptor(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC));
  if (!armed.directory) armed.error = errno;
  if (inotify_) {
    const std::string trouble = watch_directory(armed.directory.get());
    if (!trouble.empty()) armed.trouble = trouble;
  }
  return armed;
}

std::string DirectoryWatch::watch_directory(int directory) {
  struct stat info{};
  const bool there = directory >= 0 && fstat(directory, &info) == 0;
  Watched before;
  {
    const std::lock_guard lock(mutex_);
    before = watched_;
    if (there && before.directory >= 0 && before.device == info.st_dev && before.inode == info.st_ino) return {};
    watched_.directory = -1;
  }
  int added = -1;
  int error = 0;
  if (there) {
    added = inotify_add_watch(inotify_.get(), path_of_descriptor(directory).c_str(), inside | itself);
    error = errno;
  }
  if (before.directory >= 0 && before.directory != added) inotify_rm_watch(inotify_.get(), before.directory);
  if (added < 0) return there ? explain(error) : std::string{};
  const std::lock_guard lock(mutex_);
  watched_.directory = added;
  watched_.device = info.st_dev;
  watched_.inode = info.st_ino;
  return {};
}

std::string DirectoryWatch::watch_ancestor() {
  std::filesystem::path child = path_;
  if (!child.has_filename()) child = child.parent_path();
  int added = -1;
  int error = ENOENT;
  while (added < 0 && (error == ENOENT || error == ENOTDIR) && child.has_relative_path()) {
    const auto parent = child.parent_path();
    added = inotify_add_watch(inotify_.get(), parent.c_str(), coming_and_going);
    error = errno;
    if (added < 0) child = parent;
  }
  int before = -1;
  int directory = -1;
  {
    const std::lock_guard lock(mutex_);
    before = watched_.ancestor;
    directory = watched_.directory;
    watched_.ancestor = added;
    watched_.child = child.filename().string();
  }
  if (before >= 0 && before != added && before != directory) inotify_rm_watch(inotify_.get(), before);
  // An ancestor that may not be read is no trouble: the directory's own watch is what matters.
  return added >= 0 || error == EACCES ? std::string{} : explain(error);
}

std::vector<WatchEvent> DirectoryWatch::decode(const char* bytes, std::size_t size) {
  std::vector<WatchEvent> events;
  const auto add = [&events](WatchEvent::Kind kind, std::string name) {
    WatchEvent event{kind, std::move(name)};
    if (events.empty() || events.back() != event) events.push_back(std::move(event));
  };
  const std::lock_guard lock(mutex_);
  std::size_t at = 0;
  while (at + sizeof(inotify_event) <= size) {
    inotify_event head{};
    std::memcpy(&head, bytes + at, sizeof head);
    if (at + sizeof head + head.len > size) break;
    const char* const text = bytes + at + sizeof head;
    const std::string name = head.len > 0 ? std::string(text, strnlen(text, head.len)) : std::string{};
    at += sizeof head + head.len;
    if ((head.mask & IN_Q_OVERFLOW) != 0) {
      add(WatchEvent::Kind::anything, {});
    } else if (head.wd == watched_.directory) {
      if ((head.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED)) != 0) {
        if ((head.mask & IN_IGNORED) != 0) watched_.directory = -1;
        add(WatchEvent::Kind::anything, {});
      } else if (!name.empty()) {
        add(kind_of(head.mask), name);
      }
    } else if (head.wd == watched_.ancestor) {
      if ((head.mask & IN_IGNORED) != 0) watched_.ancestor = -1;
      if (name == watched_.child || name.empty()) add(WatchEvent::Kind::anything, {});
    }
  }
  return events;
}

}  // namespace cofferdam::controller
