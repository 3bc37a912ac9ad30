#include "tests/e2e/world.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <stdexcept>

namespace cofferdam::test {

namespace {

namespace fs = std::filesystem;

std::string binary() {
  const char* other = std::getenv("COFFERDAM_BINARY");
  return other != nullptr ? other : COFFERDAM_BINARY;
}

/// Dotted paths → YAML in flow style: every value is written as it is given.
std::string yaml_of(const std::map<std::string, std::string>& settings) {
  std::map<std::string, std::vector<std::string>> sections;
  std::string text;
  for (const auto& [path, value] : settings) {
    const auto dot = path.find('.');
    if (dot == std::string::npos) {
      text += path + ": " + value + "\n";
    } else {
      sections[path.substr(0, dot)].push_back("  " + path.substr(dot + 1) + ": " + value + "\n");
    }
  }
  for (const auto& [name, lines] : sections) {
    text += name + ":\n";
    for (const auto& line : lines) text += line;
  }
  return text;
}

}  // namespace

PrivateEngine& World::engine() {
  static PrivateEngine shared;
  return shared;
}

World::World() : raw_(std::make_unique<RawEngine>(engine().socket())) {
  static int count = 0;
  instance_ = "t" + std::to_string(++count);
  std::string name = "/tmp/cofferdam-t-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) std::abort();
  root_ = name;
  fs::permissions(root_, fs::perms(0755));
  for (const auto& folder : {specs(), workspaces(), state(), runtime()}) {
    fs::create_directory(folder);
    fs::permissions(folder, fs::perms(0755));
  }
  settings = {{"instance", instance_},
              {"engine.host", engine().host()},
              {"engine.relistIntervalSeconds", "1"},
              {"specs.directory", specs()},
              {"specs.rescanIntervalSeconds", "1"},
              {"specs.settleMilliseconds", "50"},
              {"policy.workspaceRoots", "[" + workspaces().string() + "]"},
              {"server.listen", "\"\""},
              {"server.socket", runtime() / "api.sock"},
              {"state.directory", state()},
              {"runtime.directory", runtime()},
              {"log.level", "debug"}};
}

World::~World() = default;

void World::TearDown() {
  if (HasFailure()) {
    const std::string text = log();
    std::cerr << "--- the controller's log ends with\n" << text.substr(text.size() > 8000 ? text.size() - 8000 : 0) << "---\n";
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(runtime() / "status", none)) {
      if (entry.path().extension() == ".json") std::cerr << entry.path().filename() << " " << read_file(entry.path()) << "\n";
    }
  }
  if (controller_ && controller_->alive()) terminate();
  controller_.reset();
  const Answer all = raw().call("GET", "/containers/json?all=1");
  const Json parsed = Json::parse(all.body, nullptr, false);
  if (parsed.is_array()) {
    for (const auto& container : parsed) raw().call("DELETE", "/containers/" + container.value("Id", "") + "?force=1&v=1");
  }
  std::error_code ignored;
  fs::remove_all(root_, ignored);
}

fs::path World::make_workspace(const std::string& name) const {
  const fs::path path = workspaces() / name;
  fs::create_directories(path);
  if (::chown(path.c_str(), 1000, 1000) != 0) std::abort();
  return path;
}

std::string World::text_of(const Agent& agent) const {
  const std::string workspace = agent.workspace.empty() ? (workspaces() / agent.name).string() : agent.workspace;
  std::string text = "apiVersion: cofferdam/v1\nkind: Agent\nmetadata: {name: " + agent.name +
                     "}\nspec:\n  workspacePath: " + workspace + "\n  command: [sh, -c, " + Json(agent.script).dump() + "]\n";
  for (const auto& line : agent.more) text += "  " + line + "\n";
  return text;
}

void World::drop_text(const std::string& file, const std::string& text) const {
  const fs::path hidden = specs() / ("." + file + ".new");
  write_file(hidden, text);
  fs::rename(hidden, specs() / file);
}

void World::drop(const Agent& agent) const {
  if (agent.workspace.empty()) make_workspace(agent.name);
  drop_text(agent.name + ".yaml", text_of(agent));
}

void World::take_away(const std::string& agent) const {
  fs::remove(specs() / (agent + ".yaml"));
}

void World::write_config() const {
  write_file(config_file(), yaml_of(settings));
}

void World::start(bool ready) {
  write_config();
  std::vector<std::string> words = started_with;
  words.insert(words.end(), {binary(), "run", "--config", config_file()});
  controller_ = std::make_unique<Process>(words, root_ / "controller.log", process_options);
  if (!ready) return;
  const bool up = eventually([this] { return !controller_->alive() || ask("/readyz").status == 200; });
  // Thrown, not asserted: without a controller the rest of the test could only wait.
  if (!up || !controller_->alive()) throw std::runtime_error("the controller does not get ready: " + ask("/readyz").body);
}

void World::crash() {
  controller_->signal(SIGKILL);
  controller_->wait();
}

std::pair<int, milliseconds> World::terminate() {
  const auto begin = std::chrono::steady_clock::now();
  controller_->signal(SIGTERM);
  const auto code = controller_->wait(seconds(10));
  EXPECT_TRUE(code) << "the controller ignores SIGTERM";
  if (!code) controller_->signal(SIGKILL);
  return {code.value_or(-1), std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begin)};
}

Outcome World::cofferdam(std::vector<std::string> words, std::optional<unsigned> user) const {
  static int count = 0;
  const fs::path output = root_ / ("command-" + std::to_string(++count) + ".out");
  write_file(output, "");
  fs::permissions(output, fs::perms(0666));
  words.insert(words.begin(), binary());
  Process::Options options;
  options.user = user;
  Process process(words, output, options);
  const auto code = process.wait(seconds(60));
  return {code.value_or(-1), process.output()};
}

Answer World::ask(const std::string& target) const {
  return RawEngine(runtime() / "api.sock").call("GET", target);
}

Json World::status(const std::string& agent) const {
  const Json json = Json::parse(read_file(runtime() / "status" / (agent + ".json")), nullptr, false);
  return json.is_discarded() ? Json() : json;
}

std::string World::phase(const std::string& agent) const {
  const Json json = status(agent);
  return json.is_object() ? json.value("phase", "") : "";
}

std::string World::message(const std::string& agent) const {
  const Json json = status(agent);
  return json.is_object() ? json.value("message", "") : "";
}

int World::attempt(const std::string& agent) const {
  const Json json = status(agent);
  return json.is_object() ? json.value("attempt", 0) : 0;
}

std::string World::phase_reason(const std::string& agent) const {
  const Json json = status(agent);
  if (!json.is_object()) return "";
  const std::string reason = json.value("reason", "");
  return json.value("phase", "") + (reason.empty() ? "" : "/" + reason);
}

std::string World::condition(const std::string& agent, const std::string& type) const {
  const Json json = status(agent);
  if (!json.is_object()) return "";
  for (const auto& entry : json.value("conditions", Json::array())) {
    if (entry.value("type", "") == type) return entry.value("status", "");
  }
  return "";
}

::testing::AssertionResult World::reaches(const std::string& agent, const std::string& wanted, seconds limit) const {
  const bool with_reason = wanted.find('/') != std::string::npos;
  const bool reached = eventually([&] { return (with_reason ? phase_reason(agent) : phase(agent)) == wanted; }, limit);
  if (reached) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << agent << " is not " << wanted << " but " << phase_reason(agent) << ": "
                                       << status(agent).dump(1);
}

bool World::stays(const std::function<bool()>& what) const {
  const auto stamps = [this] {
    const Json json = Json::parse(ask("/v1/controller").body, nullptr, false);
    if (!json.is_object()) return std::pair<std::string, std::string>();
    // A folder that cannot be read is no scan: there the engine's list alone tells of a pass.
    const bool readable = json.value("scanError", "").empty();
    return std::pair(json["lastListAt"].dump(), readable ? json["lastScanAt"].dump() : json["lastListAt"].dump());
  };
  for (int pass = 0; pass < 2; ++pass) {
    const auto before = stamps();
    const bool passed = eventually(
        [&] {
          const auto after = stamps();
          return after.first != before.first && after.second != before.second;
        },
        seconds(30));
    if (!passed || !what()) return false;
  }
  return true;
}

::testing::AssertionResult World::logs(const std::string& text, seconds limit) const {
  if (eventually([&] { return log().find(text) != std::string::npos; }, limit)) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "the log does not say: " << text;
}

std::vector<Json> World::containers(const std::string& agent) const {
  const Json labels = agent.empty() ? Json{"cofferdam.instance=" + instance_}
                                    : Json{"cofferdam.instance=" + instance_, "cofferdam.agent=" + agent};
  std::string filter;
  for (const char c : Json{{"label", labels}}.dump()) {
    char piece[4];
    std::snprintf(piece, sizeof piece, "%%%02X", static_cast<unsigned>(static_cast<unsigned char>(c)));
    filter += piece;
  }
  const Json list = Json::parse(raw().call("GET", "/containers/json?all=1&filters=" + filter).body, nullptr, false);
  return list.is_array() ? list.get<std::vector<Json>>() : std::vector<Json>{};
}

std::vector<Json> World::live(const std::string& agent) const {
  auto all = containers(agent);
  std::erase_if(all, [](const Json& container) {
    const std::string state = container.value("State", "");
    return state != "running" && state != "paused" && state != "restarting";
  });
  return all;
}

Json World::inspect(const std::string& id) const {
  const Json json = Json::parse(raw().call("GET", "/containers/" + id + "/json").body, nullptr, false);
  return json.is_discarded() ? Json() : json;
}

Json World::only_live(const std::string& agent) const {
  const auto all = live(agent);
  EXPECT_EQ(all.size(), 1U) << Json(all).dump(1);
  return all.size() == 1 ? inspect(all[0].value("Id", "")) : Json();
}

}  // namespace cofferdam::test
