#include "controller/status_json.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <optional>

#include "controller/json_text.hpp"

namespace cofferdam::controller {

namespace {

using reconciler::AgentStatus;
using reconciler::WallTime;

template <typename T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json time_or_null(const std::optional<WallTime>& time) {
  return time ? Json(time_text(*time)) : Json(nullptr);
}

Json names_of(const std::set<std::string>& names) {
  return Json(std::vector<std::string>(names.begin(), names.end()));
}

Json to_json(const reconciler::Condition& condition) {
  return {{"type", condition.type},
          {"status", std::string(name_of(condition.status))},
          {"reason", condition.reason},
          {"message", condition.message}};
}

Json to_json(const reconciler::Termination& termination) {
  return {{"attempt", termination.attempt},
          {"containerId", termination.container_id},
          {"reason", termination.reason},
          {"exitCode", or_null(termination.exit_code)},
          {"oomKilled", termination.oom_killed},
          {"startedAt", time_or_null(termination.started_at)},
          {"finishedAt", time_or_null(termination.finished_at)}};
}

Json to_json(const AgentStatus& status) {
  Json conditions = Json::array();
  for (const auto& condition : status.conditions) {
    conditions.push_back(to_json(condition));
  }
  Json json;
  json["agent"] = status.agent;
  json["phase"] = std::string(name_of(status.phase));
  json["reason"] = status.reason;
  json["message"] = status.message;
  json["conditions"] = std::move(conditions);
  json["source"] = {{"file", status.source_file}, {"line", status.source_line}, {"sha256", status.source_sha256}};
  json["observedRevision"] = status.observed_revision;
  json["task"] = status.task;
  json["runHash"] = status.run_hash;
  json["configHash"] = status.config_hash;
  json["containerId"] = status.container_id;
  json["containerName"] = status.container_name;
  json["image"] = status.image;
  json["imageId"] = status.image_id;
  json["attempt"] = status.attempt;
  json["restarts"] = status.restarts;
  json["failures"] = status.failures;
  json["exitCode"] = or_null(status.exit_code);
  json["oomKilled"] = status.oom_killed;
  json["startedAt"] = time_or_null(status.started_at);
  json["finishedAt"] = time_or_null(status.finished_at);
  json["lastTermination"] = status.last_termination ? to_json(*status.last_termination) : Json(nullptr);
  json["filteredVariables"] = status.filtered_variables;
  json["nextRetryAt"] = time_or_null(status.next_retry);
  json["verification"] = status.verification;
  return json;
}

Json to_json(const specs::Problem& problem) {
  return {{"file", problem.place.file}, {"line", problem.place.line}, {"column", problem.place.column},
          {"path", problem.path},       {"what", problem.what},       {"mend", problem.mend},
          {"rule", problem.rule},       {"text", to_string(problem)}};
}

Json to_json(const specs::Problems& problems) {
  Json json = Json::array();
  for (const auto& problem : problems) {
    json.push_back(to_json(problem));
  }
  return json;
}

std::string_view name_of(specs::FileState state) {
  switch (state) {
    case specs::FileState::good: return "good";
    case specs::FileState::last_good: return "last_good";
    case specs::FileState::never_good: return "never_good";
  }
  return "";
}

Json to_json(const std::vector<reconciler::Held>& held) {
  Json json = Json::array();
  for (const auto& set : held) {
    json.push_back({{"id", set.id},
                    {"reason", set.reason},
                    {"message", set.message},
                    {"agents", names_of(set.agents)},
                    {"maybeIn", set.maybe_in}});
  }
  return json;
}

Json engine_json(const reconciler::Summary& summary, const ProcessFacts& process) {
  const auto& engine = summary.engine;
  return {{"address", process.engine_address},
          {"id", engine.info.id},
          {"name", engine.info.name},
          {"version", engine.version.version},
          {"apiVersion", engine.version.api_version},
          {"local", engine.local}};
}

}  // namespace

std::string time_text(const WallTime& time) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(time);
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(time - whole).count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(static_cast<std::time_t>(whole.time_since_epoch().count())),
                     milliseconds);
}

std::string agent_json(const AgentStatus& status) {
  return json_text(to_json(status));
}

std::string agents_json(const std::map<std::string, AgentStatus>& statuses) {
  Json agents = Json::array();
  for (const auto& [name, status] : statuses) {
    agents.push_back(to_json(status));
  }
  return json_text({{"agents", std::move(agents)}});
}

std::string files_json(const std::map<std::string, specs::FileView>& files) {
  Json list = Json::array();
  for (const auto& [name, file] : files) {
    list.push_back({{"name", file.name},
                    {"state", std::string(name_of(file.state))},
                    {"sha256", file.sha256},
                    {"agents", file.names},
                    {"problems", to_json(file.problems)}});
  }
  return json_text({{"files", std::move(list)}});
}

std::string held_json(const std::vector<reconciler::Held>& held) {
  return json_text({{"held", to_json(held)}});
}

std::string plan_json(const std::vector<reconciler::PlanLine>& plan, const std::vector<reconciler::Held>& held) {
  Json lines = Json::array();
  std::size_t changes = 0;
  for (const auto& line : plan) {
    changes += line.action == "none" ? 0 : 1;
    lines.push_back({{"agent", line.agent},
                     {"action", line.action},
                     {"cause", line.cause},
                     {"row", line.row},
                     {"phase", std::string(name_of(line.status.phase))},
                     {"reason", line.status.reason},
                     {"message", line.status.message},
                     {"text", line.text()}});
  }
  return json_text({{"changes", changes}, {"plan", std::move(lines)}, {"held", to_json(held)}});
}

std::vector<std::string> not_ready(const reconciler::Summary& summary) {
  std::vector<std::string> reasons;
  if (!summary.configured) {
    reasons.emplace_back("the configuration has not been read yet");
  }
  if (!summary.state_known) {
    reasons.push_back(summary.state_error.empty() ? "the state directory has not been read yet"
                                                  : "the state directory cannot be read: " + summary.state_error);
  }
  if (!summary.engine_up) {
    reasons.push_back(summary.engine_why.empty() ? "the engine has not answered yet"
                                                 : "the engine is down: " + summary.engine_why);
  } else if (!summary.listed) {
    reasons.emplace_back("the containers of the engine have not been listed yet");
  }
  if (!summary.last_scan) {
    reasons.push_back(summary.scan_error.empty() ? "the spec directory has not been read yet"
                                                 : "the spec directory cannot be read: " + summary.scan_error);
  }
  if (reasons.empty() && !summary.ready) {
    reasons.emplace_back("the first pass over all agents is not done yet");
  }
  return reasons;
}

std::string ready_json(const reconciler::Summary& summary) {
  const auto reasons = not_ready(summary);
  return json_text({{"ready", reasons.empty()}, {"reasons", reasons}});
}

std::string controller_json(const reconciler::Summary& summary, const ProcessFacts& process) {
  Json json;
  json["version"] = process.version;
  json["bootId"] = process.boot_id;
  json["startedAt"] = time_text(process.started_at);
  json["heartbeatAt"] = time_text(process.heartbeat_at);
  json["ready"] = not_ready(summary).empty();
  json["notReady"] = not_ready(summary);
  json["sandboxEnabled"] = summary.sandbox_enabled;
  json["engineUp"] = summary.engine_up;
  json["engineWhy"] = summary.engine_why;
  json["engine"] = engine_json(summary, process);
  json["lastScanAt"] = time_or_null(summary.last_scan);
  json["scanError"] = summary.scan_error;
  json["lastListAt"] = time_or_null(summary.last_list);
  json["reloadError"] = process.reload_error;
  json["limitsMissing"] = summary.limits_missing;
  json["suspectContainers"] = summary.suspect_containers;
  return json_text(json);
}

std::string problems_json(const specs::Problems& problems, const specs::Problems& warnings) {
  return json_text({{"problems", to_json(problems)}, {"warnings", to_json(warnings)}});
}

std::string error_json(const std::string& error, const std::string& message, const std::string& mend) {
  return json_text({{"error", error}, {"message", message}, {"mend", mend}});
}

std::string verdict_json(const Verdict& verdict) {
  return json_text({{"ok", verdict.ok}, {"message", verdict.message}});
}

}  // namespace cofferdam::controller
