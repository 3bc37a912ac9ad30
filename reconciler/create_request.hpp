#pragma once

// What is wanted of a container → the engine's create call, with every row of docs/hardening.md's table written out:
// nothing is left to the engine's defaults or the image where either could weaken it.

#include <cstdint>
#include <string>

#include "docker/requests.hpp"
#include "reconciler/reconciler.hpp"
#include "specs/admission.hpp"
#include "specs/effective.hpp"

namespace cofferdam::reconciler {

/// The attempt to be made: its name and what its labels remember over a restart of the controller.
struct Attempt {
  std::int64_t number = 1;
  std::int64_t restarts = 0;
  std::int64_t failures = 0;
  std::string run_hash;
  std::string config_hash;
  std::string source;  ///< the spec file's name
};

/// "<namePrefix>-<instance>-<agent>-<attempt>"
std::string container_name(const Identity& identity, const std::string& agent, std::int64_t attempt);
/// "<namePrefix>-<instance>-probe.<image>-<try>": the dot keeps it out of every agent's names.
std::string probe_name(const Identity& identity, const std::string& image_id, int tries);

docker::HostConfig host_config_of(const specs::EffectiveContainer& container, const specs::NumericUser& user,
                                  const EngineFacts& engine);

docker::ContainerCreate create_request(const specs::EffectiveContainer& container, const specs::AgentSpec& spec,
                                       const specs::ImageFacts& image, const specs::NumericUser& user, const Attempt& attempt,
                                       const EngineFacts& engine, const Identity& identity);

/// A container that is never started: its image's files are read out of it.
docker::ContainerCreate probe_request(const std::string& image_id, int tries, const Identity& identity);

/// What of an image's inspect matters for admission.
specs::ImageFacts facts_of(const docker::ImageDetails& image);

}  // namespace cofferdam::reconciler
