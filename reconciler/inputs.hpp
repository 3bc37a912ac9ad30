#pragma once

// Everything that can happen to the machine. The shell turns the world into these; nothing else gets in.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "docker/requests.hpp"
#include "docker/types.hpp"
#include "specs/admission.hpp"
#include "specs/configuration.hpp"
#include "specs/folder.hpp"

namespace cofferdam::reconciler {

using CallId = std::uint64_t;

/// inotify's word about one name; a hint. An empty name: anything may have changed (queue overflow, directory replaced).
struct FileChanged {
  enum class Kind {
    written,   ///< content is being written: wait until it is closed or quiet
    complete,  ///< closed after writing, or renamed into place: read at once
    gone,
  };
  std::string name;
  Kind kind = Kind::complete;
};

/// The configuration to work by: at start, and after a good reload. `controller_paths`: what no workspace may touch.
struct ConfigRead {
  std::shared_ptr<const specs::Configuration> configuration;
  std::vector<std::string> controller_paths;
};

struct StateRecord {
  std::string key;  ///< "agents/<agent>", "stops/<container id>", "files/<file>", "engine"
  std::string bytes;
};
/// Once, at start. known=false: the directory is there and could not be read: row 1, nothing is done.
/// A missing directory is known, with no records.
struct StateLoaded {
  bool known = false;
  std::string error;
  std::vector<StateRecord> records;
};
struct SaveDone {
  std::string key;
  std::uint64_t version = 0;
  bool ok = false;
  std::string error;
};

struct WorkspaceChecked {
  CallId id = 0;  ///< of the CheckWorkspace effect
  std::string agent;
  bool hung = false;  ///< the deadline passed without an answer
  specs::WorkspaceFacts facts;
};

struct EngineFacts {
  docker::EngineVersion version;
  docker::EngineInfo info;
  std::string address;
  bool local = true;  ///< the engine runs on this host: pids, boot id and workspaces are ours
  bool podman = false;
};
/// The engine session. `up` after ping, version, info and an accepted event subscription. `gap`: the stream may
/// have lost events (the session goes on). A new epoch for each `up`.
struct Session {
  enum class State { up, down, gap };
  std::uint64_t epoch = 0;
  State state = State::down;
  EngineFacts facts;  ///< for up
  std::string why;    ///< for down and gap: what, where, the mend
};

struct Reply {
  std::uint64_t epoch = 0;
  CallId id = 0;
  docker::Result result;
};
struct PullProgress {
  CallId id = 0;
  std::string text;  ///< for people
};
struct Event {
  std::uint64_t epoch = 0;
  docker::Event event;
};

/// The kernel's word on one running container (a later issue brings the prober; until then the shell answers unverifiable).
struct Verified {
  enum class Verdict { verified, violated, unverifiable };
  std::string agent;
  std::string container_id;
  Verdict verdict = Verdict::unverifiable;
  std::string field;  ///< for violated
  std::string wanted;
  std::string found;
  std::string why;  ///< for unverifiable
};

/// The moment asked for by WakeAt has come.
struct Timer {};

struct ConfirmDeletions {
  std::string id;
};
struct Release {
  std::string agent;
};
/// An operator's word over the local socket; answered by the Answer effect with the same id.
struct Command {
  std::uint64_t id = 0;
  std::variant<ConfirmDeletions, Release> what;
};

/// The process is about to end: no further call is begun. Containers are left as they are.
struct Shutdown {};

using Input = std::variant<specs::DirSnapshot, FileChanged, ConfigRead, StateLoaded, SaveDone, WorkspaceChecked, Session, Reply,
                           PullProgress, Event, Verified, Timer, Command, Shutdown>;

}  // namespace cofferdam::reconciler
