#pragma once

// What an end-to-end test stands on: the real binary, a real private daemon, folders of its own. The daemon is shared by a
// program's tests; each test has its own instance name, so that its containers are told apart. Conditions are polled up to a
// deadline; nothing waits for a fixed time.

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/engine/private_engine.hpp"

namespace cofferdam::test {

using Json = nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// True as soon as `holds` is; false when it was not within `limit`.
bool eventually(const std::function<bool()>& holds, milliseconds limit = seconds(20));

std::string read_file(const std::filesystem::path& path);
void write_file(const std::filesystem::path& path, const std::string& text);

/// A program under test or beside it. Its output goes to a file. It dies with the test program, whatever happens.
class Process {
 public:
  struct Options {
    std::map<std::string, std::string> environment = {};  ///< set on top of a nearly empty one
    std::optional<unsigned> user = {};                    ///< uid and gid to run as
  };
  Process(const std::vector<std::string>& words, std::filesystem::path output, const Options& options);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] int pid() const { return pid_; }
  bool alive();
  void signal(int number) const;
  /// The exit code, or 128 + signal; empty: it still ran at the end of `limit`.
  std::optional<int> wait(milliseconds limit = seconds(20));
  [[nodiscard]] std::string output() const { return read_file(output_); }

 private:
  int pid_ = -1;
  std::optional<int> ended_;
  std::filesystem::path output_;
};

struct Outcome {
  int code = -1;
  std::string output;  ///< both streams
};

/// A spec file's text. `script` is run by sh -c; `more` are lines of `spec:`.
struct Agent {
  std::string name;
  std::string script = "exec sleep 1000";
  std::vector<std::string> more = {};
  std::string workspace = {};  ///< a path; by default the agent's own below the test's workspaces
};

class World : public ::testing::Test {
 public:
  static PrivateEngine& engine();

 protected:
  World();
  ~World() override;
  void TearDown() override;

  // Folders and files.
  [[nodiscard]] std::filesystem::path specs() const { return root_ / "agents.d"; }
  [[nodiscard]] std::filesystem::path workspaces() const { return root_ / "workspaces"; }
  [[nodiscard]] std::filesystem::path state() const { return root_ / "state"; }
  [[nodiscard]] std::filesystem::path runtime() const { return root_ / "run"; }
  [[nodiscard]] std::filesystem::path config_file() const { return root_ / "cofferdam.yaml"; }
  [[nodiscard]] std::filesystem::path root() const { return root_; }
  [[nodiscard]] const std::string& instance() const { return instance_; }
  /// Makes a directory for an agent, owned by 1000:1000.
  std::filesystem::path make_workspace(const std::string& name) const;
  [[nodiscard]] std::string text_of(const Agent& agent) const;
  /// Renamed into the folder, as an orchestrator would; makes the workspace too.
  void drop(const Agent& agent) const;
  void drop_text(const std::string& file, const std::string& text) const;
  void take_away(const std::string& agent) const;

  // The controller. `settings` are configuration fields by path, written as YAML.
  std::map<std::string, std::string> settings;
  void write_config() const;
  /// Starts `cofferdam run`, and waits until it is ready (or not, where `ready` is false).
  void start(bool ready = true);
  void crash();  ///< kill -9
  /// SIGTERM: the exit code, and how long it took.
  std::pair<int, milliseconds> terminate();
  [[nodiscard]] Process& controller() const { return *controller_; }
  [[nodiscard]] std::string log() const { return read_file(root_ / "controller.log"); }
  /// Runs a command of the binary to its end.
  [[nodiscard]] Outcome cofferdam(std::vector<std::string> words, std::optional<unsigned> user = {}) const;
  /// Asks the running controller over its socket.
  [[nodiscard]] Answer ask(const std::string& target) const;
  Process::Options process_options;       ///< for `start`
  std::vector<std::string> started_with;  ///< words before the command of `start`

  // What is told, and what is.
  [[nodiscard]] Json status(const std::string& agent) const;  ///< the status file; null where there is none
  [[nodiscard]] std::string phase(const std::string& agent) const;
  [[nodiscard]] std::string message(const std::string& agent) const;
  [[nodiscard]] int attempt(const std::string& agent) const;
  /// "Pending/WorkspaceBusy"
  [[nodiscard]] std::string phase_reason(const std::string& agent) const;
  [[nodiscard]] std::string condition(const std::string& agent, const std::string& type) const;  ///< "True", …, or empty
  ::testing::AssertionResult reaches(const std::string& agent, const std::string& phase, seconds limit = seconds(30)) const;
  /// `what` holds, and still does after the controller has read the engine and the folder twice again.
  [[nodiscard]] bool stays(const std::function<bool()>& what) const;
  /// A text that the log must come to hold.
  ::testing::AssertionResult logs(const std::string& text, seconds limit = seconds(10)) const;
  /// This test's containers, of one agent or of all; any state.
  [[nodiscard]] std::vector<Json> containers(const std::string& agent = "") const;
  [[nodiscard]] std::vector<Json> live(const std::string& agent = "") const;
  [[nodiscard]] Json inspect(const std::string& id) const;
  /// The only live container of an agent; fails the test where there is not exactly one.
  [[nodiscard]] Json only_live(const std::string& agent) const;
  [[nodiscard]] RawEngine& raw() const { return *raw_; }

 private:
  std::filesystem::path root_;
  std::string instance_;
  std::unique_ptr<RawEngine> raw_;
  std::unique_ptr<Process> controller_;
};

}  // namespace cofferdam::test
