#pragma once

// What the tests of the folder share: spec files as text, and a folder with the shell that reads it.

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "specs/folder.hpp"

namespace cofferdam::specs {

inline std::string agent(const std::string& name, const std::string& task = "one") {
  return "apiVersion: cofferdam/v1\nkind: Agent\nmetadata: {name: " + name +
         "}\nspec:\n  workspacePath: /srv/cofferdam/workspaces/" + name + "\n  command: [run]\n  taskId: " + task + "\n";
}
inline std::string both(const std::string& first, const std::string& second) {
  return first + "---\n" + second;
}
/// Names its agent readably, and has an unknown key.
inline std::string broken(const std::string& name) {
  return agent(name) + "  nonsense: 1\n";
}
inline const std::string garbage = "{{{ no yaml";

/// A folder and the shell that reads it: content is handed over once, then only where it changed.
class FolderTest : public ::testing::Test {
 protected:
  FolderDelta scan(const std::vector<std::string>& unsettled = {}) {
    DirSnapshot snapshot;
    snapshot.complete = true;
    for (const auto& [name, content] : files) {
      DirEntry entry;
      entry.name = name;
      entry.mode = 0644;
      if (special.contains(name)) {
        entry = special.at(name);
        entry.name = name;
      } else if (handed_over[name] != content) {
        entry.bytes = std::make_shared<const std::string>(content);
      }
      entry.size = static_cast<std::int64_t>(content.size());
      handed_over[name] = content;
      snapshot.entries.push_back(entry);
    }
    std::erase_if(handed_over, [this](const auto& entry) { return !files.contains(entry.first); });
    return folder.apply(snapshot, unsettled, missed_lately);
  }
  /// The task of the version in force; "" where none is.
  std::string in_force(const std::string& name) {
    const auto found = folder.agents().find(name);
    if (found == folder.agents().end() || !found->second.spec) return "";
    return found->second.spec->task_id.value_or("");
  }
  const AgentSource& source(const std::string& name) { return folder.agents().at(name); }
  FileState state(const std::string& file) { return folder.files().at(file).state; }
  std::string first_problem(const std::string& file) {
    const Problems& problems = folder.files().at(file).problems;
    return problems.empty() ? "" : to_string(problems[0]);
  }

  Folder folder;
  std::set<std::string> missed_lately;
  std::map<std::string, std::string> files;
  std::map<std::string, DirEntry> special;
  std::map<std::string, std::string> handed_over;
};

}  // namespace cofferdam::specs
