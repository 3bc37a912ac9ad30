#pragma once

// The run loop: turns the world into the machine's inputs, carries its effects out, and decides nothing. One io_context,
// one thread; what can hang on a path runs on the pools. Implements what the faces see (api.hpp).
// app.cpp carries effects out and answers the faces; app_run.cpp begins and ends it.

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include "controller/api.hpp"
#include "controller/configuration_loader.hpp"
#include "controller/configuration_watch.hpp"
#include "controller/engine_session.hpp"
#include "controller/instance_lock.hpp"
#include "controller/logging.hpp"
#include "controller/machine_loop.hpp"
#include "controller/path_pool.hpp"
#include "controller/service_manager.hpp"
#include "controller/spec_directory.hpp"
#include "controller/state_store.hpp"
#include "controller/status_files.hpp"
#include "controller/status_server.hpp"
#include "docker/http_engine.hpp"

namespace cofferdam::controller {

class App final : public Api {
 public:
  App(const RunOptions& options, LoadedFile loaded, docker::Endpoint endpoint);
  ~App() override;
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  /// Until a signal, a failure, or, in the modes that end by themselves, the end.
  RunResult run();
  /// Ends run() from its loop, as SIGTERM does.
  void shut_down(RunResult result);

  // What the faces see.
  [[nodiscard]] const reconciler::Reconciler& machine() const override { return loop_.machine(); }
  [[nodiscard]] reconciler::Now now() const override { return loop_.clock().now(); }
  [[nodiscard]] std::shared_ptr<const specs::LoadedConfiguration> configuration() const override { return configuration_; }
  [[nodiscard]] metrics::Registry& metrics() override { return metrics_; }
  [[nodiscard]] ProcessFacts process() const override;
  void post(const Word& word, std::function<void(Verdict)> done) override;
  void reload(std::function<void(Verdict)> done) override;
  std::unique_ptr<LogStream> stream_logs(const LogRequest& request, std::shared_ptr<LogSink> sink) override;
  void call(const docker::Request& request, std::chrono::milliseconds deadline,
            std::function<void(docker::Result)> done) override;

 private:
  // Carrying effects out (app.cpp).
  void carry_out(const reconciler::Effect& effect);
  void effect(const reconciler::Scan& scan);
  void effect(const reconciler::CheckWorkspace& check);
  void effect(const reconciler::Save& save);
  void effect(const reconciler::Call& call);
  void effect(const reconciler::Cancel& cancel);
  void effect(const reconciler::Verify& verify);
  void effect(const reconciler::WriteStatus& write);
  void effect(const reconciler::DropStatus& drop);
  void effect(const reconciler::Audit& audit);
  void effect(const reconciler::Metric& metric);
  void effect(const reconciler::WakeAt& wake);
  void effect(const reconciler::Answer& answer);
  void drained();
  void heard_session(reconciler::Session session);
  void log(reconciler::Severity severity, std::string event, std::string message);
  void trouble_with_status(const std::string& trouble);

  // Reloading (app_run.cpp).
  void begin_reload();
  void finish_reload(std::optional<std::variant<LoadedFile, specs::Problems>> result);
  Verdict take_configuration(LoadedFile loaded);
  Verdict refuse_reload(std::string why);
  void enforce(LoadedFile loaded);

  // Beginning and ending (app_run.cpp).
  std::optional<RunResult> prepare();
  [[nodiscard]] std::optional<RunResult> refuse_owners() const;
  std::optional<RunResult> prepare_service();
  void begin();
  void watch_configuration();
  void await_signals();
  void arm_heartbeat();
  void beat();
  void arm_watchdog();
  void write_controller_status();
  std::string status_line() const;
  void finish_when_saved();
  void close_engine();

  // Modes that end by themselves (app_quiet.cpp).
  void look_for_quiet();
  void tell_quiet();
  [[nodiscard]] bool is_quiet() const;
  [[nodiscard]] bool is_settled() const;
  void give_up();
  [[nodiscard]] bool service() const { return options_.mode == Mode::service; }
  [[nodiscard]] bool dry() const { return options_.mode == Mode::dry; }

  const RunOptions options_;
  RunResult result_;
  std::shared_ptr<const specs::LoadedConfiguration> configuration_;
  std::vector<std::string> warnings_;
  std::vector<std::string> controller_paths_;

  boost::asio::io_context io_;
  metrics::Registry metrics_;
  std::unique_ptr<Log> log_;
  ServiceManager service_manager_;
  MachineLoop loop_;
  PathPool folder_pool_;
  PathPool workspace_pool_;
  PathPool state_pool_;
  std::shared_ptr<docker::HttpEngine> engine_;
  EngineSession session_;
  std::unique_ptr<SpecDirectory> spec_directory_;
  StateStore store_;
  StatusFiles status_files_;
  std::unique_ptr<ConfigurationWatch> configuration_watch_;
  std::unique_ptr<StatusServer> server_;
  std::optional<InstanceLock> lock_;

  boost::asio::signal_set signals_;
  boost::asio::steady_timer wake_timer_;
  boost::asio::steady_timer heartbeat_timer_;
  boost::asio::steady_timer watchdog_timer_;
  boost::asio::steady_timer end_timer_;
  boost::asio::steady_timer patience_timer_;

  reconciler::WallTime started_at_{};
  reconciler::WallTime heartbeat_at_{};
  std::chrono::steady_clock::time_point heartbeat_steady_ = std::chrono::steady_clock::now();
  std::chrono::milliseconds loop_lag_{0};
  std::uint64_t beats_ = 0;
  std::optional<reconciler::Monotonic> wake_at_;
  std::uint64_t next_call_ = std::uint64_t{1} << 62U;  ///< of our own; the machine counts from below
  std::uint64_t next_word_ = 1;
  std::map<std::uint64_t, std::function<void(Verdict)>> words_;

  bool reloading_ = false;
  bool reload_again_ = false;
  std::vector<std::function<void(Verdict)>> reload_waiting_;
  std::vector<std::function<void(Verdict)>> reload_next_;
  std::string reload_error_;

  bool state_loaded_ = false;
  bool folder_read_ = false;  ///< once, to its end or not
  bool files_changed_ = false;
  bool controller_changed_ = false;
  std::string status_trouble_;
  std::set<std::uint64_t> scans_;
  std::set<reconciler::CallId> checks_;
  std::map<std::string, std::pair<reconciler::Phase, std::string>> progress_;
  bool engine_told_ = false;
  bool quiet_told_ = false;
  bool look_posted_ = false;
  bool stopping_ = false;
  bool closing_ = false;
};

}  // namespace cofferdam::controller
