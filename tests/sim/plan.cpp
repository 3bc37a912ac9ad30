#include "tests/sim/plan.hpp"

#include <cstdlib>
#include <sstream>

namespace cofferdam::sim {
namespace {

/// One field of an agent or a plan as text.
template <class Subject>
struct Field {
  const char* key;
  std::string (*get)(const Subject&);
  void (*set)(Subject&, const std::string&);
};

#define COFFERDAM_SIM_TEXT(subject, key, member)                                                           \
  Field<subject> {                                                                                         \
    key, [](const subject& s) { return s.member; }, [](subject& s, const std::string& v) { s.member = v; } \
  }
#define COFFERDAM_SIM_NUMBER(subject, key, member)                                                         \
  Field<subject> {                                                                                         \
    key, [](const subject& s) { return std::to_string(s.member); }, [](subject& s, const std::string& v) { \
      s.member = static_cast<std::decay_t<decltype(s.member)>>(std::strtoll(v.c_str(), nullptr, 10));      \
    }                                                                                                      \
  }
#define COFFERDAM_SIM_FLAG(subject, key, member)                                \
  Field<subject> {                                                              \
    key, [](const subject& s) { return std::string(s.member ? "yes" : "no"); }, \
        [](subject& s, const std::string& v) { s.member = v == "yes"; }         \
  }

const std::vector<Field<AgentPlan>>& agent_fields() {
  static const std::vector<Field<AgentPlan>> fields{
      COFFERDAM_SIM_TEXT(AgentPlan, "file", file),           COFFERDAM_SIM_TEXT(AgentPlan, "restart", restart),
      COFFERDAM_SIM_TEXT(AgentPlan, "pull", pull),           COFFERDAM_SIM_TEXT(AgentPlan, "image", image),
      COFFERDAM_SIM_TEXT(AgentPlan, "program", program),     COFFERDAM_SIM_TEXT(AgentPlan, "network", network),
      COFFERDAM_SIM_NUMBER(AgentPlan, "max", max_restarts),  COFFERDAM_SIM_NUMBER(AgentPlan, "deadline", deadline),
      COFFERDAM_SIM_NUMBER(AgentPlan, "ttl", ttl),           COFFERDAM_SIM_NUMBER(AgentPlan, "stop", stop_timeout),
      COFFERDAM_SIM_NUMBER(AgentPlan, "memory", memory_mb),  COFFERDAM_SIM_TEXT(AgentPlan, "task", task),
      COFFERDAM_SIM_TEXT(AgentPlan, "workspace", workspace), COFFERDAM_SIM_FLAG(AgentPlan, "suspend", suspend),
      COFFERDAM_SIM_FLAG(AgentPlan, "remove", remove)};
  return fields;
}

const std::vector<Field<Plan>>& plan_fields() {
  static const std::vector<Field<Plan>> fields{COFFERDAM_SIM_NUMBER(Plan, "seed", seed),
                                               COFFERDAM_SIM_FLAG(Plan, "live-restore", engine.live_restore),
                                               COFFERDAM_SIM_FLAG(Plan, "local", engine.local),
                                               COFFERDAM_SIM_FLAG(Plan, "drops-swap", engine.drops_swap),
                                               COFFERDAM_SIM_FLAG(Plan, "drops-pids", engine.drops_pids),
                                               COFFERDAM_SIM_FLAG(Plan, "drops-silently", engine.drops_silently),
                                               COFFERDAM_SIM_NUMBER(Plan, "slowness", engine.slowness),
                                               COFFERDAM_SIM_NUMBER(Plan, "relist", relist_seconds),
                                               COFFERDAM_SIM_NUMBER(Plan, "rescan", rescan_seconds),
                                               COFFERDAM_SIM_NUMBER(Plan, "calm", calm_seconds),
                                               COFFERDAM_SIM_NUMBER(Plan, "backoff", backoff_seconds),
                                               COFFERDAM_SIM_NUMBER(Plan, "rollout", rollout),
                                               COFFERDAM_SIM_NUMBER(Plan, "budget", budget_count),
                                               COFFERDAM_SIM_TEXT(Plan, "troubled", troubled),
                                               COFFERDAM_SIM_NUMBER(Plan, "faults-until", faults_until),
                                               COFFERDAM_SIM_NUMBER(Plan, "quiet", quiet)};
  return fields;
}

#undef COFFERDAM_SIM_TEXT
#undef COFFERDAM_SIM_NUMBER
#undef COFFERDAM_SIM_FLAG

template <class Subject>
bool set_by(const std::vector<Field<Subject>>& fields, Subject& subject, const std::string& assignment) {
  const auto equals = assignment.find('=');
  if (equals == std::string::npos) return false;
  for (const auto& field : fields) {
    if (assignment.compare(0, equals, field.key) != 0) continue;
    field.set(subject, assignment.substr(equals + 1));
    return true;
  }
  return false;
}

std::vector<std::string> split(const std::string& text, char by) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, by);) {
    if (!part.empty()) parts.push_back(part);
  }
  return parts;
}

}  // namespace

std::string to_text(const AgentPlan& agent) {
  const AgentPlan plain;
  std::string text = "agent " + agent.name;
  for (const auto& field : agent_fields()) {
    const std::string value = field.get(agent);
    if (value != field.get(plain)) text += std::string(" ") + field.key + "=" + value;
  }
  return text;
}

bool set_field(AgentPlan& agent, const std::string& assignment) {
  return set_by(agent_fields(), agent, assignment);
}

std::string yaml_of(const AgentPlan& agent) {
  std::string text = "apiVersion: cofferdam/v1\nkind: Agent\nmetadata:\n  name: " + agent.name + "\nspec:\n";
  const auto put = [&text](const std::string& key, const std::string& value) { text += "  " + key + ": " + value + "\n"; };
  std::string words;
  for (const std::string& word : split(agent.program, ',')) words += (words.empty() ? "\"" : ", \"") + word + "\"";
  put("workspacePath", agent.workspace.empty() ? "/srv/w/" + agent.name : agent.workspace);
  put("command", "[" + words + "]");
  put("image", agent.image);
  put("imagePullPolicy", agent.pull);
  put("networkMode", agent.network);
  put("restartPolicy", agent.restart);
  put("stopTimeoutSeconds", std::to_string(agent.stop_timeout));
  if (agent.max_restarts >= 0) put("maxRestarts", std::to_string(agent.max_restarts));
  if (agent.deadline >= 0) put("activeDeadlineSeconds", std::to_string(agent.deadline));
  if (agent.ttl >= 0) put("ttlSecondsAfterFinished", std::to_string(agent.ttl));
  if (agent.memory_mb > 0) put("memoryMB", std::to_string(agent.memory_mb));
  if (!agent.task.empty()) put("taskId", agent.task);
  if (agent.suspend) put("suspend", "true");
  if (agent.remove) put("remove", "true");
  return text;
}

std::string to_text(const Item& item) {
  const auto word = [](const std::string& text) { return text.empty() ? std::string("-") : text; };
  return seconds_text(item.at) + " " + item.verb + " " + word(item.target) + " " + word(item.argument) + " " +
         std::to_string(item.number);
}

std::string kind_of(const Item& item) {
  return item.argument.substr(0, item.argument.find(':'));
}

std::int64_t amount_of(const Item& item) {
  const auto colon = item.argument.find(':');
  return colon == std::string::npos ? 0 : std::strtoll(item.argument.c_str() + colon + 1, nullptr, 10);
}

std::string to_text(const Plan& plan) {
  std::string text;
  for (const auto& field : plan_fields()) text += "set " + std::string(field.key) + "=" + field.get(plan) + "\n";
  for (const AgentPlan& agent : plan.agents) text += to_text(agent) + "\n";
  for (const Item& item : plan.items) text += "do " + to_text(item) + "\n";
  return text;
}

std::optional<Plan> plan_from(const std::string& text, std::string& error) {
  Plan plan;
  std::istringstream in(text);
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.empty() || line.front() == '#') continue;
    const auto words = split(line, ' ');
    bool good = words.size() >= 2;
    if (good && words[0] == "set") {
      good = set_by(plan_fields(), plan, words[1]);
    } else if (good && words[0] == "agent") {
      AgentPlan agent;
      agent.name = words[1];
      for (std::size_t i = 2; good && i < words.size(); ++i) good = set_field(agent, words[i]);
      plan.agents.push_back(agent);
    } else if (good && words[0] == "do" && words.size() == 6) {
      const auto empty = [](const std::string& word) { return word == "-" ? std::string() : word; };
      Item item;
      const auto dot = words[1].find('.');
      std::string micros = dot == std::string::npos ? std::string() : words[1].substr(dot + 1);
      micros.resize(6, '0');  // "0.3" is three tenths
      item.at = std::strtoll(words[1].c_str(), nullptr, 10) * second + std::strtoll(micros.c_str(), nullptr, 10) * 1000;
      item.verb = words[2];
      item.target = empty(words[3]);
      item.argument = empty(words[4]);
      item.number = std::strtoll(words[5].c_str(), nullptr, 10);
      plan.items.push_back(item);
    } else {
      good = false;
    }
    if (!good) {
      error = "line " + std::to_string(number) + ": " + line;
      return std::nullopt;
    }
  }
  return plan;
}

}  // namespace cofferdam::sim
