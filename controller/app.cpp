#include "controller/app.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <string_view>
#include <type_traits>
#include <variant>

#include <boost/asio/post.hpp>

#include "controller/log_forward.hpp"
#include "controller/workspace_check.hpp"

namespace cofferdam::controller {

namespace asio = boost::asio;

namespace {

/// The shell's own bound on looking at a workspace: a dead mount makes its agent Stuck, never the loop.
constexpr std::chrono::milliseconds workspace_deadline{5000};

reconciler::Identity identity_of(const specs::Configuration& configuration) {
  return {configuration.instance, configuration.name_prefix, COFFERDAM_VERSION};
}

std::string registry_auth_file(const specs::Configuration& configuration) {
  if (!configuration.engine.registry_auth_file.empty()) return configuration.engine.registry_auth_file;
  if (const char* const directory = std::getenv("DOCKER_CONFIG")) return std::string(directory) + "/config.json";
  if (const char* const home = std::getenv("HOME")) return std::string(home) + "/.docker/config.json";
  return {};
}

docker::HttpEngineOptions engine_options(const specs::Configuration& configuration, metrics::Registry& metrics) {
  docker::HttpEngineOptions options;
  options.registry_auth_file = registry_auth_file(configuration);
  options.on_call_done = [&metrics](std::string_view operation, std::string_view code, std::chrono::duration<double> took) {
    metrics.record("cofferdam_engine_requests_total", {std::string(operation), std::string(code)}, 1);
    metrics.record("cofferdam_engine_request_duration_seconds", {std::string(operation)}, took.count());
  };
  return options;
}

/// Actions are the engine's own words, and plugins may invent some: the label stays bounded.
std::string event_label(const std::string& action) {
  constexpr std::string_view known[] = {
      "attach", "commit",     "connect",     "copy",        "create",   "delete",     "destroy", "detach",
      "die",    "disconnect", "exec_create", "exec_detach", "exec_die", "exec_start", "export",  "health_status",
      "import", "kill",       "load",        "mount",       "oom",      "pause",      "prune",   "pull",
      "push",   "reload",     "remove",      "rename",      "resize",   "restart",    "save",    "start",
      "stop",   "tag",        "top",         "unmount",     "unpause",  "untag",      "update"};
  return std::find(std::begin(known), std::end(known), action) != std::end(known) ? action : "other";
}

bool only_reads(const docker::Request& request) {
  return std::visit(
      [](const auto& one) {
        using T = std::decay_t<decltype(one)>;
        return std::is_same_v<T, docker::ContainerList> || std::is_same_v<T, docker::ContainerInspect> ||
               std::is_same_v<T, docker::ContainerWait> || std::is_same_v<T, docker::ContainerArchive> ||
               std::is_same_v<T, docker::ImageInspect> || std::is_same_v<T, docker::NetworkInspect> ||
               std::is_same_v<T, docker::SystemPing> || std::is_same_v<T, docker::SystemVersion> ||
               std::is_same_v<T, docker::SystemInfo>;
      },
      request);
}

}  // namespace

App::App(const RunOptions& options, LoadedFile loaded, docker::Endpoint endpoint)
    : options_(options),
      configuration_(std::make_shared<const specs::LoadedConfiguration>(std::move(loaded.loaded))),
      warnings_(std::move(loaded.warnings)),
      controller_paths_(std::move(loaded.controller_paths)),
      io_(1),
      loop_(identity_of(configuration_->configuration), metrics_,
            {[this](const reconciler::Effect& effect) { carry_out(effect); }, [this] { drained(); }}),
      folder_pool_(io_, {2, 2}),
      workspace_pool_(io_, {4, 16}),
      state_pool_(io_, {4, 4}),
      engine_(std::make_shared<docker::HttpEngine>(io_, std::move(endpoint),
                                                   engine_options(configuration_->configuration, metrics_))),
      session_(io_, *engine_,
               {[this](reconciler::Session session) { heard_session(std::move(session)); },
                [this](reconciler::Reply reply) { loop_.dispatch(std::move(reply)); },
                [this](reconciler::PullProgress progress) { loop_.dispatch(std::move(progress)); },
                [this](reconciler::Event event) {
                  metrics_.record("cofferdam_engine_events_total", {event_label(event.event.action)}, 1);
                  loop_.dispatch(std::move(event));
                }}),
      store_(state_pool_, configuration_->configuration.state_directory),
      status_files_(configuration_->configuration.runtime_directory),
      signals_(io_, SIGTERM, SIGINT, SIGHUP),
      wake_timer_(io_),
      heartbeat_timer_(io_),
      watchdog_timer_(io_),
      end_timer_(io_),
      patience_timer_(io_) {
  const auto& configured = configuration_->configuration;
  if (service()) {
    log_ = std::make_unique<Log>(log_options(configured.log_level, configured.log_format));
  }
  SpecDirectory::Options directory_options;
  directory_options.directory = configured.specs.directory;
  spec_directory_ = std::make_unique<SpecDirectory>(
      io_, folder_pool_, directory_options,
      SpecDirectory::Handlers{[this](specs::DirSnapshot snapshot) {
                                scans_.erase(snapshot.scan);
                                folder_read_ = true;
                                files_changed_ = true;
                                loop_.dispatch(std::move(snapshot));
                              },
                              [this](reconciler::FileChanged change) { loop_.dispatch(std::move(change)); },
                              [this](const std::string& trouble) {
                                if (trouble.empty()) {
                                  log(reconciler::Severity::notice, "WatchRestored",
                                      "changes of the spec directory are seen at once again");
                                } else {
                                  log(reconciler::Severity::warning, "WatchLost",
                                      "spec directory " + configuration_->configuration.specs.directory + ": " + trouble);
                                }
                              }});
}

App::~App() {
  folder_pool_.stop(std::chrono::milliseconds{100});
  workspace_pool_.stop(std::chrono::milliseconds{100});
  state_pool_.stop(std::chrono::milliseconds{100});
}

void App::carry_out(const reconciler::Effect& wanted) {
  std::visit([this](const auto& one) { effect(one); }, wanted);
}

void App::effect(const reconciler::Scan& scan) {
  if (stopping_) return;
  scans_.insert(scan.scan);
  spec_directory_->scan(scan.scan);
}

void App::effect(const reconciler::CheckWorkspace& check) {
  if (stopping_) return;
  checks_.insert(check.id);
  std::function<specs::WorkspaceFacts()> work = [path = check.path] { return check_workspace(path); };
  std::function<void(std::optional<specs::WorkspaceFacts>)> done =
      [this, id = check.id, agent = check.agent](std::optional<specs::WorkspaceFacts> facts) {
        checks_.erase(id);
        reconciler::WorkspaceChecked checked;
        checked.id = id;
        checked.agent = agent;
        checked.hung = !facts;
        if (facts) checked.facts = std::move(*facts);
        loop_.dispatch(std::move(checked));
      };
  workspace_pool_.run(check.path, workspace_deadline, std::move(work), std::move(done));
}

void App::effect(const reconciler::Save& save) {
  if (dry()) {
    // A stop's record is the stop's beginning; any other record changes nothing outside: it counts as saved, so that what
    // comes after it shows.
    if (save.key.starts_with("stops/")) return;
    loop_.dispatch(reconciler::SaveDone{save.key, save.version, true, {}});
    return;
  }
  store_.save(save, [this](reconciler::SaveDone done) {
    if (!done.ok) log(reconciler::Severity::debug, "SaveFailed", done.error);
    loop_.dispatch(std::move(done));
    if (stopping_) finish_when_saved();
  });
}

void App::effect(const reconciler::Call& call) {
  if (stopping_ || (dry() && !only_reads(call.request))) return;
  session_.call(call);
}

void App::effect(const reconciler::Cancel& cancel) {
  session_.cancel(cancel.id);
}

void App::effect(const reconciler::Verify& verify) {
  reconciler::Verified verified;
  verified.agent = verify.agent;
  verified.container_id = verify.container_id;
  verified.verdict = reconciler::Verified::Verdict::unverifiable;
  verified.why = "this version does not read the kernel's view of a container; what the engine reports was compared";
  loop_.dispatch(std::move(verified));
}

void App::effect(const reconciler::WriteStatus& write) {
  const auto& status = write.status;
  if (service()) trouble_with_status(status_files_.write_agent(status));
  if (!options_.on_progress || options_.mode != Mode::once) return;
  const auto shown = std::make_pair(status.phase, status.reason);
  const auto known = progress_.find(status.agent);
  if (known != progress_.end() && known->second == shown) return;
  progress_[status.agent] = shown;
  options_.on_progress(status);
}

void App::effect(const reconciler::DropStatus& drop) {
  if (service()) trouble_with_status(status_files_.drop_agent(drop.agent));
  progress_.erase(drop.agent);
}

void App::effect(const reconciler::Audit& audit) {
  if (log_) log_->write(audit);
  if (options_.on_trouble && audit.severity >= reconciler::Severity::warning) options_.on_trouble(audit);
}

void App::effect(const reconciler::Metric& metric) {
  metrics_.record(metric.name, metric.labels, metric.value);
}

void App::effect(const reconciler::WakeAt& wake) {
  wake_at_ = wake.at;
  if (stopping_) return;
  const auto delay = std::max(wake.at - now().mono, std::chrono::nanoseconds{0});
  wake_timer_.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(delay));
  wake_timer_.async_wait([this](boost::system::error_code error) {
    if (error || stopping_ || !wake_at_) return;
    wake_at_.reset();
    loop_.dispatch(reconciler::Timer{});
  });
}

void App::effect(const reconciler::Answer& answer) {
  const auto waiting = words_.find(answer.id);
  if (waiting == words_.end()) return;
  const auto done = std::move(waiting->second);
  words_.erase(waiting);
  done({answer.ok, answer.message});
}

void App::heard_session(reconciler::Session session) {
  using State = reconciler::Session::State;
  controller_changed_ = true;
  if (session.state == State::up && !engine_told_) {
    engine_told_ = true;
    if (options_.on_engine) options_.on_engine(session.facts);
  }
  // A command that a person waits for does not try again behind his back.
  const bool hopeless = session.state == State::down && !service();
  const std::string why = session.why;
  loop_.dispatch(std::move(session));
  if (hopeless) shut_down({exit_engine, why});
}

void App::drained() {
  const bool due = service() ? files_changed_ || controller_changed_ : !quiet_told_;
  if (stopping_ || !due || std::exchange(look_posted_, true)) return;
  // Posted: the calls that came of these inputs go first, and one look serves many inputs.
  asio::post(io_, [this] {
    look_posted_ = false;
    if (stopping_) return;
    if (!service()) return look_for_quiet();
    if (std::exchange(files_changed_, false)) trouble_with_status(status_files_.write_files(machine().files()));
    if (std::exchange(controller_changed_, false)) write_controller_status();
  });
}

void App::log(reconciler::Severity severity, std::string event, std::string message) {
  reconciler::Audit record;
  record.severity = severity;
  record.event = std::move(event);
  record.message = std::move(message);
  effect(record);
}

void App::trouble_with_status(const std::string& trouble) {
  // A full disk would say the same for each agent: told when it begins, and when it is over.
  if (trouble.empty() == status_trouble_.empty()) return;
  status_trouble_ = trouble;
  if (trouble.empty()) {
    log(reconciler::Severity::notice, "StatusFilesWritten", "status files are written again");
  } else {
    log(reconciler::Severity::error, "StatusFilesFailed", trouble);
  }
}

ProcessFacts App::process() const {
  ProcessFacts facts;
  facts.version = COFFERDAM_VERSION;
  facts.boot_id = loop_.clock().now().boot_id;
  facts.started_at = started_at_;
  facts.heartbeat_at = heartbeat_at_;
  facts.silence = std::chrono::steady_clock::now() - heartbeat_steady_;
  facts.loop_lag = loop_lag_;
  facts.engine_address = docker::address_of(engine_->endpoint());
  facts.reload_error = reload_error_;
  return facts;
}

void App::post(const Word& word, std::function<void(Verdict)> done) {
  const auto id = next_word_++;
  words_[id] = std::move(done);
  reconciler::Command command;
  command.id = id;
  std::visit([&command](const auto& one) { command.what = one; }, word);
  asio::post(io_, [this, command = std::move(command)] { loop_.dispatch(command); });
}

void App::reload(std::function<void(Verdict)> done) {
  // One that is under way may have read the file before the caller wrote it: the caller's comes after it.
  if (reloading_) {
    reload_again_ = true;
    reload_next_.push_back(std::move(done));
    return;
  }
  reload_waiting_.push_back(std::move(done));
  begin_reload();
}

std::unique_ptr<LogStream> App::stream_logs(const LogRequest& request, std::shared_ptr<LogSink> sink) {
  return forward_log(io_, engine_, request, std::move(sink));
}

void App::call(const docker::Request& request, std::chrono::milliseconds deadline, std::function<void(docker::Result)> done) {
  docker::CallOptions call_options;
  call_options.deadline = deadline;
  engine_->start(next_call_++, request, std::move(call_options), std::move(done));
}

}  // namespace cofferdam::controller
