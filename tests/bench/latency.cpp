// How long from a file in the folder to a running container, against a raw client with the same bodies in the same run.
//
// latency --help says what it takes. Not a test: it prints a table and writes JSON, and fails only where something does not
// happen at all. Needs root.

#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

#include "tests/bench/floor.hpp"

namespace cofferdam::bench {
namespace {

namespace fs = std::filesystem;

struct Settings {
  int rounds = 20;  ///< of one spec
  int repeats = 3;  ///< of many at once
  int many = 50;    ///< dropped at once, and removed at once
  int all = 200;    ///< of which `many` are removed
  int idle = 60;    ///< seconds
  std::string network = "none";
  std::string json = "latency.json";
  std::string binary = COFFERDAM_BINARY;
};

/// A controller over folders of its own.
class Controller {
 public:
  Controller(const Settings& settings, const std::string& host) : network_(settings.network) {
    std::string name = "/tmp/cofferdam-b-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    root_ = name;
    fs::permissions(root_, fs::perms(0755));
    for (const auto* folder : {"agents.d", "staging", "workspaces", "state", "run"}) {
      fs::create_directory(root_ / folder);
      fs::permissions(root_ / folder, fs::perms(0755));
    }
    std::ofstream(root_ / "cofferdam.yaml") << "instance: bench\nengine: {host: \"" << host
                                            << "\"}\nspecs: {directory: " << root_.string()
                                            << "/agents.d}\npolicy: {workspaceRoots: [" << root_.string()
                                            << "/workspaces]}\nserver: {listen: \"\", socket: " << root_.string()
                                            << "/run/api.sock}\nstate: {directory: " << root_.string()
                                            << "/state}\nruntime: {directory: " << root_.string()
                                            << "/run}\ndeletion: {budgetCount: 10000, budgetFraction: 1, budgetMax: 10000}\n";
    start(settings.binary);
  }
  ~Controller() {
    ::kill(pid_, SIGTERM);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    std::error_code ignored;
    fs::remove_all(root_, ignored);
  }
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  void stage(const std::string& agent) const {
    const fs::path workspace = root_ / "workspaces" / agent;
    fs::create_directories(workspace);
    if (::chown(workspace.c_str(), 1000, 1000) != 0) throw std::runtime_error("chown");
    std::ofstream(root_ / "staging" / (agent + ".yaml"))
        << "apiVersion: cofferdam/v1\nkind: Agent\nmetadata: {name: " << agent
        << "}\nspec: {workspacePath: " << workspace.string() << ", networkMode: " << network_
        << ", memoryMB: 32, cpuLimit: 0.1, command: [sleep, '100000']}\n";
  }
  void drop(const std::string& agent) const {
    fs::rename(root_ / "staging" / (agent + ".yaml"), root_ / "agents.d" / (agent + ".yaml"));
  }
  /// How many agents are in which phase, in the controller's own words: for when something does not happen.
  [[nodiscard]] std::string phases() const {
    const Json all = Json::parse(test::RawEngine(root_ / "run" / "api.sock").call("GET", "/v1/agents").body, nullptr, false);
    if (!all.is_object()) return "the controller does not answer";
    std::map<std::string, int> count;
    for (const auto& agent : all["agents"]) {
      const std::string phase = agent.value("phase", "");
      ++count[phase == "Running" || phase == "Removed"
                  ? phase
                  : phase + "/" + agent.value("reason", "") + " " + agent.value("message", "")];
    }
    std::string text;
    for (const auto& [phase, agents] : count) text += "\n  " + std::to_string(agents) + " " + phase;
    return text;
  }
  void take_away(const std::string& agent) const { fs::remove(root_ / "agents.d" / (agent + ".yaml")); }
  [[nodiscard]] double processor_seconds() const {
    std::ifstream file("/proc/" + std::to_string(pid_) + "/stat");
    std::string text((std::istreambuf_iterator<char>(file)), {});
    std::istringstream words(text.substr(text.rfind(')') + 2));
    std::string word;
    for (int i = 0; i < 11; ++i) words >> word;
    long user = 0;
    long system = 0;
    words >> user >> system;
    return static_cast<double>(user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  }

 private:
  void start(const std::string& binary) {
    const std::string config = root_ / "cofferdam.yaml";
    const std::string log = root_ / "log";
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    std::vector<std::string> words{binary, "run", "--config", config};
    std::vector<char*> arguments;
    for (auto& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    std::vector<char*> environment{nullptr};  // the caller's would win over the file, and may name another engine
    if (::posix_spawn(&pid_, binary.c_str(), &actions, nullptr, arguments.data(), environment.data()) != 0)
      throw std::runtime_error("cannot start " + binary);
    posix_spawn_file_actions_destroy(&actions);
    for (int tries = 0; tries < 500; ++tries) {
      if (test::RawEngine(root_ / "run" / "api.sock").call("GET", "/readyz").status == 200) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    std::ifstream file(log);
    throw std::runtime_error("the controller does not get ready: " + std::string((std::istreambuf_iterator<char>(file)), {}));
  }
  fs::path root_;
  std::string network_;
  pid_t pid_ = -1;
};

struct Row {
  std::string what;
  std::vector<double> floor;  ///< milliseconds
  std::vector<double> ours;
  std::string note;
};

double quantile(std::vector<double> values, double at) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(at * static_cast<double>(values.size() - 1) + 0.5)];
}

double in_ms(nanoseconds time) {
  return static_cast<double>(time.count()) / 1e6;
}

std::vector<std::string> names(const std::string& prefix, int count) {
  std::vector<std::string> all;
  for (int i = 0; i < count; ++i) all.push_back(prefix + std::to_string(i));
  return all;
}

class Bench {
 public:
  explicit Bench(Settings settings)
      : settings_(std::move(settings)),
        moments_(engine_.socket()),
        raw_(engine_.socket()),
        controller_(settings_, engine_.host()) {
    // A first agent warms up both sides: image facts, connections; its body is the floor's.
    controller_.stage("model");
    controller_.drop("model");
    moments_.last_of("start", 1);
    floor_ =
        std::make_unique<Floor>(engine_.socket(), Json::parse(raw_.call("GET", "/containers/cofferdam-bench-model-1/json").body));
  }

  int run() {
    try {
      std::cerr << "one spec…\n";
      one_spec();
      std::cerr << "many at once…\n";
      many_at_once();
      std::cerr << "many removed…\n";
      many_removed();
      std::cerr << "idle…\n";
      idle();
    } catch (const std::exception& error) {
      std::cerr << "latency: " << error.what() << "; the controller's agents:" << controller_.phases() << "\n";
      return 1;
    }
    print();
    remove_everything(engine_.socket());
    return 0;
  }

 private:
  void one_spec() {
    Row row{"one spec dropped -> running", {}, {}, ""};
    for (int round = 0; round < settings_.rounds; ++round) {
      moments_.forget();
      const std::string raw_name = "raw-" + std::to_string(round);
      auto begin = wall_now();
      const std::string id = floor_->create_and_start(raw_, raw_name);
      row.floor.push_back(in_ms(moments_.last_of("start", 1) - begin));
      Floor::stop_one(raw_, id, moments_);

      const std::string agent = "one-" + std::to_string(round);
      controller_.stage(agent);
      moments_.forget();
      begin = wall_now();
      controller_.drop(agent);
      row.ours.push_back(in_ms(moments_.last_of("start", 1) - begin));
      controller_.take_away(agent);
      moments_.last_of("destroy", 1);
    }
    rows_.push_back(row);
  }

  void many_at_once() {
    Row row{std::to_string(settings_.many) + " specs at once -> all running", {}, {}, ""};
    std::map<int, std::vector<double>> curve;
    for (int repeat = 0; repeat < settings_.repeats; ++repeat) {
      for (const int concurrency : {1, 2, 4, 8, 16}) {
        moments_.forget();
        const auto begin = wall_now();
        const auto ids = floor_->start_all(names("raw-", settings_.many), concurrency);
        curve[concurrency].push_back(in_ms(moments_.last_of("start", ids.size()) - begin));
        floor_->stop_all(ids, 4, moments_);
      }
      const auto agents = names("m" + std::to_string(repeat) + "-", settings_.many);
      for (const auto& agent : agents) controller_.stage(agent);
      moments_.forget();
      const auto begin = wall_now();
      for (const auto& agent : agents) controller_.drop(agent);
      row.ours.push_back(in_ms(moments_.last_of("start", agents.size()) - begin));
      for (const auto& agent : agents) controller_.take_away(agent);
      moments_.last_of("destroy", agents.size());
    }
    row.note = note_of(curve);
    row.floor = curve[best_of(curve)];
    rows_.push_back(row);
  }

  void many_removed() {
    Row row{std::to_string(settings_.many) + " of " + std::to_string(settings_.all) + " removed -> all gone", {}, {}, ""};
    const auto floor_of = [&](int concurrency) {
      // As many others run beside them as beside the controller's.
      moments_.forget();
      auto ids = floor_->start_all(names("raw-", settings_.all), 2);
      moments_.last_of("start", ids.size());
      ids.resize(static_cast<std::size_t>(settings_.many));
      const auto begin = wall_now();
      floor_->stop_all(ids, concurrency, moments_);
      const double took = in_ms(moments_.last_of("destroy", ids.size()) - begin);
      remove_raw();
      return took;
    };
    std::map<int, std::vector<double>> curve;
    for (const int concurrency : {1, 2, 4, 8, 16}) curve[concurrency].push_back(floor_of(concurrency));
    // The best of five single runs is a lucky one: it is repeated as often as ours.
    const int chosen = best_of(curve);
    for (int repeat = 1; repeat < settings_.repeats; ++repeat) curve[chosen].push_back(floor_of(chosen));
    row.note = note_of(curve);
    row.floor = curve[chosen];
    const auto agents = names("r-", settings_.all);
    for (int repeat = 0; repeat < settings_.repeats; ++repeat) {
      moments_.forget();
      int dropped = 0;
      for (int i = 0; i < settings_.all; ++i) {
        if (repeat != 0 && i >= settings_.many) break;
        controller_.stage(agents[static_cast<std::size_t>(i)]);
        controller_.drop(agents[static_cast<std::size_t>(i)]);
        ++dropped;
      }
      moments_.last_of("start", static_cast<std::size_t>(dropped));
      const auto begin = wall_now();
      for (int i = 0; i < settings_.many; ++i) controller_.take_away(agents[static_cast<std::size_t>(i)]);
      row.ours.push_back(in_ms(moments_.last_of("destroy", static_cast<std::size_t>(settings_.many)) - begin));
    }
    rows_.push_back(row);
  }

  /// The engine's own debug log counts the calls: nobody's word is taken for it.
  void idle() {
    const std::string log = engine_.directory() + "/dockerd.log";
    std::ofstream(engine_.directory() + "/daemon.json") << "{\"debug\": true}";
    ::kill(engine_.daemon_pid(), SIGHUP);
    std::this_thread::sleep_for(std::chrono::seconds(2));
    const auto calls = [&] {
      std::map<std::string, int> found;
      std::ifstream file(log);
      for (std::string line; std::getline(file, line);) {
        const auto at = line.find("msg=\"Calling ");
        if (at != std::string::npos) ++found[line.substr(at + 13, line.find_first_of("?\"", at + 13) - at - 13)];
      }
      return found;
    };
    const auto before = calls();
    const double busy = controller_.processor_seconds();
    std::this_thread::sleep_for(std::chrono::seconds(settings_.idle));
    idle_processor_ = (controller_.processor_seconds() - busy) / settings_.idle;
    for (const auto& [call, count] : calls()) {
      const auto earlier = before.find(call);
      const int more = count - (earlier == before.end() ? 0 : earlier->second);
      if (more > 0) idle_calls_[call] = more;
    }
  }

  void print() const {
    std::printf(
        "\nnetwork %s, %ld processors; milliseconds, from the rename into (or out of) the folder to the engine's last event\n\n",
        settings_.network.c_str(), ::sysconf(_SC_NPROCESSORS_ONLN));
    std::printf("%-34s %4s  %-27s %-27s %7s\n", "", "runs", "floor: min / median / max", "ours: min / median / max", "ratio");
    Json json = Json::object();
    for (const auto& row : rows_) {
      const double ratio = quantile(row.ours, 0.5) / quantile(row.floor, 0.5);
      std::printf("%-34s %4zu  %7.1f / %7.1f / %7.1f %7.1f / %7.1f / %7.1f  %6.2f  %s\n", row.what.c_str(), row.ours.size(),
                  quantile(row.floor, 0), quantile(row.floor, 0.5), quantile(row.floor, 1), quantile(row.ours, 0),
                  quantile(row.ours, 0.5), quantile(row.ours, 1), ratio, row.note.c_str());
      json["rows"].push_back(
          {{"what", row.what}, {"floorMs", row.floor}, {"oursMs", row.ours}, {"medianRatio", ratio}, {"note", row.note}});
    }
    std::printf("\nidle for %d s: %.3f %% of one processor; engine calls:", settings_.idle, idle_processor_ * 100);
    if (idle_calls_.empty()) std::printf(" none");
    for (const auto& [call, count] : idle_calls_) std::printf(" %d x %s", count, call.c_str());
    std::printf("\n");
    json["idle"] = {{"seconds", settings_.idle}, {"calls", idle_calls_}, {"processorShare", idle_processor_}};
    std::ofstream(settings_.json) << json.dump(1) << "\n";
    std::printf("written to %s\n", settings_.json.c_str());
  }

  /// The floor of a row is its best concurrency's.
  static int best_of(const std::map<int, std::vector<double>>& curve) {
    return std::ranges::min_element(curve, {}, [](const auto& point) { return quantile(point.second, 0.5); })->first;
  }

  static std::string note_of(const std::map<int, std::vector<double>>& curve) {
    std::string note = "medians by concurrency:";
    for (const auto& [concurrency, times] : curve) {
      note += " " + std::to_string(concurrency) + ": " + std::to_string(std::lround(quantile(times, 0.5)));
    }
    return note;
  }

  void remove_raw() {
    const Json list = Json::parse(raw_.call("GET", "/containers/json?all=1").body);
    for (const auto& container : list) {
      if (container["Names"][0].get<std::string>().starts_with("/raw-")) {
        const std::string id = container["Id"];
        raw_.call("DELETE", "/containers/" + id + "?force=1&v=1");
        moments_.wait_for("destroy", id);
      }
    }
  }

  Settings settings_;
  test::PrivateEngine engine_;
  Moments moments_;
  test::RawEngine raw_;
  Controller controller_;
  std::unique_ptr<Floor> floor_;
  std::vector<Row> rows_;
  std::map<std::string, int> idle_calls_;
  double idle_processor_ = 0;
};

constexpr const char* usage =
    "usage: latency [--json FILE] [--rounds N] [--repeats N] [--many N] [--all N] [--idle SECONDS] [--network none|bridge]\n"
    "               [--binary FILE]\n";

/// Nothing: the words are not the usage's.
std::optional<Settings> settings_of(int count, char** words) {
  Settings settings;
  const std::map<std::string, int*> numbers = {{"--rounds", &settings.rounds},
                                               {"--repeats", &settings.repeats},
                                               {"--many", &settings.many},
                                               {"--all", &settings.all},
                                               {"--idle", &settings.idle}};
  const std::map<std::string, std::string*> texts = {
      {"--network", &settings.network}, {"--json", &settings.json}, {"--binary", &settings.binary}};
  for (int i = 1; i < count; i += 2) {
    const std::string name = words[i];
    if (i + 1 == count) return std::nullopt;
    const std::string_view value = words[i + 1];
    if (const auto text = texts.find(name); text != texts.end()) {
      *text->second = value;
      continue;
    }
    const auto number = numbers.find(name);
    if (number == numbers.end()) return std::nullopt;
    const char* const end = value.data() + value.size();
    const auto read = std::from_chars(value.data(), end, *number->second);
    if (read.ec != std::errc() || read.ptr != end || *number->second < 1) return std::nullopt;
  }
  return settings;
}

}  // namespace
}  // namespace cofferdam::bench

int main(int count, char** words) {
  if (count == 2 && std::string_view(words[1]) == "--help") {
    std::cout << cofferdam::bench::usage;
    return 0;
  }
  const auto settings = cofferdam::bench::settings_of(count, words);
  if (!settings) {
    std::cerr << cofferdam::bench::usage;
    return 2;
  }
  try {
    cofferdam::bench::Bench bench(*settings);
    return bench.run();
  } catch (const std::exception& error) {
    std::cerr << "latency: " << error.what() << "\n";
    return 1;
  }
}
