#include "tests/controller/scripted_engine.hpp"

#include <utility>

namespace cofferdam::controller::testing {

namespace {

constexpr const char* version = R"({"Version":"20.10.24","ApiVersion":"1.41","MinAPIVersion":"1.12","Os":"linux","Arch":"amd64",
  "KernelVersion":"6.1.0","Platform":{"Name":"Docker Engine"}})";
constexpr const char* info =
    R"({"ID":"ABCD:EFGH","Name":"host","NCPU":2,"MemTotal":8589934592,"SecurityOptions":[],"Runtimes":{"runc":{}},
  "DefaultRuntime":"runc","CgroupVersion":"1","Plugins":{"Log":["json-file","local"]},"LiveRestoreEnabled":false,"MemoryLimit":true,
  "SwapLimit":true,"CpuCfsQuota":true,"PidsLimit":true,"OomKillDisable":true,"DockerRootDir":"/var/lib/docker","Warnings":null})";

std::string first_line(const std::string& request) {
  return request.substr(0, request.find("\r\n"));
}

}  // namespace

ScriptedEngine::ScriptedEngine(Answer rest)
    : rest_(std::move(rest)), server_(std::make_unique<test::ScriptedServer>([this](test::Peer& peer) { serve(peer); })) {}

ScriptedEngine::~ScriptedEngine() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    changed_.notify_all();
  }
  server_.reset();
}

void ScriptedEngine::serve(test::Peer& peer) {
  while (true) {
    const std::string request = peer.read_request();
    if (request.empty()) return;
    note(request);
    const std::string line = first_line(request);
    if (line.find("/_ping") != std::string::npos) {
      // The answer to HEAD has no body.
      peer.send(test::answer(200, line.starts_with("HEAD") ? "" : "OK", "Api-Version: 1.41\r\n"));
    } else if (line.find("/version") != std::string::npos) {
      peer.send(test::answer(200, version));
    } else if (line.find("/info") != std::string::npos) {
      peer.send(test::answer(200, info));
    } else if (line.find("/events") != std::string::npos) {
      stream_events(peer);
      return;
    } else if (rest_) {
      peer.send(rest_(request));
    } else if (line.find("/containers/json") != std::string::npos) {
      peer.send(test::answer(200, "[]"));
    } else {
      peer.send(test::answer(404, R"({"message":"no such thing"})"));
    }
  }
}

void ScriptedEngine::stream_events(test::Peer& peer) {
  std::unique_lock lock(mutex_);
  // Before the client can know of the stream: what a test does to it from then on must reach it.
  const int mine = generation_;
  std::size_t told = events_.size();
  ++streams_;
  lock.unlock();
  peer.send(test::chunked_head());
  lock.lock();
  while (!ending_ && generation_ == mine) {
    changed_.wait(lock, [&] { return ending_ || generation_ != mine || told < events_.size(); });
    while (told < events_.size()) peer.send(test::chunk(events_[told++] + "\n"));
  }
  --streams_;
}

void ScriptedEngine::note(const std::string& request) {
  const std::lock_guard lock(mutex_);
  requests_.push_back(request);
}

std::vector<std::string> ScriptedEngine::lines(const std::string& method) const {
  std::vector<std::string> found;
  const std::lock_guard lock(mutex_);
  for (const auto& request : requests_) {
    if (request.starts_with(method + ' ')) found.push_back(first_line(request));
  }
  return found;
}

void ScriptedEngine::tell(const std::string& event) {
  const std::lock_guard lock(mutex_);
  events_.push_back(event);
  changed_.notify_all();
}

void ScriptedEngine::end_streams() {
  const std::lock_guard lock(mutex_);
  ++generation_;
  changed_.notify_all();
}

int ScriptedEngine::streams() const {
  const std::lock_guard lock(mutex_);
  return streams_;
}

}  // namespace cofferdam::controller::testing
