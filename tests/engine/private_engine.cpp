#include "tests/engine/private_engine.hpp"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>

extern char** environ;

namespace cofferdam::test {

namespace {

const std::string script_path = COFFERDAM_SOURCE_DIR "/tests/engine/private-engine.sh";

int run(const std::vector<std::string>& words) {
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  // The script's answer (the socket's path) is known already; only its errors are let through.
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", 1, 0);
  pid_t pid = 0;
  const int error = ::posix_spawn(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return -1;
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

PrivateEngine::PrivateEngine(Options options) {
  std::string name = "/tmp/cofferdam-e-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) {
    std::perror("private engine: mkdtemp");
    std::exit(2);
  }
  directory_ = name;
  const std::string self = std::to_string(::getpid());
  ::setenv("COFFERDAM_ENGINE_OWNER", self.c_str(), 1);
  run({script_path, "sweep"});
  std::vector<std::string> arguments;
  if (options.registry) arguments.emplace_back("--registry");
  script("start", arguments);
}

PrivateEngine::~PrivateEngine() {
  run({script_path, "stop", directory_});
}

void PrivateEngine::script(const std::string& command, const std::vector<std::string>& arguments) const {
  std::vector<std::string> words{script_path, command, directory_};
  words.insert(words.end(), arguments.begin(), arguments.end());
  if (run(words) == 0) return;
  std::fprintf(stderr, "private engine: %s failed in %s\n", command.c_str(), directory_.c_str());
  run({script_path, "stop", directory_});
  std::exit(2);
}

void PrivateEngine::kill() {
  script("kill");
}
void PrivateEngine::resume() {
  script("resume");
}
void PrivateEngine::registry_stop() {
  script("registry-stop");
}
void PrivateEngine::registry_start() {
  script("registry-start");
}

int PrivateEngine::pid_of(const std::string& name) const {
  std::ifstream file(directory_ + "/" + name + ".pid");
  int pid = 0;
  file >> pid;
  return pid;
}

int PrivateEngine::daemon_pid() const {
  return pid_of("dockerd");
}
int PrivateEngine::registry_pid() const {
  return pid_of("registry");
}

std::vector<std::string> PrivateEngine::inside() const {
  return {script_path, "ns-exec", directory_};
}

}  // namespace cofferdam::test
