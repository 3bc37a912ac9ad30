// The simulated engine under contract: its schedule is driven forward where a real one is waited for.

#include <gtest/gtest.h>

#include <utility>

#include "tests/contract/engine_under_contract.hpp"
#include "tests/sim/engine.hpp"

namespace cofferdam::test {

namespace {

using sim::millisecond;
using sim::minute;
using sim::SimTime;

const std::string passwd =
    "root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1000:node:/home/node:/bin/sh\nother:x:2000:2000::/:/bin/sh\n";

sim::Image image(std::uint64_t number) {
  sim::Image image;
  const std::string digits = std::to_string(number);
  image.details.id = "sha256:" + digits + "a" + std::string(63 - digits.size(), 'b');
  image.details.env = {"PATH=/usr/local/bin:/usr/bin:/bin"};
  image.details.os = "linux";
  image.details.architecture = "amd64";
  image.passwd = passwd;
  image.group = "root:x:0:\nnode:x:1000:\nother:x:2000:\n";
  return image;
}

class TwinEngine final : public EngineUnderContract {
 public:
  TwinEngine() : engine_(schedule_, host_, trace_, 1, {}) {
    engine_.on_event = [this](const docker::Event& event) { events_.push_back(event); };
    auto plain = image(1);
    auto env = image(2);
    env.details.env.insert(env.details.env.end(), {"LD_PRELOAD=/tmp/evil.so", "NODE_OPTIONS=--require=/tmp/evil.js",
                                                   "BASH_ENV=/tmp/evil.sh", "CUSTOM=kept"});
    auto labels = image(3);
    labels.details.labels = {{"exitCode", "0"}, {"signal", "9"}, {"cofferdam.managed-by", "forged"}};
    auto volumes = image(4);
    volumes.details.volumes = {"/data"};
    auto entry = image(5);
    entry.details.user = "other";
    for (const auto& [reference, brought] : {std::pair{"busybox:test", plain},
                                             {"traps:env", env},
                                             {"traps:labels", labels},
                                             {"traps:volumes", volumes},
                                             {"traps:entry", entry}}) {
      engine_.load(reference, brought);
    }
    engine_.offer(offered_image, plain);
    events_.clear();
  }

  void call(docker::Request request, Answered answered) override {
    schedule_.after(millisecond, [this, request = std::move(request), answered = std::move(answered)] {
      const auto answer = [this, answered](docker::Result result) {
        schedule_.after(millisecond, [answered, result = std::move(result)] { answered(result); });
      };
      if (engine_.up()) return engine_.call(sim::Who::controller, request, answer);
      docker::Error error;
      error.error_class = docker::ErrorClass::refused;
      answer(error);
    });
  }

  bool until(const std::function<bool()>& condition) override {
    const SimTime end = schedule_.now() + minute;
    while (!condition()) {
      if (schedule_.now() > end) {
        ADD_FAILURE() << "what was waited for did not come within a minute";
        return false;
      }
      if (schedule_.empty()) {
        schedule_.advance_to(schedule_.now() + millisecond);
      } else {
        schedule_.step();
      }
    }
    return true;
  }

  [[nodiscard]] const std::vector<docker::Event>& events() const override { return events_; }

  [[nodiscard]] std::vector<std::string> command(Behaviour behaviour) const override {
    switch (behaviour) {
      case Behaviour::patient: return {"agent", "term=0"};
      case Behaviour::stubborn: return {"agent", "term=ignore"};
      case Behaviour::unhandled: return {"agent", "term=unhandled"};
      case Behaviour::ends_well: return {"agent", "run=3"};
      case Behaviour::fails: return {"agent", "run=3", "code=42"};
      case Behaviour::fails_later: return {"agent", "run=5000", "code=42"};
      case Behaviour::out_of_memory: return {"agent", "run=3", "oom"};
      case Behaviour::missing: return {"missing"};
      case Behaviour::not_executable: return {"not-executable"};
    }
    return {};
  }

  std::string make_directory() override {
    host_.workspaces["/srv/workspace"].facts.kind = specs::WorkspaceFacts::Kind::directory;
    return "/srv/workspace";
  }
  void remove_directory(const std::string& path) override { host_.workspaces.erase(path); }

  void pause(const std::string& id) override { engine_.pause(id); }
  void unpause(const std::string& id) override { engine_.unpause(id); }
  void rename(const std::string& id, const std::string& name) override { engine_.rename(id, name); }
  void set_restart_policy(const std::string& id, const std::string& policy) override { engine_.set_restart_policy(id, policy); }
  void exec(const std::string& id) override { engine_.exec(id, "echo s3cret: value"); }

  std::string commit_and_run(const docker::ContainerDetails& of, const std::string& name) override {
    const auto id = engine_.commit_and_run(of.id, name);
    until([&] { return engine_.find(id)->live(); });
    return id;
  }
  void tag(const std::string& image, const std::string& name, const std::string& tag) override {
    engine_.load(name + ":" + tag, *engine_.image(image));
  }
  bool remove_image(const std::string& reference) override { return engine_.drop_image(reference); }

  void let_files_stick(const std::string& id, bool stick) override { engine_.find(id)->removal_sticks = stick; }
  void let_removal_last(const std::string& id) override { engine_.find(id)->removal_takes = sim::second; }
  void daemon_dies() override { engine_.daemon_stops(true); }
  void daemon_stops() override { engine_.daemon_stops(false); }
  void daemon_returns() override { engine_.daemon_starts(); }
  void live_restore(bool on) override { engine_.set_live_restore(on); }
  void process_over(const docker::ContainerDetails& of) override {
    until([&] { return engine_.find(of.id)->process == 0; });
  }

 private:
  sim::Schedule schedule_;
  sim::Host host_;
  sim::Trace trace_{false};
  sim::Engine engine_;
  std::vector<docker::Event> events_;
};

}  // namespace

std::unique_ptr<EngineUnderContract> engine_under_contract() {
  return std::make_unique<TwinEngine>();
}

}  // namespace cofferdam::test
