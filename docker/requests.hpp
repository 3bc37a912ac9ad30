#pragma once

// The vocabulary of engine calls: what the machine asks, what the HTTP engine does, what the simulated engine
// imitates. moby's nouns and verbs; one struct, one HTTP request.

#include <chrono>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "docker/error.hpp"
#include "docker/types.hpp"

namespace cofferdam::docker {

struct ContainerList {
  std::vector<std::string> labels;  ///< "key" or "key=value", all must hold; empty: every container of the engine
};
struct ContainerInspect {
  std::string id;  ///< the full id, or a name after a 409
};
struct ContainerCreate {
  std::string name;
  ContainerConfig config;
  HostConfig host_config;
};
struct ContainerStart {
  std::string id;
};
struct ContainerKill {
  std::string id;
  std::string signal;  ///< "TERM", "KILL"
};
struct ContainerStop {
  std::string id;
  std::optional<std::chrono::seconds> timeout;
};
struct ContainerRemove {
  std::string id;
  bool force = false;  ///< anonymous volumes go too, always (v=1)
};
struct ContainerWait {
  std::string id;
  std::string condition = "next-exit";
};
struct ContainerArchive {
  std::string id;
  std::string path;  ///< absolute, in the container
};
struct ImageInspect {
  std::string reference;
};
struct ImagePull {
  std::string reference;  ///< normalised, with a tag or a digest; credentials are the engine client's business
};
struct NetworkInspect {
  std::string name;
};
struct SystemPing {};
struct SystemVersion {};
struct SystemInfo {};

using Request =
    std::variant<ContainerList, ContainerInspect, ContainerCreate, ContainerStart, ContainerKill, ContainerStop, ContainerRemove,
                 ContainerWait, ContainerArchive, ImageInspect, ImagePull, NetworkInspect, SystemPing, SystemVersion, SystemInfo>;

/// "container create", "image pull": the label of metrics and the operation of errors.
std::string_view operation_of(const Request& request);
/// The name or id a request is about; empty for the list and the system's.
std::string object_of(const Request& request);

struct ContainerCreated {
  std::string id;
  std::vector<std::string> warnings;
  bool operator==(const ContainerCreated&) const = default;
};
/// 2xx without a body, or 304.
struct Done {
  bool already = false;  ///< 304: it was so before
  bool operator==(const Done&) const = default;
};
struct ContainerWaited {
  std::int64_t exit_code = 0;
  bool operator==(const ContainerWaited&) const = default;
};
/// One regular file out of a container (the archive's first entry).
struct ArchiveFile {
  std::string name;
  std::string content;
  bool operator==(const ArchiveFile&) const = default;
};
struct ImagePulled {
  std::string digest;  ///< as the stream named it; may be empty
  bool operator==(const ImagePulled&) const = default;
};
struct Pong {
  std::string api_version;
  bool podman = false;
  bool operator==(const Pong&) const = default;
};

using Reply = std::variant<std::vector<ContainerSummary>, ContainerDetails, ContainerCreated, Done, ContainerWaited, ArchiveFile,
                           ImageDetails, ImagePulled, NetworkDetails, Pong, EngineVersion, EngineInfo>;
using Result = std::variant<Reply, Error>;

/// moby has one status and several meanings for a conflict; its text is the only sign.
enum class ConflictKind {
  none,
  name_in_use,
  not_running,
  running,  ///< remove without force of a running container
  paused,   ///< remove without force of a paused container: unpause or kill first
  removal_in_progress,
  marked_for_removal,
  other,
};
ConflictKind conflict_kind(const Error& error);

/// 404 of a create: the image is not there.
bool is_no_such_image(const Error& error);
/// 404 of a start: its network is not there (the container is).
bool is_no_such_network(const Error& error);
/// A start that failed because the command is missing (127) or not executable (126); 0 otherwise.
int start_exit_code(const Error& error);

enum class LimitKind { memory, swap, cpu, pids, blkio, oom_kill_disable, other };
/// Whether a warning of create says that a limit was discarded, and which.
std::optional<LimitKind> discarded_limit(const std::string& warning);
std::string_view name_of(LimitKind kind);

}  // namespace cofferdam::docker
