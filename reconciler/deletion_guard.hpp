#pragma once

// Nothing is removed because it could not be read: an agent counts as absent only after two complete scans in a
// row without it, and within the deletion budget (agent-spec, "Removal"; reliability S3).
//
// The budget holds those first missed within the last 60 s against the most that there were since 60 s ago: a folder that
// shrinks file by file is measured by what it was, and one that was just filled by what it is.
//
// Once held, an agent stays held until its file is back or an operator confirms; MaybeMoved alone also ends when the
// files it may have moved into parse or go. While anything but MaybeMoved is held, whatever vanishes besides is held with
// it, under a new ID.

#include <chrono>
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

/// Which directory the spec directory is. A device's number is its own for one boot only.
struct DirectoryId {
  std::optional<std::uint64_t> device;
  std::uint64_t inode = 0;

  /// From the one that a scan looked into.
  [[nodiscard]] bool differs_from(std::uint64_t scan_device, std::uint64_t scan_inode) const {
    return inode != scan_inode || (device && *device != scan_device);
  }
  bool operator==(const DirectoryId&) const = default;
};

/// What one complete scan showed.
struct ScanFacts {
  std::uint64_t device = 0;  ///< of the directory
  std::uint64_t inode = 0;
  std::size_t spec_files = 0;   ///< good or bad
  std::set<std::string> named;  ///< agents that the newest bytes of a file name, or may name where they cannot be read
  std::set<std::string> known;  ///< agents with a container or a record that matters, and those named by the scan before; never
                                ///< those already Removed
  std::set<std::string> removing;           ///< spec.remove in their last version: free of any budget
  std::vector<std::string> never_good;      ///< files that were never good, do not parse or cannot be read, now
  std::vector<std::string> never_good_new;  ///< of those, the ones that appeared with this scan or cannot be read
  std::set<std::string> being_written;      ///< agents that a file names which is still being written: they may be back
  bool unsettled = false;                   ///< a file is still being written: what it names now is to be seen yet
  bool arriving = false;                    ///< one of those is new: nobody can tell yet who is in it
  std::chrono::nanoseconds settle{0};       ///< how long after the first miss another scan counts as the second
};

struct Held {
  std::string id;       ///< what confirm-deletions wants: short, of exactly this set
  std::string reason;   ///< CamelCase: BudgetExceeded, DirectoryReplaced, DirectoryEmptied, NoSpecSeen, MaybeMoved
  std::string message;  ///< for people, with the mend
  std::set<std::string> agents;
  std::vector<std::string> maybe_in;  ///< files the agents may have moved into
};

class DeletionGuard {
 public:
  /// Before the first scan: the directory of an earlier life. What another lacks is held now as it was then.
  void remember(const DirectoryId& directory) { directory_ = whole_directory_ = directory; }

  /// In the order of scans. Returns the agents whose presence changed, sorted.
  std::vector<std::string> observe(const ScanFacts& scan, const specs::Configuration::Deletion& budget, const Now& now);

  /// A scan that was not complete: two in a row are then still to come for whatever was missed once.
  void scan_failed();

  /// An operator's word. False: no such set is held (gone, or another set by now).
  bool confirm(const std::string& id);

  [[nodiscard]] Presence presence(const std::string& agent) const;
  [[nodiscard]] const std::vector<Held>& held() const { return held_; }  ///< sorted by id
  /// What the next life is to remember: the directory of the last scan in which nothing was missing that may not go.
  [[nodiscard]] const std::optional<DirectoryId>& whole_directory() const { return whole_directory_; }
  /// Whether a second scan is wanted soon, to tell a miss from a removal.
  [[nodiscard]] bool wants_second_scan() const;
  /// The agent's containers and records are gone: forget it. It still counts in the budget of the minute in which it went.
  void forget(const std::string& agent);

 private:
  /// Ordered: where several hold at once, the first that applies is told.
  enum class Reason { none, directory_replaced, directory_emptied, no_spec_seen, budget_exceeded, maybe_moved };

  struct Missing {
    int scans = 0;      ///< complete scans in a row without it, the settle time apart, at most 2
    Monotonic since{};  ///< of the first of them
    bool free = false;  ///< spec.remove, or confirmed: no budget and no hold
    Reason reason = Reason::none;
    bool agreed = false;  ///< absent; it stays so until it is back
    std::set<std::string> maybe_in;
  };
  struct Sample {
    Monotonic at{};
    std::size_t agents = 0;
  };

  struct Words;
  static Words words_of(Reason reason);
  /// Holds everything that vanishes, not one agent only.
  static bool sweeps(Reason reason) { return reason != Reason::none && reason != Reason::maybe_moved; }
  static Presence presence_of(const Missing& missing);
  [[nodiscard]] std::map<std::string, Presence> presences() const;
  [[nodiscard]] Reason sweeping_reason(const ScanFacts& scan) const;
  void note_missing(const ScanFacts& scan, Monotonic now);
  void release(const std::string& agent, Missing& missing);
  void follow_moves(const ScanFacts& scan, Monotonic now);
  void count_there(const ScanFacts& scan, Monotonic now);
  [[nodiscard]] std::size_t most_there() const;
  bool over_budget(const specs::Configuration::Deletion& budget, Monotonic now);
  void judge(Reason sweeping, bool over_budget);
  void note_whole();
  void rebuild_held();
  [[nodiscard]] std::string message_of(Reason reason, const Held& held) const;

  bool observed_ = false;  ///< at least one scan
  bool spec_seen_ = false;
  std::optional<DirectoryId> directory_;  ///< of the last scan that saw every file whole: what another lacks such a one tells
  std::optional<DirectoryId> last_directory_;  ///< of the last scan, whole or not
  std::optional<DirectoryId> whole_directory_;
  std::size_t spec_files_ = 0;
  std::set<std::string> removing_;  ///< as the last scan said: who vanishes after that is free
  std::set<std::string> present_;   ///< named by the last scan
  std::map<std::string, Missing> missing_;
  std::map<std::string, Monotonic> first_missed_;  ///< for the budget: not back, not free; outlives forget()
  std::deque<Sample> there_;                       ///< how many agents there were; the first is of 60 s ago or the oldest known
  std::string budget_words_;                       ///< of the last time that the budget was exceeded
  std::vector<Held> held_;
};

}  // namespace cofferdam::reconciler
