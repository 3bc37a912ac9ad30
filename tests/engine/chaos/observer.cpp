#include "tests/engine/chaos/observer.hpp"

#include <glob.h>

#include <charconv>
#include <fstream>
#include <utility>

#include "tests/e2e/world.hpp"

namespace cofferdam::test::chaos {

namespace {

std::string label(const Json& labels, const std::string& name) {
  return labels.is_object() ? labels.value("cofferdam." + name, "") : "";
}

int number(const std::string& text) {
  int value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string workspace_of(const Json& mounts) {
  if (!mounts.is_array()) return {};
  for (const auto& mount : mounts) {
    const std::string target = mount.value("Target", mount.value("Destination", ""));
    if (target == "/workspace") return mount.value("Source", "");
  }
  return {};
}

}  // namespace

bool has_processes(const std::string& container) {
  glob_t found{};
  const std::string below = "/cofferdam-*/" + container + "/cgroup.procs";
  const int answer = ::glob(("/sys/fs/cgroup/pids" + below).c_str(), GLOB_NOSORT, nullptr, &found);
  if (answer != 0) ::glob(("/sys/fs/cgroup" + below).c_str(), GLOB_NOSORT, nullptr, &found);
  bool live = false;
  for (std::size_t i = 0; i < found.gl_pathc; ++i) {
    std::ifstream file(found.gl_pathv[i]);
    int pid = 0;
    live = live || (file >> pid);
  }
  ::globfree(&found);
  return live;
}

bool Observer::learn(const std::string& id, const std::string& name, const Json& labels, const std::string& workspace) {
  if (seen_.contains(id)) return true;
  if (label(labels, "managed-by") != "cofferdam" || label(labels, "instance") != places_.instance ||
      (label(labels, "name") != name && !renamed_.contains(id))) {
    return false;
  }
  Seen seen;
  seen.agent = label(labels, "agent");
  seen.attempt = number(label(labels, "attempt"));
  seen.version = version_of(label(labels, "task"));
  seen.workspace = workspace;
  seen.probe = label(labels, "role") == "probe";
  seen_.emplace(id, seen);
  return true;
}

void Observer::answered(const Asked& asked, int status, const std::string& body) {
  ++observations_;
  const bool list = asked.target.find("/containers/json") != std::string::npos;
  const bool create = asked.target.find("/containers/create") != std::string::npos;
  if (list && status == 200 && asked.target.find("filters=") == std::string::npos) {
    const std::lock_guard lock(mutex_);
    Lists& lists = lists_[asked.life];
    lists.before = lists.newest;
    lists.newest = asked.at;
  }
  if (create && status == 201) {
    const Json reply = Json::parse(body.substr(body.find('{')), nullptr, false);
    const Json request = Json::parse(asked.body, nullptr, false);
    const auto name = asked.target.find("name=");
    if (!reply.is_object() || !request.is_object() || name == std::string::npos) return;
    const std::lock_guard lock(mutex_);
    learn(reply.value("Id", ""), asked.target.substr(name + 5), request["Labels"], workspace_of(request["HostConfig"]["Mounts"]));
  }
}

/// For what was created in a call whose answer was lost, or by an earlier life: what else there is, is somebody else's.
void Observer::find_out(const std::string& id, const std::string& what) {
  {
    const std::lock_guard lock(mutex_);
    if (seen_.contains(id) || decoys_.contains(id)) return;
  }
  const Answer answer = RawEngine(places_.engine).call("GET", "/containers/" + id + "/json");
  const Json details = Json::parse(answer.body, nullptr, false);
  if (!details.is_object() || !details.contains("Config")) return;
  std::string name = details.value("Name", "");
  if (name.starts_with('/')) name.erase(0, 1);
  const std::lock_guard lock(mutex_);
  if (!learn(id, name, details["Config"]["Labels"], workspace_of(details["Mounts"]))) {
    timeline_.violation("S2", what + " of " + name + " (" + id.substr(0, 12) + "), which it did not make");
  }
}

void Observer::event(const Json& event) {
  ++observations_;
  if (event.value("Type", "") != "container" || !event.contains("Actor")) return;
  const std::string id = event["Actor"].value("ID", "");
  const Json& attributes = event["Actor"]["Attributes"];
  std::string action = event.value("Action", "");
  action = action.substr(0, action.find(':'));
  static const std::set<std::string> changes{"start",   "die",    "kill",   "stop",    "pause",  "unpause",
                                             "restart", "rename", "update", "destroy", "create", "exec_create"};
  const std::lock_guard lock(mutex_);
  if (const auto decoy = decoys_.find(id); decoy != decoys_.end()) {
    if (changes.contains(action) && decoy->second && !decoys_in_hand_) {
      timeline_.violation("S2", "event " + action + " of decoy " + attributes.value("name", id));
    }
    return;
  }
  if (action == "create") learn(id, attributes.value("name", ""), attributes, "");
  const auto found = seen_.find(id);
  if (found == seen_.end()) return;
  if (action == "start") found->second.ran = true;
  if (action == "die" && attributes.value("exitCode", "") == "0") finished(id, found->second);
  if (action == "destroy") found->second.gone = true;
}

/// An agent that runs once ended well by itself, as the daemon says: whatever the controller makes of it, it is not to run again.
void Observer::finished(const std::string& id, const Seen& seen) {
  Agent& agent = agents_[seen.agent];
  const bool by_itself = !seen.started_by_others && !agent.touched.contains(id);
  if (!places_.run_once.contains(seen.agent) || !seen.version || !by_itself || agent.absent) return;
  if (agent.allowed == std::set<int>{*seen.version}) agent.finished_version = *seen.version;
}

void Observer::allow(const std::string& agent, int version) {
  const std::lock_guard lock(mutex_);
  agents_[agent].allowed.insert(version);
  agents_[agent].finished_version = -1;
}

void Observer::absent(const std::string& agent, bool absent) {
  const std::lock_guard lock(mutex_);
  Agent& one = agents_[agent];
  one.absent = absent;
  if (!absent) one.absent_until = Clock::now();
  one.finished_version = -1;
}

void Observer::touched(const std::string& agent, const std::string& container) {
  const std::lock_guard lock(mutex_);
  agents_[agent].touched.insert(container);
  agents_[agent].finished_version = -1;
}

void Observer::started_by_others(const std::string& container) {
  const std::lock_guard lock(mutex_);
  const auto found = seen_.find(container);
  if (found != seen_.end()) found->second.started_by_others = true;
}

void Observer::renamed(const std::string& container, bool away) {
  const std::lock_guard lock(mutex_);
  away ? static_cast<void>(renamed_[container] = Clock::now()) : static_cast<void>(renamed_.erase(container));
}

void Observer::squatter(const std::string& container, const std::string& workspace) {
  const std::lock_guard lock(mutex_);
  squatters_[container] = {workspace, Clock::now()};
}

void Observer::squatter_left(const std::string& container) {
  const std::lock_guard lock(mutex_);
  squatters_.erase(container);
}

bool Observer::protect(const std::string& agent, const std::string& container, int version) {
  const std::string stop = read_file(places_.state + "/stops/" + container);
  const std::lock_guard lock(mutex_);
  Agent& one = agents_[agent];
  const bool settled = one.allowed == std::set<int>{version} && !one.touched.contains(container) && stop.empty();
  if (!settled || !has_processes(container)) return false;
  one.protected_container = container;
  return true;
}

void Observer::unprotect(const std::string& agent) {
  const std::lock_guard lock(mutex_);
  agents_[agent].protected_container.clear();
}

void Observer::decoy(const std::string& container, bool still) {
  const std::lock_guard lock(mutex_);
  decoys_[container] = still;
}

void Observer::decoys_in_hand(bool in_hand) {
  const std::lock_guard lock(mutex_);
  decoys_in_hand_ = in_hand;
}

void Observer::look_at_cgroups() {
  std::map<std::string, std::set<std::string>> live;
  std::map<std::string, std::string> names;
  std::vector<std::pair<std::string, std::string>> candidates;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, seen] : seen_) {
      if (!seen.gone && !seen.probe && seen.started && !seen.started_by_others) candidates.emplace_back(seen.agent, id);
    }
  }
  for (const auto& [agent, id] : candidates) {
    if (has_processes(id)) live[agent].insert(id);
  }
  ++observations_;
  const std::lock_guard lock(mutex_);
  for (const auto& [agent, ids] : live) {
    int together = 0;
    std::string which;
    for (const auto& id : ids) {
      if (seen_[id].started_by_others || !has_processes(id)) continue;
      ++together;
      which += " " + std::to_string(seen_[id].attempt) + " (" + id.substr(0, 12) + ")";
    }
    if (together > 1) timeline_.violation("S1", agent + " has several live containers:" + which);
  }
}

void Observer::look_at_records() {
  std::vector<std::pair<std::string, std::set<int>>> agents;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, agent] : agents_) agents.emplace_back(name, agent.allowed);
  }
  for (const auto& [name, allowed] : agents) {
    const Json status = Json::parse(read_file(places_.status + "/" + name + ".json"), nullptr, false);
    if (!status.is_object()) continue;
    ++observations_;
    const int version = number(status.value("observedRevision", ""));
    const std::string record = read_file(places_.state + "/files/" + name + ".yaml");
    // In force, and kept over any crash: from now on no older one may come back.
    const bool kept = record.find("taskId: " + task_of(version)) != std::string::npos;
    const bool ended = status.value("phase", "") == "Succeeded" && recorded_attempt(name) == status.value("attempt", 0);
    const std::lock_guard lock(mutex_);
    Agent& agent = agents_[name];
    if (agent.allowed != allowed || !agent.allowed.contains(version)) continue;
    if (kept) agent.allowed.erase(agent.allowed.begin(), agent.allowed.find(version));
    if (ended && !agent.absent && agent.allowed == std::set<int>{version}) agent.finished_version = version;
  }
}

}  // namespace cofferdam::test::chaos
