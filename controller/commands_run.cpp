// Commands that work without a running controller: run, apply, plan (which asks one where there is one), version.

#include <algorithm>
#include <chrono>
#include <ostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "controller/command_context.hpp"
#include "controller/status_json.hpp"
#include "controller/text.hpp"

namespace cofferdam::controller {

namespace {

std::string engine_line(const reconciler::EngineFacts& engine) {
  return engine_text(engine.address, engine.version.version, engine.info.id);
}

reconciler::WallTime wall_now() {
  return std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now());
}

bool has_failed(reconciler::Phase phase) {
  using reconciler::Phase;
  static const std::set<Phase> failed{Phase::failed, Phase::stuck, Phase::denied, Phase::invalid, Phase::back_off};
  return failed.contains(phase);
}

/// Objects of the API as one.
Json joined(const std::vector<std::string>& bodies) {
  Json all = Json::object();
  for (const std::string& body : bodies) {
    const Json part = Json::parse(body, nullptr, false);
    if (part.is_object()) {
      all.update(part);
    }
  }
  return all;
}

/// Nothing where no controller runs: then a dry run answers.
std::optional<Json> plan_of_running(const CommandContext& context, const std::string& socket, int& code) {
  const ApiResult result = ask_controller(socket, "/v1/plan");
  if (const auto* failure = std::get_if<ApiFailure>(&result)) {
    code = failure->kind == ApiFailure::Kind::nobody ? exit_ok : context.explain(*failure);
    return std::nullopt;
  }
  const auto& reply = std::get<ApiReply>(result);
  if (reply.status != 200) {
    code = context.explain(reply);
    return std::nullopt;
  }
  const ApiResult about = ask_controller(socket, "/v1/controller");
  if (const auto* answer = std::get_if<ApiReply>(&about); answer != nullptr && answer->status == 200) {
    const Json controller = Json::parse(answer->body, nullptr, false);
    const Json engine = controller.is_object() ? controller.value("engine", Json::object()) : Json::object();
    context.streams.err << engine_text(engine.value("address", ""), engine.value("version", ""), engine.value("id", "")) << '\n';
  }
  const ApiResult files = ask_controller(socket, "/v1/files");
  const auto* const listed = std::get_if<ApiReply>(&files);
  return joined({reply.body, listed != nullptr && listed->status == 200 ? listed->body : std::string()});
}

int print_plan(const CommandContext& context, const Json& plan) {
  context.streams.out << (context.json() ? json_text(plan) : plan_text(plan, context.streams.colour));
  return plan.value("changes", 0) > 0 ? exit_found : exit_ok;
}

/// A line for people; empty where it is told as progress, or ends the run and is told then.
std::string trouble_text(const reconciler::Audit& audit, bool colour) {
  static const std::set<std::string> told{"PhaseChanged", "EngineDown", "SpecDirectoryUnreadable", "StateUnreadable"};
  if (told.contains(audit.event)) {
    return {};
  }
  const bool error = audit.severity == reconciler::Severity::error;
  return coloured(error ? "error: " : "warning: ", error ? Colour::bad : Colour::busy, colour) +
         (audit.agent.empty() ? "" : clean(audit.agent) + ": ") + clean(audit.message) + "\n";
}

/// The table of agents and what it cannot show: files in error, and removals that wait for a person.
int print_outcome(const CommandContext& context, const reconciler::Reconciler& machine) {
  const auto statuses = machine.statuses();
  const Json outcome = joined({agents_json(statuses), files_json(machine.files()), held_json(machine.held())});
  const std::string beside = files_text(outcome) + held_text(outcome);
  if (context.json()) {
    context.streams.out << json_text(outcome);
  } else {
    context.streams.out << (statuses.empty() ? "" : agents_text(outcome, context.streams.colour, wall_now())) << beside;
  }
  const bool failed = std::any_of(statuses.begin(), statuses.end(), [](const auto& one) { return has_failed(one.second.phase); });
  return failed || !beside.empty() ? exit_found : exit_ok;
}

}  // namespace

int command_run(const CommandContext& context) {
  RunOptions options;
  options.mode = Mode::service;
  options.source = context.source();
  return context.fail(run(options));
}

int command_apply(const CommandContext& context) {
  RunOptions options;
  options.mode = Mode::once;
  options.source = context.source();
  options.wait = context.options.wait;
  options.patience = std::chrono::seconds(context.options.timeout);
  bool engine_told = false;
  std::string early;  // the engine's line comes first
  options.on_engine = [&](const reconciler::EngineFacts& engine) {
    engine_told = true;
    context.streams.err << engine_line(engine) << '\n' << std::exchange(early, {});
  };
  options.on_progress = [&](const reconciler::AgentStatus& status) {
    if (!engine_told) {
      return;  // before the engine is known every agent only waits for it
    }
    const std::string phase(name_of(status.phase));
    context.streams.err << clean(status.agent) << ": " << coloured(phase, colour_of_phase(phase), context.streams.colour)
                        << (status.reason.empty() ? "" : "/" + clean(status.reason))
                        << (status.message.empty() ? "" : ": " + clean(status.message)) << '\n';
  };
  options.on_trouble = [&](const reconciler::Audit& audit) {
    const std::string text = trouble_text(audit, context.streams.colour);
    if (engine_told) {
      context.streams.err << text;
    } else {
      early += text;
    }
  };
  options.on_quiet = [&](Api& api, const std::function<void(int)>& finish) { finish(print_outcome(context, api.machine())); };
  const RunResult result = run(options);
  context.streams.err << early;
  return context.fail(result);
}

int command_plan(const CommandContext& context) {
  const auto socket = context.socket();
  if (!socket) {
    return exit_configuration;
  }
  int code = exit_ok;
  if (const auto plan = plan_of_running(context, *socket, code)) {
    return print_plan(context, *plan);
  }
  if (code != exit_ok) {
    return code;
  }
  RunOptions options;
  options.mode = Mode::dry;
  options.source = context.source();
  options.on_engine = [&](const reconciler::EngineFacts& engine) {
    context.streams.err << engine_line(engine) << "; no controller runs: a dry run\n";
  };
  options.on_quiet = [&](Api& api, const std::function<void(int)>& finish) {
    const auto& machine = api.machine();
    finish(print_plan(context, joined({plan_json(machine.plan(api.now()), machine.held()), files_json(machine.files())})));
  };
  return context.fail(run(options));
}

std::string version_text() {
#if defined(__clang__)
  const std::string compiler = "clang " __clang_version__;
#else
  const std::string compiler = "g++ " __VERSION__;
#endif
#if defined(NDEBUG)
  return "cofferdam " COFFERDAM_VERSION " (" + compiler + ", release)";
#else
  return "cofferdam " COFFERDAM_VERSION " (" + compiler + ", debug)";
#endif
}

int command_version(const CommandContext& context) {
  context.streams.out << (context.json() ? json_text({{"version", COFFERDAM_VERSION}, {"text", version_text()}})
                                         : version_text() + "\n");
  return exit_ok;
}

}  // namespace cofferdam::controller
