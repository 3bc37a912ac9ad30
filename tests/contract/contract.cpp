#include "tests/contract/contract.hpp"

#include <algorithm>

namespace cofferdam::test {

docker::ContainerCreate agent(const std::string& name, std::vector<std::string> command) {
  docker::ContainerCreate request{.name = name, .config = {}, .host_config = {}};
  auto& config = request.config;
  config.hostname = "agent";
  config.user = "1000:1000";
  config.image = "busybox:test";
  config.working_dir = "/workspace";
  config.entrypoint = std::vector<std::string>{};
  config.cmd = std::move(command);
  config.env = {"AGENT_ID=a", "HOME=/tmp"};
  config.labels = {{"cofferdam.managed-by", "contract"}, {"cofferdam.agent", name}};
  config.stop_signal = "SIGTERM";
  config.stop_timeout = 10;
  config.healthcheck_test = {"NONE"};
  auto& host = request.host_config;
  host.cap_drop = {"ALL"};
  host.security_opt = {"no-new-privileges:true"};
  host.readonly_rootfs = true;
  host.tmpfs = {{"/tmp", "rw,nosuid,nodev,exec,size=16m,uid=1000,gid=1000,mode=0700"},
                {"/workspace", "rw,nosuid,nodev,size=1m,uid=1000,gid=1000,mode=0700"}};
  host.pids_limit = 100;
  host.memory = 64LL << 20;
  host.memory_swap = 64LL << 20;
  host.nano_cpus = 500'000'000;
  host.oom_score_adj = 500;
  host.ulimits = {{.name = "nofile", .soft = 1024, .hard = 4096}, {.name = "core", .soft = 0, .hard = 0}};
  host.ipc_mode = "private";
  host.shm_size = 64LL << 20;
  host.cgroupns_mode = "private";
  host.network_mode = "none";
  host.log_type = "local";
  host.log_options = {{"max-size", "10m"}, {"max-file", "3"}};
  host.init = true;
  return request;
}

Contract::~Contract() {
  for (const auto& id : made_) result(docker::ContainerRemove{.id = id, .force = true});
}

docker::Result Contract::result(docker::Request request) {
  std::optional<docker::Result> answer;
  engine->call(std::move(request), [&](docker::Result result) {
    EXPECT_FALSE(answer.has_value()) << "a call was answered twice";
    answer = std::move(result);
  });
  engine->until([&] { return answer.has_value(); });
  return answer.value_or(docker::Error{});
}

docker::Error Contract::failing(docker::Request request) {
  auto answer = result(std::move(request));
  if (const auto* error = std::get_if<docker::Error>(&answer)) return *error;
  ADD_FAILURE() << "the call did not fail";
  return {};
}

std::string Contract::create(const docker::ContainerCreate& request) {
  auto created = good<docker::ContainerCreated>(request);
  made_.push_back(created.id);
  return created.id;
}

std::string Contract::run(const docker::ContainerCreate& request) {
  auto id = create(request);
  start(id);
  return id;
}

docker::ContainerDetails Contract::ended(const std::string& id) {
  docker::ContainerDetails now;
  engine->until([&] {
    now = inspect(id);
    return !now.running;
  });
  return now;
}

bool Contract::is_gone(const std::string& id) {
  const auto answer = result(docker::ContainerInspect{id});
  const auto* error = std::get_if<docker::Error>(&answer);
  return error != nullptr && error->status == 404;
}

std::vector<std::string> Contract::actions_until(const std::string& id, const std::string& last) {
  std::vector<std::string> actions;
  engine->until([&] {
    actions.clear();
    for (const auto& event : engine->events()) {
      if (event.type == "container" && event.actor == id) actions.push_back(event.action);
    }
    return std::find(actions.begin(), actions.end(), last) != actions.end();
  });
  return actions;
}

docker::Event Contract::event(const std::string& id, const std::string& action) {
  actions_until(id, action);
  const auto& events = engine->events();
  const auto found =
      std::find_if(events.begin(), events.end(), [&](const auto& event) { return event.actor == id && event.action == action; });
  return found == events.end() ? docker::Event{} : *found;
}

std::size_t Contract::count(const std::string& id, const std::string& action) const {
  const auto& events = engine->events();
  return static_cast<std::size_t>(std::count_if(events.begin(), events.end(),
                                                [&](const auto& event) { return event.actor == id && event.action == action; }));
}

}  // namespace cofferdam::test
