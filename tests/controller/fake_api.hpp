#pragma once

// The run loop's door with a real machine behind it and no loop: what the faces see is what a controller would show them.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "controller/api.hpp"

namespace cofferdam::controller {

class FakeApi : public Api {
 public:
  explicit FakeApi(boost::asio::io_context& io) : io_(io), machine_({"default", "cofferdam", "1.2.3"}) {
    auto loaded = specs::parse_configuration("", "", {});
    configuration_ = std::make_shared<specs::LoadedConfiguration>(std::get<specs::LoadedConfiguration>(std::move(loaded)));
    process_.version = "1.2.3";
    process_.boot_id = "boot-1";
    process_.started_at = reconciler::WallTime(std::chrono::seconds(1'800'000'000));
    process_.heartbeat_at = reconciler::WallTime(std::chrono::seconds(1'800'000'100));
    process_.engine_address = "unix:///run/test-engine.sock";
    now_.wall = process_.heartbeat_at;
    now_.mono = reconciler::Monotonic(std::chrono::hours(1));
    now_.boot_id = process_.boot_id;
    feed(reconciler::ConfigRead{std::shared_ptr<const specs::Configuration>(configuration_, &configuration_->configuration), {}});
    feed(reconciler::StateLoaded{true, "", {}});
  }

  /// The folder as the machine shall see it: scans are answered with these files until it asks for none.
  void files(const std::map<std::string, std::string>& contents) {
    contents_ = contents;
    for (int pass = 0; pass < 40; ++pass) {
      now_.mono += std::chrono::seconds(1);
      feed(reconciler::FileChanged{"", reconciler::FileChanged::Kind::complete});
      feed(reconciler::Timer{});
    }
  }

  /// An engine session, in which the list of containers is this and every other call fails.
  void engine(std::vector<docker::ContainerSummary> containers) {
    containers_ = std::move(containers);
    reconciler::Session session;
    session.epoch = epoch_ = 1;
    session.state = reconciler::Session::State::up;
    session.facts.address = process_.engine_address;
    session.facts.version.version = "20.10.24";
    session.facts.info.id = "ENGINE:ID";
    feed(session);
  }

  const reconciler::Reconciler& machine() const override { return machine_; }
  reconciler::Now now() const override { return now_; }
  std::shared_ptr<const specs::LoadedConfiguration> configuration() const override { return configuration_; }
  metrics::Registry& metrics() override { return metrics_; }
  ProcessFacts process() const override { return process_; }

  void post(const Word& word, std::function<void(Verdict)> done) override {
    words_.push_back(word);
    boost::asio::post(io_, [this, done = std::move(done)] { done(verdict_); });
  }
  void reload(std::function<void(Verdict)> done) override {
    ++reloads_;
    boost::asio::post(io_, [this, done = std::move(done)] { done(verdict_); });
  }
  std::unique_ptr<LogStream> stream_logs(const LogRequest& request, std::shared_ptr<LogSink> sink) override {
    log_request_ = request;
    struct Stream : LogStream {
      explicit Stream(FakeApi& owner) : owner(owner) {}
      ~Stream() override {
        ++owner.streams_closed_;
        owner.sink_.reset();
      }
      FakeApi& owner;
    };
    sink_ = std::move(sink);
    boost::asio::post(io_, [this] { next_piece(); });
    return std::make_unique<Stream>(*this);
  }
  void call(const docker::Request&, std::chrono::milliseconds, std::function<void(docker::Result)> done) override {
    boost::asio::post(io_, [done = std::move(done)] { done(docker::Reply(docker::Done{})); });
  }

  reconciler::Now now_;
  ProcessFacts process_;
  std::shared_ptr<specs::LoadedConfiguration> configuration_;
  Verdict verdict_{true, "done as asked"};
  std::vector<Word> words_;
  int reloads_ = 0;
  std::optional<LogRequest> log_request_;
  std::vector<std::string> log_pieces_;
  bool log_ends_ = true;
  std::optional<docker::Error> log_error_;
  int streams_closed_ = 0;

 private:
  void feed(const reconciler::Input& input) {
    std::vector<std::uint64_t> scans;
    std::vector<reconciler::Reply> replies;
    for (const auto& effect : machine_.handle(input, now_)) {
      if (const auto* scan = std::get_if<reconciler::Scan>(&effect)) {
        scans.push_back(scan->scan);
      } else if (const auto* call = std::get_if<reconciler::Call>(&effect)) {
        const bool list = std::holds_alternative<docker::ContainerList>(call->request);
        const docker::Error error{docker::ErrorClass::reset, 0, "call", "", "the fake engine knows no other"};
        replies.push_back({epoch_, call->id, list ? docker::Result(docker::Reply(containers_)) : docker::Result(error)});
      }
    }
    for (const auto& reply : replies) {
      feed(reply);
    }
    for (const std::uint64_t scan : scans) {
      specs::DirSnapshot snapshot;
      snapshot.scan = scan;
      snapshot.complete = true;
      snapshot.device = 1;
      snapshot.inode = 1;
      snapshot.mode = 0755;
      std::uint64_t inode = 10;
      for (const auto& [name, content] : contents_) {
        specs::DirEntry entry;
        entry.name = name;
        entry.inode = ++inode;
        entry.size = static_cast<std::int64_t>(content.size());
        entry.mode = 0644;
        entry.bytes = std::make_shared<const std::string>(content);
        snapshot.entries.push_back(std::move(entry));
      }
      feed(snapshot);
    }
  }

  void next_piece() {
    if (!sink_) {
      return;
    }
    if (!log_pieces_.empty()) {
      const std::string piece = log_pieces_.front();
      log_pieces_.erase(log_pieces_.begin());
      sink_->write(false, piece, [this] { boost::asio::post(io_, [this] { next_piece(); }); });
    } else if (log_ends_) {
      std::exchange(sink_, nullptr)->end(log_error_);
    }
  }

  boost::asio::io_context& io_;
  reconciler::Reconciler machine_;
  metrics::Registry metrics_;
  std::map<std::string, std::string> contents_;
  std::vector<docker::ContainerSummary> containers_;
  std::uint64_t epoch_ = 0;
  std::shared_ptr<LogSink> sink_;
};

/// A running container of an agent that passes every ownership check.
inline docker::ContainerSummary owned_container(const std::string& agent, int attempt, docker::ContainerState state) {
  docker::ContainerSummary container;
  container.id = std::string(62, 'c') + (attempt < 10 ? "0" : "") + std::to_string(attempt);
  container.name = "cofferdam-default-" + agent + "-" + std::to_string(attempt);
  container.image_id = "sha256:" + std::string(64, '1');
  container.state = state;
  container.labels = {{"cofferdam.managed-by", "cofferdam"},
                      {"cofferdam.instance", "default"},
                      {"cofferdam.role", "agent"},
                      {"cofferdam.name", container.name},
                      {"cofferdam.agent", agent},
                      {"cofferdam.task", agent},
                      {"cofferdam.image-id", container.image_id},
                      {"cofferdam.attempt", std::to_string(attempt)},
                      {"cofferdam.restarts", "0"},
                      {"cofferdam.failures", "0"},
                      {"cofferdam.schema", "1"},
                      {"cofferdam.run-hash", "r"},
                      {"cofferdam.config-hash", "c"}};
  return container;
}

inline const char* const smallest_spec = R"(apiVersion: cofferdam/v1
kind: Agent
metadata: {name: refactor-bot}
spec:
  workspacePath: /srv/cofferdam/workspaces/refactor-bot
  command: [node, agent.js]
  env: {SECRET: x, LANG: C}
)";

}  // namespace cofferdam::controller
