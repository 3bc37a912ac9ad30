#include "tests/engine/soak/swift_engine.hpp"

#include <chrono>
#include <cstdio>
#include <ctime>

namespace cofferdam::test::soak {

namespace {

constexpr const char* image = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

std::int64_t now_nanoseconds() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string now_text() {
  const auto now = now_nanoseconds();
  const std::time_t whole = static_cast<std::time_t>(now / 1'000'000'000);
  std::tm parts{};
  ::gmtime_r(&whole, &parts);
  char text[64];
  const auto size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text + size, sizeof text - size, ".%09lldZ", static_cast<long long>(now % 1'000'000'000));
  return text;
}

std::string message(int status, const std::string& text) {
  return answer(status, nlohmann::json{{"message", text}}.dump());
}

}  // namespace

SwiftEngine::SwiftEngine() : engine_([this](const std::string& request) { return answer(request); }) {}

std::size_t SwiftEngine::containers() const {
  const std::lock_guard lock(mutex_);
  return containers_.size();
}

std::string SwiftEngine::answer(const std::string& request) {
  const auto method_end = request.find(' ');
  const auto target_end = request.find(' ', method_end + 1);
  const std::string method = request.substr(0, method_end);
  std::string target = request.substr(method_end + 1, target_end - method_end - 1);
  const auto question = target.find('?');
  const std::string query = question == std::string::npos ? "" : target.substr(question + 1);
  target = target.substr(0, question);
  if (target.find("/images/") != std::string::npos) {
    return test::answer(200,
                        Json{{"Id", image}, {"RepoTags", {"busybox:test"}}, {"Os", "linux"}, {"Config", Json::object()}}.dump());
  }
  static const std::string folder = "/containers/";
  const auto at = target.find(folder);
  if (at == std::string::npos) return message(404, "no such thing");
  const std::string rest = target.substr(at + folder.size());
  const auto slash = rest.find('/');
  const std::string id = rest.substr(0, slash);
  const std::string what = slash == std::string::npos ? "" : rest.substr(slash + 1);
  const std::lock_guard lock(mutex_);
  if (method == "GET" && id == "json") return test::answer(200, list());
  if (id == "create") return create(query.substr(query.find("name=") + 5), request.substr(request.find("\r\n\r\n") + 4));
  return act(method, id, what, query);
}

std::string SwiftEngine::create(const std::string& name, const std::string& body) {
  for (const auto& [id, container] : containers_) {
    if (container.name == name) {
      return message(409, "Conflict. The container name \"/" + name + "\" is already in use by container \"" + id +
                              "\". You have to remove (or rename) that container to be able to reuse that name.");
    }
  }
  char id[65];
  std::snprintf(id, sizeof id, "%064lx", ++created_);
  Container container;
  container.id = id;
  container.name = name;
  container.made = Json::parse(body, nullptr, false);
  tell(container, "create");
  containers_.emplace(id, container);
  return test::answer(201, Json{{"Id", id}, {"Warnings", Json::array()}}.dump());
}

std::string SwiftEngine::act(const std::string& method, const std::string& id, const std::string& what,
                             const std::string& query) {
  const auto found = containers_.find(id);
  if (found == containers_.end()) return message(404, "No such container: " + id);
  Container& container = found->second;
  const bool runs = container.state == "running";
  if (method == "GET") return test::answer(200, inspect(container));
  if (method == "DELETE") {
    if (runs)
      return message(409, "You cannot remove a running container " + id + ". Stop the container before attempting removal");
    tell(container, "destroy");
    containers_.erase(found);
    ++removed_;
    return test::answer(204, "");
  }
  if (what == "start") {
    if (runs) return test::answer(304, "");
    container.state = "running";
    container.started = now_text();
    tell(container, "start");
    const Json& words = container.made["Entrypoint"];
    if (words.is_array() && words.size() == 1 && words[0] == ends_at_once) end(container, 0);
    return test::answer(204, "");
  }
  if (what == "kill") {
    if (!runs) return message(409, "Cannot kill container: " + id + ": Container " + id + " is not running");
    const bool term = query.find("TERM") != std::string::npos;
    tell(container, "kill", {{"signal", term ? "15" : "9"}});
    end(container, term ? 143 : 137);
    return test::answer(204, "");
  }
  return message(404, "page not found");
}

void SwiftEngine::end(Container& container, int exit_code) {
  container.state = "exited";
  container.finished = now_text();
  container.exit_code = exit_code;
  tell(container, "die", {{"exitCode", std::to_string(exit_code)}});
}

void SwiftEngine::tell(const Container& container, const std::string& action, const Json& more) {
  Json attributes = container.made["Labels"];
  attributes["name"] = container.name;
  attributes.update(more);
  const auto now = now_nanoseconds();
  const Json event = {{"Type", "container"},
                      {"Action", action},
                      {"Actor", {{"ID", container.id}, {"Attributes", attributes}}},
                      {"scope", "local"},
                      {"time", now / 1'000'000'000},
                      {"timeNano", now}};
  engine_.tell(event.dump());
}

std::string SwiftEngine::list() const {
  Json rows = Json::array();
  for (const auto& [id, container] : containers_) {
    const Json& mounts = container.made["HostConfig"]["Mounts"];
    Json points = Json::array();
    for (const auto& mount : mounts) {
      points.push_back({{"Type", mount["Type"]}, {"Source", mount["Source"]}, {"Destination", mount["Target"]}, {"RW", true}});
    }
    rows.push_back({{"Id", id},
                    {"Names", {"/" + container.name}},
                    {"Image", "busybox:test"},
                    {"ImageID", image},
                    {"Created", 1700000000},
                    {"State", container.state},
                    {"Status", container.state},
                    {"Labels", container.made["Labels"]},
                    {"Mounts", points}});
  }
  return rows.dump();
}

std::string SwiftEngine::inspect(const Container& container) {
  Json config = container.made;
  const Json host = config["HostConfig"];
  config.erase("HostConfig");
  Json points = Json::array();
  for (const auto& mount : host["Mounts"]) {
    points.push_back({{"Type", mount["Type"]}, {"Source", mount["Source"]}, {"Destination", mount["Target"]}, {"RW", true}});
  }
  const bool running = container.state == "running";
  return Json{{"Id", container.id},
              {"Name", "/" + container.name},
              {"Created", "2026-01-01T00:00:00Z"},
              {"Image", image},
              {"RestartCount", 0},
              {"State",
               {{"Status", container.state},
                {"Running", running},
                {"Paused", false},
                {"Restarting", false},
                {"OOMKilled", false},
                {"Dead", false},
                {"Pid", running ? 4242 : 0},
                {"ExitCode", container.exit_code},
                {"Error", ""},
                {"StartedAt", container.started},
                {"FinishedAt", container.finished}}},
              {"Config", config},
              {"HostConfig", host},
              {"Mounts", points},
              {"NetworkSettings", {{"Networks", {{"none", Json::object()}}}}}}
      .dump();
}

}  // namespace cofferdam::test::soak
