#pragma once

// What the commands share: their options, how they come to a configuration and to the running controller. Private to
// commands*.cpp.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "controller/api.hpp"
#include "controller/api_client.hpp"
#include "controller/commands.hpp"
#include "controller/json_text.hpp"

namespace cofferdam::controller {

struct CommandOptions {
  std::string config;  ///< empty: not given
  std::string host;
  std::string socket;
  std::string output = "text";

  std::vector<std::string> paths;
  std::vector<std::string> names;
  std::string agent;
  std::string id;
  std::optional<std::int64_t> tail;
  std::int64_t timeout = 0;  ///< seconds; 0: none
  bool check_workspaces = false;
  bool wait = false;
  bool yes = false;
  bool follow = false;
  bool previous = false;
  bool enabled = false;
  bool allow_list = false;
  bool hardening = false;
};

class CommandContext {
 public:
  CommandContext(const CommandOptions& command_options, Streams& command_streams)
      : options(command_options), streams(command_streams) {}

  [[nodiscard]] bool json() const { return options.output == "json"; }
  /// "cofferdam: …" on the error stream; returns `code`.
  int fail(int code, const std::string& message) const;
  int fail(const RunResult& result) const;

  [[nodiscard]] ConfigurationSource source() const;
  /// Nothing, and the problems printed, where the configuration is bad (exit 78).
  [[nodiscard]] std::optional<specs::LoadedConfiguration> configuration() const;
  /// The running controller's: --socket, or server.socket of the configuration. Nothing: said why already.
  [[nodiscard]] std::optional<std::string> socket() const;

  /// A GET of the running controller; on anything but a 200 it says why, sets `code` and returns nothing.
  [[nodiscard]] std::optional<std::string> ask(const std::string& target, int& code) const;
  int say(const Json& word) const;
  int explain(const ApiFailure& failure) const;
  int explain(const ApiReply& reply) const;

  const CommandOptions& options;
  Streams& streams;
};

int command_run(const CommandContext& context);
int command_apply(const CommandContext& context);
int command_plan(const CommandContext& context);
int command_validate(const CommandContext& context);
int command_config(const CommandContext& context);
int command_cleanup(const CommandContext& context);
int command_get(const CommandContext& context);
int command_describe(const CommandContext& context);
int command_logs(const CommandContext& context);
int command_confirm_deletions(const CommandContext& context);
int command_release(const CommandContext& context);
int command_reload(const CommandContext& context);
int command_version(const CommandContext& context);

/// The table of `get`, from the API's agents.
std::string agents_text(const Json& agents, bool colour, reconciler::WallTime now);
/// The page of `describe`, from one agent of the API.
std::string agent_text(const Json& agent, bool colour, reconciler::WallTime now);
/// A line for each set of agents whose removal is held, from an object that has "held"; a line for each spec file in error.
std::string held_text(const Json& held);
std::string files_text(const Json& files);
/// What `plan` prints, from the API's plan with its files.
std::string plan_text(const Json& plan, bool colour);
std::string engine_text(const std::string& address, const std::string& version, const std::string& id);

}  // namespace cofferdam::controller
