#pragma once

// The spec directory as inputs of the machine: inotify's words on it as FileChanged, and a reading of it, on the path
// pool, for each Scan. The watch is a hint and never trusted alone: each scan looks whether the path still leads to the
// directory that is watched, and watches what is there now before it lists it. While the directory is missing its nearest
// ancestor is watched, so that its return is seen at once. Where the system has no watch left, scans are all there is.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "controller/path_pool.hpp"
#include "reconciler/inputs.hpp"

namespace cofferdam::controller {

class SpecDirectory {
 public:
  struct Handlers {
    std::function<void(specs::DirSnapshot)> snapshot;
    std::function<void(reconciler::FileChanged)> changed;
    /// Watching began to fail (with the mend), or works again (empty).
    std::function<void(std::string)> watch_trouble;
  };
  struct Options {
    std::string directory;  ///< absolute
    std::int64_t max_file_bytes = specs::FolderBounds{}.max_file_bytes;
    std::chrono::milliseconds deadline{10000};  ///< of one reading
  };

  /// Handlers are called from the loop, never from inside a call of this class.
  SpecDirectory(boost::asio::io_context& loop, PathPool& pool, Options options, Handlers handlers);
  ~SpecDirectory();
  SpecDirectory(const SpecDirectory&) = delete;
  SpecDirectory& operator=(const SpecDirectory&) = delete;

  /// Answered by one snapshot with this number. Scans are carried out in order, one at a time.
  void scan(std::uint64_t number);

  /// No handler is called after this.
  void stop();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace cofferdam::controller
