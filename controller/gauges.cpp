#include "controller/gauges.hpp"

#include <chrono>
#include <map>
#include <set>
#include <string>

namespace cofferdam::controller {

namespace {

using metrics::Registry;
using reconciler::WallTime;

double seconds(const WallTime& time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

void set(Registry& registry, std::string_view name, double value) {
  registry.record(name, {}, value);
}

constexpr std::string_view compiler =
#if defined(__clang__)
    "clang " __clang_version__;
#else
    "gcc " __VERSION__;
#endif

constexpr std::string_view build =
#if defined(NDEBUG)
    "release";
#else
    "debug";
#endif

void set_controller(Registry& registry, const Api& api) {
  const ProcessFacts process = api.process();
  const auto& summary = api.machine().summary();
  registry.clear("cofferdam_build_info");
  registry.record("cofferdam_build_info", {process.version, std::string(compiler), std::string(build)}, 1);
  set(registry, "cofferdam_ready", summary.ready ? 1 : 0);
  set(registry, "cofferdam_sandbox_enabled", api.configuration()->configuration.sandbox.enabled ? 1 : 0);
  set(registry, "cofferdam_config_reload_failed", process.reload_error.empty() ? 0 : 1);
  set(registry, "cofferdam_loop_lag_seconds", std::chrono::duration<double>(process.loop_lag).count());
}

void set_engine(Registry& registry, const reconciler::Summary& summary) {
  set(registry, "cofferdam_engine_up", summary.engine_up ? 1 : 0);
  registry.clear("cofferdam_engine_info");
  if (summary.engine_up) {
    const auto& engine = summary.engine;
    registry.record("cofferdam_engine_info",
                    {engine.version.version, engine.version.api_version, engine.version.platform, engine.version.os,
                     engine.version.arch, engine.info.cgroup_version},
                    1);
  }
  set(registry, "cofferdam_engine_calls_in_flight", static_cast<double>(summary.calls_in_flight));
  set(registry, "cofferdam_queue_depth", static_cast<double>(summary.queued));
  set(registry, "cofferdam_suspect_containers", static_cast<double>(summary.suspect_containers));
  // 0 until it happened: then an alert on its age fires for one that never did, too.
  set(registry, "cofferdam_last_list_timestamp_seconds", summary.last_list ? seconds(*summary.last_list) : 0);
  set(registry, "cofferdam_last_scan_timestamp_seconds", summary.last_scan ? seconds(*summary.last_scan) : 0);
  registry.clear("cofferdam_limits_missing");
  for (const std::string& limit : summary.limits_missing) {
    registry.record("cofferdam_limits_missing", {limit}, 1);
  }
}

void set_agents(Registry& registry, const std::map<std::string, reconciler::AgentStatus>& statuses) {
  std::map<reconciler::Phase, int> phases;
  std::set<std::string> agents;
  registry.clear("cofferdam_agent_phase");
  registry.clear("cofferdam_agent_last_exit_code");
  for (const auto& [name, status] : statuses) {
    ++phases[status.phase];
    agents.insert(name);
    // Counted by the machine; there from the start, because increase() does not see a series that begins at 1.
    registry.record("cofferdam_agent_restarts_total", {name}, 0);
    registry.record("cofferdam_agent_phase", {name, std::string(name_of(status.phase))}, 1);
    const auto exit_code = status.exit_code          ? status.exit_code
                           : status.last_termination ? status.last_termination->exit_code
                                                     : std::nullopt;
    if (exit_code) {
      registry.record("cofferdam_agent_last_exit_code", {name}, static_cast<double>(*exit_code));
    }
  }
  for (const reconciler::Phase phase : reconciler::all_phases) {
    registry.record("cofferdam_agents", {std::string(name_of(phase))}, phases[phase]);
  }
  registry.keep_agents(agents);
}

void set_folder(Registry& registry, const reconciler::Reconciler& machine) {
  int good = 0;
  int last_good = 0;
  int never_good = 0;
  for (const auto& [name, file] : machine.files()) {
    switch (file.state) {
      case specs::FileState::good: ++good; break;
      case specs::FileState::last_good: ++last_good; break;
      case specs::FileState::never_good: ++never_good; break;
    }
  }
  registry.record("cofferdam_spec_files", {"good"}, good);
  registry.record("cofferdam_spec_files", {"last_good"}, last_good);
  registry.record("cofferdam_spec_files", {"never_good"}, never_good);
  std::size_t held = 0;
  for (const auto& set_of_agents : machine.held()) {
    held += set_of_agents.agents.size();
  }
  set(registry, "cofferdam_deletions_held", static_cast<double>(held));
}

}  // namespace

void set_gauges(Api& api) {
  Registry& registry = api.metrics();
  set_controller(registry, api);
  set_engine(registry, api.machine().summary());
  set_agents(registry, api.machine().statuses());
  set_folder(registry, api.machine());
  metrics::record_process(registry);
}

}  // namespace cofferdam::controller
