#pragma once

// Private to folder*.cpp: what is remembered of one file, and the step from its bytes to agents.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "specs/folder.hpp"

namespace cofferdam::specs {

using SpecsByName = std::map<std::string, std::shared_ptr<const AgentSpec>>;

/// Why the entry's content cannot be judged at all (not a regular file, unreadable, over the bound); unset: it can.
std::optional<Problem> reading_problem(const DirEntry& entry, const FolderBounds& bounds);

struct Folder::File {
  std::string name;
  std::uint64_t seen = 0;  ///< the number of the last snapshot that has it; 0: restored only

  std::optional<Problem> unreadable;  ///< of the newest entry

  // Of the bytes last read.
  std::string sha256;                        ///< empty: never read
  std::shared_ptr<const std::string> bytes;  ///< while they parse
  bool parses = false;
  Problems problems;
  std::vector<std::string> names;  ///< sorted; while they do not parse also those that it had before

  SpecsByName newest;  ///< of the newest bytes that parsed without error

  // The version in force.
  SpecsByName in_force;
  std::string in_force_sha256;  ///< empty: none ever was
  std::shared_ptr<const std::string> in_force_bytes;

  std::size_t counted = 0;  ///< its agents within max_agents
  bool over_bound = false;
  /// It, or another that names its agents, is not whole yet: what was read of it does not come into force now.
  bool awaited = false;
  bool unread = false;  ///< restored, and still being written: whom it names now is not known yet
  bool missed = false;  ///< the newest snapshot lacks it: only what it has in force is left of it
  std::map<std::string, std::vector<std::string>> duplicates;  ///< agent → the other files that name it

  std::vector<std::string> claimed;  ///< names that it stands under in the index

  /// Its bytes could be in force, were it not for other files.
  [[nodiscard]] bool usable() const { return parses && !unreadable && !over_bound; }
  [[nodiscard]] bool good() const { return usable() && duplicates.empty(); }
  [[nodiscard]] bool ever_good() const { return !in_force_sha256.empty(); }
  [[nodiscard]] FileState state() const {
    if (good()) return FileState::good;
    return ever_good() ? FileState::last_good : FileState::never_good;
  }
  /// Names that it stands for now: of its newest bytes, and of the version in force where the newest are not to be used.
  [[nodiscard]] std::vector<std::string> stands_for() const;
  /// All that is wrong, by place.
  [[nodiscard]] Problems all_problems() const;

  /// Takes in an entry's content. False: nothing changed.
  bool read(const DirEntry& entry, const std::shared_ptr<const std::string>& content, const FolderBounds& bounds);
  void parse(const std::shared_ptr<const std::string>& content, std::string digest);
  /// Puts the newest bytes in force. False: they are already.
  bool adopt();
};

}  // namespace cofferdam::specs
