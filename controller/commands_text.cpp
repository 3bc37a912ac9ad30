// What get, describe and plan print, made from the API's objects.

#include <fmt/format.h>

#include <algorithm>

#include "controller/command_context.hpp"
#include "controller/text.hpp"

namespace cofferdam::controller {

namespace {

/// A field as text: "" where it is null or not there.
std::string text_of(const Json& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  if (found == object.end() || found->is_null()) {
    return {};
  }
  return found->is_string() ? found->get<std::string>() : found->dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json list_of(const Json& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found != object.end() && found->is_array() ? *found : Json::array();
}

/// "docker.io/library/node:20-alpine" → "node:20-alpine", as people wrote it.
std::string familiar(const std::string& image) {
  for (const std::string prefix : {"docker.io/library/", "docker.io/"}) {
    if (image.starts_with(prefix)) {
      return image.substr(prefix.size());
    }
  }
  return image;
}

/// Lines of "Key:   value", values aligned; a key without a value is left out.
class Page {
 public:
  void line(const std::string& key, const std::string& value) {
    if (!value.empty()) {
      text_ += fmt::format("{:<18}{}\n", key + ":", value);
    }
  }
  void clean_line(const std::string& key, const std::string& value) { line(key, clean(value)); }
  void title(const std::string& title) { text_ += title + ":\n"; }
  void item(const std::string& item) { text_ += "  " + item + "\n"; }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::string when(const Json& agent, const char* key, reconciler::WallTime now) {
  const std::string time = text_of(agent, key);
  return time.empty() ? std::string() : time + " (" + age_of(time, now) + " ago)";
}

std::string exit_of(const Json& object) {
  const std::string code = text_of(object, "exitCode");
  return code.empty() ? code : code + (object.value("oomKilled", false) ? ", out of memory" : "");
}

void add_container(Page& page, const Json& agent, reconciler::WallTime now) {
  page.clean_line("Container", text_of(agent, "containerName"));
  page.clean_line("Container ID", text_of(agent, "containerId"));
  page.clean_line("Image", text_of(agent, "image"));
  page.clean_line("Image ID", text_of(agent, "imageId"));
  page.line("Attempt", text_of(agent, "attempt"));
  page.line("Restarts", text_of(agent, "restarts"));
  page.line("Started", when(agent, "startedAt", now));
  page.line("Finished", when(agent, "finishedAt", now));
  page.line("Exit code", exit_of(agent));
  page.line("Next try", text_of(agent, "nextRetryAt"));
  page.clean_line("Verification", text_of(agent, "verification"));
}

void add_conditions(Page& page, const Json& agent) {
  const Json conditions = list_of(agent, "conditions");
  if (conditions.empty()) {
    return;
  }
  page.title("Conditions");
  std::size_t widest = 0;
  for (const auto& condition : conditions) {
    widest = std::max(widest, width(text_of(condition, "type")));
  }
  for (const auto& condition : conditions) {
    const std::string type = clean(text_of(condition, "type"));
    std::string line = type;
    line.append(widest - std::min(widest, width(type)) + 2, ' ');
    line += fmt::format("{:<9}", text_of(condition, "status"));
    const std::string reason = clean(text_of(condition, "reason"));
    const std::string message = clean(text_of(condition, "message"));
    line += reason;
    line += reason.empty() || message.empty() ? "" : ": ";
    line += message;
    line.erase(line.find_last_not_of(' ') + 1);
    page.item(line);
  }
}

}  // namespace

std::string agents_text(const Json& agents, bool colour, reconciler::WallTime now) {
  Table table({"NAME", "PHASE", "REASON", "ATTEMPT", "RESTARTS", "AGE", "IMAGE"});
  for (const auto& agent : list_of(agents, "agents")) {
    table.add({text_of(agent, "agent"), text_of(agent, "phase"), text_of(agent, "reason"), text_of(agent, "attempt"),
               text_of(agent, "restarts"), age_of(text_of(agent, "startedAt"), now), familiar(text_of(agent, "image"))});
  }
  return table.text(colour, 1);
}

std::string agent_text(const Json& agent, bool colour, reconciler::WallTime now) {
  Page page;
  page.clean_line("Name", text_of(agent, "agent"));
  page.clean_line("Task", text_of(agent, "task"));
  const std::string phase = text_of(agent, "phase");
  page.line("Phase", coloured(clean(phase), colour_of_phase(phase), colour));
  page.clean_line("Reason", text_of(agent, "reason"));
  page.clean_line("Message", text_of(agent, "message"));
  const Json source = agent.is_object() ? agent.value("source", Json::object()) : Json::object();
  const std::string file = text_of(source, "file");
  page.clean_line("Spec", file.empty() ? file : file + ":" + text_of(source, "line"));
  page.clean_line("Revision", text_of(agent, "observedRevision"));
  add_container(page, agent, now);
  const Json last = agent.is_object() ? agent.value("lastTermination", Json(nullptr)) : Json(nullptr);
  if (last.is_object()) {
    page.title("Last termination");
    page.item("attempt " + text_of(last, "attempt") + ": " + clean(text_of(last, "reason")) +
              (exit_of(last).empty() ? "" : ", exit code " + exit_of(last)));
    const auto known = [&](const char* key) { return text_of(last, key).empty() ? "?" : text_of(last, key); };
    page.item("from " + known("startedAt") + " to " + known("finishedAt"));
  }
  std::string filtered;
  for (const auto& name : list_of(agent, "filteredVariables")) {
    filtered += (filtered.empty() ? "" : ", ") + (name.is_string() ? clean(name.get<std::string>()) : std::string());
  }
  page.line("Filtered", filtered);
  add_conditions(page, agent);
  return page.text();
}

std::string held_text(const Json& held) {
  std::string text;
  for (const auto& set : list_of(held, "held")) {
    std::string agents;
    for (const auto& name : list_of(set, "agents")) {
      agents += (agents.empty() ? "" : ", ") + (name.is_string() ? clean(name.get<std::string>()) : std::string());
    }
    text += "held " + clean(text_of(set, "id")) + ": " + clean(text_of(set, "reason")) + ": " + agents + ": " +
            clean(text_of(set, "message")) + "\n";
  }
  return text;
}

std::string files_text(const Json& files) {
  std::string text;
  for (const auto& file : list_of(files, "files")) {
    const Json problems = list_of(file, "problems");
    if (problems.empty()) {
      continue;
    }
    const bool in_force = text_of(file, "state") == "last_good";
    text += clean(text_of(problems.front(), "text")) +
            (problems.size() > 1 ? " (and " + std::to_string(problems.size() - 1) + " more)" : "") +
            (in_force ? "; its last good version stays in force" : "; nothing of it runs") + "\n";
  }
  return text;
}

std::string plan_text(const Json& plan, bool colour) {
  std::string text;
  for (const auto& line : list_of(plan, "plan")) {
    const bool change = text_of(line, "action") != "none";
    text += coloured(clean(text_of(line, "text")), change ? Colour::bold : Colour::none, colour) + "\n";
  }
  text += files_text(plan);
  text += held_text(plan);
  const std::string changes = text_of(plan, "changes");
  return text + (changes == "0" ? "nothing to do" : changes + (changes == "1" ? " change" : " changes")) + "\n";
}

std::string engine_text(const std::string& address, const std::string& version, const std::string& id) {
  return "engine " + clean(address) + (version.empty() ? "" : ", version " + clean(version)) +
         (id.empty() ? "" : ", ID " + clean(id));
}

}  // namespace cofferdam::controller
