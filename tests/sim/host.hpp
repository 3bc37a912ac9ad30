#pragma once

// The machine that everything runs on: its clocks, its boots, and the directories that agents work in.

#include <chrono>
#include <map>
#include <string>

#include "reconciler/time.hpp"
#include "specs/admission.hpp"
#include "tests/sim/trace.hpp"

namespace cofferdam::sim {

struct Workspace {
  specs::WorkspaceFacts facts;
  bool hangs = false;  ///< looking at it never comes back (a dead network file system)
};

struct Host {
  SimTime booted = -hour;   ///< when, in true time
  SimTime wall_offset = 0;  ///< jumps of the wall clock
  int boot = 1;             ///< its number, for the boot id
  std::map<std::string, Workspace> workspaces;

  [[nodiscard]] reconciler::WallTime wall(SimTime now) const {
    return reconciler::WallTime{std::chrono::seconds{1'767'225'600} + std::chrono::nanoseconds{now + wall_offset}};
  }
  [[nodiscard]] reconciler::Now now(SimTime at) const {
    reconciler::Now now;
    now.mono = reconciler::Monotonic{std::chrono::nanoseconds{at - booted}};
    now.wall = wall(at);
    now.boot_id = "boot-" + std::to_string(boot);
    now.boot = wall(booted);  // btime moves with the wall clock: it is now less the uptime
    return now;
  }
  [[nodiscard]] bool has_directory(const std::string& path) const {
    const auto found = workspaces.find(path);
    return found != workspaces.end() && found->second.facts.kind == specs::WorkspaceFacts::Kind::directory;
  }
};

}  // namespace cofferdam::sim
