#include "tests/engine/soak/soak.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <thread>

#include "tests/e2e/world.hpp"
#include "tests/engine/soak/swift_engine.hpp"

namespace cofferdam::test::soak {

namespace {

namespace fs = std::filesystem;

constexpr seconds wave_within{120};

class Soak {
 public:
  explicit Soak(const Options& options)
      : options_(options), names_(std::max(options.lives / 5, options.wave)), root_(make_root()) {
    for (const auto& folder : {specs(), root_ + "/workspaces", root_ + "/state", root_ + "/run"}) {
      fs::create_directory(folder);
      fs::permissions(folder, fs::perms(0755));
    }
    // All removals are meant: a wave goes at once.
    write_file(root_ + "/cofferdam.yaml",
               "instance: soak\nengine: {host: \"unix://" + engine_.path() +
                   "\", relistIntervalSeconds: 5}\nspecs: {directory: " + specs() +
                   ", rescanIntervalSeconds: 1, settleMilliseconds: 50}\nsandbox: {defaultImage: \"busybox:test\", " +
                   "networkMode: none, user: \"1000:1000\"}\npolicy: {workspaceRoots: [" + root_ +
                   "/workspaces]}\ndeletion: {budgetCount: 10000, budgetFraction: 1.0, budgetMax: 10000}\n" +
                   "server: {listen: \"\", socket: " + root_ + "/run/api.sock}\nstate: {directory: " + root_ +
                   "/state}\nruntime: {directory: " + root_ + "/run}\nlog: {level: warn}\n");
    const char* other = std::getenv("COFFERDAM_BINARY");
    controller_ = std::make_unique<Process>(
        std::vector<std::string>{other != nullptr ? other : COFFERDAM_BINARY, "run", "--config", root_ + "/cofferdam.yaml"},
        root_ + "/controller.log", Process::Options{});
  }
  ~Soak() {
    controller_->signal(SIGTERM);
    controller_->wait();
    std::error_code ignored;
    fs::remove_all(root_, ignored);
  }
  Soak(const Soak&) = delete;
  Soak& operator=(const Soak&) = delete;

  Outcome run() {
    Outcome outcome;
    // Two that stay: a folder that goes empty would be held.
    for (const int stays : {names_, names_ + 1}) drop(stays, 1);
    int lived = 0;
    for (int round = 1; lived < options_.lives && outcome.failure.empty(); ++round) {
      for (int first = 0; first < names_ && lived < options_.lives && outcome.failure.empty(); first += options_.wave) {
        const int last = std::min({first + options_.wave, names_, first + options_.lives - lived});
        outcome.failure = wave(first, last, round);
        lived += last - first;
      }
      if (round == 2) outcome.after_warm_up = use();
    }
    outcome.at_end = use();
    outcome.created = engine_.created();
    outcome.removed = engine_.removed();
    if (!outcome.failure.empty()) outcome.failure += "\n" + read_file(root_ + "/controller.log").substr(0, 4000);
    outcome.summary = summary(outcome, lived);
    return outcome;
  }

 private:
  static std::string make_root() {
    std::string name = "/tmp/cofferdam-s-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    fs::permissions(name, fs::perms(0755));
    return name;
  }
  [[nodiscard]] std::string specs() const { return root_ + "/agents.d"; }
  static std::string name(int number) { return "n" + std::to_string(number); }
  static bool ends(int number) { return number % 2 == 0; }

  void drop(int number, int round) const {
    const std::string workspace = root_ + "/workspaces/" + name(number);
    fs::create_directories(workspace);
    if (::chown(workspace.c_str(), 1000, 1000) != 0) std::abort();
    const std::string hidden = specs() + "/." + name(number);
    write_file(hidden, "apiVersion: cofferdam/v1\nkind: Agent\nmetadata: {name: " + name(number) + ", revision: \"" +
                           std::to_string(round) + "\"}\nspec:\n  taskId: r" + std::to_string(round) +
                           "\n  workspacePath: " + workspace + "\n  command: [" +
                           (ends(number) ? SwiftEngine::ends_at_once : "sleep, \"1000\"") + "]\n  restartPolicy: Never\n");
    fs::rename(hidden, specs() + "/" + name(number) + ".yaml");
  }

  [[nodiscard]] bool is(int number, int round, const std::string& phase) const {
    const Json status = Json::parse(read_file(root_ + "/run/status/" + name(number) + ".json"), nullptr, false);
    if (!status.is_object() || status.value("phase", "") != phase) return false;
    return phase == "Removed" || status.value("observedRevision", "") == std::to_string(round);
  }

  /// Empty, or what did not come.
  std::string wave(int first, int last, int round) {
    for (int i = first; i < last; ++i) drop(i, round);
    std::string missing;
    for (int i = first; i < last; ++i) {
      const std::string phase = ends(i) ? "Succeeded" : "Running";
      if (!eventually([&] { return is(i, round, phase); }, wave_within)) return name(i) + " does not get " + phase;
    }
    for (int i = first; i < last; ++i) fs::remove(specs() + "/" + name(i) + ".yaml");
    for (int i = first; i < last; ++i) {
      if (!eventually([&] { return is(i, round, "Removed"); }, wave_within)) return name(i) + " does not get Removed";
    }
    if (!eventually([&] { return engine_.containers() <= 2; }, wave_within)) return "containers are left";
    return {};
  }

  /// The least of some looks: a connection may be open for a moment, what leaks stays.
  [[nodiscard]] Use use() const {
    Use least = look();
    for (int i = 0; i < 20; ++i) {
      std::this_thread::sleep_for(milliseconds(50));
      const Use other = look();
      least.descriptors = std::min(least.descriptors, other.descriptors);
      least.threads = std::min(least.threads, other.threads);
      least.resident_kib = std::min(least.resident_kib, other.resident_kib);
    }
    return least;
  }

  [[nodiscard]] Use look() const {
    Use use;
    const std::string process = "/proc/" + std::to_string(controller_->pid());
    for ([[maybe_unused]] const auto& entry : fs::directory_iterator(process + "/fd")) ++use.descriptors;
    std::istringstream lines(read_file(process + "/status"));
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("Threads:")) use.threads = std::atoi(line.c_str() + 8);
      if (line.starts_with("VmRSS:")) use.resident_kib = std::atol(line.c_str() + 6);
    }
    return use;
  }

  static std::string in_words(const Use& use) {
    return std::to_string(use.descriptors) + " descriptors, " + std::to_string(use.threads) + " threads, " +
           std::to_string(use.resident_kib) + " KiB resident";
  }
  [[nodiscard]] std::string summary(const Outcome& outcome, int lived) const {
    return "soak: " + std::to_string(lived) + " lives of " + std::to_string(names_) + " names, containers created " +
           std::to_string(outcome.created) + ", removed " + std::to_string(outcome.removed) +
           "\n  after the warm-up: " + in_words(outcome.after_warm_up) + "\n  at the end:        " + in_words(outcome.at_end) +
           "\n";
  }

  Options options_;
  int names_;
  std::string root_;
  SwiftEngine engine_;
  std::unique_ptr<Process> controller_;
};

}  // namespace

Outcome run(const Options& options) {
  return Soak(options).run();
}

}  // namespace cofferdam::test::soak
