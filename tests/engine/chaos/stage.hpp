#pragma once

// What a chaos run plays on: the private daemon, the passage to it, the controller, its folders, the state directory on a
// small file system of its own. Each of them can be taken away and given back. For one thread.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/e2e/world.hpp"
#include "tests/engine/chaos/passage.hpp"
#include "tests/engine/chaos/timeline.hpp"
#include "tests/engine/private_engine.hpp"

namespace cofferdam::test::chaos {

/// One of the controller's containers, as the daemon lists it.
struct Listed {
  std::string id;
  std::string agent;
  std::string task;
  std::string state;
  int attempt = 0;
  [[nodiscard]] bool live() const { return state == "running" || state == "paused" || state == "restarting"; }
};

class Stage {
 public:
  /// Mounts stay in a mount namespace of this process's own; so it must be made before any thread.
  static void enter_own_namespace();

  Stage();
  ~Stage();
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  static constexpr const char* instance = "chaos";
  [[nodiscard]] const std::string& root() const { return root_; }
  [[nodiscard]] std::string specs() const { return root_ + "/agents.d"; }
  [[nodiscard]] std::string workspaces() const { return root_ + "/workspaces"; }
  [[nodiscard]] std::string state() const { return root_ + "/state"; }
  [[nodiscard]] std::string status() const { return root_ + "/run/status"; }
  [[nodiscard]] std::string log() const { return root_ + "/controller.log"; }
  void keep_files() { keep_ = true; }

  void listen(Passage::Ears ears);
  void stop_listening() { passage_.reset(); }

  // The controller.
  void start_controller();
  void end_controller(int signal);  ///< and waits for its end
  void signal_controller(int signal) const;
  [[nodiscard]] bool controller_runs();
  [[nodiscard]] Answer ask(const std::string& target) const;
  [[nodiscard]] int command(const std::vector<std::string>& words) const;  ///< the exit code of a command of the binary

  // The daemon.
  [[nodiscard]] PrivateEngine& engine() { return engine_; }
  [[nodiscard]] RawEngine& raw() { return raw_; }
  void resume_daemon(bool live_restore);
  [[nodiscard]] bool daemon_runs() const;
  /// Where a daemon that hangs waits: the path of a file.
  [[nodiscard]] std::string stacks_of_daemon() const;
  [[nodiscard]] Json inspect(const std::string& container);
  /// What has the instance's labels and the name that they tell; empty too where the daemon does not answer.
  [[nodiscard]] std::optional<std::vector<Listed>> containers();

  // Folder and disk.
  void write_spec(const std::string& agent, const std::string& text) const;
  /// As an editor that truncates and writes in pieces.
  void write_spec_in_place(const std::string& agent, const std::string& text) const;
  void remove_spec(const std::string& agent) const;
  void move_folder(bool away);
  void fill_disk() const;
  void free_disk() const;

 private:
  std::string root_;
  PrivateEngine engine_;
  RawEngine raw_;
  std::unique_ptr<Passage> passage_;
  std::unique_ptr<Process> controller_;
  bool keep_ = false;
};

}  // namespace cofferdam::test::chaos
