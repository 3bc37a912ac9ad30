// `cleanup`: stops (10 s) and always removes every container that passes all of this instance's ownership checks, agents' and
// probes, whatever the stop said. Runs beside no controller: the instance lock is held.

#include <algorithm>
#include <chrono>
#include <deque>
#include <functional>
#include <istream>
#include <iterator>
#include <memory>
#include <ostream>

#include "controller/command_context.hpp"
#include "controller/text.hpp"
#include "reconciler/ownership.hpp"

namespace cofferdam::controller {

namespace {

constexpr std::chrono::seconds stop_time{10};
constexpr std::chrono::milliseconds list_deadline{60000};
constexpr std::chrono::milliseconds stop_deadline{30000};
constexpr std::chrono::milliseconds remove_deadline{60000};
constexpr int at_once = 4;

bool is_live(docker::ContainerState state) {
  using docker::ContainerState;
  return state == ContainerState::running || state == ContainerState::paused || state == ContainerState::restarting;
}

bool is_gone(const docker::Error& error) {
  return error.error_class == docker::ErrorClass::status && error.status == 404;
}

/// The removals, a few at once. Lives until the last answer.
class Removal : public std::enable_shared_from_this<Removal> {
 public:
  Removal(const CommandContext& context, Api& api, std::vector<docker::ContainerSummary> containers,
          std::function<void(int)> finish)
      : context_(context),
        api_(api),
        waiting_(containers.begin(), containers.end()),
        all_(waiting_.size()),
        finish_(std::move(finish)) {}

  void begin() {
    for (int i = 0; i < at_once; ++i) {
      next();
    }
  }

 private:
  void next() {
    if (waiting_.empty()) {
      if (running_ == 0 && finish_) {
        end();
      }
      return;
    }
    const docker::ContainerSummary container = waiting_.front();
    waiting_.pop_front();
    ++running_;
    if (!is_live(container.state)) {
      remove(container);
      return;
    }
    api_.call(docker::ContainerStop{container.id, stop_time}, stop_deadline,
              [self = shared_from_this(), container](const docker::Result& result) {
                if (const auto* error = std::get_if<docker::Error>(&result); error != nullptr && !is_gone(*error)) {
                  self->context_.streams.err << "cofferdam: " << clean(container.name)
                                             << ": not stopped, removing it all the same: " << clean(to_string(*error)) << '\n';
                }
                self->remove(container);
              });
  }

  void remove(const docker::ContainerSummary& container) {
    api_.call(docker::ContainerRemove{container.id, true}, remove_deadline,
              [self = shared_from_this(), name = container.name](const docker::Result& result) {
                const auto* error = std::get_if<docker::Error>(&result);
                if (error == nullptr || is_gone(*error)) {
                  ++self->removed_;
                  self->tell("removed " + clean(name));
                } else {
                  self->context_.streams.err << "cofferdam: " << clean(name) << ": not removed: " << clean(to_string(*error))
                                             << '\n';
                }
                --self->running_;
                self->next();
              });
  }

  void tell(const std::string& line) {
    if (!context_.json()) {
      context_.streams.out << line << '\n';
    }
  }

  void end() {
    tell("removed " + std::to_string(removed_) + " of " + std::to_string(all_));
    if (context_.json()) {
      context_.streams.out << json_text({{"removed", removed_}, {"owned", all_}});
    }
    std::exchange(finish_, nullptr)(removed_ == all_ ? exit_ok : exit_found);
  }

  const CommandContext& context_;
  Api& api_;
  std::deque<docker::ContainerSummary> waiting_;
  std::size_t all_;
  std::function<void(int)> finish_;
  int running_ = 0;
  std::size_t removed_ = 0;
};

/// Agents' containers, and probes that were left behind; whatever fails a check is not ours to touch.
std::vector<docker::ContainerSummary> owned_of(const std::vector<docker::ContainerSummary>& listed,
                                               const specs::Configuration& configuration) {
  const reconciler::Identity identity{configuration.instance, configuration.name_prefix, COFFERDAM_VERSION};
  std::vector<docker::ContainerSummary> owned;
  std::copy_if(listed.begin(), listed.end(), std::back_inserter(owned), [&](const docker::ContainerSummary& row) {
    const auto owner = reconciler::owner_of(row.name, row.image_id, row.labels, identity).owner;
    return owner == reconciler::Owner::agent || owner == reconciler::Owner::probe;
  });
  std::sort(owned.begin(), owned.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return owned;
}

/// Empty: go on. Else why not.
std::string consent(const CommandContext& context, const std::vector<docker::ContainerSummary>& containers) {
  if (context.options.yes) {
    return {};
  }
  for (const auto& container : containers) {
    context.streams.err << "  " << clean(container.name) << "  " << docker::name_of(container.state) << '\n';
  }
  if (!context.streams.interactive) {
    return "nobody to ask whether to remove " + std::to_string(containers.size()) + " containers; say --yes";
  }
  context.streams.err << "Stop and remove these " << containers.size() << " containers? [y/N] " << std::flush;
  std::string answer;
  std::getline(context.streams.in, answer);
  return answer == "y" || answer == "Y" || answer == "yes" ? std::string() : "nothing was removed";
}

void remove_owned(const CommandContext& context, Api& api, const std::vector<docker::ContainerSummary>& listed,
                  const std::function<void(int)>& finish) {
  const auto containers = owned_of(listed, api.configuration()->configuration);
  if (!containers.empty()) {
    if (const std::string refused = consent(context, containers); !refused.empty()) {
      finish(context.fail(exit_usage, refused));
      return;
    }
  }
  std::make_shared<Removal>(context, api, containers, finish)->begin();
}

}  // namespace

int command_cleanup(const CommandContext& context) {
  RunOptions options;
  options.mode = Mode::dry;
  options.exclusive = true;
  options.source = context.source();
  options.on_engine = [&](const reconciler::EngineFacts& engine) {
    context.streams.err << engine_text(engine.address, engine.version.version, engine.info.id) << '\n';
  };
  options.on_quiet = [&](Api& api, const std::function<void(int)>& finish) {
    if (!api.configuration()->configuration.sandbox.enabled) {
      finish(context.fail(exit_usage, "sandbox.enabled is false: nothing is stopped or removed; set it to true to clean up"));
      return;
    }
    api.call(docker::ContainerList{}, list_deadline, [&context, &api, finish](const docker::Result& result) {
      if (const auto* error = std::get_if<docker::Error>(&result)) {
        finish(context.fail(exit_engine, "the containers were not listed: " + clean(to_string(*error))));
        return;
      }
      remove_owned(context, api, std::get<std::vector<docker::ContainerSummary>>(std::get<docker::Reply>(result)), finish);
    });
  };
  return context.fail(run(options));
}

}  // namespace cofferdam::controller
