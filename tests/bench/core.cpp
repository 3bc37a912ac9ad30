// The deciding machine alone, with everything it asks for answered at once from memory: what one pass over N agents that are in
// sync costs, and what one change among them costs, in processor time. Google Benchmark's flags apply (--benchmark_out=FILE for
// JSON).

#include <benchmark/benchmark.h>
#include <time.h>

#include <chrono>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "reconciler/reconciler.hpp"

namespace cofferdam::bench {
namespace {

using namespace std::chrono_literals;
namespace fact = reconciler;

constexpr std::uint64_t epoch = 1;
const std::string image_id = "sha256:" + std::string(64, 'a');

std::string text_of(const std::string& agent) {
  return "apiVersion: cofferdam/v1\nkind: Agent\nmetadata: {name: " + agent +
         "}\nspec: {workspacePath: /srv/cofferdam/workspaces/" + agent + ", user: '1000:1000', command: [agent]}\n";
}

/// This thread's own: what else the machine does meanwhile is not counted.
double processor_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

/// The world of N agents: answers each effect until nothing more is asked.
class World {
 public:
  explicit World(int agents) : machine_({"default", "cofferdam", "bench"}) {
    auto configuration = std::make_shared<specs::Configuration>();
    configuration->engine.relist_interval = std::chrono::seconds(60);
    configuration->deletion = {1 << 20, 1.0, 1 << 20};
    for (int i = 0; i < agents; ++i) add("agent-" + std::to_string(i));
    feed(fact::ConfigRead{configuration, {}});
    feed(fact::StateLoaded{true, {}, {}});
    fact::Session session{epoch, fact::Session::State::up, {}, {}};
    session.facts.info.processors = 4;
    session.facts.info.id = "bench";
    session.facts.info.memory_limit = session.facts.info.swap_limit = session.facts.info.cpu_cfs_quota =
        session.facts.info.pids_limit = true;
    session.facts.info.log_drivers = {"local", "json-file"};
    session.facts.version.api_version = "1.41";
    feed(session);
    // Ticks of a second, until every agent runs.
    for (int tick = 0; tick < 600 && running() < static_cast<std::size_t>(agents); ++tick) {
      pass(1s);
      feed(fact::Timer{});
    }
    if (running() < static_cast<std::size_t>(agents)) {
      const auto statuses = machine_.statuses();
      std::cerr << "only " << running() << " of " << agents << " run";
      if (!statuses.empty()) {
        const auto& first = statuses.begin()->second;
        std::cerr << "; " << first.agent << " is " << name_of(first.phase) << "/" << first.reason << ": " << first.message;
      }
      std::cerr << "\n";
      std::exit(1);
    }
    // What is left for quieter times: late inspects, heartbeats, relists.
    for (int tick = 0; tick < 200; ++tick) {
      pass(1s);
      feed(fact::Timer{});
    }
    changes_ = 0;
  }

  /// The engine's whole list, every row in sync, answered to a relist.
  void relist(benchmark::State& state) {
    // The relist is asked for by time; its answer is what is measured.
    pending_list_.reset();
    hold_list_ = true;
    for (int tick = 0; tick < 1000 && !pending_list_; ++tick) {
      pass(1s);
      feed(fact::Timer{});
    }
    hold_list_ = false;
    if (!pending_list_) {
      state.SkipWithError("no relist was asked for");
      return;
    }
    const auto call = std::exchange(pending_list_, {});
    fact::Input reply = fact::Reply{epoch, *call, docker::Result(docker::Reply(list()))};
    measure(state, std::move(reply));
  }

  /// The folder, read again, nothing in it changed.
  void rescan(benchmark::State& state) {
    pending_scan_.reset();
    hold_scan_ = true;
    for (int tick = 0; tick < 1000 && !pending_scan_; ++tick) {
      pass(1s);
      feed(fact::Timer{});
    }
    hold_scan_ = false;
    if (!pending_scan_) {
      state.SkipWithError("no scan was asked for");
      return;
    }
    measure(state, snapshot(*std::exchange(pending_scan_, {})));
  }

  /// An event marks one container dirty; it is inspected, and found in sync.
  void one_change(benchmark::State& state) {
    const std::string id = ids_["agent-0"];
    const auto& container = containers_.at(id);
    const docker::Event event{"container", "unpause", id, {{"name", container.name}}, 0};
    measure(state, fact::Event{epoch, event});
  }

  [[nodiscard]] std::size_t changes() const { return changes_; }

 private:
  void measure(benchmark::State& state, fact::Input input) {
    const double begin = processor_seconds();
    feed(std::move(input));
    state.SetIterationTime(processor_seconds() - begin);
  }

  void add(const std::string& agent) {
    specs::DirEntry entry;
    entry.name = agent + ".yaml";
    entry.inode = entries_.size() + 10;
    entry.mode = 0100644;
    entry.mtime_ns = 1;
    entry.bytes = std::make_shared<const std::string>(text_of(agent));
    entry.size = static_cast<std::int64_t>(entry.bytes->size());
    entries_.push_back(entry);
  }

  specs::DirSnapshot snapshot(std::uint64_t scan) {
    specs::DirSnapshot snapshot;
    snapshot.scan = scan;
    snapshot.complete = true;
    snapshot.device = 1;
    snapshot.inode = 2;
    snapshot.mode = 040755;
    snapshot.entries = entries_;
    if (told_) {
      for (auto& entry : snapshot.entries) entry.bytes = nullptr;
    }
    told_ = true;
    return snapshot;
  }

  [[nodiscard]] std::size_t running() const { return containers_.size(); }

  void pass(std::chrono::nanoseconds time) { passed_ += time; }

  [[nodiscard]] fact::Now now() const {
    fact::Now now;
    now.mono = fact::Monotonic(passed_);
    now.wall = fact::WallTime(1'700'000'000s + passed_);
    now.boot_id = "boot";
    return now;
  }

  void feed(fact::Input input) {
    std::deque<fact::Input> queue;
    queue.push_back(std::move(input));
    while (!queue.empty()) {
      const fact::Input next = std::move(queue.front());
      queue.pop_front();
      for (auto& effect : machine_.handle(next, now())) answer(effect, queue);
    }
  }

  void answer(const fact::Effect& effect, std::deque<fact::Input>& queue) {
    if (const auto* scan = std::get_if<fact::Scan>(&effect)) {
      if (hold_scan_) {
        pending_scan_ = scan->scan;
        return;
      }
      queue.emplace_back(snapshot(scan->scan));
    } else if (const auto* save = std::get_if<fact::Save>(&effect)) {
      queue.emplace_back(fact::SaveDone{save->key, save->version, true, {}});
    } else if (const auto* check = std::get_if<fact::CheckWorkspace>(&effect)) {
      queue.emplace_back(fact::WorkspaceChecked{check->id, check->agent, false, good_workspace()});
    } else if (const auto* verify = std::get_if<fact::Verify>(&effect)) {
      fact::Verified verified;
      verified.agent = verify->agent;
      verified.container_id = verify->container_id;
      verified.verdict = fact::Verified::Verdict::verified;
      queue.emplace_back(verified);
    } else if (const auto* call = std::get_if<fact::Call>(&effect)) {
      if (hold_list_ && std::holds_alternative<docker::ContainerList>(call->request)) {
        pending_list_ = call->id;
        return;
      }
      queue.emplace_back(fact::Reply{call->epoch, call->id, docker::Result(reply_to(call->request))});
    }
  }

  static specs::WorkspaceFacts good_workspace() {
    specs::WorkspaceFacts facts;
    facts.kind = specs::WorkspaceFacts::Kind::directory;
    facts.uid = facts.gid = 1000;
    facts.mode = 0755;
    facts.nosuid = facts.nodev = true;
    return facts;
  }

  docker::Reply reply_to(const docker::Request& request) {
    if (std::holds_alternative<docker::ContainerList>(request)) return list();
    if (const auto* inspect = std::get_if<docker::ContainerInspect>(&request)) return containers_.at(inspect->id);
    if (const auto* create = std::get_if<docker::ContainerCreate>(&request)) return made(*create);
    if (const auto* start = std::get_if<docker::ContainerStart>(&request)) {
      ++changes_;
      auto& container = containers_.at(start->id);
      container.state = docker::ContainerState::running;
      container.running = true;
      container.pid = 4242;
      container.started_at = now().wall;
      return docker::Done{};
    }
    if (std::holds_alternative<docker::ImageInspect>(request)) {
      docker::ImageDetails image;
      image.id = image_id;
      image.repo_tags = {"node:20-alpine"};
      image.os = "linux";
      return image;
    }
    ++changes_;
    return docker::Done{};
  }

  docker::ContainerCreated made(const docker::ContainerCreate& create) {
    ++changes_;
    std::string id = std::to_string(containers_.size() + 1);
    id.insert(0, 64 - id.size(), '0');
    docker::ContainerDetails container;
    container.id = id;
    container.name = create.name;
    container.created = now().wall;
    container.image_id = image_id;
    container.config = create.config;
    container.host_config = create.host_config;
    for (const auto& mount : create.host_config.mounts) {
      container.mounts.push_back({mount.type, mount.source, mount.target, !mount.read_only, mount.propagation});
    }
    container.networks = {{create.host_config.network_mode, "network"}};
    ids_[create.config.labels.at("cofferdam.agent")] = id;
    containers_[id] = container;
    return {id, {}};
  }

  [[nodiscard]] std::vector<docker::ContainerSummary> list() const {
    std::vector<docker::ContainerSummary> rows;
    rows.reserve(containers_.size());
    for (const auto& [id, container] : containers_) {
      docker::ContainerSummary row;
      row.id = id;
      row.name = container.name;
      row.image = container.config.image;
      row.image_id = container.image_id;
      row.state = container.state;
      row.status = "Up 3 minutes";
      row.labels = container.config.labels;
      row.mounts = container.mounts;
      rows.push_back(row);
    }
    return rows;
  }

  fact::Reconciler machine_;
  std::chrono::nanoseconds passed_{1s};
  std::vector<specs::DirEntry> entries_;
  bool told_ = false;
  bool hold_scan_ = false;
  std::optional<std::uint64_t> pending_scan_;
  bool hold_list_ = false;
  std::optional<fact::CallId> pending_list_;
  std::map<std::string, docker::ContainerDetails> containers_;
  std::map<std::string, std::string> ids_;
  std::size_t changes_ = 0;
};

World& world(int agents) {
  static std::map<int, std::unique_ptr<World>> worlds;
  auto& found = worlds[agents];
  if (!found) found = std::make_unique<World>(agents);
  return *found;
}

void per_agent(benchmark::State& state) {
  state.counters["per_agent"] = benchmark::Counter(static_cast<double>(state.range(0)),
                                                   benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void no_op_relist(benchmark::State& state) {
  auto& all = world(static_cast<int>(state.range(0)));
  const auto before = all.changes();
  for (auto _ : state) all.relist(state);
  per_agent(state);
  if (all.changes() != before) state.SkipWithError("a pass over agents in sync changed something");
}

void no_op_rescan(benchmark::State& state) {
  auto& all = world(static_cast<int>(state.range(0)));
  for (auto _ : state) all.rescan(state);
  per_agent(state);
}

void one_change(benchmark::State& state) {
  auto& all = world(static_cast<int>(state.range(0)));
  for (auto _ : state) all.one_change(state);
}

BENCHMARK(no_op_relist)->Arg(100)->Arg(1000)->Arg(10000)->UseManualTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(no_op_rescan)->Arg(100)->Arg(1000)->Arg(10000)->UseManualTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(one_change)->Arg(10)->Arg(100)->Arg(1000)->Arg(10000)->UseManualTime()->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace cofferdam::bench

BENCHMARK_MAIN();
