#include "controller/directory_scan.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <optional>
#include <vector>

#include "controller/file_descriptor.hpp"
#include "controller/system_error.hpp"

namespace cofferdam::controller {

namespace {

/// More names than this in one folder are a mistake, or an attack on our memory; agents are bounded to far fewer.
constexpr std::size_t max_names = 50000;
/// A `..data` link can be swapped, and what it pointed at removed, between our looking and opening.
constexpr int swap_attempts = 3;
constexpr std::int64_t racy_ns = 2'000'000'000;
/// What is renamed or removed between our listing and opening it makes us list again, so often.
constexpr int reading_attempts = 8;
/// The C library asks the system for so much of a list at least, and the system answers each time as of one moment.
constexpr std::size_t one_answer_bytes = 32768 - 1024;
/// Two changes within one tick of the kernel's clock leave the same time behind.
constexpr std::int64_t tick_ns = 20'000'000;

std::int64_t nanoseconds(const timespec& time) {
  return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

std::int64_t wall_ns() {
  timespec time{};
  clock_gettime(CLOCK_REALTIME, &time);
  return nanoseconds(time);
}

std::string owner_of(uid_t uid, gid_t gid) {
  std::array<char, 4096> buffer{};
  passwd user{};
  passwd* found_user = nullptr;
  std::string owner = std::to_string(uid);
  if (getpwuid_r(uid, &user, buffer.data(), buffer.size(), &found_user) == 0 && found_user != nullptr) owner = user.pw_name;
  group members{};
  group* found_group = nullptr;
  std::string name = std::to_string(gid);
  if (getgrgid_r(gid, &members, buffer.data(), buffer.size(), &found_group) == 0 && found_group != nullptr)
    name = members.gr_name;
  return owner + ':' + name;
}

specs::FileType type_of(mode_t mode) {
  if (S_ISREG(mode)) return specs::FileType::regular;
  if (S_ISDIR(mode)) return specs::FileType::directory;
  if (S_ISFIFO(mode)) return specs::FileType::fifo;
  if (S_ISSOCK(mode)) return specs::FileType::socket;
  if (S_ISCHR(mode) || S_ISBLK(mode)) return specs::FileType::device;
  return specs::FileType::unknown;
}

void take_stat(const struct stat& info, specs::DirEntry& entry) {
  entry.device = info.st_dev;
  entry.inode = info.st_ino;
  entry.size = info.st_size;
  entry.mtime_ns = nanoseconds(info.st_mtim);
  entry.mode = info.st_mode & 07777U;
  entry.uid = info.st_uid;
  entry.gid = info.st_gid;
}

SeenFile seen_of(const struct stat& info, std::int64_t read_at) {
  SeenFile seen;
  seen.device = info.st_dev;
  seen.inode = info.st_ino;
  seen.size = info.st_size;
  seen.mtime_ns = nanoseconds(info.st_mtim);
  seen.ctime_ns = nanoseconds(info.st_ctim);
  seen.racy = std::max(seen.mtime_ns, seen.ctime_ns) > read_at - racy_ns;
  return seen;
}

bool same_file(const SeenFile& a, const SeenFile& b) {
  return a.device == b.device && a.inode == b.inode && a.size == b.size && a.mtime_ns == b.mtime_ns && a.ctime_ns == b.ctime_ns;
}

std::optional<std::string> read_link(int directory, const std::string& name) {
  std::array<char, 4096> buffer{};
  const ssize_t length = readlinkat(directory, name.c_str(), buffer.data(), buffer.size());
  if (length < 0) return std::nullopt;
  return std::string(buffer.data(), static_cast<std::size_t>(length));
}

bool is_plain_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos;
}

/// Where a spec file's bytes are: the directory's own descriptor and name, or those behind a `..data` link.
struct Target {
  specs::FileType type = specs::FileType::regular;
  FileDescriptor through;  ///< the directory behind the link; unset: the spec directory itself
  std::string name;
  std::string link;  ///< "..data"
};

Target follow_once(int directory, const std::string& text) {
  Target target;
  target.type = specs::FileType::symlink_elsewhere;
  const auto slash = text.find('/');
  if (slash == std::string::npos) return target;
  target.link = text.substr(0, slash);
  target.name = text.substr(slash + 1);
  if (!is_plain_name(target.link) || !is_plain_name(target.name)) return target;
  const auto beside = read_link(directory, target.link);
  if (!beside) {
    if (errno == ENOENT) target.type = specs::FileType::symlink_dangling;
    return target;
  }
  std::string name = *beside;
  while (name.size() > 1 && name.back() == '/') name.pop_back();
  if (!is_plain_name(name)) return target;
  target.through = FileDescriptor(openat(directory, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!target.through) {
    if (errno == ENOENT) target.type = specs::FileType::symlink_dangling;
    return target;
  }
  target.type = specs::FileType::regular;
  return target;
}

/// What stands at the end of a link inside the directory, dangling or elsewhere.
Target resolve_link(int directory, const std::string& name) {
  Target target;
  for (int attempt = 0; attempt < swap_attempts; ++attempt) {
    const auto text = read_link(directory, name);
    if (!text) {
      target.type = specs::FileType::symlink_dangling;
      return target;
    }
    target = follow_once(directory, *text);
    struct stat info{};
    if (target.type == specs::FileType::regular) {
      if (fstatat(target.through.get(), target.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) {
        target.type = S_ISLNK(info.st_mode) ? specs::FileType::symlink_elsewhere : type_of(info.st_mode);
        return target;
      }
      target.type = specs::FileType::symlink_dangling;
    } else if (target.type == specs::FileType::symlink_elsewhere) {
      // A link that leads nowhere is told as such, wherever nowhere is. Only asked about, never opened.
      if (fstatat(directory, name.c_str(), &info, 0) == 0 || errno != ENOENT) return target;
      target.type = specs::FileType::symlink_dangling;
      return target;
    }
  }
  return target;
}

struct Content {
  int error = 0;
  struct stat info{};
  bool whole = false;  ///< nothing changed while it was read
  std::shared_ptr<const std::string> bytes;
};

Content read_content(int directory, const std::string& name, std::int64_t max_bytes) {
  Content content;
  const FileDescriptor file(openat(directory, name.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY));
  if (!file || fstat(file.get(), &content.info) != 0) {
    content.error = errno;
    return content;
  }
  // What was looked at and what was opened may differ: judged by what was opened.
  if (!S_ISREG(content.info.st_mode) || content.info.st_size > max_bytes) return content;

  auto bytes = std::make_shared<std::string>();
  bytes->reserve(static_cast<std::size_t>(content.info.st_size));
  std::array<char, 65536> buffer{};
  while (static_cast<std::int64_t>(bytes->size()) <= max_bytes) {
    const ssize_t length = read(file.get(), buffer.data(), buffer.size());
    if (length == 0) break;
    if (length < 0) {
      if (errno == EINTR) continue;
      content.error = errno;
      return content;
    }
    bytes->append(buffer.data(), static_cast<std::size_t>(length));
  }
  struct stat after{};
  if (fstat(file.get(), &after) != 0) {
    content.error = errno;
    return content;
  }
  content.whole = same_file(seen_of(content.info, 0), seen_of(after, 0)) && after.st_size == static_cast<off_t>(bytes->size());
  content.info = after;
  if (static_cast<std::int64_t>(bytes->size()) > max_bytes) {
    content.info.st_size = std::max<off_t>(after.st_size, static_cast<off_t>(bytes->size()));
    return content;
  }
  content.bytes = std::move(bytes);
  return content;
}

struct Listing {
  std::string error;               ///< why it did not get to its end
  std::vector<std::string> names;  ///< that look like spec files, sorted
  bool of_one_moment = false;      ///< nothing can have moved about while it was made
};

Listing list_names(int directory) {
  Listing listing;
  // A descriptor of its own: reading moves the position, and closedir closes.
  const int again = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* const stream = again >= 0 ? fdopendir(again) : nullptr;
  if (stream == nullptr) {
    listing.error = system_message(errno);
    if (again >= 0) ::close(again);
    return listing;
  }
  std::size_t bytes = 0;
  while (true) {
    errno = 0;
    const dirent* const entry = readdir(stream);  // NOLINT(concurrency-mt-unsafe): the stream is this function's own
    if (entry == nullptr) {
      if (errno != 0) listing.error = system_message(errno);
      break;
    }
    bytes += entry->d_reclen;
    std::string name = static_cast<const char*>(entry->d_name);
    if (!specs::is_spec_file_name(name)) continue;
    if (listing.names.size() == max_names) {
      listing.error = "more than " + std::to_string(max_names) + " spec files";
      break;
    }
    listing.names.push_back(std::move(name));
  }
  closedir(stream);
  std::sort(listing.names.begin(), listing.names.end());
  listing.of_one_moment = bytes <= one_answer_bytes;
  return listing;
}

class Reader {
 public:
  Reader(int directory, const SeenFiles& seen, std::int64_t max_bytes)
      : directory_(directory), seen_(seen), max_bytes_(max_bytes) {}

  DirectoryReading read() {
    struct stat info{};
    auto& snapshot = reading_.snapshot;
    if (fstat(directory_, &info) != 0) {
      snapshot.error = system_message(errno);
      return std::move(reading_);
    }
    snapshot.device = info.st_dev;
    snapshot.inode = info.st_ino;
    snapshot.mode = info.st_mode & 07777U;
    for (int attempt = 0; attempt < reading_attempts && !snapshot.complete; ++attempt) {
      if (!list()) continue;
      if (!snapshot.error.empty()) return std::move(reading_);
      snapshot.complete = read_entries();
    }
    if (!snapshot.complete)
      snapshot.error = "its files are renamed and removed faster than they can be read; it is read again soon";
    return std::move(reading_);
  }

 private:
  /// False: names may have moved about while they were listed, and one that was always there can be missing.
  bool list() {
    struct stat before{};
    struct stat after{};
    const bool known = fstat(directory_, &before) == 0;
    const auto begun = wall_ns();
    const std::vector<std::string> last = std::move(listing_.names);
    listing_ = list_names(directory_);
    reading_.snapshot.error = listing_.error;
    if (!listing_.error.empty() || listing_.of_one_moment) return true;
    if (!known || fstat(directory_, &after) != 0) return false;
    const auto changed_at = nanoseconds(before.st_mtim);
    return nanoseconds(after.st_mtim) == changed_at && (begun - changed_at > tick_ns || listing_.names == last);
  }

  /// Reads what is listed and was not read yet. False: a name was gone by then. Its file may have been renamed to one that
  /// the list does not have, and gone it is only when a list says so.
  bool read_entries() {
    std::vector<specs::DirEntry> read = std::move(reading_.snapshot.entries);
    reading_.snapshot.entries.clear();
    auto next = read.begin();
    bool all = true;
    for (const auto& name : listing_.names) {
      while (next != read.end() && next->name < name) ++next;
      if (next != read.end() && next->name == name) {
        reading_.snapshot.entries.push_back(std::move(*next));
        ++next;
      } else {
        all = read_entry(name) && all;
      }
    }
    return all;
  }

  /// False: it is gone.
  bool read_entry(const std::string& name) {
    struct stat info{};
    specs::DirEntry entry;
    entry.name = name;
    if (fstatat(directory_, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) return false;
      entry.type = specs::FileType::unknown;
      entry.error = errno;
      reading_.snapshot.entries.push_back(std::move(entry));
      return true;
    }
    take_stat(info, entry);
    if (S_ISLNK(info.st_mode)) {
      const Target target = resolve_link(directory_, name);
      if (!target.link.empty()) reading_.links.insert(target.link);
      entry.type = target.type;
      if (target.type == specs::FileType::regular) read_regular(target.through.get(), target.name, entry);
      if (entry.error == ENOENT) entry.type = specs::FileType::symlink_dangling;
    } else {
      entry.type = type_of(info.st_mode);
      if (entry.type == specs::FileType::regular) read_regular(directory_, name, entry);
      if (entry.error == ENOENT) return false;
    }
    reading_.snapshot.entries.push_back(std::move(entry));
    return true;
  }

  void read_regular(int directory, const std::string& name, specs::DirEntry& entry) {
    struct stat info{};
    if (fstatat(directory, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) {
      take_stat(info, entry);
      const auto known = seen_.find(entry.name);
      if (known != seen_.end() && !known->second.racy && same_file(known->second, seen_of(info, 0))) {
        reading_.seen.insert(*known);
        return;
      }
    }
    const auto read_at = wall_ns();
    Content content = read_content(directory, name, max_bytes_);
    entry.error = content.error;
    if (content.error != 0) {
      entry.owner = owner_of(entry.uid, entry.gid);
      return;
    }
    take_stat(content.info, entry);
    if (!S_ISREG(content.info.st_mode)) {
      entry.type = type_of(content.info.st_mode);
      return;
    }
    entry.bytes = content.bytes;
    if (content.bytes && content.whole) reading_.seen[entry.name] = seen_of(content.info, read_at);
  }

  const int directory_;
  const SeenFiles& seen_;
  const std::int64_t max_bytes_;
  Listing listing_;
  DirectoryReading reading_;
};

}  // namespace

DirectoryReading read_directory(int directory, const SeenFiles& seen, std::int64_t max_bytes) {
  return Reader(directory, seen, max_bytes).read();
}

}  // namespace cofferdam::controller
