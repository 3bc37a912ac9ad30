#include "tests/fuzz/machine_world.hpp"

#include <cstdio>

#include "reconciler/records.hpp"
#include "tests/fuzz/machine_images.hpp"

namespace cofferdam::fuzz {

using docker::ContainerState;
using reconciler::WallTime;

namespace {

constexpr std::array<std::string_view, 4> agents{"a", "b", "c", "d"};

docker::Error status(int code, std::string message) {
  docker::Error error;
  error.error_class = docker::ErrorClass::status;
  error.status = code;
  error.message = std::move(message);
  return error;
}

docker::ImageDetails image(std::string_view reference) {
  docker::ImageDetails details;
  details.id = image_id(reference);
  details.env = {"PATH=/usr/bin", "NODE_OPTIONS=--inspect"};
  if (reference == image_references[2]) details.volumes = {"/data"};
  return details;
}

bool is_live(ContainerState state) {
  return state == ContainerState::running || state == ContainerState::paused || state == ContainerState::restarting;
}

docker::ContainerSummary row_of(const docker::ContainerDetails& details) {
  docker::ContainerSummary row;
  row.id = details.id;
  row.name = details.name;
  row.image = details.config.image;
  row.image_id = details.image_id;
  row.state = details.state;
  row.labels = details.config.labels;
  row.mounts = details.mounts;
  return row;
}

/// One document: an agent with some of the fields that the decision looks at.
std::string document(Input& input) {
  const std::string name = MachineWorld::agent(input.byte() % 4);
  const std::uint8_t life = input.byte();
  const std::uint8_t more = input.byte();
  std::string text = "apiVersion: cofferdam/v1\nkind: Agent\nmetadata: {name: " + name + "}\nspec:\n";
  const auto put = [&text](const std::string& line) { text += "  " + line + "\n"; };
  put("workspacePath: /srv/w/" + ((more & 1U) != 0 ? "shared" : (more & 2U) != 0 ? "shared/" + name : name));
  put("command: [run, \"" + std::to_string(more >> 6U) + "\"]");
  put("image: " + std::string(image_references[(life >> 2U) % 3]));
  put("user: " + std::string((more & 4U) != 0 ? "1000:1000" : (more & 8U) != 0 ? "ghost" : "node"));
  put("networkMode: " + std::string((more & 16U) != 0 ? "bridge" : (more & 32U) != 0 ? "host" : "none"));
  put(std::string("restartPolicy: ") + ((life & 3U) == 0 ? "Never" : (life & 3U) == 1 ? "Always" : "OnFailure"));
  if ((life & 16U) != 0) put("activeDeadlineSeconds: 60");
  if ((life & 32U) != 0) put("ttlSecondsAfterFinished: 30");
  if ((life & 64U) != 0) put("suspend: true");
  if ((life & 128U) != 0) put((life & 64U) != 0 ? "remove: true" : "imagePullPolicy: Always");
  return text;
}

}  // namespace

MachineWorld::MachineWorld()
    : images_{std::string(image_references[0])}, registry_{image_references.begin(), image_references.end()} {
  now.mono = reconciler::Monotonic(std::chrono::hours(1));
  now.wall = WallTime(std::chrono::seconds(1'767'323'045));
  now.boot = now.wall - std::chrono::hours(1);
  now.boot_id = "boot-1";
}

std::string MachineWorld::agent(std::uint8_t choice) {
  return choice < agents.size() ? std::string(agents[choice]) : "nobody";
}

std::string MachineWorld::container(std::uint8_t choice) const {
  const std::size_t number = choice % (containers_.size() + 1);
  if (number == containers_.size()) return std::string(64, 'f');
  return std::next(containers_.begin(), static_cast<std::ptrdiff_t>(number))->first;
}

// ------------------------------------------------------------------------------------------------ folder

std::string MachineWorld::edit(Input& input) {
  const std::string name = std::string(1, static_cast<char>('a' + input.below(4))) + ".yaml";
  ++edits_;
  switch (input.below(8)) {
    case 0: files_.erase(name); break;
    case 1: files_[name] = std::string(input.piece(input.below(64))); break;
    case 2: files_[name] = document(input) + "  nonsense: 1\n"; break;
    case 3: {
      const std::string first = document(input);
      files_[name] = first + "---\n" + document(input);
      break;
    }
    case 4:
      if (input.flag()) files_.clear();
      ++directory_;
      break;
    default: files_[name] = document(input); break;
  }
  return name;
}

specs::DirSnapshot MachineWorld::snapshot(std::uint64_t scan, std::uint8_t how) const {
  specs::DirSnapshot snapshot;
  snapshot.scan = scan;
  snapshot.device = 1;
  snapshot.inode = directory_;
  snapshot.mode = 0750;
  snapshot.complete = how % 16 != 1;
  if (!snapshot.complete) {
    snapshot.error = "Input/output error";
    return snapshot;
  }
  for (const auto& [name, content] : files_) {
    specs::DirEntry entry;
    entry.name = name;
    entry.inode = edits_ * 8 + static_cast<std::uint64_t>(name[0] - 'a');
    entry.size = static_cast<std::int64_t>(content.size());
    entry.mtime_ns = static_cast<std::int64_t>(edits_);
    entry.mode = 0640;
    if (how % 16 == 2) {
      entry.error = 13;
    } else if (how % 16 == 3) {
      entry.type = specs::FileType::fifo;
    } else if (how % 16 != 4) {  // 4: said to be unchanged, whether it was handed over or not
      entry.bytes = std::make_shared<const std::string>(content);
    }
    snapshot.entries.push_back(std::move(entry));
  }
  return snapshot;
}

std::shared_ptr<const specs::Configuration> MachineWorld::configuration(std::uint8_t how) {
  auto configuration = std::make_shared<specs::Configuration>();
  configuration->policy.workspace_roots = {"/srv/w"};
  configuration->sandbox.env_whitelist = specs::default_env_whitelist();
  if ((how & 1U) != 0) configuration->sandbox.default_memory_mb = 256;
  if ((how & 2U) != 0) configuration->policy.total_memory_mb = 600;
  if ((how & 4U) != 0) configuration->policy.allowed_networks = {"none"};
  if ((how & 8U) != 0) configuration->engine.max_concurrent_operations = 1;
  if ((how & 16U) != 0) configuration->policy.on_violation = specs::OnViolation::report;
  if ((how & 32U) != 0) configuration->policy.tolerate_missing = {"swap"};
  if ((how & 64U) != 0) configuration->deletion.budget_count = 1;
  if ((how & 128U) != 0) configuration->sandbox.enabled = (how & 64U) != 0;
  return configuration;
}

reconciler::StateLoaded MachineWorld::state(Input& input) const {
  reconciler::StateLoaded loaded;
  const std::uint8_t how = input.byte();
  loaded.known = how % 8 != 1;
  if (!loaded.known) {
    loaded.error = "Input/output error";
    return loaded;
  }
  for (const auto& [key, bytes] : records) loaded.records.push_back({key, bytes});
  if (how % 8 == 2) {  // what a disk may say
    const std::array<std::string, 4> keys{"agents/" + agent(input.byte() % 4), "stops/" + container(input.byte()),
                                          "files/" + agent(input.byte() % 4) + ".yaml", "engine"};
    loaded.records.push_back({input.pick(keys), std::string(input.piece(input.below(128)))});
  }
  if (how % 8 == 3) {
    reconciler::AgentRecord record;
    reconciler::Outcome& outcome = record.outcome.emplace();
    outcome.attempt = std::max<std::int64_t>(1, input.number());
    outcome.container_id = container(input.byte());
    outcome.restarts = input.number();
    outcome.failures = input.number();
    if (input.flag()) outcome.exit_code = input.byte();
    if (input.flag()) outcome.started_at = WallTime(std::chrono::nanoseconds(input.number()));
    if (input.flag()) outcome.finished_at = WallTime(std::chrono::nanoseconds(input.number()));
    if (input.flag()) outcome.stopped = static_cast<reconciler::StopCause>(input.below(9));
    loaded.records.push_back({"agents/" + agent(input.byte() % 4), to_bytes(record)});
  }
  if (how % 8 == 4) {
    reconciler::ContactRecord contact;
    contact.contact = WallTime(std::chrono::nanoseconds(input.number()));
    contact.boot = WallTime(std::chrono::nanoseconds(input.number()));
    contact.boot_id = input.flag() ? "boot-0" : "boot-1";
    loaded.records.push_back({"engine", to_bytes(contact)});
  }
  return loaded;
}

// ------------------------------------------------------------------------------------------------ engine

docker::EngineInfo MachineWorld::info() {
  docker::EngineInfo info;
  info.id = "ENGINE";
  info.processors = 2;
  info.memory_bytes = std::int64_t{8} << 30U;
  info.security_options = {"name=seccomp,profile=default"};
  info.runtimes = {"runc"};
  info.memory_limit = info.swap_limit = info.cpu_cfs_quota = info.pids_limit = true;
  return info;
}

docker::ContainerDetails* MachineWorld::find(const std::string& id_or_name) {
  for (auto& [id, details] : containers_) {
    if (id == id_or_name || details.name == id_or_name) return &details;
  }
  return nullptr;
}

std::string MachineWorld::new_id() {
  std::array<char, 65> text{};
  std::snprintf(text.data(), text.size(), "%064llx", static_cast<unsigned long long>(++ids_));
  return text.data();
}

docker::Result MachineWorld::create(const docker::ContainerCreate& request) {
  if (find(request.name) != nullptr) {
    return status(409, "Conflict. The container name \"/" + request.name + "\" is already in use by container \"x\".");
  }
  std::string id;
  for (const auto reference : image_references) {
    if (image_id(reference) == request.config.image && images_.contains(std::string(reference))) id = image_id(reference);
  }
  if (id.empty()) return status(404, "No such image: " + request.config.image);
  Details details;
  details.id = new_id();
  details.name = request.name;
  details.created = now.wall;
  details.image_id = id;
  details.config = request.config;
  details.host_config = request.host_config;
  for (const auto& mount : request.host_config.mounts) {
    details.mounts.push_back({mount.type, mount.source, mount.target, !mount.read_only, mount.propagation});
  }
  containers_[details.id] = details;
  return docker::Reply{docker::ContainerCreated{details.id, {}}};
}

docker::Result MachineWorld::start(Details& container, std::uint8_t how) {
  if (is_live(container.state)) return docker::Reply{docker::Done{true}};
  if (how % 8 == 1) return status(400, "OCI runtime create failed: exec: \"run\": executable file not found in $PATH: unknown");
  if (how % 8 == 2) return status(404, "network none not found");
  container.state = ContainerState::running;
  container.running = true;
  container.pid = 100 + static_cast<std::int64_t>(ids_);
  container.started_at = now.wall;
  container.finished_at.reset();
  return docker::Reply{docker::Done{}};
}

void MachineWorld::end(Details& container, std::int64_t code) {
  container.state = ContainerState::exited;
  container.running = container.paused = false;
  container.pid = 0;
  container.exit_code = code;
  container.finished_at = now.wall;
}

docker::Result MachineWorld::kill(Details& container, const std::string& signal, std::uint8_t how) {
  if (!is_live(container.state)) return status(409, "Cannot kill container: Container " + container.id + " is not running");
  if (signal == "KILL" || how % 4 != 1) end(container, signal == "KILL" ? 137 : 143);
  return docker::Reply{docker::Done{}};
}

docker::Result MachineWorld::remove(Details& container, bool force) {
  if (is_live(container.state) && !force) return status(409, "You cannot remove a running container " + container.id);
  if (container.state == ContainerState::removing) {
    return status(409, "removal of container " + container.id + " is already in progress");
  }
  containers_.erase(std::string(container.id));
  return docker::Reply{docker::Done{}};
}

docker::Result MachineWorld::carry_out(const docker::Request& request, std::uint8_t how) {
  if (std::holds_alternative<docker::ContainerList>(request)) {
    std::vector<docker::ContainerSummary> rows;
    for (const auto& [id, details] : containers_) rows.push_back(row_of(details));
    return docker::Reply{rows};
  }
  if (const auto* create_one = std::get_if<docker::ContainerCreate>(&request)) return create(*create_one);
  if (const auto* look = std::get_if<docker::ImageInspect>(&request)) {
    for (const auto& reference : images_) {
      if (reference == look->reference || image_id(reference) == look->reference) return docker::Reply{image(reference)};
    }
    return status(404, "No such image: " + look->reference);
  }
  if (const auto* pull = std::get_if<docker::ImagePull>(&request)) {
    if (!registry_.contains(pull->reference)) {
      docker::Error error;
      error.error_class = docker::ErrorClass::in_stream;
      error.message = "manifest unknown";
      return error;
    }
    images_.insert(pull->reference);
    return docker::Reply{docker::ImagePulled{image_id(pull->reference)}};
  }
  const std::string id = docker::object_of(request);
  Details* container = find(id);
  if (container == nullptr) return status(404, "No such container: " + id);
  if (std::holds_alternative<docker::ContainerInspect>(request)) return docker::Reply{*container};
  if (std::holds_alternative<docker::ContainerStart>(request)) return start(*container, how);
  if (const auto* kill_one = std::get_if<docker::ContainerKill>(&request)) return kill(*container, kill_one->signal, how);
  if (const auto* remove_one = std::get_if<docker::ContainerRemove>(&request)) return remove(*container, remove_one->force);
  if (const auto* archive = std::get_if<docker::ContainerArchive>(&request)) {
    if (how % 8 == 1) return status(404, "Could not find the file " + archive->path + " in container " + id);
    if (archive->path == "/etc/passwd") {
      return docker::Reply{docker::ArchiveFile{"passwd", how % 8 == 2 ? "node:x:0:0::/:\n" : "node:x:1000:1000::/:\n"}};
    }
    return docker::Reply{docker::ArchiveFile{"group", "node:x:1000:\n"}};
  }
  return status(501, "not played");
}

docker::Error MachineWorld::error(const docker::Request& request, std::uint8_t how) {
  using docker::ErrorClass;
  static const std::array<docker::Error, 16> errors{{
      {ErrorClass::refused, 0, "", "", "connection refused"},
      {ErrorClass::no_permission, 0, "", "", "permission denied"},
      {ErrorClass::reset, 0, "", "", "connection reset by peer"},
      {ErrorClass::timeout, 0, "", "", "no answer in time"},
      {ErrorClass::cancelled, 0, "", "", "withdrawn"},
      {ErrorClass::protocol, 0, "", "", "not JSON"},
      {ErrorClass::in_stream, 0, "", "", "toomanyrequests"},
      {ErrorClass::status, 400, "", "", "bad parameter"},
      {ErrorClass::status, 404, "", "", "No such container: x"},
      {ErrorClass::status, 404, "", "", "No such image: x"},
      {ErrorClass::status, 404, "", "", "network n not found"},
      {ErrorClass::status, 409, "", "", "is not running"},
      {ErrorClass::status, 409, "", "", "is already in use by container"},
      {ErrorClass::status, 409, "", "", "removal of container x is already in progress"},
      {ErrorClass::status, 500, "", "", "internal error"},
      {ErrorClass::status, 503, "", "", "unavailable"},
  }};
  docker::Error error = errors[how % errors.size()];
  error.operation = docker::operation_of(request);
  error.object = docker::object_of(request);
  return error;
}

}  // namespace cofferdam::fuzz
