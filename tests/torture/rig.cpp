#include "rig.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <type_traits>
#include <utility>
#include <variant>

#include "docker/json.hpp"

namespace cofferdam::torture {

using controller::SpecDirectory;
using controller::testing::write_file;
using reconciler::Input;
using reconciler::Monotonic;

namespace {

constexpr milliseconds patience = seconds{100};

bool changes_something(const docker::Request& request) {
  return std::visit(
      [](const auto& one) {
        using T = std::decay_t<decltype(one)>;
        return std::is_same_v<T, docker::ContainerCreate> || std::is_same_v<T, docker::ContainerStart> ||
               std::is_same_v<T, docker::ContainerKill> || std::is_same_v<T, docker::ContainerStop> ||
               std::is_same_v<T, docker::ContainerRemove>;
      },
      request);
}

/// The agent that a container is of; "probe" for one that only an image is looked into with.
std::string agent_of(const docker::ContainerCreate& made) {
  const auto& labels = made.config.labels;
  const auto label = labels.find("cofferdam.agent");
  if (label != labels.end()) return label->second;
  const auto role = labels.find("cofferdam.role");
  return role == labels.end() ? "" : role->second;
}

}  // namespace

std::string spec_of(const std::string& agent, const std::string& version) {
  return "apiVersion: cofferdam/v1\nkind: Agent\nmetadata: {name: " + agent +
         "}\nspec:\n  workspacePath: /srv/cofferdam/workspaces/" + agent +
         "\n  command: [node, agent.js]\n  env: {LOG_LEVEL: " + version + "}\n  restartPolicy: Always\n";
}

Rig::Rig() : Rig(Options{}) {}

Rig::Rig(Options options) : options_(std::move(options)), directory_(options_.directory) {
  now_.boot = reconciler::WallTime{std::chrono::hours{490000}};
  now_.wall = now_.boot + std::chrono::hours{1};
  now_.mono = Monotonic{std::chrono::hours{1}};
  now_.boot_id = "boot-1";
  engine.add_image("docker.io/library/node:20-alpine", "a");
  if (directory_.empty()) directory_ = temp_.at("agents.d");
  make_folder();
  start();
  pass(seconds{1});
  take_down_healthy();
  for (const std::string& agent : known_agents_) EXPECT_FALSE(containers_.at(agent).empty()) << agent << " does not run";
}

Rig::~Rig() {
  crash();
}

void Rig::make_folder() {
  ::mkdir(directory_.c_str(), 0755);
  for (const std::string& agent : options_.neighbours) {
    write_file(at(agent + ".yaml"), spec_of(agent));
    healthy(agent);
    allow(agent);
  }
  if (options_.victim.empty()) return;
  write_file(at("victim.yaml"), options_.victim_text.empty() ? spec_of(options_.victim) : options_.victim_text);
  allow(options_.victim);
}

void Rig::watch() {
  pool_ = std::make_unique<controller::PathPool>(io_, controller::PathPoolBounds{2, 2});
  SpecDirectory::Options options;
  options.directory = directory_;
  spec_directory_ = std::make_unique<SpecDirectory>(
      io_, *pool_, options,
      SpecDirectory::Handlers{[this](specs::DirSnapshot snapshot) {
                                --reading_;
                                inbox_.emplace_back(std::move(snapshot));
                              },
                              [this](reconciler::FileChanged change) { inbox_.emplace_back(std::move(change)); },
                              [this](std::string trouble) { trouble_ = std::move(trouble); }});
}

void Rig::start() {
  watch();
  machine_ = std::make_unique<reconciler::Reconciler>(reconciler::Identity{"default", "cofferdam", "1.0"});
  auto configuration = std::make_shared<specs::Configuration>();
  configuration->sandbox.env_whitelist = specs::default_env_whitelist();
  inbox_.emplace_back(reconciler::ConfigRead{configuration, {"/etc/cofferdam", "/var/lib/cofferdam"}});
  reconciler::StateLoaded loaded;
  loaded.known = true;
  for (const auto& [key, bytes] : state) loaded.records.push_back({key, bytes});
  inbox_.emplace_back(std::move(loaded));
  reconciler::Session session;
  session.epoch = ++epoch_;
  session.state = reconciler::Session::State::up;
  session.facts.info.processors = 2;
  session.facts.info.memory_bytes = std::int64_t{64} << 30;
  session.facts.info.log_drivers = {"local", "json-file"};
  session.facts.version.version = "20.10.24";
  inbox_.emplace_back(std::move(session));
}

void Rig::crash() {
  if (spec_directory_) spec_directory_->stop();
  if (pool_) pool_->stop();
  spec_directory_.reset();
  io_.poll();
  pool_.reset();
  machine_.reset();
  pending_.clear();
  inbox_.clear();
  engine.events.clear();
  wake_.reset();
  reading_ = 0;
}

bool Rig::step() {
  if (!pending_.empty()) {
    const reconciler::Effect effect = std::move(pending_.front());
    pending_.pop_front();
    std::visit([this](const auto& one) { carry_out(one); }, effect);
    return true;
  }
  if (!inbox_.empty()) {
    const Input input = std::move(inbox_.front());
    inbox_.pop_front();
    deliver(input);
    return true;
  }
  if (!engine.events.empty()) {
    docker::Event event = std::move(engine.events.front());
    engine.events.pop_front();
    deliver(reconciler::Event{epoch_, std::move(event)});
    return true;
  }
  return false;
}

void Rig::deliver(const Input& input) {
  for (reconciler::Effect& effect : machine_->handle(input, now_)) pending_.push_back(std::move(effect));
}

void Rig::drain() {
  int steps = 0;
  while (step()) ASSERT_LT(++steps, 5'000'000) << "it never comes to rest";
}

void Rig::settle() {
  const auto end = std::chrono::steady_clock::now() + patience;
  // What a call of the system did is in the inotify queue when it returns: two looks that bring nothing, and it is empty.
  for (int quiet = 0; quiet < 2;) {
    drain();
    const bool heard = reading_ > 0 ? io_.run_one_for(milliseconds{100}) > 0 : io_.poll() > 0;
    quiet = heard || reading_ > 0 || !inbox_.empty() || !pending_.empty() ? 0 : quiet + 1;
    if (std::chrono::steady_clock::now() > end) {
      ADD_FAILURE() << "the controller does not come to rest";
      return;
    }
  }
}

void Rig::move_to(Monotonic moment) {
  now_.wall += moment - now_.mono;
  now_.mono = moment;
}

/// The timer rings, where it does so until `end`.
bool Rig::ring(Monotonic end) {
  if (!wake_ || *wake_ > end) return false;
  move_to(std::max(*wake_, now_.mono));
  wake_.reset();
  inbox_.emplace_back(reconciler::Timer{});
  return true;
}

void Rig::pass(std::chrono::nanoseconds span) {
  settle();
  const Monotonic end = now_.mono + span;
  int rings = 0;
  while (ring(end)) {
    settle();
    ASSERT_LT(++rings, 200'000) << "timers ring without end";
  }
  move_to(end);
}

void Rig::moment(milliseconds span) {
  constexpr int most_heard = 50;
  for (int heard = 0; heard < most_heard && io_.run_one_for(milliseconds{1}) > 0; ++heard) {
  }
  drain();
  const Monotonic end = now_.mono + span;
  ring(end);
  drain();
  move_to(end);
}

bool Rig::until(const std::function<bool()>& so, milliseconds bound) {
  const auto end = std::chrono::steady_clock::now() + bound;
  settle();
  while (!so()) {
    if (std::chrono::steady_clock::now() > end) return false;
    pass(milliseconds{50});
  }
  return true;
}

void Rig::note_call(const reconciler::Call& call) {
  if (!changes_something(call.request)) return;
  std::string agent;
  if (const auto* const create = std::get_if<docker::ContainerCreate>(&call.request)) {
    agent = agent_of(*create);
    EXPECT_TRUE(docker::encode_create(create->config, create->host_config)) << "what " << agent << " is made of cannot be sent";
  } else if (const auto found = engine.containers.find(docker::object_of(call.request)); found != engine.containers.end()) {
    agent = agent_of(found->second.made);
  }
  ++changes_[agent];
  if (healthy_.contains(agent) && containers_.contains(agent)) {
    disturbances_.push_back(std::string(docker::operation_of(call.request)) + " of healthy " + agent + ": " + call.cause);
  } else if (!known_agents_.contains(agent) && agent != "probe") {
    disturbances_.push_back(std::string(docker::operation_of(call.request)) + " of " + agent + ", whom nobody asked for");
  }
}

void Rig::carry_out(const reconciler::Scan& scan) {
  ++reading_;
  ++scans_;
  spec_directory_->scan(scan.scan);
}

void Rig::carry_out(const reconciler::CheckWorkspace& check) {
  reconciler::WorkspaceChecked checked;
  checked.id = check.id;
  checked.agent = check.agent;
  checked.facts.kind = specs::WorkspaceFacts::Kind::directory;
  checked.facts.inode = std::hash<std::string>{}(check.path);
  checked.facts.uid = 1000;
  checked.facts.gid = 1000;
  checked.facts.mode = 0755;
  checked.facts.free_mb = 100000;
  checked.facts.nosuid = true;
  checked.facts.nodev = true;
  inbox_.emplace_back(std::move(checked));
}

void Rig::carry_out(const reconciler::Save& save) {
  if (save.bytes.empty()) {
    state.erase(save.key);
  } else {
    state[save.key] = save.bytes;
  }
  inbox_.emplace_back(reconciler::SaveDone{save.key, save.version, true, {}});
}

void Rig::carry_out(const reconciler::Call& call) {
  note_call(call);
  inbox_.emplace_back(reconciler::Reply{call.epoch, call.id, engine.apply(call.request, now_)});
}

void Rig::carry_out(const reconciler::Cancel& cancel) {
  ADD_FAILURE() << "a call is withdrawn, and none was held back: " << cancel.id;
}

void Rig::carry_out(const reconciler::Verify& verify) {
  reconciler::Verified verified;
  verified.agent = verify.agent;
  verified.container_id = verify.container_id;
  verified.verdict = reconciler::Verified::Verdict::unverifiable;
  verified.why = "nobody looks here";
  inbox_.emplace_back(std::move(verified));
}

const specs::FileView* Rig::file(const std::string& name) const {
  const auto found = machine_->files().find(name);
  return found == machine_->files().end() ? nullptr : &found->second;
}

std::string Rig::phase(const std::string& agent) const {
  const auto status = machine_->status(agent);
  if (!status) return "unknown";
  std::string text(reconciler::name_of(status->phase));
  if (!status->reason.empty()) text += "/" + status->reason + " " + status->message;
  return text;
}

std::string Rig::container(const std::string& agent) const {
  const auto live = engine.running(agent);
  return live.size() == 1 ? live.front()->id : "";
}

std::string Rig::version(const std::string& agent) const {
  const auto live = engine.running(agent);
  if (live.size() != 1) return "";
  for (const std::string& variable : live.front()->made.config.env) {
    if (variable.starts_with("LOG_LEVEL=")) return variable.substr(10);
  }
  return "";
}

std::size_t Rig::logged(const std::string& event) const {
  return static_cast<std::size_t>(std::count_if(log.begin(), log.end(), [&](const auto& line) { return line.event == event; }));
}

int Rig::changes(const std::string& agent) const {
  const auto found = changes_.find(agent);
  return found == changes_.end() ? 0 : found->second;
}

void Rig::take_down_healthy() {
  disturbances_.clear();
  containers_.clear();
  changes_.clear();
  log.clear();
  engine.calls.clear();
  for (const std::string& agent : known_agents_) containers_[agent] = container(agent);
}

void Rig::expect_healthy_undisturbed() {
  for (const std::string& disturbance : disturbances_) ADD_FAILURE() << disturbance;
  for (const std::string& agent : healthy_) {
    EXPECT_EQ(container(agent), containers_.at(agent)) << agent;
    // Before its first look a controller knows of nobody; whoever runs, runs on.
    if (machine_->summary().last_scan) EXPECT_EQ(phase(agent), "Running") << agent;
  }
}

void Rig::expect_victim_untouched() {
  const std::string& victim = options_.victim;
  EXPECT_FALSE(containers_.at(victim).empty()) << "it did not run to begin with";
  EXPECT_EQ(container(victim), containers_.at(victim));
  EXPECT_EQ(changes(victim), 0);
  EXPECT_EQ(phase(victim), "Running");
}

void Rig::expect_named(const std::string& name, bool in_text) {
  const specs::FileView* const view = file(name);
  ASSERT_NE(view, nullptr) << name << " is not known";
  EXPECT_NE(view->state, specs::FileState::good) << name;
  ASSERT_FALSE(view->problems.empty()) << name;
  for (const specs::Problem& problem : view->problems) {
    const std::string text = to_string(problem);
    EXPECT_EQ(problem.place.file, name) << text;
    EXPECT_TRUE(text.starts_with(name)) << text;
    EXPECT_FALSE(problem.what.empty()) << text;
    EXPECT_FALSE(problem.mend.empty()) << text;
    if (in_text) EXPECT_TRUE(problem.place.line > 0 && problem.place.column > 0) << text;
  }
}

}  // namespace cofferdam::torture
