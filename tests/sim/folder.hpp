#pragma once

// The spec directory as a file system would show it, with the hints that inotify would give. Editors' patterns are
// sequences of these steps, laid out by the world's actions.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "reconciler/inputs.hpp"
#include "specs/folder.hpp"
#include "tests/sim/schedule.hpp"

namespace cofferdam::sim {

/// What the shell remembers of a file that it has read, so that unchanged bytes are not handed over again.
struct SeenFile {
  std::uint64_t inode = 0;
  std::int64_t mtime_ns = 0;
  std::int64_t size = 0;
  bool operator==(const SeenFile&) const = default;
};
using SeenFiles = std::map<std::string, SeenFile>;

class Folder {
 public:
  explicit Folder(Schedule& schedule) : schedule_(schedule) {}

  std::function<void(const std::string& name, reconciler::FileChanged::Kind kind)> on_change;

  /// Renamed into place, whole.
  void put(const std::string& name, std::string content);
  /// Written where it lies: `closed` with the last piece.
  void write(const std::string& name, std::string content, bool closed);
  void remove(const std::string& name);
  void rename(const std::string& from, const std::string& to);
  void set_type(const std::string& name, specs::FileType type);
  void set_error(const std::string& name, int error);

  /// Removes every other file but editors' backups, which people leave lying about.
  void keep_only(const std::set<std::string>& names);

  void set_missing(bool missing);        ///< the directory is not there
  void set_unreadable(bool unreadable);  ///< EIO on listing
  void set_emptied(bool emptied);        ///< an empty directory lies over it (unmounted)
  void set_replaced();                   ///< another directory with the same content

  [[nodiscard]] bool has(const std::string& name) const { return files_.contains(name); }
  /// What lies there under this name; null: nothing.
  [[nodiscard]] std::shared_ptr<const std::string> content(const std::string& name) const {
    const auto found = files_.find(name);
    return found == files_.end() ? nullptr : found->second.content;
  }
  [[nodiscard]] specs::DirSnapshot snapshot(std::uint64_t scan, SeenFiles& seen) const;
  /// True where a scan now would be complete and show what people put there.
  [[nodiscard]] bool plain() const { return !missing_ && !unreadable_ && !emptied_; }

 private:
  struct File {
    std::shared_ptr<const std::string> content;
    specs::FileType type = specs::FileType::regular;
    std::uint64_t inode = 0;
    std::int64_t mtime_ns = 0;
    int error = 0;
  };
  void changed(const std::string& name, reconciler::FileChanged::Kind kind) {
    if (on_change) on_change(name, kind);
  }
  [[nodiscard]] std::int64_t stamp() { return schedule_.now() + ++tick_; }

  Schedule& schedule_;
  std::map<std::string, File> files_;
  std::uint64_t inodes_ = 100;
  std::int64_t tick_ = 0;
  std::uint64_t directory_ = 10;
  bool missing_ = false;
  bool unreadable_ = false;
  bool emptied_ = false;
};

}  // namespace cofferdam::sim
