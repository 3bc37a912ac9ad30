#pragma once

// Builds one agent's view in the words of the table: `present().with(running(2))`.

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <utility>

#include "reconciler/decide.hpp"

namespace cofferdam::reconciler {

using docker::ContainerState;
using std::chrono::seconds;

inline constexpr std::string_view kRun = "run-a";
inline constexpr std::string_view kConfig = "config-a";

/// A moment an hour into this host's life.
inline Now at_start() {
  Now now;
  now.boot = WallTime{std::chrono::hours{500000}};
  now.wall = now.boot + std::chrono::hours{1};
  now.mono = Monotonic{std::chrono::hours{1}};
  now.boot_id = "boot-1";
  return now;
}

inline Now later(Now now, std::chrono::nanoseconds span) {
  now.mono += span;
  now.wall += span;
  return now;
}

inline ContainerView container(std::int64_t attempt, ContainerState state) {
  ContainerView view;
  view.id = "id-" + std::to_string(attempt);
  view.name = "cofferdam-default-bot-" + std::to_string(attempt);
  view.attempt = attempt;
  view.state = state;
  view.run_hash = kRun;
  view.config_hash = kConfig;
  view.schema = 1;
  view.inspected = true;
  return view;
}

inline ContainerView created(std::int64_t attempt) {
  return container(attempt, ContainerState::created);
}

inline ContainerView running(std::int64_t attempt) {
  ContainerView view = container(attempt, ContainerState::running);
  view.pid = 4711;
  view.started_at = at_start().wall - seconds{30};
  return view;
}

inline ContainerView exited(std::int64_t attempt, std::int64_t code) {
  ContainerView view = container(attempt, ContainerState::exited);
  view.started_at = at_start().wall - seconds{30};
  view.finished_at = at_start().wall - seconds{10};
  view.exit_code = code;
  return view;
}

inline ContainerView suspect(ContainerState state) {
  ContainerView view = container(9, state);
  view.id = "id-suspect";
  view.name = "look-alike";
  view.suspect = true;
  return view;
}

inline Outcome ended(std::int64_t attempt, std::int64_t code) {
  Outcome outcome;
  outcome.attempt = attempt;
  outcome.container_id = "id-" + std::to_string(attempt);
  outcome.run_hash = kRun;
  outcome.config_hash = kConfig;
  outcome.schema = 1;
  outcome.exit_code = code;
  outcome.started_at = at_start().wall - seconds{30};
  outcome.finished_at = at_start().wall - seconds{10};
  outcome.failures = 1;
  return outcome;
}

inline Stop recorded(StopCause cause) {
  Stop stop;
  stop.cause = cause;
  return stop;
}

/// An engine that was listed, and nothing in the way.
inline EngineView ready_engine() {
  EngineView engine;
  engine.state_known = engine.scanned = engine.listed = engine.engine_up = true;
  return engine;
}

class Agent {
 public:
  explicit Agent(Want want) {
    view_.agent = "bot";
    view_.want = want;
    Wanted wanted;
    wanted.run_hash = kRun;
    wanted.config_hash = kConfig;
    wanted.schema = 1;
    wanted.image = "docker.io/library/node:20-alpine";
    wanted.workspace = "/srv/w/bot";
    view_.wanted = wanted;
  }

  /// Highest attempt first.
  Agent& with(ContainerView container) {
    view_.containers.push_back(std::move(container));
    return *this;
  }
  Agent& with(Outcome outcome) {
    view_.outcome = std::move(outcome);
    return *this;
  }
  Agent& restart(specs::RestartPolicy policy) {
    view_.wanted->restart_policy = policy;
    return *this;
  }
  Agent& edited() {
    view_.wanted->run_hash = "run-b";
    view_.wanted->config_hash = "config-b";
    return *this;
  }
  Agent& outdated() {
    view_.wanted->config_hash = "config-b";
    return *this;
  }
  Agent& written_differently() {
    view_.wanted->run_hash = "run-b";
    return *this;
  }
  /// Image, user and workspace are known and good.
  Agent& prepared() {
    view_.next.image = Preparation::Image::known;
    view_.next.user = Preparation::User::known;
    view_.next.workspace = Preparation::Workspace::good;
    return *this;
  }
  AgentView* operator->() { return &view_; }
  Wanted& wanted() { return *view_.wanted; }
  Preparation& next() { return view_.next; }

  [[nodiscard]] Decision decide(const Now& now = at_start(), const EngineView& engine = ready_engine()) const {
    return reconciler::decide(view_, engine, now);
  }

 private:
  AgentView view_;
};

inline Agent present() {
  return Agent{Want::present};
}

/// "52 create id": what tests compare.
inline std::string told(const Decision& decision) {
  std::string text{decision.row};
  text += ' ';
  text += name_of(decision.action);
  if (!decision.container.empty()) text += ' ' + decision.container;
  if (decision.stop_cause) text += ' ' + std::string{name_of(*decision.stop_cause)};
  return text;
}

/// "Stuck/Ghost": what people read.
inline std::string phase(const Decision& decision) {
  std::string text{decision.phase ? name_of(*decision.phase) : "unchanged"};
  if (!decision.reason.empty()) text += '/' + decision.reason;
  return text;
}

inline std::string condition(const Decision& decision, std::string_view type) {
  for (const auto& condition : decision.conditions) {
    if (condition.type == type)
      return std::string{name_of(condition.status)} + (condition.reason.empty() ? "" : "/" + condition.reason);
  }
  return "none";
}

}  // namespace cofferdam::reconciler
