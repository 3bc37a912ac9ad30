#pragma once

// The agents of a chaos run: what each is, which version its file holds, and the texts of its files. A version's number is
// in taskId ("t7x") and in the revision, so that a container, a record and a status file all tell which version they are of.

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/engine/chaos/timeline.hpp"

namespace cofferdam::test::chaos {

enum class Kind { steady, always, polite, stubborn, never, crashing, bounded, once, retried };

/// What the file says at the moment.
enum class File { good, broken, absent, suspended, removed };

struct Member {
  std::string name;
  Kind kind = Kind::steady;
  File file = File::absent;
  int version = 0;  ///< of the newest good text
  Clock::time_point edited = Clock::now();
  Clock::time_point absent_until = Clock::time_point::min();  ///< when it was last absent, suspended or removed
};

class Fleet {
 public:
  Fleet(int count, std::string workspaces);

  [[nodiscard]] std::vector<Member>& members() { return members_; }
  /// Those whose command ends well by itself.
  [[nodiscard]] std::set<std::string> run_once() const;
  [[nodiscard]] Member* find(const std::string& name);
  [[nodiscard]] std::string workspace(const Member& member) const { return workspaces_ + "/" + member.name; }
  /// The text of a version that parses; `more` are lines below `spec:`.
  [[nodiscard]] std::string text(const Member& member, const std::string& more = "") const;
  /// Texts that do not: one of several ways, by `which`.
  [[nodiscard]] std::string broken_text(const Member& member, unsigned which) const;

 private:
  std::string workspaces_;
  std::vector<Member> members_;
};

/// "t7x" → 7; empty for what is no version's.
std::optional<int> version_of(const std::string& task);
std::string task_of(int version);

[[nodiscard]] bool runs_to_an_end(Kind kind);

}  // namespace cofferdam::test::chaos
