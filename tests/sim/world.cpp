#include "tests/sim/world.hpp"

#include <utility>

#include "reconciler/decide.hpp"
#include "reconciler/ownership.hpp"

namespace cofferdam::sim {

namespace {

/// L1: as long as it may take, once all is healed. What no event told of, the next list or scan does.
SimTime convergence_of(const Plan& plan) {
  return 20 * minute + (2 * plan.relist_seconds + plan.rescan_seconds) * second;
}

bool ours(const Container& container) {
  const auto instance = container.shown.config.labels.find(std::string(reconciler::label::instance));
  return is_a_controller(container.maker) && instance != container.shown.config.labels.end() && instance->second == "default";
}

}  // namespace

Image image(std::uint64_t number) {
  Image image;
  image.details.id = "sha256:" + std::to_string(1'000'000'000'000'000ULL + number * 1'000'000'000) + std::string(48, '0');
  image.details.env = {"PATH=/usr/bin", "NODE_OPTIONS=--inspect"};
  image.details.labels = {{"org.example.vendor", "x"}};
  image.details.os = "linux";
  image.details.architecture = "amd64";
  image.passwd = "root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\n";
  image.group = "root:x:0:\nnode:x:1000:\n";
  return image;
}

std::shared_ptr<specs::Configuration> base_configuration(const Plan& plan) {
  auto configuration = std::make_shared<specs::Configuration>();
  configuration->engine.relist_interval = std::chrono::seconds{plan.relist_seconds};
  configuration->specs.rescan_interval = std::chrono::seconds{plan.rescan_seconds};
  configuration->policy.workspace_roots = {"/srv/w"};
  configuration->policy.allowed_networks = {"none", "bridge", "n1"};
  configuration->backoff.max = std::chrono::seconds{plan.backoff_seconds};
  configuration->rollout_max_concurrent = plan.rollout;
  configuration->deletion.budget_count = plan.budget_count;
  configuration->sandbox.env_whitelist = specs::default_env_whitelist();
  return configuration;
}

World::World(const Plan& wanted, bool keep_trace) : plan(wanted), trace_(keep_trace), folder_(schedule), checks_(*this) {
  engine_ = std::make_unique<Engine>(schedule, host, trace_, plan.seed, plan.engine);
  engine_->on_event = [this](const docker::Event& event) {
    if (shell_) shell_->engine_event(event);
  };
  engine_->on_change = [this](const Container& container, std::string_view what, Who who) {
    trace_.fact(what);
    trace_.fact(container.shown.name);
    trace_.fact(static_cast<std::uint64_t>(schedule.now()));
    trace_.line(schedule.now(), [&] {
      return "engine " + container.shown.name + " (" + container.shown.id.substr(0, 12) + ") " + std::string(what) + " by " +
             std::string(name_of(who)) +
             (what == "die" ? ", exit code " + std::to_string(container.shown.exit_code) : std::string());
    });
    checks_.changed(container, what, who);
  };
  folder_.on_change = [this](const std::string& name, reconciler::FileChanged::Kind kind) {
    trace_.fact(name);
    if (const auto bytes = folder_.content(name); bytes && kind == reconciler::FileChanged::Kind::complete) {
      checks_.written_whole(bytes);
    }
    trace_.line(schedule.now(), [&] {
      return "folder " + (name.empty() ? std::string("as a whole") : name) +
             (kind == reconciler::FileChanged::Kind::gone      ? " gone"
              : kind == reconciler::FileChanged::Kind::written ? " is being written"
                                                               : " is complete");
    });
    if (shell_) shell_->file_changed(name, kind);
  };
  configuration_ = base_configuration(plan);
  for (const Item& item : plan.items) {
    if (item.verb == "call" || item.verb == "event" || item.verb == "violate") {
      faults_[item.verb + " " + item.target + " " + std::to_string(item.number)] = &item;
    }
  }
  for (const Item& item : plan.items) {
    if (item.verb == "calls") lasting_[item.target] = &item;
    notes_others = notes_others || item.target == "other";
    if (item.verb != "allocation" && item.verb != "allocations") continue;
    if (!allocations_) allocations_.emplace();
    (item.verb == "allocation" ? allocations_->fails_at : allocations_->fails_every) = static_cast<std::uint64_t>(item.number);
  }
  begin();
}

World::~World() = default;

void World::begin() {
  engine_->offer("docker.io/library/node:20-alpine", image(1));
  engine_->offer("docker.io/library/tool:1", image(2));
  engine_->load("docker.io/library/node:20-alpine", image(1));
  engine_->set_network("n1", true);
  for (const AgentPlan& agent : plan.agents) intent_[agent.name] = agent;
  std::set<std::string> files;
  for (const auto& [name, agent] : intent_) {
    files.insert(agent.file);
    Workspace workspace;
    workspace.facts.kind = specs::WorkspaceFacts::Kind::directory;
    workspace.facts.device = 7;
    workspace.facts.inode = 1000 + host.workspaces.size();
    workspace.facts.uid = workspace.facts.gid = 1000;
    workspace.facts.mode = 0750;
    workspace.facts.free_mb = 10000;
    workspace.facts.nosuid = workspace.facts.nodev = true;
    host.workspaces[agent.workspace.empty() ? "/srv/w/" + name : agent.workspace] = workspace;
  }
  for (const std::string& file : files) folder_.put(file, content_of(file));
  start_controller();
  for (const Item& item : plan.items) {
    if (item.verb == "call" || item.verb == "calls" || item.verb == "event" || item.verb == "violate") continue;
    if (item.verb.starts_with("allocation")) continue;
    schedule.at(item.at, [this, &item] {
      if (!healed_) do_item(item);
    });
  }
}

std::string World::content_of(const std::string& file) const {
  std::string content;
  for (const auto& [name, agent] : intent_) {
    if (agent.file == file) content += (content.empty() ? "" : "---\n") + yaml_of(agent);
  }
  return content;
}

const Item* World::fault_on(const std::string& verb, const std::string& operation, std::int64_t number) {
  if (healed_ || (faults_.empty() && lasting_.empty())) return nullptr;
  const auto found = faults_.find(verb + " " + operation + " " + std::to_string(number));
  const Item* fault = found == faults_.end() ? nullptr : found->second;
  if (const auto lasting = lasting_.find(operation); fault == nullptr && verb == "call" && lasting != lasting_.end()) {
    if (number >= lasting->second->number) fault = lasting->second;
  }
  if (fault == nullptr) return nullptr;
  // A crash falls at a moment of its own, and is counted there.
  if (!fault->argument.starts_with("crash-")) took_place(verb + " " + kind_of(*fault));
  trace_.line(schedule.now(), [&] { return "FAULT " + to_text(*fault); });
  return fault;
}

std::int64_t World::point(const Shell& shell, const std::string& operation) {
  const std::int64_t number = count(operation);
  if (notes_points && !healed_) {
    point_of_[{operation, number}] = points_.size();
    points_.push_back({operation, number, shell.life()});
  }
  return number;
}

void World::point_answered(const std::string& operation, std::int64_t number) {
  if (!notes_points) return;
  const auto found = point_of_.find({operation, number});
  if (found != point_of_.end()) points_[found->second].answered = true;
}

void World::point_not_sent(const std::string& operation, std::int64_t number) {
  if (!notes_points) return;
  const auto found = point_of_.find({operation, number});
  if (found != point_of_.end()) points_[found->second].sent = false;
}

void World::start_controller() {
  shell_ = std::make_unique<Shell>(*this, ++lives_);
  shell_->start();
}

void World::crash(SimTime back_after) {
  if (!shell_) return;
  trace_.fact("crash");
  trace_.line(schedule.now(), [&] { return "FAULT the controller dies, back in " + seconds_text(back_after) + " s"; });
  shell_->die();
  checks_.life_ends(*shell_);
  graveyard_.push_back(std::move(shell_));
  schedule.after(back_after, [this] {
    if (!shell_ && !host_down_) start_controller();
  });
}

void World::run_until(SimTime until) {
  while (!schedule.empty() && schedule.next_at() <= until) {
    schedule.step();
    ++statistics_.steps;
    if (checks_.enough()) return;
  }
  schedule.advance_to(until);
}

void World::run() {
  run_until(plan.faults_until);
  if (checks_.enough()) return;
  counts_in_faults_ = counts_;
  if (!plan.troubled.empty()) checks_.undelayed(plan.troubled);
  heal();
  run_until(plan.faults_until + convergence_of(plan));
  if (checks_.enough()) return;
  checks_.converged();
  calm_down();
  run_until(plan.faults_until + convergence_of(plan) + plan.quiet);
  if (checks_.enough()) return;
  checks_.silent();
  statistics_.simulated_seconds = schedule.now() / second;
}

/// A day of lists every minute is much the same over and over: most runs spend it at the pace that a patient operator sets.
void World::calm_down() {
  if (plan.calm_seconds == 0 || !shell_) return;
  auto next = std::make_shared<specs::Configuration>(*configuration_);
  next->engine.relist_interval = next->specs.rescan_interval = std::chrono::seconds{plan.calm_seconds};
  next->backoff.max = std::max(next->backoff.max, std::chrono::seconds{plan.calm_seconds});
  checks_.configuration_changed();
  set_configuration(next);
}

bool World::ended_by_fault(const std::string& agent) const {
  if (!shell_) return false;
  const auto status = shell_->machine().status(agent);
  return status && (status->phase == reconciler::Phase::succeeded || status->phase == reconciler::Phase::failed);
}

void World::set_configuration(std::shared_ptr<const specs::Configuration> configuration) {
  configuration_ = std::move(configuration);
  shell_->configuration_changed();
}

std::map<std::string, std::string> World::end_state() const {
  std::map<std::string, std::string> state;
  for (const auto& [id, container] : engine_->containers()) {
    const auto& labels = container->shown.config.labels;
    const auto agent = labels.find(std::string(reconciler::label::agent));
    const auto hash = labels.find(std::string(reconciler::label::config_hash));
    if (!ours(*container) || agent == labels.end() || !container->live()) continue;
    if (container->weakened) continue;  // only a person starts that (S5), before the controller removes it
    state[agent->second] += hash == labels.end() ? "?" : hash->second;
  }
  return state;
}

std::shared_ptr<Container> World::container_of(const std::string& agent, bool live) {
  std::shared_ptr<Container> found;
  std::int64_t highest = 0;
  for (const auto& [id, container] : engine_->containers()) {
    const auto& labels = container->shown.config.labels;
    if (!ours(*container)) continue;
    const auto named = labels.find(std::string(reconciler::label::agent));
    if (named == labels.end() || named->second != agent || (live && !container->live())) continue;
    const std::int64_t attempt = reconciler::number_of(labels, reconciler::label::attempt);
    if (attempt <= highest) continue;
    highest = attempt;
    found = container;
  }
  return found;
}

}  // namespace cofferdam::sim
