#pragma once

// Nothing is removed because it could not be read: an agent counts as absent only after two complete scans in a
// row without it, and within the deletion budget (agent-spec, "Removal"; reliability S3).

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "reconciler/time.hpp"
#include "specs/configuration.hpp"

namespace cofferdam::reconciler {

enum class Presence {
  present,
  missed_once,  ///< wants what the last scan wanted
  absent,       ///< the guard agrees to the removal
  held,         ///< missing, and not removed until the file is back or an operator confirms
};

/// What one complete scan showed.
struct ScanFacts {
  std::uint64_t device = 0;  ///< of the directory
  std::uint64_t inode = 0;
  std::size_t spec_files = 0;                ///< good or bad
  std::set<std::string> named;               ///< agents that a version in force, or a never-good file's readable name, names
  std::set<std::string> known;               ///< agents with a container or a record that matters, and those named by the scan before; never those already Removed
  std::set<std::string> removing;            ///< spec.remove in their last version: free of any budget
  std::vector<std::string> never_good;       ///< files that were never good, now
  std::vector<std::string> never_good_new;   ///< of those, the ones that appeared with this scan
};

struct Held {
  std::string id;                    ///< what confirm-deletions wants: short, of exactly this set
  std::string reason;                ///< CamelCase: BudgetExceeded, DirectoryReplaced, DirectoryEmptied, NoSpecSeen, MaybeMoved
  std::string message;               ///< for people, with the mend
  std::set<std::string> agents;
  std::vector<std::string> maybe_in; ///< files the agents may have moved into
};

class DeletionGuard {
 public:
  /// In the order of scans. Returns the agents whose presence changed, sorted.
  std::vector<std::string> observe(const ScanFacts& scan, const specs::Configuration::Deletion& budget, Now now);

  /// An operator's word. False: no such set is held (gone, or another set by now).
  bool confirm(const std::string& id);

  [[nodiscard]] Presence presence(const std::string& agent) const;
  [[nodiscard]] const std::vector<Held>& held() const { return held_; }  ///< sorted by id
  /// Whether a second scan is wanted soon, to tell a miss from a removal.
  [[nodiscard]] bool wants_second_scan() const;
  /// The agent's containers and records are gone: forget it.
  void forget(const std::string& agent);

 private:
  std::vector<Held> held_;
  // The helper structures are the implementation's.
  struct Missing {
    Monotonic since{};
    int scans = 0;
    bool confirmed = false;
    std::string reason;
  };
  std::map<std::string, Missing> missing_;
  std::set<std::string> present_;
};

}  // namespace cofferdam::reconciler
