#pragma once

// One reading of the spec directory, start to end, as it is on the disk: what is there, of which type, and the bytes of
// what changed since the reading before. Blocking, for a thread of the pool. Opens nothing that is not a regular file,
// follows no link but one of a `..data` layout: `a.yaml -> ..data/a.yaml` where `..data` is a link to a directory beside it.

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "specs/folder.hpp"

namespace cofferdam::controller {

/// What one file was when its bytes were last handed on.
struct SeenFile {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t size = 0;
  std::int64_t mtime_ns = 0;
  std::int64_t ctime_ns = 0;
  /// Changed less than 2 s before it was read: a later change may leave the same stat behind, so it is read again.
  bool racy = true;
};
using SeenFiles = std::map<std::string, SeenFile>;

struct DirectoryReading {
  specs::DirSnapshot snapshot;
  SeenFiles seen;               ///< to hand in at the next reading, once this one's snapshot was delivered
  std::set<std::string> links;  ///< directory-level links that spec files go through: "..data"
};

/// Reads through `directory`, an open descriptor that stays the caller's. `max_bytes`: a larger file has no bytes.
DirectoryReading read_directory(int directory, const SeenFiles& seen, std::int64_t max_bytes);

}  // namespace cofferdam::controller
