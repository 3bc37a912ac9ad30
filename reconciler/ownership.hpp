#pragma once

// Whose a container is. Labels, the container's real name and its image decide together; a matching name alone proves
// nothing, and neither do labels alone: `docker commit` copies them into an image (docs/semantics.md, "Words"; S2).

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "reconciler/reconciler.hpp"

namespace cofferdam::reconciler {

/// The labels on every container that we make.
namespace label {
inline constexpr std::string_view managed_by = "cofferdam.managed-by";
inline constexpr std::string_view instance = "cofferdam.instance";
inline constexpr std::string_view role = "cofferdam.role";  ///< agent | probe
inline constexpr std::string_view name = "cofferdam.name";  ///< the container's own
inline constexpr std::string_view agent = "cofferdam.agent";
inline constexpr std::string_view task = "cofferdam.task";
inline constexpr std::string_view run_hash = "cofferdam.run-hash";
inline constexpr std::string_view config_hash = "cofferdam.config-hash";
inline constexpr std::string_view schema = "cofferdam.schema";
inline constexpr std::string_view image_id = "cofferdam.image-id";
inline constexpr std::string_view attempt = "cofferdam.attempt";
inline constexpr std::string_view restarts = "cofferdam.restarts";
inline constexpr std::string_view failures = "cofferdam.failures";
inline constexpr std::string_view source = "cofferdam.source";
inline constexpr std::string_view version = "cofferdam.version";
inline constexpr std::string_view user_prefix = "cofferdam.label.";  ///< before the spec's own keys
inline constexpr std::string_view manager = "cofferdam";             ///< the value of managed-by
}  // namespace label

enum class Owner {
  foreign,  ///< not ours, or another instance's: does not exist here, but for the workspace check
  agent,    ///< passes every check
  probe,    ///< ours, made to read an image's files
  suspect,  ///< carries our labels and fails another check: reported, never touched
};

struct Ownership {
  Owner owner = Owner::foreign;
  std::string why;    ///< for suspect: what was expected and found
  std::string agent;  ///< as labelled; empty where it is no agent's name
  std::int64_t attempt = 0;
  std::int64_t restarts = 0;
  std::int64_t failures = 0;
  int schema = 0;
  std::string run_hash;
  std::string config_hash;
  std::string image_id;
};

/// `image_id`: what the engine says the container runs.
Ownership owner_of(const std::string& name, const std::string& image_id, const std::map<std::string, std::string>& labels,
                   const Identity& identity);

/// The number in a label; 0 where it is absent, no number, or beyond what we ever wrote (highest_count).
std::int64_t number_of(const std::map<std::string, std::string>& labels, std::string_view key);

}  // namespace cofferdam::reconciler
