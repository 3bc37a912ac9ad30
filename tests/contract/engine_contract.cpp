#include "tests/contract/engine_contract.hpp"

#include <algorithm>
#include <utility>

namespace cofferdam::test {

using docker::ContainerDetails;

namespace {

std::unique_ptr<PrivateEngine>& holder() {
  static std::unique_ptr<PrivateEngine> engine;
  return engine;
}

class EngineEnvironment final : public ::testing::Environment {
 public:
  void SetUp() override { holder() = std::make_unique<PrivateEngine>(PrivateEngine::Options{.registry = true}); }
  void TearDown() override { holder().reset(); }
};

const auto* const registered = ::testing::AddGlobalTestEnvironment(new EngineEnvironment);

}  // namespace

PrivateEngine& engine() {
  (void)registered;
  return *holder();
}

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

std::vector<std::string> patient() {
  return {"sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.05; done"};
}

Contract::Contract() : client(engine().socket()), raw(engine().socket()) {
  auto result = client.negotiate();
  if (const auto* error = std::get_if<docker::Error>(&result)) {
    ADD_FAILURE() << docker::to_string(*error);
  } else {
    handshake = std::get<docker::Handshake>(std::move(result));
  }
}

Contract::~Contract() {
  for (const auto& id : made_) {
    raw.call("DELETE", "/containers/" + id + "?force=1&v=1");
  }
}

std::string Contract::create(const docker::ContainerCreate& request) {
  auto created = client.good<docker::ContainerCreated>(request);
  made_.push_back(created.id);
  return created.id;
}

std::string Contract::run(const docker::ContainerCreate& request) {
  auto id = create(request);
  client.good<docker::Done>(docker::ContainerStart{id});
  return id;
}

ContainerDetails Contract::inspect(const std::string& id) {
  return client.good<ContainerDetails>(docker::ContainerInspect{id});
}

ContainerDetails Contract::wait(const std::string& id) {
  auto now = inspect(id);
  if (now.running) {
    // "not-running" answers at once where it ended meanwhile.
    client.good<docker::ContainerWaited>(docker::ContainerWait{.id = id, .condition = "not-running"});
    now = inspect(id);
  }
  return now;
}

std::string Contract::log_of(const std::string& id) {
  std::string text;
  bool ended = false;
  client.engine->logs(id, {},
                      {.on_bytes = [&](docker::LogStream, std::string_view bytes) { text += bytes; },
                       .on_end =
                           [&](const std::optional<docker::Error>& error) {
                             EXPECT_FALSE(error) << docker::to_string(*error);
                             ended = true;
                           }});
  client.run_until([&] { return ended; });
  return text;
}

void Contract::pause(const std::string& id) {
  EXPECT_EQ(raw.call("POST", "/containers/" + id + "/pause").status, 204);
}

EventLog::EventLog(EngineClient& client) : client_(client) {
  bool subscribed = false;
  stream_ = client.engine->subscribe({.on_subscribed = [&] { subscribed = true; },
                                      .on_event = [this](docker::Event event) { events_.push_back(std::move(event)); },
                                      .on_end = [this](const docker::Error&) { ended_ = true; }});
  client.run_until([&] { return subscribed || ended_; });
}

EventLog::~EventLog() {
  client_.engine->cancel_stream(stream_);
  client_.run_until([this] { return ended_; });
}

std::vector<std::string> EventLog::actions_until(const std::string& id, const std::string& last) {
  std::vector<std::string> actions;
  client_.run_until([&] {
    actions.clear();
    for (const auto& event : events_) {
      if (event.type == "container" && event.actor == id) {
        actions.push_back(event.action);
      }
    }
    return std::find(actions.begin(), actions.end(), last) != actions.end();
  });
  return actions;
}

docker::Event EventLog::find(const std::string& id, const std::string& action) {
  actions_until(id, action);
  const auto found = std::find_if(events_.begin(), events_.end(),
                                  [&](const auto& event) { return event.actor == id && event.action == action; });
  return found == events_.end() ? docker::Event{} : *found;
}

}  // namespace cofferdam::test
