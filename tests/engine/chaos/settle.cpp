#include "tests/engine/chaos/settle.hpp"

#include <map>

namespace cofferdam::test::chaos {

namespace {

struct Told {
  std::string phase;
  std::string reason;
  std::string revision;
  std::string container;
};

Told told_of(const Stage& stage, const std::string& agent) {
  const Json status = Json::parse(read_file(stage.status() + "/" + agent + ".json"), nullptr, false);
  if (!status.is_object()) return {};
  const Json& container = status["containerId"];
  return {status.value("phase", ""), status.value("reason", ""), status.value("observedRevision", ""),
          container.is_string() ? container.get<std::string>() : ""};
}

/// Exactly one is live, of the wanted version, and told as running.
bool runs(const Member& member, const Told& told, const std::vector<Listed>& live) {
  return live.size() == 1 && live[0].task == task_of(member.version) && told.phase == "Running" && told.container == live[0].id;
}

bool as_wanted(const Member& member, const Told& told, const std::vector<Listed>& all) {
  std::vector<Listed> live;
  const Listed* newest = nullptr;
  for (const auto& one : all) {
    if (one.live()) live.push_back(one);
    if (newest == nullptr || one.attempt > newest->attempt) newest = &one;
  }
  if (member.file != File::good) return all.empty();
  if (told.revision != std::to_string(member.version)) return false;
  const bool ended = live.empty() && (told.phase == "Succeeded" || told.phase == "Failed");
  switch (member.kind) {
    case Kind::steady:
    case Kind::always:
    case Kind::polite:
    case Kind::stubborn: return runs(member, told, live);
    case Kind::never: return runs(member, told, live) || ended;
    case Kind::crashing:
      return live.size() <= 1 && newest != nullptr && newest->task == task_of(member.version) &&
             (told.phase == "Running" || told.phase == "BackOff" || told.phase == "Starting" || told.phase == "Creating" ||
              told.phase == "Pending");
    case Kind::bounded: return ended && told.phase == "Failed";
    case Kind::once: return ended;
    case Kind::retried: return ended && told.phase == "Succeeded";
  }
  return false;
}

std::string in_words(const Member& member, const Told& told, const std::vector<Listed>& all) {
  const char* const files[]{"good", "broken", "absent", "suspended", "removed"};
  std::string text = member.name + " (file " + files[static_cast<int>(member.file)] + ", " + task_of(member.version) +
                     "): told " + told.phase + "/" + told.reason + " revision " + told.revision + ";";
  for (const auto& one : all) text += " " + std::to_string(one.attempt) + " " + one.state + " " + one.task;
  return text + "\n";
}

}  // namespace

std::string lacking(Stage& stage, Fleet& fleet) {
  const auto listed = stage.containers();
  if (!listed) return "the daemon's list cannot be read\n";
  std::map<std::string, std::vector<Listed>> by_agent;
  for (const auto& one : *listed) by_agent[one.agent].push_back(one);
  std::string text;
  for (const auto& member : fleet.members()) {
    const Told told = told_of(stage, member.name);
    const auto& all = by_agent[member.name];
    if (!as_wanted(member, told, all)) text += in_words(member, told, all);
  }
  if (stage.ask("/readyz").status != 200) text += "the controller is not ready\n";
  return text;
}

void confirm_held(Stage& stage, Timeline& timeline) {
  const Json plan = Json::parse(stage.ask("/v1/plan").body, nullptr, false);
  if (!plan.is_object() || !plan.contains("held")) return;
  for (const auto& held : plan["held"]) {
    const std::string id = held.value("id", "");
    const int code = stage.command({"confirm-deletions", id});
    timeline.note("confirm-deletions " + id + " of " + held["agents"].dump() + ": " + std::to_string(code));
  }
}

}  // namespace cofferdam::test::chaos
