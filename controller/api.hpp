#pragma once

// The two doors between the shell's run loop (app.*) and its faces (status server, status files, commands).
// Api: what the server may see and ask; the run loop implements it. run(): how a command starts the run loop.
// Everything here is used on the one thread of the loop.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "docker/error.hpp"
#include "docker/requests.hpp"
#include "metrics/metrics.hpp"
#include "reconciler/effects.hpp"
#include "reconciler/inputs.hpp"
#include "reconciler/reconciler.hpp"
#include "specs/configuration.hpp"

namespace cofferdam::controller {

/// How a command ends; docs/cli.md has the same table.
enum ExitCode : int {
  exit_ok = 0,
  exit_found = 1,           ///< validate: mistakes; plan: changes; apply --wait: not all came up; logs, get: no such agent
  exit_usage = 2,           ///< wrong arguments, or refused: another controller of this instance runs
  exit_no_controller = 3,   ///< the command needs a running controller and there is none
  exit_engine = 4,          ///< the engine cannot be used
  exit_unavailable = 69,    ///< run: the host does not let it listen; that may pass, and a restart tries again
  exit_software = 70,       ///< a defect of ours
  exit_memory = 71,         ///< memory is exhausted: the process ended at once (exhausted_memory.hpp)
  exit_configuration = 78,  ///< the configuration is bad: a restart will not mend it
};

/// What an operator's word came to.
struct Verdict {
  bool ok = false;
  std::string message;  ///< for people: what was done, or why not and the mend
};
using Word = std::variant<reconciler::ConfirmDeletions, reconciler::Release>;

struct LogRequest {
  std::string container_id;
  bool follow = false;
  std::optional<std::int64_t> tail;  ///< the last lines only; unset: all
};

/// Where a container's log goes, piece by piece. The stream keeps it alive, and lets go of it after end().
class LogSink {
 public:
  virtual ~LogSink() = default;
  /// One piece of what the agent wrote, without the engine's framing. The next comes only after `more` was called (at once
  /// or later): so a slow reader holds the engine's connection and no memory.
  virtual void write(bool is_stderr, std::string bytes, std::function<void()> more) = 0;
  /// Once, last: the log's end, or the error that ended it.
  virtual void end(std::optional<docker::Error> error) = 0;
};
/// Withdraws the stream when destroyed; end() is not called any more then.
class LogStream {
 public:
  virtual ~LogStream() = default;
};

struct ProcessFacts {
  std::string version;
  std::string boot_id;
  reconciler::WallTime started_at{};
  reconciler::WallTime heartbeat_at{};    ///< the last turn of the deciding loop that was timed
  std::chrono::nanoseconds silence{0};    ///< since then, by a clock that nobody sets and that stands still while the host sleeps
  std::chrono::milliseconds loop_lag{0};  ///< by how much that turn came late
  std::string engine_address;             ///< as configured, also while the engine is down
  std::string reload_error;               ///< why the last reload was refused; empty: it was good, or there was none
};

/// What the faces see of the running controller, and the few words they may say to it.
class Api {
 public:
  virtual ~Api() = default;

  [[nodiscard]] virtual const reconciler::Reconciler& machine() const = 0;
  [[nodiscard]] virtual reconciler::Now now() const = 0;
  /// In force. Never null.
  [[nodiscard]] virtual std::shared_ptr<const specs::LoadedConfiguration> configuration() const = 0;
  [[nodiscard]] virtual metrics::Registry& metrics() = 0;
  [[nodiscard]] virtual ProcessFacts process() const = 0;

  /// Each callback is called once, from the loop, never from inside the call.
  virtual void post(const Word& word, std::function<void(Verdict)> done) = 0;
  virtual void reload(std::function<void(Verdict)> done) = 0;
  virtual std::unique_ptr<LogStream> stream_logs(const LogRequest& request, std::shared_ptr<LogSink> sink) = 0;
  /// One engine call outside the machine's plan: for `cleanup` alone, which runs beside no deciding machine.
  virtual void call(const docker::Request& request, std::chrono::milliseconds deadline,
                    std::function<void(docker::Result)> done) = 0;
};

/// Which configuration to work by. Later overrides win (environment first, then flags).
struct ConfigurationSource {
  std::string file = "/etc/cofferdam/cofferdam.yaml";
  bool required = false;  ///< named by the user: a missing file is an error; else all defaults
  std::vector<specs::Override> overrides;
  std::vector<std::string> warnings;  ///< about where the overrides come from; told with the file's own
};

/// configuration_loader.cpp: reads and checks the file, resolves workspace roots, reads seccomp profiles.
std::variant<specs::LoadedConfiguration, specs::Problems> load_configuration(const ConfigurationSource& source);

enum class Mode {
  service,  ///< until SIGTERM; holds the instance lock; status server, status files, notify socket
  once,     ///< converge and end; holds the instance lock; no server
  dry,      ///< the same machine, but no call or save that changes anything is carried out
};

struct RunOptions {
  Mode mode = Mode::service;
  ConfigurationSource source;
  bool wait = false;                 ///< once: end when every agent is final or Ready, rather than when nothing is left to do now
  bool exclusive = false;            ///< dry: hold the instance lock too (cleanup)
  std::chrono::seconds patience{0};  ///< once, dry: give up after this; 0: never (once), 30 s (dry)

  /// After the engine's session came up: address, engine's version and ID.
  std::function<void(const reconciler::EngineFacts&)> on_engine;
  /// once: a line for people on each change of an agent's phase or reason.
  std::function<void(const reconciler::AgentStatus&)> on_progress;
  /// once, dry: what the service would log as a warning or an error.
  std::function<void(const reconciler::Audit&)> on_trouble;
  /// dry, once: nothing more happens by itself. The loop runs on until `finish` is called with the exit code.
  std::function<void(Api&, std::function<void(int)> finish)> on_quiet;
};

struct RunResult {
  int exit_code = exit_ok;
  std::string error;  ///< for people, complete, where the code is not 0 and nothing was logged: what, why, the mend
};

/// app.cpp: runs the loop until it ends. Reads the configuration itself; logs to standard error in service mode only.
RunResult run(const RunOptions& options);

}  // namespace cofferdam::controller
