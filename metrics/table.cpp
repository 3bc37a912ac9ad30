// The table of metrics: docs/metrics.md says the same for people, and a test holds the two together.

#include "metrics/metrics.hpp"

namespace cofferdam::metrics {

namespace {

std::vector<Definition> make_table() {
  const std::vector<double> pass_buckets{0.00001, 0.00005, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1};
  const std::vector<double> call_buckets{0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300};
  const std::vector<double> start_buckets{0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600};
  return {
      // What this is, and whether it works.
      {"cofferdam_build_info", Type::gauge, "Always 1; the labels say which build runs.", {"version", "compiler", "build"}, {}},
      {"cofferdam_ready",
       Type::gauge,
       "1 when the configuration is good, the state known, one scan and one list complete.",
       {},
       {}},
      {"cofferdam_sandbox_enabled",
       Type::gauge,
       "0 while sandbox.enabled is false: nothing is started, stopped or removed.",
       {},
       {}},
      {"cofferdam_config_reload_failed",
       Type::gauge,
       "1 while the configuration file on disk was refused and an older one is in force.",
       {},
       {}},
      {"cofferdam_loop_lag_seconds", Type::gauge, "By how much the last timed turn of the deciding loop came late.", {}, {}},
      {"cofferdam_internal_errors_total", Type::counter, "Defects of the controller itself; should stay 0.", {}, {}},

      // The engine.
      {"cofferdam_engine_up", Type::gauge, "1 while a session with the engine is established.", {}, {}},
      {"cofferdam_engine_info",
       Type::gauge,
       "Always 1 while the engine is up; the labels say which engine it is.",
       {"version", "api_version", "platform", "os", "arch", "cgroup_version"},
       {}},
      {"cofferdam_engine_requests_total",
       Type::counter,
       "Calls to the engine by operation and HTTP status, or class of error where there was no answer.",
       {"operation", "code"},
       {}},
      {"cofferdam_engine_request_duration_seconds",
       Type::histogram,
       "Time from sending a call to the whole of its answer.",
       {"operation"},
       call_buckets},
      {"cofferdam_engine_events_total", Type::counter, "Events read from the engine's stream.", {"action"}, {}},
      {"cofferdam_engine_calls_in_flight", Type::gauge, "Calls sent and not yet answered.", {}, {}},
      {"cofferdam_last_list_timestamp_seconds", Type::gauge, "When the last complete list of containers was read.", {}, {}},
      {"cofferdam_limits_missing", Type::gauge, "1 for each limit that this host cannot enforce.", {"limit"}, {}},
      {"cofferdam_suspect_containers",
       Type::gauge,
       "Containers that carry our labels and fail another ownership check; never touched.",
       {},
       {}},

      // Agents.
      {"cofferdam_agents", Type::gauge, "Agents by phase; every phase is there.", {"phase"}, {}},
      {"cofferdam_agent_phase",
       Type::gauge,
       "1 for the phase that the agent is in; no other phase is there.",
       {"agent", "phase"},
       {}},
      {"cofferdam_agent_restarts_total",
       Type::counter,
       "Attempts begun again after the agent's own failure, since this controller started.",
       {"agent"},
       {}},
      {"cofferdam_agent_last_exit_code", Type::gauge, "Exit code of the agent's last ended attempt.", {"agent"}, {}},
      {"cofferdam_spec_to_running_seconds",
       Type::histogram,
       "Time from the spec's being read to its container's running.",
       {},
       start_buckets},
      {"cofferdam_env_filtered_total", Type::counter, "Variables outside the allow-list that were filtered.", {}, {}},

      // What it does.
      {"cofferdam_reconcile_total", Type::counter, "Decisions about one agent, by what came of them.", {"result"}, {}},
      {"cofferdam_reconcile_duration_seconds", Type::histogram, "Time to handle one input.", {}, pass_buckets},
      {"cofferdam_actions_total", Type::counter, "Actions carried out.", {"action", "cause", "result"}, {}},
      {"cofferdam_queue_depth", Type::gauge, "Agents that wait for a lane.", {}, {}},

      // The folder.
      {"cofferdam_spec_files", Type::gauge, "Spec files by state: good, last_good, never_good.", {"state"}, {}},
      {"cofferdam_spec_errors_total", Type::counter, "Times that a spec file was read and found in error.", {}, {}},
      {"cofferdam_deletions_held", Type::gauge, "Agents gone from the folder whose removal is held until confirmed.", {}, {}},
      {"cofferdam_last_scan_timestamp_seconds", Type::gauge, "When the folder was last read completely.", {}, {}},

      // The faces.
      {"cofferdam_http_requests_total", Type::counter, "Requests answered by the status server.", {"code"}, {}},

      // The process.
      {"process_cpu_seconds_total", Type::counter, "Processor time, user and system.", {}, {}},
      {"process_resident_memory_bytes", Type::gauge, "Resident memory.", {}, {}},
      {"process_virtual_memory_bytes", Type::gauge, "Virtual memory.", {}, {}},
      {"process_open_fds", Type::gauge, "Open file descriptors.", {}, {}},
      {"process_max_fds", Type::gauge, "File descriptors that may be open.", {}, {}},
      {"process_threads", Type::gauge, "Threads.", {}, {}},
      {"process_start_time_seconds", Type::gauge, "When the process started, by the wall clock.", {}, {}},
  };
}

}  // namespace

const std::vector<Definition>& definitions() {
  static const std::vector<Definition> table = make_table();
  return table;
}

const Definition* find(std::string_view name) {
  for (const Definition& definition : definitions()) {
    if (definition.name == name) {
      return &definition;
    }
  }
  return nullptr;
}

}  // namespace cofferdam::metrics
