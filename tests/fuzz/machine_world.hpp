#pragma once

// The world that the machine's fuzz target plays: a folder, an engine that does as it is told, and people who do anything. It
// knows no time of its own and checks nothing; what the machine may do in it is checked in machine_checks.hpp.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "reconciler/inputs.hpp"
#include "reconciler/time.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace cofferdam::fuzz {

class MachineWorld {
 public:
  reconciler::Now now;
  std::map<std::string, std::string> records;  ///< the state directory

  MachineWorld();

  // The folder.
  std::string edit(Input& input);  ///< the name of the file that changed
  [[nodiscard]] specs::DirSnapshot snapshot(std::uint64_t scan, std::uint8_t how) const;

  // The engine.
  docker::Result carry_out(const docker::Request& request, std::uint8_t how);
  void people(Input& input);
  docker::Event event(Input& input);
  void images(std::uint8_t how);
  static docker::EngineInfo info();

  // Inputs that come of nothing but chance.
  static std::shared_ptr<const specs::Configuration> configuration(std::uint8_t how);
  reconciler::StateLoaded state(Input& input) const;
  static docker::Error error(const docker::Request& request, std::uint8_t how);
  /// One of the agents' names, or one that is none's.
  static std::string agent(std::uint8_t choice);

  /// The ids of all containers, and one that is none's behind them.
  [[nodiscard]] std::string container(std::uint8_t choice) const;

 private:
  using Details = docker::ContainerDetails;
  Details* find(const std::string& id_or_name);
  std::string new_id();
  docker::Result create(const docker::ContainerCreate& request);
  docker::Result start(Details& container, std::uint8_t how);
  docker::Result kill(Details& container, const std::string& signal, std::uint8_t how);
  docker::Result remove(Details& container, bool force);
  void end(Details& container, std::int64_t code);
  void mess(Details& container, Input& input) const;
  void look_alike(Input& input);

  std::map<std::string, std::string> files_;
  std::map<std::string, Details> containers_;
  std::set<std::string> images_;
  std::set<std::string> registry_;
  std::uint64_t ids_ = 0;
  std::uint64_t edits_ = 0;
  std::uint64_t directory_ = 1;
};

}  // namespace cofferdam::fuzz
