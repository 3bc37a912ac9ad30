#pragma once

// The spec directory as data: snapshots in, agents out. Files are atomic; the last good version of a file stays
// in force while the file is in error; two files naming one agent are both in error and neither changes what is
// in force. Pure: the shell reads, this judges. Absence is judged by the deletion guard (reconciler/), not here.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "specs/agent_spec.hpp"
#include "specs/place.hpp"

namespace cofferdam::specs {

enum class FileType { regular, directory, fifo, socket, device, symlink_dangling, symlink_elsewhere, unknown };

/// One name in the directory that looks like a spec file (is_spec_file_name), as the shell found it.
struct DirEntry {
  std::string name;
  FileType type = FileType::regular;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t size = 0;
  std::int64_t mtime_ns = 0;  ///< since the Unix epoch
  std::uint32_t mode = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::string owner;  ///< "alice:staff", for messages; may be empty
  /// The whole content; null where unchanged since the snapshot before (same stat, read already), where `error`
  /// is set, where the size is over the bound, or where the type is not regular.
  std::shared_ptr<const std::string> bytes;
  int error = 0;  ///< errno of open or read; 0: none
};

struct DirSnapshot {
  std::uint64_t scan = 0;  ///< as asked by the Scan effect
  bool complete = false;   ///< false: the directory could not be listed to its end; `error` says why
  std::string error;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint32_t mode = 0;  ///< of the directory, permission bits
  std::vector<DirEntry> entries;
};

/// .yaml or .yml, not starting with a dot, not ending in '~'.
bool is_spec_file_name(const std::string& name);

struct FolderBounds {
  std::int64_t max_file_bytes = 1 << 20;
  std::size_t max_agents = 10000;
};

enum class FileState { good, last_good, never_good };  ///< last_good: in error, an earlier version is in force

struct FileView {
  std::string name;
  FileState state = FileState::never_good;
  Problems problems;               ///< of the bytes last read, duplicates included
  std::string sha256;              ///< of the bytes last read; empty if never read
  std::vector<std::string> names;  ///< agents that the newest bytes name; while they do not parse also those named before
  bool parses = false;             ///< the newest bytes: whom they name is known
};

/// What the folder says of one agent. `spec` is the version in force (the last good one of its file).
struct AgentSource {
  std::string file;
  std::shared_ptr<const AgentSpec> spec;    ///< null: named only by files that were never good
  std::shared_ptr<const AgentSpec> newest;  ///< of the newest bytes that parsed without error, for judging workspace overlap
  bool in_error = false;                    ///< its file is in error, or another file names it too
  bool named = true;                        ///< by some file's newest bytes, as far as they can be read; else in force only
  bool unread = false;                      ///< and only by what is being written since it was restored: that may say anything
  Problems problems;
};

struct FolderDelta {
  std::vector<std::string> agents_changed;  ///< sorted; spec, error or source differ from before (added and gone included)
  std::vector<std::string> files_changed;   ///< sorted; state or problems differ
  /// Good versions that are new and must be saved (`files/<name>`), and files that are gone, whose record may end
  /// with their agents' removal.
  std::vector<std::string> good_versions;
  std::vector<std::string> files_gone;
  bool never_good_appeared = false;
  std::set<std::string> being_written;  ///< agents that unsettled files name, as far as they can be read yet
};

class Folder {
 public:
  explicit Folder(FolderBounds bounds = {});
  ~Folder();
  Folder(Folder&&) noexcept;
  Folder& operator=(Folder&&) noexcept;

  /// Before the first snapshot that has the file: its last good bytes, from the state directory. A file that is in error
  /// in that one is then `last_good`. Of a file that is known already it changes nothing.
  void restore(const std::string& file, const std::string& bytes);

  /// An incomplete snapshot changes nothing. `unsettled` names files still being written: what was known of
  /// them stays as it is (a new one is not known yet). `missed_lately` names files that were there a moment ago: where another
  /// file names an agent of one of them, what it had in force stays so, as it may be written anew under its name (editors
  /// rename the old one away first).
  FolderDelta apply(const DirSnapshot& snapshot, const std::vector<std::string>& unsettled,
                    const std::set<std::string>& missed_lately = {});

  [[nodiscard]] bool scanned() const { return scanned_; }  ///< at least one complete snapshot was applied
  [[nodiscard]] const std::map<std::string, FileView>& files() const { return views_; }
  [[nodiscard]] const std::map<std::string, AgentSource>& agents() const { return agents_; }
  /// The last good bytes of a file, to be saved; null where there are none.
  [[nodiscard]] std::shared_ptr<const std::string> good_bytes(const std::string& file) const;

 private:
  struct File;
  struct Changes;  ///< what one snapshot touched
  using Bytes = std::shared_ptr<const std::string>;

  File& find_or_add(const std::string& name, std::map<std::string, std::unique_ptr<File>>::iterator& hint);
  void read_entries(const DirSnapshot& snapshot, const std::set<std::string>& unsettled, Changes& changes);
  void drop_unseen(const std::set<std::string>& missed_lately, Changes& changes, FolderDelta& delta);
  [[nodiscard]] bool may_have_moved(const File& file) const;
  void touch(File& file, Changes& changes);
  void add_claimants(const File& file, Changes& changes);
  void index(File& file);
  void unindex(File& file);
  void judge_bound(Changes& changes);
  void spread(Changes& changes);
  static void judge_duplicates(const Changes& changes);
  void update_view(const File& file, FolderDelta& delta);
  void update_agent(const std::string& agent, FolderDelta& delta);

  FolderBounds bounds_;
  bool scanned_ = false;
  std::uint64_t applied_ = 0;  ///< snapshots applied: tells which files the newest one has
  std::size_t agents_counted_ = 0;
  std::set<std::string> over_bound_;  ///< files in error for max_agents: looked at again when anything changes
  std::map<std::string, std::unique_ptr<File>> known_;
  std::map<std::string, Bytes> pending_;                        ///< content seen while a file was unsettled
  std::unordered_map<std::string, std::vector<File*>> claims_;  ///< by agent: the files that name it, in force or newest
  std::map<std::string, FileView> views_;
  std::map<std::string, AgentSource> agents_;
};

}  // namespace cofferdam::specs
