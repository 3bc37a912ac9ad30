#pragma once

// The objects that programs read, as JSON text: the same ones in status files, in the API and behind `--output json`.
// Canonical: every key is always there (null where nothing is known), in one order; indented by two; ends with a newline.
// Times are UTC, "2026-01-02T03:04:05.678Z". Bytes that are not UTF-8 are replaced, never an error.

#include <map>
#include <string>
#include <vector>

#include "controller/api.hpp"
#include "reconciler/deletion_guard.hpp"
#include "reconciler/reconciler.hpp"
#include "reconciler/status.hpp"
#include "specs/configuration.hpp"
#include "specs/folder.hpp"

namespace cofferdam::controller {

std::string time_text(const reconciler::WallTime& time);

std::string agent_json(const reconciler::AgentStatus& status);
/// {"agents": […]}, sorted by name.
std::string agents_json(const std::map<std::string, reconciler::AgentStatus>& statuses);
/// {"files": […]}, each with all its problems.
std::string files_json(const std::map<std::string, specs::FileView>& files);
/// {"held": […]}: sets of agents whose removal waits for an operator.
std::string held_json(const std::vector<reconciler::Held>& held);
/// {"changes": number of lines that are not "none", "plan": […], "held": […]}.
std::string plan_json(const std::vector<reconciler::PlanLine>& plan, const std::vector<reconciler::Held>& held);
/// `_controller.json`: whether the rest is current.
std::string controller_json(const reconciler::Summary& summary, const ProcessFacts& process);
/// {"problems": […], "warnings": […]}: what `validate --output json` prints.
std::string problems_json(const specs::Problems& problems, const specs::Problems& warnings);

/// Why the controller is not ready, each reason complete for a person; empty: it is.
std::vector<std::string> not_ready(const reconciler::Summary& summary);
std::string ready_json(const reconciler::Summary& summary);

/// {"configuration": {…}, "origins": {path: origin}, "queries": {…the four of them but for the last…}}.
std::string configuration_json(const specs::LoadedConfiguration& loaded);
/// {"enabled": …}
std::string enabled_json(const specs::Configuration& configuration);
/// {"allowList": […]}: sorted, with what envWhitelistAdd adds.
std::string allow_list_json(const specs::Configuration& configuration);
/// {"hardeningDefaults": {…}}
std::string hardening_json(const specs::Configuration& configuration);
/// {"filtered": […], "passed": […]}: which of these variables an agent would lose. Names only.
std::string filtered_json(const specs::Configuration& configuration, const std::vector<std::string>& names);

std::string error_json(const std::string& error, const std::string& message, const std::string& mend);
std::string verdict_json(const Verdict& verdict);

/// What a spec's environment is filtered by: the configured list and its additions, sorted.
std::vector<std::string> allow_list(const specs::Configuration& configuration);
/// Which of these variables an agent would lose, sorted.
std::vector<std::string> filtered_of(const specs::Configuration& configuration, const std::vector<std::string>& names);

}  // namespace cofferdam::controller
