#pragma once

// inotify on one directory by its path, and on its nearest existing ancestor, so that its going and coming are seen.
// arm() is for a thread of the pool (it opens a path, which may hang); decode() for the loop's thread. Between the two
// only the numbers below are shared, under a mutex that is never held over a call that can wait.

#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "controller/file_descriptor.hpp"

namespace cofferdam::controller {

/// One thing that inotify said, in the watch's own words.
struct WatchEvent {
  enum class Kind {
    written,   ///< content or attributes of `name` are being changed
    complete,  ///< `name` was closed after writing, or renamed into place
    gone,      ///< `name` was removed or renamed away
    anything,  ///< the directory went, came, or was replaced, or the queue overflowed
  };
  Kind kind = Kind::anything;
  std::string name;

  bool operator==(const WatchEvent&) const = default;
};

class DirectoryWatch {
 public:
  explicit DirectoryWatch(std::string path);

  /// The inotify descriptor, non-blocking; -1 where the system gave none (`trouble()` says why).
  [[nodiscard]] int descriptor() const { return inotify_.get(); }
  /// Tries again for a descriptor, where there is none.
  bool open();

  struct Armed {
    FileDescriptor directory;  ///< open for reading; unset: `error`
    int error = 0;             ///< errno of opening the directory
    std::string trouble;       ///< why nothing is watched, with the mend; empty: all is
  };
  /// Opens the directory, and watches what the path leads to now, before anything of it is read.
  Armed arm();

  /// What a piece read from the descriptor says, each thing once, in order.
  std::vector<WatchEvent> decode(const char* bytes, std::size_t size);

 private:
  struct Watched {
    int directory = -1;  ///< watch descriptors; -1: none
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    int ancestor = -1;
    std::string child;  ///< the name in the ancestor that leads to the directory
  };

  std::string watch_directory(int directory);
  std::string watch_ancestor();

  const std::string path_;
  FileDescriptor inotify_;
  std::string no_descriptor_;
  std::mutex mutex_;
  Watched watched_;
};

}  // namespace cofferdam::controller
