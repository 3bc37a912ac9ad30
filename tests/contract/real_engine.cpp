#include "tests/contract/real_engine.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fs.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <utility>

#include "docker/base64.hpp"

namespace cofferdam::test {

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

/// Gone, or dead and not yet waited for.
bool is_over(std::int64_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/cmdline");
  return file.get() == std::ifstream::traits_type::eof();
}

const auto* const registered = ::testing::AddGlobalTestEnvironment(new EngineEnvironment);

}  // namespace

PrivateEngine& private_engine() {
  (void)registered;
  return *holder();
}

std::string auth_file(const std::string& user_and_password) {
  return R"({"auths":{"https://registry.test:5000/v1/":{"auth":")" + docker::base64url_encode(user_and_password) + R"("}}})";
}

std::unique_ptr<EngineUnderContract> engine_under_contract() {
  return std::make_unique<RealEngine>();
}

RealEngine::RealEngine() : raw_(private_engine().socket()) {
  docker::HttpEngineOptions options;
  options.registry_auth_file = directory_.write("config.json", auth_file("robot:s3cret"), 0600);
  client_ = std::make_unique<EngineClient>(private_engine().socket(), options);
  connect();
}

RealEngine::~RealEngine() {
  disconnect();
  for (const auto& image : images_) raw_.call("DELETE", "/images/" + image + "?force=1");
}

void RealEngine::connect() {
  auto result = client_->negotiate();
  if (const auto* error = std::get_if<docker::Error>(&result)) ADD_FAILURE() << docker::to_string(*error);
  bool subscribed = false;
  stream_ended_ = false;
  stream_ = client_->engine->subscribe({.on_subscribed = [&] { subscribed = true; },
                                        .on_event = [this](docker::Event event) { events_.push_back(std::move(event)); },
                                        .on_end = [this](const docker::Error&) { stream_ended_ = true; }});
  client_->run_until([&] { return subscribed || stream_ended_; });
}

void RealEngine::disconnect() {
  if (!stream_ended_) client_->engine->cancel_stream(stream_);
  client_->run_until([this] { return stream_ended_; });
}

void RealEngine::call(docker::Request request, Answered answered) {
  client_->engine->start(client_->next_id++, std::move(request), {}, std::move(answered));
}

std::vector<std::string> RealEngine::command(Behaviour behaviour) const {
  switch (behaviour) {
    case Behaviour::patient: return {"sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.05; done"};
    case Behaviour::stubborn: return {"sh", "-c", "trap '' TERM; while :; do sleep 0.05; done"};
    case Behaviour::unhandled: return {"sleep", "3600"};
    case Behaviour::ends_well: return {"true"};
    case Behaviour::fails: return {"sh", "-c", "exit 42"};
    case Behaviour::fails_later: return {"sh", "-c", "sleep 5; exit 42"};
    case Behaviour::out_of_memory: return {"sh", "-c", "x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done"};
    case Behaviour::missing: return {"/no/such/command"};
    case Behaviour::not_executable: return {"/etc/passwd"};
  }
  return {};
}

std::string RealEngine::make_directory() {
  std::string path = directory_.path() + "/workspace";
  std::filesystem::create_directory(path);
  return path;
}

void RealEngine::remove_directory(const std::string& path) {
  std::filesystem::remove(path);
}

Answer RealEngine::post(const std::string& target, const std::string& body, int expected) {
  auto answer = raw_.call("POST", target, body);
  EXPECT_EQ(answer.status, expected) << target << ": " << answer.body;
  return answer;
}

void RealEngine::pause(const std::string& id) {
  post("/containers/" + id + "/pause", "", 204);
}

void RealEngine::unpause(const std::string& id) {
  post("/containers/" + id + "/unpause", "", 204);
}

void RealEngine::rename(const std::string& id, const std::string& name) {
  post("/containers/" + id + "/rename?name=" + name, "", 204);
}

void RealEngine::set_restart_policy(const std::string& id, const std::string& policy) {
  post("/containers/" + id + "/update", R"({"RestartPolicy":{"Name":")" + policy + R"("}})", 200);
}

void RealEngine::exec(const std::string& id) {
  const auto answer = post("/containers/" + id + "/exec", R"({"Cmd":["echo","s3cret: value"]})", 201);
  const auto begin = answer.body.find(R"("Id":")") + 6;
  const auto exec = answer.body.substr(begin, answer.body.find('"', begin) - begin);
  post("/exec/" + exec + "/start", R"({"Detach":true})", 200);
}

std::string RealEngine::commit_and_run(const docker::ContainerDetails& of, const std::string& name) {
  post("/commit?container=" + of.id + "&repo=copy&tag=1", "{}", 201);
  images_.emplace_back("copy:1");
  std::string words;
  for (const auto& word : command(Behaviour::patient)) words += (words.empty() ? "\"" : ",\"") + word + "\"";
  const auto answer = post("/containers/create?name=" + name,
                           R"({"Image":"copy:1","Cmd":[)" + words + R"(],"HostConfig":{"NetworkMode":"none"}})", 201);
  const auto begin = answer.body.find(R"("Id":")") + 6;
  const auto id = answer.body.substr(begin, 64);
  post("/containers/" + id + "/start", "", 204);
  return id;
}

void RealEngine::tag(const std::string& image, const std::string& name, const std::string& tag) {
  post("/images/" + image + "/tag?repo=" + name + "&tag=" + tag, "", 201);
  images_.push_back(name + ":" + tag);
}

bool RealEngine::remove_image(const std::string& reference) {
  return raw_.call("DELETE", "/images/" + reference).status == 200;
}

std::string RealEngine::layer_of(const std::string& id) {
  const std::string data = private_engine().directory() + "/data";
  for (const auto& [driver, layers] : {std::pair{"overlay2", "/overlay2/"}, {"vfs", "/vfs/dir/"}}) {
    std::ifstream file(data + "/image/" + driver + "/layerdb/mounts/" + id + "/mount-id");
    std::string layer;
    if (file >> layer) return data + layers + layer;
  }
  ADD_FAILURE() << "no layer of " << id << " in " << data;
  return data;
}

void RealEngine::let_files_stick(const std::string& id, bool stick) {
  // An immutable file holds even against root; a mount in its place would be taken away by the daemon.
  const std::string path = layer_of(id) + "/stuck";
  const int file = ::open(path.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
  unsigned int flags = 0;
  EXPECT_EQ(::ioctl(file, FS_IOC_GETFLAGS, &flags), 0) << path << ": this file system has no immutable files";
  flags = stick ? flags | FS_IMMUTABLE_FL : flags & ~static_cast<unsigned int>(FS_IMMUTABLE_FL);
  EXPECT_EQ(::ioctl(file, FS_IOC_SETFLAGS, &flags), 0) << path << ": this file system has no immutable files";
  ::close(file);
}

void RealEngine::let_removal_last(const std::string& id) {
  const std::string directory = layer_of(id) + "/many";
  std::filesystem::create_directory(directory);
  for (int i = 0; i < 100'000; ++i) {
    const int file = ::open((directory + "/" + std::to_string(i)).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    EXPECT_GE(file, 0) << directory;
    ::close(file);
  }
}

void RealEngine::daemon_dies() {
  private_engine().kill();
  client_->run_until([this] { return stream_ended_; });
}

void RealEngine::daemon_stops() {
  const int pid = private_engine().daemon_pid();
  EXPECT_EQ(::kill(pid, SIGTERM), 0);
  client_->run_until([&] { return stream_ended_ && is_over(pid); });
}

void RealEngine::daemon_returns() {
  private_engine().resume();
  connect();
}

void RealEngine::live_restore(bool on) {
  std::ofstream(private_engine().directory() + "/daemon.json") << (on ? R"({"live-restore": true})" : "{}") << '\n';
}

void RealEngine::process_over(const docker::ContainerDetails& of) {
  client_->run_until([&] { return is_over(of.pid); });
}

}  // namespace cofferdam::test
