#include "tests/engine/chaos/stage.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

namespace cofferdam::test::chaos {

namespace {

namespace fs = std::filesystem;

std::string binary() {
  const char* other = std::getenv("COFFERDAM_BINARY");
  return other != nullptr ? other : COFFERDAM_BINARY;
}

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  std::exit(2);
}

std::string make_root() {
  std::string name = "/tmp/cofferdam-x-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) give_up("chaos: mkdtemp");
  fs::permissions(name, fs::perms(0755));
  return name;
}

std::string configuration(const Stage& stage) {
  return "instance: " + std::string(Stage::instance) + "\nengine: {host: \"unix://" + stage.root() +
         "/engine.sock\", relistIntervalSeconds: 2, requestTimeoutSeconds: 5}\nspecs: {directory: " + stage.specs() +
         ", rescanIntervalSeconds: 1, settleMilliseconds: 100}\nsandbox: {defaultImage: \"busybox:test\", networkMode: none}\n" +
         "policy: {workspaceRoots: [" + stage.workspaces() + "]}\nbackoff: {initialSeconds: 1, maxSeconds: 8}\n" +
         "server: {listen: \"\", socket: " + stage.root() + "/run/api.sock}\nstate: {directory: " + stage.state() +
         "}\nruntime: {directory: " + stage.root() + "/run}\n";
}

}  // namespace

void Stage::enter_own_namespace() {
  if (::unshare(CLONE_NEWNS) != 0) give_up("chaos: a mount namespace (needs root)");
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) give_up("chaos: private mounts");
}

Stage::Stage() : root_(make_root()), raw_(engine_.socket()) {
  for (const auto& folder : {specs(), workspaces(), state(), root_ + "/run"}) {
    fs::create_directory(folder);
    fs::permissions(folder, fs::perms(0755));
  }
  if (::mount("tmpfs", state().c_str(), "tmpfs", 0, "size=1m,mode=755") != 0) give_up("chaos: mount of the state directory");
  write_file(root_ + "/cofferdam.yaml", configuration(*this));
}

Stage::~Stage() {
  controller_.reset();
  passage_.reset();
  ::umount(state().c_str());
  std::error_code ignored;
  if (!keep_) fs::remove_all(root_, ignored);
}

void Stage::listen(Passage::Ears ears) {
  passage_ = std::make_unique<Passage>(root_ + "/engine.sock", engine_.socket(), std::move(ears));
}

void Stage::start_controller() {
  controller_ = std::make_unique<Process>(std::vector<std::string>{binary(), "run", "--config", root_ + "/cofferdam.yaml"}, log(),
                                          Process::Options{});
}

void Stage::end_controller(int signal) {
  controller_->signal(signal);
  if (!controller_->wait(seconds(20))) {
    controller_->signal(SIGKILL);
    controller_->wait();
  }
}

void Stage::signal_controller(int signal) const {
  controller_->signal(signal);
}

bool Stage::controller_runs() {
  return controller_ && controller_->alive();
}

Answer Stage::ask(const std::string& target) const {
  return RawEngine(root_ + "/run/api.sock").call("GET", target);
}

int Stage::command(const std::vector<std::string>& words) const {
  std::vector<std::string> all{binary()};
  all.insert(all.end(), words.begin(), words.end());
  all.insert(all.end(), {"--config", root_ + "/cofferdam.yaml"});
  Process process(all, root_ + "/command.out", {});
  return process.wait(seconds(30)).value_or(-1);
}

void Stage::resume_daemon(bool live_restore) {
  write_file(engine_.directory() + "/daemon.json", live_restore ? "{\"live-restore\": true}\n" : "{}\n");
  engine_.resume();
}

bool Stage::daemon_runs() const {
  const int pid = engine_.daemon_pid();
  return pid > 0 && fs::exists("/proc/" + std::to_string(pid));
}

std::string Stage::stacks_of_daemon() const {
  ::kill(engine_.daemon_pid(), SIGUSR1);  // dockerd writes them below its --exec-root
  std::this_thread::sleep_for(seconds(3));
  for (const auto& entry : fs::directory_iterator(engine_.directory() + "/exec")) {
    const std::string name = entry.path().filename();
    if (!name.starts_with("goroutine-stacks")) continue;
    const std::string kept = "/tmp/cofferdam-chaos-" + name;
    std::error_code ignored;
    fs::rename(entry.path(), kept, ignored);
    if (ignored) fs::copy_file(entry.path(), kept, ignored);
    return kept;
  }
  return "not told";
}

Json Stage::inspect(const std::string& container) {
  const Json json = Json::parse(raw_.call("GET", "/containers/" + container + "/json").body, nullptr, false);
  return json.is_discarded() ? Json() : json;
}

std::optional<std::vector<Listed>> Stage::containers() {
  const Json all = Json::parse(raw_.call("GET", "/containers/json?all=1").body, nullptr, false);
  if (!all.is_array()) return std::nullopt;
  std::vector<Listed> found;
  for (const auto& one : all) {
    const Json& labels = one["Labels"];
    if (!labels.is_object() || labels.value("cofferdam.instance", "") != instance || one["Names"].empty()) continue;
    if (one["Names"][0] != "/" + labels.value("cofferdam.name", "") || labels.value("cofferdam.role", "") != "agent") continue;
    if (labels.value("cofferdam.managed-by", "") != "cofferdam") continue;
    found.push_back({.id = one.value("Id", ""),
                     .agent = labels.value("cofferdam.agent", ""),
                     .task = labels.value("cofferdam.task", ""),
                     .state = one.value("State", ""),
                     .attempt = std::atoi(labels.value("cofferdam.attempt", "0").c_str())});
  }
  return found;
}

void Stage::write_spec(const std::string& agent, const std::string& text) const {
  const std::string hidden = specs() + "/." + agent + ".new";
  write_file(hidden, text);
  fs::rename(hidden, specs() + "/" + agent + ".yaml");
}

void Stage::write_spec_in_place(const std::string& agent, const std::string& text) const {
  std::ofstream file(specs() + "/" + agent + ".yaml", std::ios::binary | std::ios::trunc);
  file << text.substr(0, text.size() / 2) << std::flush << text.substr(text.size() / 2);
}

void Stage::remove_spec(const std::string& agent) const {
  fs::remove(specs() + "/" + agent + ".yaml");
}

void Stage::move_folder(bool away) {
  const std::string elsewhere = root_ + "/elsewhere";
  away ? fs::rename(specs(), elsewhere) : fs::rename(elsewhere, specs());
}

void Stage::fill_disk() const {
  const int file = ::open((state() + "/filler").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  const std::string block(1024, 'x');
  while (::write(file, block.data(), block.size()) > 0) {
  }
  ::close(file);
}

void Stage::free_disk() const {
  ::unlink((state() + "/filler").c_str());
}

}  // namespace cofferdam::test::chaos
