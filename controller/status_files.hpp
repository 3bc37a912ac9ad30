#pragma once

// Status as files, for programs that want no client library: <runtime directory>/status/<agent>.json, _controller.json and
// _files.json, each replaced atomically (a reader sees the old or the new, never a half). The directory is 0750.
// Functions return what went wrong, for people; empty: all is well. A file whose content would not change is not written.

#include <chrono>
#include <map>
#include <set>
#include <string>

#include "controller/api.hpp"
#include "reconciler/status.hpp"
#include "specs/folder.hpp"

namespace cofferdam::controller {

class StatusFiles {
 public:
  explicit StatusFiles(std::string runtime_directory);

  /// Makes the directories where they are missing.
  std::string prepare();

  std::string write_agent(const reconciler::AgentStatus& status);
  std::string drop_agent(const std::string& agent);
  std::string write_controller(const reconciler::Summary& summary, const ProcessFacts& process);
  std::string write_files(const std::map<std::string, specs::FileView>& files);
  /// Files of agents that nobody knows any more, left by an earlier process: removed once older than `age`.
  std::string sweep(const std::set<std::string>& known, std::chrono::system_clock::time_point now, std::chrono::seconds age);

  [[nodiscard]] const std::string& directory() const { return directory_; }

 private:
  std::string write(const std::string& name, const std::string& content);

  std::string runtime_directory_;
  std::string directory_;
  std::map<std::string, std::string> written_;  ///< what each file holds, as far as we wrote it
};

}  // namespace cofferdam::controller
