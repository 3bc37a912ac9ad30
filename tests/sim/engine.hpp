#pragma once

// The simulated engine: containers, images, networks, their life, and its answers in moby's words. It knows the truth
// (who ended what), which the checks read and the controller never sees.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "docker/requests.hpp"
#include "docker/types.hpp"
#include "tests/sim/host.hpp"
#include "tests/sim/program.hpp"
#include "tests/sim/random.hpp"
#include "tests/sim/schedule.hpp"
#include "tests/sim/trace.hpp"

namespace cofferdam::sim {

/// Who asked, or who ended a process.
enum class Who { nobody, itself, controller, rival, person, engine, host };
std::string_view name_of(Who who);
/// What another controller of the same instance makes is as much ours as what this one makes.
inline bool is_a_controller(Who who) {
  return who == Who::controller || who == Who::rival;
}

struct Container {
  docker::ContainerDetails shown;  ///< what inspect says now
  Program program;

  Who maker = Who::nobody;
  std::uint64_t process = 0;  ///< number of the running process; 0: none
  SimTime live_since = 0;
  Who started_by = Who::nobody;
  Who ended_by = Who::nobody;  ///< of the last end
  SimTime ended_at = 0;
  SimTime changed_at = 0;
  bool stopped_by_hand = false;    ///< a signal came by the API since its start
  bool restart_cancelled = false;  ///< by a stop or a kill, until it is started again
  SimTime restart_pause = 0;
  std::vector<std::function<void()>> at_end;  ///< stops that answer when it has ended
  bool busy = false;                          ///< a start holds its lock: inspects and removes wait
  std::vector<std::function<void()>> waiting;
  bool weakened = false;        ///< the engine dropped something of what was asked
  bool unkillable = false;      ///< its process takes no notice of KILL
  bool removal_sticks = false;  ///< the engine cannot remove its files
  SimTime removal_takes = 7 * millisecond;
  bool inspect_hangs = false;
  bool ghost = false;

  // What a list still says: it lags.
  docker::ContainerState listed_state = docker::ContainerState::created;
  SimTime listed_until = 0;
  bool listed_stale = false;  ///< until its state changes, or the daemon restarts: as after a removal that failed

  [[nodiscard]] bool live() const {
    return shown.state == docker::ContainerState::running || shown.state == docker::ContainerState::paused ||
           shown.state == docker::ContainerState::restarting;
  }
};

inline constexpr int signal_kill = 9;
inline constexpr int signal_term = 15;
inline constexpr int signal_winch = 28;

struct Image {
  docker::ImageDetails details;
  std::string passwd;
  std::string group;
};

struct EngineTraits {
  bool live_restore = false;
  bool local = true;
  bool drops_swap = false;      ///< discards the swap limit, with a warning
  bool drops_pids = false;      ///< discards the pids limit, with a warning
  bool drops_silently = false;  ///< does not know no-new-privileges
  std::int64_t slowness = 100;  ///< percent of the usual times
};

class Engine {
 public:
  using Done = std::function<void(docker::Result)>;

  Engine(Schedule& schedule, Host& host, Trace& trace, std::uint64_t seed, EngineTraits traits);

  // The daemon.
  [[nodiscard]] bool up() const { return up_; }
  [[nodiscard]] bool hung() const { return hung_; }
  void daemon_stops(bool killed);  ///< killed: without a word to its containers
  void daemon_starts();
  void daemon_hangs(bool hangs);
  void host_dies();
  std::function<void(const docker::Event&)> on_event;

  /// What an API call does, from its arrival to the answer that is written. Not called while the daemon is down.
  void call(Who who, const docker::Request& request, Done done);

  // What people do that the controller never asks for.
  void rename(const std::string& id, const std::string& name);
  void set_restart_policy(const std::string& id, const std::string& policy);
  void pause(const std::string& id);
  void unpause(const std::string& id);
  void exec(const std::string& id, const std::string& command);
  void stop(Who who, const std::string& id, SimTime timeout, Done done = {});
  /// `docker commit` and `docker run`: a look-alike with the labels of the one copied. Its id.
  std::string commit_and_run(const std::string& id, const std::string& name);
  /// A container that somebody made by hand.
  std::string run(Who who, docker::ContainerCreate create);

  // The registry and the images here.
  void offer(const std::string& reference, const Image& image) { registry_[reference] = image; }
  void withdraw(const std::string& reference) { registry_.erase(reference); }
  void load(const std::string& reference, const Image& image);
  /// Without force: false where a container needs it.
  bool drop_image(const std::string& reference);
  [[nodiscard]] const Image* image(const std::string& reference) const { return image_of(reference); }
  void set_network(const std::string& name, bool there);
  void reserve_name(const std::string& name) { phantom_names_.insert(name); }
  void emit(const std::string& type, const std::string& action, const std::string& actor,
            std::map<std::string, std::string> attributes);

  // The truth.
  [[nodiscard]] const std::map<std::string, std::shared_ptr<Container>>& containers() const { return containers_; }
  [[nodiscard]] std::shared_ptr<Container> find(const std::string& id_or_name) const;
  [[nodiscard]] docker::EngineVersion version() const;
  [[nodiscard]] docker::EngineInfo info() const;
  [[nodiscard]] const EngineTraits& traits() const { return traits_; }
  void set_live_restore(bool on) { traits_.live_restore = on; }
  [[nodiscard]] std::uint64_t calls_done() const { return calls_; }
  /// Told of every change of a container's truth, just after it.
  std::function<void(const Container&, std::string_view what, Who who)> on_change;

 private:
  friend struct CallVisitor;
  docker::Result list(const docker::ContainerList& request) const;
  docker::Result create(Who who, const docker::ContainerCreate& request);
  void start(Who who, const docker::ContainerStart& request, Done done);
  docker::Result kill(Who who, const docker::ContainerKill& request);
  void remove(Who who, const docker::ContainerRemove& request, Done done);
  void inspect(const docker::ContainerInspect& request, Done done);
  docker::Result archive(const docker::ContainerArchive& request) const;
  docker::Result inspect_image(const docker::ImageInspect& request) const;
  docker::Result pull(const docker::ImagePull& request);

  std::optional<docker::Error> refuse_settings(const docker::ContainerCreate& request) const;
  std::optional<docker::Error> refuse_mounts(const docker::HostConfig& host) const;
  std::optional<docker::Error> refuse_create(const docker::ContainerCreate& request) const;
  std::vector<std::string> apply_limits(Container& container);
  std::optional<docker::Error> refuse_start(const Container& container) const;
  void start_completes(Who who, Container& container, const Done& done);
  void process_begins(Who who, Container& container);
  [[nodiscard]] bool restarts(const Container& container) const;
  void restart_later(const std::shared_ptr<Container>& container);
  void process_ends(Container& container, Who who, int code, bool oom);
  void signal(Who who, Container& container, int number);
  void removed(const std::shared_ptr<Container>& container, Who who);
  void set_state(Container& container, docker::ContainerState state);
  [[nodiscard]] docker::ContainerState listed_state(const Container& container) const;
  void container_event(const Container& container, const std::string& action, std::map<std::string, std::string> attributes = {});
  void changed(const Container& container, std::string_view what, Who who) {
    if (on_change) on_change(container, what, who);
  }
  /// Work of this daemon's life: nothing of it happens after it died.
  void after(SimTime delay, std::function<void()> work);
  void when_free(const std::shared_ptr<Container>& container, std::function<void()> work);
  SimTime takes(SimTime usual);
  std::string new_id(std::string_view kind);
  [[nodiscard]] reconciler::WallTime wall() const { return host_.wall(schedule_.now()); }
  [[nodiscard]] const Image* image_of(const std::string& reference) const;
  /// What a list calls it: its id where its name means another by now.
  [[nodiscard]] std::string listed_image(const docker::ContainerDetails& shown) const;

  Schedule& schedule_;
  Host& host_;
  Trace& trace_;
  std::uint64_t seed_;
  Random random_;
  EngineTraits traits_;
  bool up_ = true;
  bool hung_ = false;
  std::uint64_t life_ = 0;
  std::vector<std::function<void()>> held_back_;  ///< arrived while it hung
  std::uint64_t ids_ = 0;
  std::uint64_t processes_ = 0;
  std::uint64_t calls_ = 0;
  std::map<std::string, std::shared_ptr<Container>> containers_;  ///< by id
  std::map<std::string, std::string> names_;                      ///< name → id
  std::set<std::string> phantom_names_;                           ///< reserved by nothing, until the daemon restarts
  std::map<std::string, Image> images_;                           ///< by reference
  std::map<std::string, Image> registry_;
  std::set<std::string> networks_{"bridge", "none", "host"};
  std::map<std::string, int> ends_by_itself_;  ///< by agent and program: how often
};

docker::Error status_error(int status, std::string message);

}  // namespace cofferdam::sim
