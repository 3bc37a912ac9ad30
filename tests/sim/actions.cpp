// What people, the engine and the host do, by the verbs of a plan; and healing.

#include <utility>

#include "reconciler/ownership.hpp"
#include "tests/sim/world.hpp"

namespace cofferdam::sim {

namespace label_key = reconciler::label;

void World::do_item(const Item& item) {
  trace_.fact(item.verb);
  trace_.line(schedule.now(), [&] { return "DOES " + to_text(item); });
  if (do_people(item) || do_others(item) || do_engine(item) || do_folder(item) || do_host(item)) {
    took_place(item.verb);
    return;
  }
  checks_.violated("plan", "no such verb: " + item.verb);
}

/// Ends a lasting fault after its time, or when all is healed.
void World::lift(SimTime after_time, std::function<void()> heal) {
  unhealed_.push_back(heal);
  schedule.after(after_time, [this, heal = std::move(heal)] {
    if (!healed_) heal();
  });
}

bool World::do_people(const Item& item) {
  const std::string& verb = item.verb;
  const auto current = [&](bool live) { return container_of(item.target, live); };
  const auto on = [&](bool live, const std::function<void(Container&)>& act) {
    if (const auto container = current(live); container && engine_->up() && !engine_->hung()) act(*container);
    return true;
  };
  const auto call = [this](const docker::Request& request) { engine_->call(Who::person, request, [](docker::Result) {}); };
  if (verb == "kill") return on(true, [&](Container& c) { call(docker::ContainerKill{c.shown.id, item.argument}); });
  if (verb == "stop") return on(true, [&](Container& c) { engine_->stop(Who::person, c.shown.id, 10 * second); });
  if (verb == "rm") return on(false, [&](Container& c) { call(docker::ContainerRemove{c.shown.id, true}); });
  if (verb == "start") return on(false, [&](Container& c) { call(docker::ContainerStart{c.shown.id}); });
  if (verb == "restart") {
    return on(true, [&](Container& c) {
      engine_->stop(Who::person, c.shown.id, second);
      schedule.after(3 * second, [this, id = c.shown.id] {
        if (engine_->up()) engine_->call(Who::person, docker::ContainerStart{id}, [](docker::Result) {});
      });
    });
  }
  if (verb == "pause") {
    return on(true, [&](Container& c) {
      engine_->pause(c.shown.id);
      lift(item.number * millisecond, [this, id = c.shown.id] { engine_->unpause(id); });
    });
  }
  if (verb == "rename") {
    return on(false, [&](Container& c) {
      engine_->rename(c.shown.id, "renamed-" + std::to_string(++copies_));
      leftovers_.push_back(c.shown.id);
    });
  }
  if (verb == "policy") {
    return on(true, [&](Container& c) {
      engine_->set_restart_policy(c.shown.id, item.argument);
      unhealed_.push_back([this, id = c.shown.id] { engine_->set_restart_policy(id, "no"); });
    });
  }
  if (verb == "exec") return on(true, [&](Container& c) { engine_->exec(c.shown.id, "sh -c true"); });
  if (verb == "old-start") {
    // `docker start` of the oldest that ended.
    for (const auto& [id, container] : engine_->containers()) {
      if (container->maker != Who::controller || !engine_->up()) continue;
      if (container->shown.state != docker::ContainerState::exited) continue;
      call(docker::ContainerStart{id});
      break;
    }
    return true;
  }
  if (verb == "copy") {
    return on(false, [&](Container& c) {
      const std::string id = engine_->commit_and_run(c.shown.id, "copy-" + std::to_string(++copies_));
      leftovers_.push_back(id);
    });
  }
  if (verb == "decoy") {
    if (!engine_->up() || engine_->hung()) return true;
    docker::ContainerCreate create;
    create.config.image = "docker.io/library/node:20-alpine";
    create.config.entrypoint = std::vector<std::string>{"agent"};
    create.host_config.network_mode = "none";
    auto& labels = create.config.labels;
    const auto put = [&labels](std::string_view key, const std::string& value) { labels[std::string(key)] = value; };
    std::uint64_t number = 500 + ++copies_;
    if (item.argument == "name") {  // the very next one
      const auto newest = container_of(item.target, false);
      number =
          newest ? static_cast<std::uint64_t>(reconciler::number_of(newest->shown.config.labels, label_key::attempt)) + 1 : 1;
    }
    create.name = "cofferdam-default-" + item.target + "-" + std::to_string(number);
    if (item.argument != "name") {
      put(label_key::managed_by, "cofferdam");
      put(label_key::instance, item.argument == "instance" ? "other" : "default");
      put(label_key::role, item.argument == "role" ? "sidecar" : "agent");
      put(label_key::agent, item.target);
      put(label_key::name, item.argument == "label" ? "another-name" : create.name);
      put(label_key::attempt, item.argument == "attempt" ? "0" : "500");
      // Each is wrong in one way only: what another check would find as well shows nothing.
      const auto image_id = std::make_shared<std::string>("sha256:0");
      engine_->call(Who::person, docker::ImageInspect{create.config.image}, [image_id](const docker::Result& result) {
        const auto* reply = std::get_if<docker::Reply>(&result);
        if (reply != nullptr) *image_id = std::get<docker::ImageDetails>(*reply).id;
      });
      put(label_key::image_id, item.argument == "image" ? "sha256:0" : *image_id);
      put(label_key::run_hash, "r");
      put(label_key::config_hash, "c");
      put(label_key::schema, "1");
    }
    if (item.argument == "mount") {
      labels.clear();
      const auto wanted = intent_.find(item.target);
      const std::string path =
          wanted == intent_.end() || wanted->second.workspace.empty() ? "/srv/w/" + item.target : wanted->second.workspace;
      docker::Mount mount;
      mount.source = path;
      if (leftovers_.size() % 2 == 1) {  // what is inside occupies it too
        mount.source += "/inside";
        host.workspaces[mount.source] = host.workspaces[path];
      }
      mount.target = "/data";
      create.host_config.mounts = {mount};
    }
    const std::string id = engine_->run(Who::person, create);
    leftovers_.push_back(id);
    return true;
  }
  if (verb == "confirm") {
    if (shell_ && !shell_->machine().held().empty()) {
      shell_->command(reconciler::ConfirmDeletions{shell_->machine().held().front().id});
    }
    return true;
  }
  if (verb == "release") {
    if (shell_) shell_->command(reconciler::Release{item.target});
    return true;
  }
  return false;
}

bool World::do_engine(const Item& item) {
  const std::string& verb = item.verb;
  const SimTime span = item.number * millisecond;
  if (verb == "engine-kill" || verb == "engine-stop") {
    if (!engine_->up()) return true;
    engine_->daemon_stops(verb == "engine-kill");
    if (shell_) shell_->engine_went_away();
    lift(span, [this] { daemon_starts(); });
    return true;
  }
  if (verb == "engine-hang") {
    engine_->daemon_hangs(true);
    lift(span, [this] { engine_->daemon_hangs(false); });
    return true;
  }
  if (verb == "stream-break" || verb == "stream-gap") {
    if (shell_) shell_->stream_breaks(verb == "stream-gap");
    return true;
  }
  const auto flag = [&](bool Container::* member, bool live) {
    const auto container = container_of(item.target, live);
    if (!container) return true;
    (*container).*member = true;
    lift(span, [container, member] { (*container).*member = false; });
    return true;
  };
  if (verb == "ghost") {
    // The engine believes that it runs, and it has no process any more.
    const auto container = container_of(item.target, true);
    if (!container || container->shown.state != docker::ContainerState::running) return true;
    container->process = 0;
    container->shown.pid = 0;
    container->ghost = true;
    lift(span, [this, container] {
      if (!container->ghost || !container->live() || !engine_->up()) return;
      container->ghost = false;
      engine_->call(Who::person, docker::ContainerRemove{container->shown.id, true}, [](docker::Result) {});
    });
    return true;
  }
  if (verb == "unkillable") return flag(&Container::unkillable, true);
  if (verb == "sticky-removal") return flag(&Container::removal_sticks, false);
  if (verb == "inspect-hangs") return flag(&Container::inspect_hangs, false);
  if (verb == "image-gone") {
    engine_->drop_image("docker.io/library/node:20-alpine");
    lift(span, [this] { engine_->load("docker.io/library/node:20-alpine", image(1)); });
    return true;
  }
  if (verb == "image-moves") {
    Image moved = image(100 + static_cast<std::uint64_t>(++copies_));
    if (item.argument == "volume") {
      moved.details.volumes = {"/data"};  // which no agent may have
      lift(span, [this, mended = image(100 + static_cast<std::uint64_t>(++copies_))] {
        engine_->offer("docker.io/library/node:20-alpine", mended);
        engine_->load("docker.io/library/node:20-alpine", mended);
      });
    }
    engine_->offer("docker.io/library/node:20-alpine", moved);
    engine_->call(Who::person, docker::ImagePull{"docker.io/library/node:20-alpine"}, [](docker::Result) {});
    return true;
  }
  if (verb == "registry-gone") {
    engine_->withdraw("docker.io/library/node:20-alpine");
    engine_->withdraw("docker.io/library/tool:1");
    lift(span, [this] {
      engine_->offer("docker.io/library/node:20-alpine", image(1));
      engine_->offer("docker.io/library/tool:1", image(2));
    });
    return true;
  }
  if (verb == "network-gone") {
    engine_->set_network("n1", false);
    lift(span, [this] { engine_->set_network("n1", true); });
    return true;
  }
  if (verb == "phantom-name") {
    const auto container = container_of(item.target, false);
    const std::int64_t next = container ? reconciler::number_of(container->shown.config.labels, label_key::attempt) + 1 : 1;
    engine_->reserve_name("cofferdam-default-" + item.target + "-" + std::to_string(next));
    return true;
  }
  return false;
}

void World::daemon_starts() {
  if (!host_down_) engine_->daemon_starts();  // else the host brings it up
}

bool World::do_host(const Item& item) {
  const std::string& verb = item.verb;
  const SimTime span = item.number * millisecond;
  if (verb == "crash") {
    crash(span);
    return true;
  }
  if (verb == "shutdown") {
    if (shell_) shell_->shut_down();
    crash(span);
    return true;
  }
  if (verb == "reboot") {
    if (host_down_) return true;  // one that is down already comes up once
    engine_->host_dies();
    checks_.host_reboots();
    host_down_ = true;
    crash(span);
    schedule.after(span, [this] {
      host.booted = schedule.now();
      ++host.boot;
      host_down_ = false;
      daemon_starts();
      if (!shell_) start_controller();
    });
    return true;
  }
  if (verb == "clock") {
    host.wall_offset += item.number * second;
    checks_.clock_jumps();
    return true;
  }
  if (verb == "disk-full" || verb == "state-read-only" || verb == "state-unknown") {
    bool StateStore::* member = verb == "disk-full"         ? &StateStore::full
                                : verb == "state-read-only" ? &StateStore::read_only
                                                            : &StateStore::unknown;
    state_.*member = true;
    lift(span, [this, member] { state_.*member = false; });
    return true;
  }
  if (verb == "state-lost") {
    crash(span);
    state_.lose();
    checks_.state_was_lost();
    return true;
  }
  const auto wanted = intent_.find(item.target);
  const std::string path =
      wanted == intent_.end() || wanted->second.workspace.empty() ? "/srv/w/" + item.target : wanted->second.workspace;
  if (verb == "ws-missing" || verb == "ws-link" || verb == "ws-hangs" || verb == "ws-owner") {
    const auto found = host.workspaces.find(path);
    if (found == host.workspaces.end()) return true;
    Workspace& workspace = found->second;
    if (verb == "ws-missing") workspace.facts.kind = specs::WorkspaceFacts::Kind::missing;
    if (verb == "ws-link") workspace.facts.kind = specs::WorkspaceFacts::Kind::symlink_in_path;
    if (verb == "ws-owner") workspace.facts.uid = workspace.facts.gid = 0;
    if (verb == "ws-hangs") workspace.hangs = true;
    lift(span, [this, path] {
      Workspace& mended = host.workspaces[path];
      mended.facts.kind = specs::WorkspaceFacts::Kind::directory;
      mended.facts.uid = mended.facts.gid = 1000;
      mended.hangs = false;
    });
    return true;
  }
  if (verb == "ws-swap") {
    if (const auto found = host.workspaces.find(path); found != host.workspaces.end()) found->second.facts.inode += 5000;
    return true;
  }
  if (verb == "configure") {
    change_configuration(item.argument);
    return true;
  }
  return false;
}

void World::change_configuration(const std::string& what) {
  auto next = std::make_shared<specs::Configuration>(*configuration_);
  if (what == "memory") next->sandbox.default_memory_mb = next->sandbox.default_memory_mb == 512 ? 640 : 512;
  if (what == "pids") next->sandbox.security.pids_limit = next->sandbox.security.pids_limit == 100 ? 120 : 100;
  if (what == "off") next->sandbox.enabled = false;
  if (what == "on") next->sandbox.enabled = true;
  if (what == "tight") next->policy.allowed_images = {"docker.io/library/other"};
  if (what == "loose") next->policy.allowed_images.clear();
  if (what == "ceiling") next->policy.total_memory_mb = 700;
  configuration_ = next;
  checks_.configuration_changed();
  if (shell_) shell_->configuration_changed();
}

void World::heal() {
  trace_.line(schedule.now(), [] { return std::string("HEALED: from here on nothing fails"); });
  trace_.fact("healed");
  healed_ = true;
  daemon_starts();
  engine_->daemon_hangs(false);
  for (auto& undo : std::exchange(unhealed_, {})) undo();
  schedule.after(second, [this] {
    for (const std::string& id : leftovers_) {
      if (engine_->find(id)) engine_->call(Who::person, docker::ContainerRemove{id, true}, [](docker::Result) {});
    }
  });
  folder_.set_missing(false);
  folder_.set_unreadable(false);
  folder_.set_emptied(false);
  auto next = std::make_shared<specs::Configuration>(*configuration_);
  next->policy = base_configuration(plan)->policy;
  next->sandbox.enabled = true;
  configuration_ = next;
  checks_.configuration_changed();
  if (shell_) shell_->configuration_changed();
  std::set<std::string> files;
  for (const auto& [name, agent] : intent_) files.insert(agent.file);
  folder_.keep_only(files);
  for (const std::string& file : files) write_file(file, "atomic");
  const bool told_late = std::exchange(hints_lost, false);  // then the next scan finds what changed
  // One that could not read its state never will: the service manager starts another.
  if (shell_ && !shell_->machine().summary().state_known) crash(second);
  // Operators look after what is held, and let violators run again.
  const SimTime found = told_late ? plan.rescan_seconds * second : 0;
  for (const SimTime later : {2 * minute, 4 * minute, 2 * minute + found, 4 * minute + found}) {
    schedule.after(later, [this] {
      if (!shell_) return;
      for (const auto& held : std::vector<reconciler::Held>(shell_->machine().held())) {
        shell_->command(reconciler::ConfirmDeletions{held.id});
      }
      for (const auto& [agent, status] : shell_->machine().statuses()) {
        if (status.reason == "HardeningViolated") shell_->command(reconciler::Release{agent});
      }
    });
  }
}

}  // namespace cofferdam::sim
