#include "tests/fuzz/machine_checks.hpp"

#include <chrono>

#include "reconciler/ownership.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace cofferdam::fuzz {

using namespace reconciler;

namespace {

constexpr std::size_t most_changing = 20;
constexpr std::size_t most_reading = 60;

bool is_change(const docker::Request& request) {
  return std::holds_alternative<docker::ContainerCreate>(request) || std::holds_alternative<docker::ContainerStart>(request) ||
         std::holds_alternative<docker::ContainerKill>(request) || std::holds_alternative<docker::ContainerStop>(request) ||
         std::holds_alternative<docker::ContainerRemove>(request);
}

std::string value(const std::map<std::string, std::string>& labels, std::string_view key) {
  const auto found = labels.find(std::string(key));
  return found == labels.end() ? std::string() : found->second;
}

/// The three signs without which nothing may be touched (S2), read anew from the promise and not from the product.
bool carries_our_signs(const std::string& name, const std::map<std::string, std::string>& labels) {
  return value(labels, "cofferdam.managed-by") == "cofferdam" && value(labels, "cofferdam.instance") == "default" &&
         !name.empty() && value(labels, "cofferdam.name") == name;
}

std::string words_of(const Call& call) {
  return std::string(docker::operation_of(call.request)) + " " + docker::object_of(call.request) + " for '" + call.agent +
         "': " + call.cause;
}

void count(std::deque<Monotonic>& calls, Monotonic now, std::size_t most, const Call& call) {
  while (!calls.empty() && now - calls.front() >= std::chrono::minutes{1}) calls.pop_front();
  calls.push_back(now);
  require(calls.size() <= most, "S6: an agent's calls within a minute are bounded", words_of(call));
}

}  // namespace

void MachineChecks::learn(const std::string& id, const std::string& name, const std::map<std::string, std::string>& labels) {
  Told& told = told_[id];
  told.owned = carries_our_signs(name, labels);
  told.agent = value(labels, "cofferdam.agent");
}

void MachineChecks::told_reply(const Reply& reply) {
  const auto found = in_flight_.find(reply.id);
  if (found == in_flight_.end() || reply.epoch != epoch_) return;
  const InFlight call = found->second;
  in_flight_.erase(found);
  const auto* good = std::get_if<docker::Reply>(&reply.result);
  if (good == nullptr) return;
  if (const auto* rows = std::get_if<std::vector<docker::ContainerSummary>>(good);
      rows != nullptr && std::holds_alternative<docker::ContainerList>(call.request)) {
    listed_ = true;
    for (const auto& row : *rows) {
      // A list may lag: of what is known an inspect alone tells.
      if (!told_.contains(row.id) || !told_[row.id].owned) learn(row.id, row.name, row.labels);
    }
  } else if (const auto* details = std::get_if<docker::ContainerDetails>(good)) {
    const auto* inspect = std::get_if<docker::ContainerInspect>(&call.request);
    if (inspect == nullptr) return;
    const std::string& id = told_.contains(inspect->id) ? inspect->id : details->id;
    learn(id, details->name, details->config.labels);
    told_[id].inspected = true;
    told_[id].privileged = details->host_config.privileged;
  } else if (const auto* created = std::get_if<docker::ContainerCreated>(good)) {
    const auto* create = std::get_if<docker::ContainerCreate>(&call.request);
    if (create == nullptr || told_.contains(created->id)) return;
    learn(created->id, create->name, create->config.labels);
  }
}

void MachineChecks::told(const reconciler::Input& input) {
  if (const auto* reply = std::get_if<Reply>(&input)) return told_reply(*reply);
  if (const auto* session = std::get_if<Session>(&input)) {
    if (session->state == Session::State::up) {
      epoch_ = session->epoch;
      up_ = true;
      listed_ = false;
      in_flight_.clear();
    } else if (session->state == Session::State::down && session->epoch == epoch_) {
      up_ = listed_ = false;
      in_flight_.clear();
    }
  } else if (const auto* configuration = std::get_if<ConfigRead>(&input)) {
    configured_ = true;
    sandbox_ = configuration->configuration->sandbox.enabled;
  } else if (const auto* state = std::get_if<StateLoaded>(&input)) {
    state_known_ = state->known;
  } else if (const auto* snapshot = std::get_if<specs::DirSnapshot>(&input)) {
    if (snapshot->scan == highest_scan_) scan_in_flight_ = false;
    scanned_ = scanned_ || snapshot->complete;
  } else if (const auto* command = std::get_if<Command>(&input)) {
    commands_.insert(command->id);
  } else if (std::holds_alternative<Shutdown>(input)) {
    shut_down_ = true;
  }
}

void MachineChecks::check_target(const Call& call) const {
  if (std::holds_alternative<docker::ContainerCreate>(call.request)) return;
  const std::string id = docker::object_of(call.request);
  const auto found = told_.find(id);
  require(found != told_.end(), "S2: a change is of a container that it was told of", words_of(call));
  const Told& told = found->second;
  require(told.owned, "S2: a change is of its own containers alone", words_of(call));
  require(call.agent.empty() || told.agent == call.agent, "a change is of the agent's own container", words_of(call));
  if (std::holds_alternative<docker::ContainerStart>(call.request)) {
    require(told.inspected && !told.privileged, "S5: what is started was read back, and is no weaker", words_of(call));
  }
}

void MachineChecks::check_create(const docker::ContainerCreate& create, const std::string& agent) {
  require(carries_our_signs(create.name, create.config.labels), "what is made carries our signs", create.name);
  require(value(create.config.labels, "cofferdam.agent") == agent, "what is made is its agent's", create.name);
  if (agent.empty()) return;  // a probe, which is never started
  require(!create.host_config.privileged && create.host_config.cap_add.empty() &&
              create.host_config.cap_drop == std::vector<std::string>{"ALL"},
          "what is made has no privileges", create.name);
  require(create.host_config.mounts.size() == 1 && create.host_config.mounts[0].source.starts_with("/srv/w/"),
          "what is made mounts its workspace alone", create.name);
  require(create.host_config.network_mode != "host", "what is made has no network of the host's", create.name);
}

void MachineChecks::check_bounds(const Call& call, const Now& now) {
  std::size_t in_lane = 0;
  for (const auto& [id, other] : in_flight_) {
    require(call.agent.empty() || other.agent != call.agent, "one call at a time for an agent", words_of(call));
    const bool list = std::holds_alternative<docker::ContainerList>(other.request);
    require(!list || !std::holds_alternative<docker::ContainerList>(call.request), "one list at a time");
    if (other.lane == call.lane && !list) ++in_lane;
  }
  const std::size_t most = call.lane == Lane::reads ? 8U : call.lane == Lane::pulls ? 3U : call.lane == Lane::penalty ? 1U : 8U;
  const bool list = std::holds_alternative<docker::ContainerList>(call.request);
  require(list || in_lane < most, "a lane is within its bound", words_of(call));
  if (call.agent.empty()) return;
  Rate& rate = rates_[call.agent];
  const bool inspect = std::holds_alternative<docker::ContainerInspect>(call.request);
  if (is_change(call.request)) count(rate.changing, now.mono, most_changing, call);
  if (inspect) count(rate.reading, now.mono, most_reading, call);
}

void MachineChecks::check_call(const Call& call, const Now& now) {
  require(!shut_down_, "after a shutdown no call is begun", words_of(call));
  require(up_ && call.epoch == epoch_, "a call is of the session that is up", words_of(call));
  require(call.id > highest_call_, "calls are numbered upwards", words_of(call));
  require(call.deadline > std::chrono::milliseconds{0}, "a call has a deadline", words_of(call));
  highest_call_ = call.id;
  const bool change = is_change(call.request);
  if (change) {
    require(configured_ && sandbox_ && state_known_ && scanned_ && listed_, "nothing is changed before all is known",
            words_of(call));
    check_target(call);
  }
  if (const auto* create = std::get_if<docker::ContainerCreate>(&call.request)) check_create(*create, call.agent);
  check_bounds(call, now);
  in_flight_[call.id] = {call.request, call.lane, call.agent, call.epoch};
}

void MachineChecks::asked(const Effects& effects, const Now& now) {
  for (const Effect& effect : effects) {
    if (const auto* call = std::get_if<Call>(&effect)) {
      check_call(*call, now);
    } else if (const auto* check = std::get_if<CheckWorkspace>(&effect)) {
      require(check->id > highest_call_, "checks are numbered with the calls");
      require(check->path.starts_with("/srv/w/"), "only workspaces are looked at", check->path);
      highest_call_ = check->id;
    } else if (const auto* save = std::get_if<Save>(&effect)) {
      require(save->version > versions_[save->key], "a record's versions go upwards", save->key);
      versions_[save->key] = save->version;
    } else if (const auto* scan = std::get_if<Scan>(&effect)) {
      require(!scan_in_flight_ && scan->scan > highest_scan_, "one scan at a time, numbered upwards");
      scan_in_flight_ = true;
      highest_scan_ = scan->scan;
    } else if (const auto* verify = std::get_if<Verify>(&effect)) {
      require(told_.contains(verify->container_id), "what is verified is known", verify->container_id);
    } else if (const auto* answer = std::get_if<Answer>(&effect)) {
      require(commands_.erase(answer->id) == 1, "a command is answered once", answer->message);
    } else if (const auto* audit = std::get_if<Audit>(&effect)) {
      require(audit->event != "InternalError", "no invariant is broken", audit->agent + ": " + audit->message);
    }
  }
}

void MachineChecks::crashed() {
  *this = {};
}

std::string text_of(const Effect& effect) {
  struct Visitor {
    std::string operator()(const Scan& scan) const { return "scan " + std::to_string(scan.scan); }
    std::string operator()(const CheckWorkspace& check) const { return "check " + std::to_string(check.id) + " " + check.path; }
    std::string operator()(const Save& save) const {
      return "save " + save.key + " " + std::to_string(save.version) + " " + save.bytes;
    }
    std::string operator()(const Call& call) const { return "call " + std::to_string(call.id) + " " + words_of(call); }
    std::string operator()(const Cancel& cancel) const { return "cancel " + std::to_string(cancel.id); }
    std::string operator()(const Verify& verify) const { return "verify " + verify.container_id; }
    std::string operator()(const WriteStatus& write) const {
      return "status " + write.status.agent + " " + std::string(name_of(write.status.phase)) + " " + write.status.reason + " " +
             write.status.message;
    }
    std::string operator()(const DropStatus& drop) const { return "drop " + drop.agent; }
    std::string operator()(const Audit& audit) const { return "audit " + audit.event + " " + audit.agent + " " + audit.message; }
    std::string operator()(const Metric& metric) const { return "metric " + std::string(metric.name); }
    std::string operator()(const WakeAt& wake) const { return "wake " + std::to_string(wake.at.time_since_epoch().count()); }
    std::string operator()(const Answer& answer) const {
      return "answer " + std::to_string(answer.id) + (answer.ok ? " yes " : " no ") + answer.message;
    }
  };
  return std::visit(Visitor{}, effect);
}

}  // namespace cofferdam::fuzz
