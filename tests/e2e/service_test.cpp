// As a service: the service manager's protocol, the end by SIGTERM, and Prometheus.

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

#include "tests/e2e/world.hpp"

namespace cofferdam::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class Service : public World {};

/// The service manager's end of NOTIFY_SOCKET.
class NotifySocket {
 public:
  explicit NotifySocket(std::string path) : descriptor_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)), path_(std::move(path)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
    if (::bind(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) std::abort();
  }
  ~NotifySocket() { ::close(descriptor_); }
  NotifySocket(const NotifySocket&) = delete;
  NotifySocket& operator=(const NotifySocket&) = delete;

  /// Reads messages until one holds `word`.
  bool hears(const std::string& word, milliseconds limit = seconds(10)) {
    return eventually(
        [&] {
          pollfd ready{descriptor_, POLLIN, 0};
          while (::poll(&ready, 1, 0) == 1) {
            char text[4096];
            const ssize_t size = ::recv(descriptor_, text, sizeof text, 0);
            if (size > 0) heard_ += std::string(text, static_cast<std::size_t>(size)) + "\n";
          }
          const auto at = heard_.find(word);
          if (at == std::string::npos) return false;
          heard_.erase(0, at + word.size());
          return true;
        },
        limit);
  }

 private:
  int descriptor_;
  std::string path_;
  std::string heard_;
};

/// A TCP port on loopback that was free a moment ago.
int free_port() {
  const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(probe, reinterpret_cast<const sockaddr*>(&address), size) != 0) std::abort();
  ::getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(probe);
  return ntohs(address.sin_port);
}

TEST_F(Service, SaysReadyFeedsTheWatchdogAndSaysThatItStops) {
  NotifySocket manager(root() / "notify.sock");
  process_options.environment = {{"NOTIFY_SOCKET", root() / "notify.sock"}, {"WATCHDOG_USEC", "400000"}};
  start(false);
  EXPECT_TRUE(manager.hears("READY=1"));
  EXPECT_EQ(ask("/healthz").status, 200) << "ready means that the server listens";
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(manager.hears("WATCHDOG=1", milliseconds(400))) << i;
  EXPECT_EQ(terminate().first, 0);
  EXPECT_TRUE(manager.hears("STOPPING=1"));
}

TEST_F(Service, FeedsTheWatchdogWhileTheEngineHangs) {
  NotifySocket manager(root() / "notify.sock");
  process_options.environment = {{"NOTIFY_SOCKET", root() / "notify.sock"}, {"WATCHDOG_USEC", "1500000"}};
  start();
  drop({.name = "worker"});
  ASSERT_TRUE(reaches("worker", "Running"));
  ::kill(engine().daemon_pid(), SIGSTOP);
  drop({.name = "late"});  // its calls are not answered
  int fed = 0;
  for (int i = 0; i < 9; ++i) fed += manager.hears("WATCHDOG=1", milliseconds(1500)) ? 1 : 0;  // three times its patience
  ::kill(engine().daemon_pid(), SIGCONT);
  EXPECT_EQ(fed, 9) << "a hung engine is not our ill health";
  EXPECT_TRUE(reaches("late", "Running"));
}

TEST_F(Service, DoesNotFeedTheWatchdogWhileItsLoopHangs) {
  NotifySocket manager(root() / "notify.sock");
  process_options.environment = {{"NOTIFY_SOCKET", root() / "notify.sock"}, {"WATCHDOG_USEC", "600000"}};
  start();
  ASSERT_TRUE(manager.hears("WATCHDOG=1"));
  // The deciding thread alone is held; the process's other threads go on.
  const int loop = controller().pid();
  ASSERT_EQ(::ptrace(PTRACE_SEIZE, loop, nullptr, nullptr), 0);
  ASSERT_EQ(::ptrace(PTRACE_INTERRUPT, loop, nullptr, nullptr), 0);
  int status = 0;
  ASSERT_EQ(::waitpid(loop, &status, __WALL), loop);
  while (manager.hears("WATCHDOG=1", milliseconds(0))) {
  }
  EXPECT_FALSE(manager.hears("WATCHDOG=1", milliseconds(1200))) << "fed by something that is not the loop";
  ::ptrace(PTRACE_DETACH, loop, nullptr, nullptr);
  EXPECT_TRUE(manager.hears("WATCHDOG=1"));
}

TEST_F(Service, IsReadyForTheManagerAlsoWithoutAnEngine) {
  NotifySocket manager(root() / "notify.sock");
  process_options.environment = {{"NOTIFY_SOCKET", root() / "notify.sock"}};
  settings["engine.host"] = "unix://" + (root() / "none.sock").string();
  start(false);
  EXPECT_TRUE(manager.hears("READY=1"));
}

TEST_F(Service, EndsInUnderASecondWithoutTouchingAnything) {
  start();
  for (const auto* name : {"one", "two"}) drop({.name = name});
  for (const auto* name : {"one", "two"}) ASSERT_TRUE(reaches(name, "Running"));
  const std::string before = only_live("one")["Id"];
  const auto [code, took] = terminate();
  EXPECT_EQ(code, 0);
  EXPECT_LT(took, seconds(1));
  EXPECT_EQ(live().size(), 2U);
  EXPECT_EQ(only_live("one")["Id"], before);
  EXPECT_TRUE(fs::exists(runtime() / "status" / "one.json")) << "status files survive";
}

TEST_F(Service, EndsInUnderASecondInMidWork) {
  start();
  for (int i = 0; i < 8; ++i) drop({.name = "w" + std::to_string(i)});
  ASSERT_TRUE(eventually([&] { return !containers().empty(); }));
  const auto [code, took] = terminate();
  EXPECT_EQ(code, 0);
  EXPECT_LT(took, seconds(1));
  start();
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(reaches("w" + std::to_string(i), "Running"));
  EXPECT_EQ(live().size(), 8U);
}

TEST_F(Service, UnitIsLockedDown) {
  const std::string unit = COFFERDAM_SOURCE_DIR "/packaging/systemd/cofferdam.service";
  Process audit({"systemd-analyze", "security", "--offline=yes", "--threshold=15", "--no-pager", unit}, root() / "audit", {});
  EXPECT_EQ(audit.wait(), 0) << audit.output();
  EXPECT_THAT(audit.output(), HasSubstr("Overall exposure level"));
  const std::string text = read_file(unit);
  for (const auto* line :
       {"\nType=notify\n", "\nWatchdogSec=", "\nRestart=always\n", "\nStartLimitIntervalSec=0\n",
        "\nRestartPreventExitStatus=78\n", "\nRuntimeDirectoryPreserve=yes\n", "\nRequiresMountsFor=/etc/cofferdam/agents.d\n",
        "\nSupplementaryGroups=docker\n", "\nProtectProc=default\n", "\nPrivateUsers=no\n", "\nAfter=docker.service",
        "\nWants=docker.service"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST_F(Service, RealPrometheusScrapesItAndItsRulesAreEvaluated) {
  const std::string listen = "127.0.0.1:" + std::to_string(free_port());
  const std::string prometheus_listen = "127.0.0.1:" + std::to_string(free_port());
  settings["server.listen"] = "\"" + listen + "\"";
  start();
  drop({.name = "worker"});
  ASSERT_TRUE(reaches("worker", "Running"));
  drop_text("broken.yaml", "kind: Agent\n");

  // The example as it is shipped, but for the port and the pace.
  std::string config = read_file(COFFERDAM_SOURCE_DIR "/examples/prometheus/prometheus.yml");
  for (const auto& [from, to] :
       {std::pair<std::string, std::string>{"127.0.0.1:9476", listen}, {"15s", "200ms"}, {"15s", "200ms"}}) {
    const auto at = config.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    config.replace(at, from.size(), to);
  }
  write_file(root() / "prometheus.yml", config);
  fs::copy_file(COFFERDAM_SOURCE_DIR "/examples/prometheus/alerts.yml", root() / "alerts.yml");
  Process prometheus({"prometheus", "--config.file=" + (root() / "prometheus.yml").string(),
                      "--storage.tsdb.path=" + (root() / "tsdb").string(), "--web.listen-address=" + prometheus_listen},
                     root() / "prometheus.log", {});
  const auto query = [&](const std::string& expression) {
    const fs::path output = root() / "answer";
    fs::remove(output);
    Process curl({"curl", "-sS", "--max-time", "5", "--get", "--data-urlencode", "query=" + expression,
                  "http://" + prometheus_listen + "/api/v1/query"},
                 output, {});
    curl.wait();
    const Json answer = Json::parse(read_file(output), nullptr, false);
    if (!answer.is_object() || !answer.contains("data") || answer["data"]["result"].empty()) return std::string();
    return answer["data"]["result"][0]["value"][1].get<std::string>();
  };
  EXPECT_TRUE(eventually([&] { return query("up{job=\"cofferdam\"}") == "1"; }, seconds(30))) << prometheus.output();
  EXPECT_TRUE(eventually([&] { return query("cofferdam_agent_phase{agent=\"worker\",phase=\"Running\"}") == "1"; }));
  EXPECT_EQ(query("cofferdam_engine_up"), "1");
  EXPECT_EQ(query("cofferdam_sandbox_enabled"), "1");
  EXPECT_TRUE(eventually([&] { return query("ALERTS{alertname=\"CofferdamSpecErrors\"}") == "1"; }));
  prometheus.signal(SIGTERM);
  EXPECT_EQ(prometheus.wait(), 0);
}

TEST_F(Service, MetricsAreCleanForPromtool) {
  start();
  drop({.name = "worker"});
  ASSERT_TRUE(reaches("worker", "Running"));
  write_file(root() / "metrics", ask("/metrics").body);
  Process promtool({"sh", "-c", "promtool check metrics < " + (root() / "metrics").string()}, root() / "promtool", {});
  EXPECT_EQ(promtool.wait(), 0) << promtool.output();
  EXPECT_EQ(promtool.output(), "");
}

}  // namespace
}  // namespace cofferdam::test
