#pragma once

// Who mounts what, and who wants what: S8 (nothing is started while another live container mounts its workspace or
// something inside it) and the overlap of wanted workspaces (docs/semantics.md, row 44; agent-spec, "Workspaces").

#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace cofferdam::reconciler {

/// Paths are absolute and normalised. Every question costs the logarithm of what is there.
class PathIndex {
 public:
  void add(const std::string& path, const std::string& holder) { by_path_.insert({path, holder}); }
  void remove(const std::string& path, const std::string& holder);
  /// Holders of the path itself or of something inside it, sorted.
  [[nodiscard]] std::vector<std::string> at_or_inside(const std::string& path) const;
  /// Holders of an ancestor of the path, sorted.
  [[nodiscard]] std::vector<std::string> above(const std::string& path) const;

 private:
  std::set<std::pair<std::string, std::string>> by_path_;
};

/// Live containers of the whole engine and the host directories they mount.
class Occupancy {
 public:
  struct Occupant {
    std::string id;
    std::string name;
    std::string agent;  ///< ours; empty: not of an agent of ours
  };

  /// Replaces what was known of this container; no directories: it occupies nothing.
  void set(const Occupant& occupant, std::vector<std::string> directories);
  /// True where it occupied something.
  bool erase(const std::string& id);
  [[nodiscard]] bool has(const std::string& id) const { return held_.contains(id); }

  /// A live container, other than this agent's own, that mounts the workspace or something inside it.
  [[nodiscard]] std::optional<Occupant> occupant_of(const std::string& workspace, const std::string& agent) const;
  /// One that mounts an ancestor of it: worth a warning, and no more.
  [[nodiscard]] std::optional<Occupant> above(const std::string& workspace, const std::string& agent) const;

 private:
  struct Held {
    Occupant occupant;
    std::vector<std::string> directories;
  };
  [[nodiscard]] std::optional<Occupant> first_other(const std::vector<std::string>& ids, const std::string& agent) const;

  PathIndex index_;
  std::unordered_map<std::string, Held> held_;
};

/// The workspaces that the newest parsed files ask for.
class WantedWorkspaces {
 public:
  /// Replaces what the agent asked for; empty: nothing. True where it changed.
  bool set(const std::string& agent, const std::string& workspace);
  /// Other agents whose wanted workspace is the agent's, inside it or around it; sorted.
  [[nodiscard]] std::vector<std::string> rivals(const std::string& agent) const;
  [[nodiscard]] const std::string& of(const std::string& agent) const;

 private:
  PathIndex index_;
  std::unordered_map<std::string, std::string> wanted_;
};

}  // namespace cofferdam::reconciler
