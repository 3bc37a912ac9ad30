#pragma once

// A real daemon under contract: private to the program, spoken to by the product's client, its world moved by a plain one.

#include <memory>
#include <string>
#include <vector>

#include "tests/contract/engine_under_contract.hpp"
#include "tests/docker/engine_client.hpp"
#include "tests/docker/scripted_server.hpp"
#include "tests/engine/private_engine.hpp"

namespace cofferdam::test {

/// Started before the first test; the program fails where it cannot be.
PrivateEngine& private_engine();

/// The text of a configuration file that lets "user:password" into the private registry.
std::string auth_file(const std::string& user_and_password);

class RealEngine final : public EngineUnderContract {
 public:
  RealEngine();
  ~RealEngine() override;

  void call(docker::Request request, Answered answered) override;
  bool until(const std::function<bool()>& condition) override { return client_->run_until(condition); }
  [[nodiscard]] const std::vector<docker::Event>& events() const override { return events_; }
  [[nodiscard]] std::vector<std::string> command(Behaviour behaviour) const override;
  std::string make_directory() override;
  void remove_directory(const std::string& path) override;
  void pause(const std::string& id) override;
  void unpause(const std::string& id) override;
  void rename(const std::string& id, const std::string& name) override;
  void set_restart_policy(const std::string& id, const std::string& policy) override;
  void exec(const std::string& id) override;
  std::string commit_and_run(const docker::ContainerDetails& of, const std::string& name) override;
  void tag(const std::string& image, const std::string& name, const std::string& tag) override;
  bool remove_image(const std::string& reference) override;
  void let_files_stick(const std::string& id, bool stick) override;
  void let_removal_last(const std::string& id) override;
  void daemon_dies() override;
  void daemon_stops() override;
  void daemon_returns() override;
  void live_restore(bool on) override;
  void process_over(const docker::ContainerDetails& of) override;

 private:
  void connect();
  void disconnect();
  /// Where the engine keeps the container's own files.
  [[nodiscard]] static std::string layer_of(const std::string& id);
  Answer post(const std::string& target, const std::string& body, int expected);

  TemporaryDirectory directory_;
  std::unique_ptr<EngineClient> client_;
  RawEngine raw_;
  docker::StreamId stream_ = 0;
  bool stream_ended_ = true;
  std::vector<docker::Event> events_;
  std::vector<std::string> images_;  ///< made here, removed at the end
};

}  // namespace cofferdam::test
