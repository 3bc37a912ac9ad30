#pragma once

// The state directory: one file a record, replaced whole (temporary file, fsync, rename, fsync of the directory), so that a
// crash or a full disk leaves the version before. What is in a record is the machine's business: bytes in, bytes out.
// Saves run on the path pool, those of one key in the order they were asked for.

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "controller/path_pool.hpp"
#include "reconciler/effects.hpp"
#include "reconciler/inputs.hpp"

namespace cofferdam::controller {

class StateStore {
 public:
  StateStore(PathPool& pool, std::string directory, std::chrono::milliseconds deadline = std::chrono::seconds{10});

  struct Loaded {
    reconciler::StateLoaded state;
    std::string warning;  ///< the directory was missing, or is not to be written to; empty: neither
  };
  enum class Access {
    take_over,  ///< makes the directory (0700) where it is missing, and drops drafts that a crash left behind
    look,       ///< changes nothing: another's directory may be looked at while its owner writes
  };
  /// Reads every record. Called back from the loop.
  void load(Access right, std::function<void(Loaded)> done);

  /// Writes, or with empty bytes ends, a record; answered once, from the loop.
  void save(const reconciler::Save& save, std::function<void(reconciler::SaveDone)> done);

  /// Saves that are not answered yet.
  [[nodiscard]] std::size_t outstanding() const { return outstanding_; }

 private:
  PathPool& pool_;
  const std::string directory_;
  const std::chrono::milliseconds deadline_;
  std::size_t outstanding_ = 0;
};

/// The file of a key, relative to the directory: "agents/a" stays as it is; what a name cannot hold is written %XX.
std::string state_file_of(const std::string& key);
/// And back; nullopt for a name that no key has.
std::optional<std::string> state_key_of(const std::string& file);

}  // namespace cofferdam::controller
