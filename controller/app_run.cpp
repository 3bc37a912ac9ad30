// How the run loop begins, reloads and ends.

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <set>
#include <utility>

#include "controller/app.hpp"
#include "controller/directories.hpp"

namespace cofferdam::controller {

using reconciler::Severity;

namespace {

constexpr std::chrono::seconds heartbeat{10};
/// Ending takes less than a second in all: half of it for records that are being written, the rest for the engine.
constexpr std::chrono::milliseconds time_to_save{500};
constexpr std::chrono::milliseconds time_to_close{200};
/// Status files of agents that nobody knows stay an hour, as a removal's acknowledgement does.
constexpr std::chrono::hours old_status{1};
constexpr std::uint64_t beats_between_sweeps = 360;

std::string text_of(const specs::Problems& problems) {
  std::string text;
  for (const auto& problem : problems) text += (text.empty() ? "" : "\n") + to_string(problem);
  return text;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

RunResult cannot_make(const std::string& what, const std::string& error) {
  return {exit_configuration,
          what + ": " + error +
              "; make the directory for the service's user (install -d -m 0750 -o cofferdam -g cofferdam …), or "
              "name another in the configuration"};
}

const char* command_of(const RunOptions& options) {
  switch (options.mode) {
    case Mode::service: return "cofferdam run";
    case Mode::once: return "cofferdam apply";
    case Mode::dry: return options.exclusive ? "cofferdam cleanup" : "cofferdam plan";
  }
  return "cofferdam";
}

}  // namespace

RunResult run(const RunOptions& options) {
  auto loaded = load_configuration_file(options.source);
  if (const auto* const problems = std::get_if<specs::Problems>(&loaded)) return {exit_configuration, text_of(*problems)};
  auto& file = std::get<LoadedFile>(loaded);
  auto endpoint = engine_endpoint(file.loaded);
  if (const auto* const refusal = std::get_if<std::string>(&endpoint)) return {exit_configuration, *refusal};
  App app(options, std::move(file), std::move(std::get<docker::Endpoint>(endpoint)));
  return app.run();
}

RunResult App::run() {
  // A reader of the log or of a socket that went away is an error of that write, not our end.
  std::signal(SIGPIPE, SIG_IGN);
  started_at_ = now().wall;
  heartbeat_at_ = started_at_;
  if (auto failure = prepare()) return *failure;
  begin();
  io_.run();
  return result_;
}

std::optional<RunResult> App::prepare() {
  const auto& configured = configuration_->configuration;
  const bool locked = service() || options_.mode == Mode::once || options_.exclusive;
  if (locked) {
    if (auto refusal = refuse_owners()) return refusal;
    const std::string error = make_directory(configured.runtime_directory, 0750);
    if (!error.empty()) return cannot_make("runtime.directory", error);
    auto lock = InstanceLock::acquire(configured.runtime_directory, configured.instance, command_of(options_));
    if (const auto* const refusal = std::get_if<std::string>(&lock)) return RunResult{exit_usage, *refusal};
    lock_.emplace(std::move(std::get<InstanceLock>(lock)));
  }
  return service() ? prepare_service() : std::nullopt;
}

std::optional<RunResult> App::refuse_owners() const {
  const auto& configured = configuration_->configuration;
  const uid_t user = geteuid();
  std::string refusal = refuse_other_owner("state.directory", configured.state_directory, user, command_of(options_));
  // Another's runtime directory is a choice where our right to write it was given; root needs none.
  if (refusal.empty() && user == 0) {
    refusal = refuse_other_owner("runtime.directory", configured.runtime_directory, user, command_of(options_));
  }
  if (refusal.empty()) return std::nullopt;
  return RunResult{service() ? exit_configuration : exit_usage, std::move(refusal)};
}

std::optional<RunResult> App::prepare_service() {
  const auto& configured = configuration_->configuration;
  const std::string error = status_files_.prepare();
  if (!error.empty()) return RunResult{exit_configuration, error};
  StatusServerOptions options;
  options.listen = configured.server_listen;
  options.socket = configured.server_socket;
  server_ = std::make_unique<StatusServer>(io_, *this, options);
  const ListenRefusal refusal = server_->start();
  if (!refusal.text.empty()) return RunResult{refusal.by_host ? exit_unavailable : exit_configuration, refusal.text};
  return std::nullopt;
}

void App::begin() {
  log(Severity::info, "Starting",
      fmt::format("cofferdam {}, instance {}, engine {}, specs in {}", COFFERDAM_VERSION, configuration_->configuration.instance,
                  docker::address_of(engine_->endpoint()), configuration_->configuration.specs.directory));
  for (const auto& warning : warnings_) log(Severity::warning, "ConfigurationWarning", warning);
  await_signals();
  reconciler::ConfigRead read;
  read.configuration = std::shared_ptr<const specs::Configuration>(configuration_, &configuration_->configuration);
  read.controller_paths = controller_paths_;
  loop_.dispatch(std::move(read));
  const auto access = dry() ? StateStore::Access::look : StateStore::Access::take_over;
  store_.load(access, [this](StateStore::Loaded loaded) {
    if (!loaded.warning.empty()) log(Severity::warning, "StateDirectory", loaded.warning);
    state_loaded_ = true;
    loop_.dispatch(std::move(loaded.state));
  });
  session_.start();
  if (service()) {
    watch_configuration();
    write_controller_status();
    arm_heartbeat();
    arm_watchdog();
    service_manager_.ready(status_line());
  }
  const auto patience = options_.patience.count() == 0 && dry() ? std::chrono::seconds{30} : options_.patience;
  if (!service() && patience.count() > 0) {
    patience_timer_.expires_after(patience);
    patience_timer_.async_wait([this](boost::system::error_code error) {
      if (!error && !stopping_) give_up();
    });
  }
}

void App::watch_configuration() {
  const auto file = std::filesystem::absolute(options_.source.file).lexically_normal().string();
  ConfigurationWatch::Handlers handlers;
  handlers.changed = [this] { reload([](const Verdict&) {}); };
  handlers.watch_trouble = [this, file](const std::string& trouble) {
    if (trouble.empty()) {
      log(Severity::notice, "WatchRestored", "changes of the configuration are seen at once again");
    } else {
      log(Severity::warning, "WatchLost", "configuration " + file + ": " + trouble);
    }
  };
  configuration_watch_ = std::make_unique<ConfigurationWatch>(io_, folder_pool_, file, std::move(handlers));
}

void App::await_signals() {
  signals_.async_wait([this](boost::system::error_code error, int number) {
    if (error) return;
    if (number == SIGHUP) {
      if (service()) reload([](const Verdict&) {});
      await_signals();
      return;
    }
    if (service()) {
      log(Severity::info, "Stopping", "asked to stop; containers are left as they are");
      shut_down({exit_ok, {}});
    } else {
      shut_down({128 + number, "interrupted; containers are left as they are"});
    }
  });
}

void App::arm_heartbeat() {
  heartbeat_timer_.expires_after(heartbeat);
  heartbeat_timer_.async_wait([this](boost::system::error_code error) {
    if (error || stopping_) return;
    const auto late = std::chrono::steady_clock::now() - heartbeat_timer_.expiry();
    loop_lag_ = std::chrono::duration_cast<std::chrono::milliseconds>(late);
    beat();
    arm_heartbeat();
  });
}

void App::beat() {
  ++beats_;
  heartbeat_at_ = now().wall;
  heartbeat_steady_ = std::chrono::steady_clock::now();
  write_controller_status();
  service_manager_.status(status_line());
  configuration_watch_->look();
  // The timer's clock stands still while the host sleeps, the machine's does not.
  if (wake_at_ && *wake_at_ <= now().mono) {
    wake_at_.reset();
    wake_timer_.cancel();
    loop_.dispatch(reconciler::Timer{});
  }
  if (machine().summary().ready && beats_ % beats_between_sweeps == 1) {
    std::set<std::string> known;
    for (const auto& [agent, status] : machine().statuses()) known.insert(agent);
    trouble_with_status(status_files_.sweep(known, std::chrono::system_clock::now(), old_status));
  }
}

void App::arm_watchdog() {
  const auto interval = service_manager_.watchdog_interval();
  if (!interval) return;
  service_manager_.feed_watchdog();
  watchdog_timer_.expires_after(*interval);
  watchdog_timer_.async_wait([this](boost::system::error_code error) {
    if (!error && !stopping_) arm_watchdog();
  });
}

void App::write_controller_status() {
  trouble_with_status(status_files_.write_controller(machine().summary(), process()));
}

std::string App::status_line() const {
  const auto& summary = machine().summary();
  if (!summary.state_error.empty()) return summary.state_error;
  if (!summary.engine_up) return summary.engine_why.empty() ? "connecting to the engine" : summary.engine_why;
  if (!summary.scan_error.empty()) return summary.scan_error;
  const std::string held = machine().held().empty() ? "" : ", deletions held";
  return fmt::format("engine {} up, {} agents{}", summary.engine.version.version, machine().statuses().size(), held);
}

void App::begin_reload() {
  reloading_ = true;
  service_manager_.reloading();
  using Result = std::variant<LoadedFile, specs::Problems>;
  std::function<Result()> work = [source = options_.source] { return load_configuration_file(source); };
  std::function<void(std::optional<Result>)> done = [this](std::optional<Result> result) { finish_reload(std::move(result)); };
  folder_pool_.run("configuration", std::chrono::seconds{10}, std::move(work), std::move(done));
}

void App::finish_reload(std::optional<std::variant<LoadedFile, specs::Problems>> result) {
  Verdict verdict;
  if (!result) {
    verdict = refuse_reload(options_.source.file + ": no answer within 10 s");
  } else if (const auto* const problems = std::get_if<specs::Problems>(&*result)) {
    verdict = refuse_reload(text_of(*problems));
  } else {
    verdict = take_configuration(std::move(std::get<LoadedFile>(*result)));
  }
  reloading_ = false;
  service_manager_.ready(status_line());
  write_controller_status();
  const auto waiting = std::exchange(reload_waiting_, std::exchange(reload_next_, {}));
  const bool again = std::exchange(reload_again_, false);
  for (const auto& done : waiting) done(verdict);
  if (again && !stopping_) begin_reload();
}

Verdict App::refuse_reload(std::string why) {
  reload_error_ = std::move(why);
  const std::string text = "the configuration was not taken; the one before stays in force: " + reload_error_;
  log(Severity::error, "ReloadRefused", text);
  return {false, text};
}

Verdict App::take_configuration(LoadedFile loaded) {
  const auto& before = configuration_->configuration;
  const auto& after = loaded.loaded.configuration;
  const auto fixed = specs::needs_restart(before, after);
  if (!fixed.empty()) {
    return refuse_reload(joined(fixed) + (fixed.size() == 1 ? " differs and needs" : " differ and need") +
                         " a restart (systemctl restart cofferdam), or put the old value back");
  }
  reload_error_.clear();
  if (before == after) {
    // Places may have moved: what `config` prints of them is the new file's.
    configuration_ = std::make_shared<const specs::LoadedConfiguration>(std::move(loaded.loaded));
    return {true, "the configuration is as it was"};
  }
  for (const auto& warning : loaded.warnings) log(Severity::warning, "ConfigurationWarning", warning);
  enforce(std::move(loaded));
  log(Severity::notice, "Reloaded", "the new configuration is in force");
  return {true, "the new configuration is in force"};
}

void App::enforce(LoadedFile loaded) {
  configuration_ = std::make_shared<const specs::LoadedConfiguration>(std::move(loaded.loaded));
  controller_paths_ = std::move(loaded.controller_paths);
  if (log_) log_->change(log_options(configuration_->configuration.log_level, configuration_->configuration.log_format));
  reconciler::ConfigRead read;
  read.configuration = std::shared_ptr<const specs::Configuration>(configuration_, &configuration_->configuration);
  read.controller_paths = controller_paths_;
  loop_.dispatch(std::move(read));
}

void App::shut_down(RunResult result) {
  if (stopping_) return;
  result_ = std::move(result);
  loop_.dispatch(reconciler::Shutdown{});
  stopping_ = true;
  service_manager_.stopping();
  if (server_) server_->stop();
  if (configuration_watch_) configuration_watch_->stop();
  spec_directory_->stop();
  session_.stop();
  signals_.cancel();
  wake_timer_.cancel();
  heartbeat_timer_.cancel();
  watchdog_timer_.cancel();
  patience_timer_.cancel();
  end_timer_.expires_after(time_to_save);
  end_timer_.async_wait([this](boost::system::error_code error) {
    if (!error) close_engine();
  });
  finish_when_saved();
}

void App::finish_when_saved() {
  if (store_.outstanding() == 0) close_engine();
}

void App::close_engine() {
  if (std::exchange(closing_, true)) return;
  end_timer_.expires_after(time_to_close);
  end_timer_.async_wait([this](boost::system::error_code error) {
    if (!error) io_.stop();
  });
  engine_->close([this] { io_.stop(); });
}

}  // namespace cofferdam::controller
