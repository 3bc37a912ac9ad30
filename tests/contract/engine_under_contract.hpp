#pragma once

// An engine that is held to the contract: a real daemon through the product's client, or the simulated one. The shared
// tests know only this; each of the two programs made of them links one implementation.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "docker/requests.hpp"
#include "docker/types.hpp"

namespace cofferdam::test {

/// What a container's command does; each engine has its own words for it.
enum class Behaviour {
  patient,         ///< runs until TERM, then exits with 0
  stubborn,        ///< takes no notice of TERM
  unhandled,       ///< has no handler of TERM: as a first process it is not reached by it, under an init it ends with 143
  ends_well,       ///< exits with 0 at once
  fails,           ///< exits with 42 at once
  fails_later,     ///< exits with 42 after some seconds: a daemon can be killed before that
  out_of_memory,   ///< takes all the memory it is allowed, and more
  missing,         ///< a path that no image has
  not_executable,  ///< a file that is not executable
};

class EngineUnderContract {
 public:
  using Answered = std::function<void(docker::Result)>;
  virtual ~EngineUnderContract() = default;

  // Its API.
  virtual void call(docker::Request request, Answered answered) = 0;
  /// Lets time pass until the condition holds; false, and a failure of the test, where it does not within a minute.
  virtual bool until(const std::function<bool()>& condition) = 0;
  /// From the beginning of the test, or of the daemon's present life, on.
  [[nodiscard]] virtual const std::vector<docker::Event>& events() const = 0;

  // What it runs. Both have the images busybox:test and traps:… of tests/engine/private-engine.sh, and a registry with
  // `offered_image`.
  [[nodiscard]] virtual std::vector<std::string> command(Behaviour behaviour) const = 0;

  // The world around it. A verb that does not succeed fails the test.
  virtual std::string make_directory() = 0;
  virtual void remove_directory(const std::string& path) = 0;
  virtual void pause(const std::string& id) = 0;
  virtual void unpause(const std::string& id) = 0;
  virtual void rename(const std::string& id, const std::string& name) = 0;
  virtual void set_restart_policy(const std::string& id, const std::string& policy) = 0;
  virtual void exec(const std::string& id) = 0;
  /// An image of it, and a container named `name` of that image, running what the first one runs; its id.
  virtual std::string commit_and_run(const docker::ContainerDetails& of, const std::string& name) = 0;
  /// Lets the tag `name:tag` mean what `image` means now.
  virtual void tag(const std::string& image, const std::string& name, const std::string& tag) = 0;
  /// Without force; whether it was done.
  virtual bool remove_image(const std::string& reference) = 0;
  /// Lets its files be past removing, or not any more. A test leaves none so.
  virtual void let_files_stick(const std::string& id, bool stick) = 0;
  /// Lets their removal take long enough to be looked at.
  virtual void let_removal_last(const std::string& id) = 0;
  virtual void daemon_dies() = 0;   ///< as by KILL: its containers run on
  virtual void daemon_stops() = 0;  ///< in good order
  virtual void daemon_returns() = 0;
  /// The daemon's setting, from its next start on. A test leaves it as it was: off.
  virtual void live_restore(bool on) = 0;
  /// Lets time pass until the container's process is over, whether a daemon is there or not.
  virtual void process_over(const docker::ContainerDetails& of) = 0;
};

inline const std::string offered_image = "registry.test:5000/agents/busybox:1";

/// A fresh one for a test, without containers.
std::unique_ptr<EngineUnderContract> engine_under_contract();

}  // namespace cofferdam::test
