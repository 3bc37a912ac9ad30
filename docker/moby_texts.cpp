// What moby says in words only: the meanings of one status, and the limits that a create discarded. Texts are compared
// without regard to case and by the words that stayed the same from 20.10 on.

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>
#include <utility>

#include "docker/requests.hpp"

namespace cofferdam::docker {

namespace {

constexpr int kNotFound = 404;
constexpr int kConflict = 409;
constexpr int kBadRequest = 400;
constexpr int kNotExecutable = 126;
constexpr int kNotThere = 127;

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
  return result;
}

bool has(std::string_view text, std::string_view words) {
  return text.find(words) != std::string_view::npos;
}

bool is_status(const Error& error, int status) {
  return error.error_class == ErrorClass::status && error.status == status;
}

}  // namespace

ConflictKind conflict_kind(const Error& error) {
  const auto text = lower(error.message);
  // Podman before March 2026 answers 500 for a name in use.
  const bool podman_name = is_status(error, 500) && has(text, "name") && has(text, "already in use");
  if (!is_status(error, kConflict) && !podman_name) {
    return ConflictKind::none;
  }
  if (has(text, "already in use")) {
    return ConflictKind::name_in_use;
  }
  if (has(text, "already in progress")) {
    return ConflictKind::removal_in_progress;
  }
  if (has(text, "marked for removal")) {
    return ConflictKind::marked_for_removal;
  }
  if (has(text, "is not running")) {
    return ConflictKind::not_running;
  }
  if (has(text, "remove a paused container") || has(text, "container is paused and must be unpaused")) {
    return ConflictKind::paused;
  }
  if (has(text, "remove a running container") || has(text, "remove a restarting container") ||
      has(text, "stop the container before removing") || has(text, "stop the container before attempting removal")) {
    return ConflictKind::running;
  }
  return ConflictKind::other;
}

bool is_no_such_image(const Error& error) {
  if (!is_status(error, kNotFound) || error.operation != "container create") {
    return false;
  }
  const auto text = lower(error.message);
  return has(text, "no such image") || has(text, "image not known");
}

bool is_no_such_network(const Error& error) {
  if (!is_status(error, kNotFound) || error.operation != "container start") {
    return false;
  }
  const auto text = lower(error.message);
  return has(text, "network") && !has(text, "no such container");
}

int start_exit_code(const Error& error) {
  if (!is_status(error, kBadRequest) || error.operation != "container start") {
    return 0;
  }
  // A mount's "no such file" or a working directory's "permission denied" is not the command's: only what the runtime
  // says of the exec itself counts.
  const auto text = lower(error.message);
  if (has(text, "executable file")) {
    return kNotThere;
  }
  if (!has(text, "exec: ") || has(text, "mounting")) {
    return 0;
  }
  if (has(text, "permission denied") || has(text, "is a directory")) {
    return kNotExecutable;
  }
  return has(text, "no such file or directory") ? kNotThere : 0;
}

std::optional<LimitKind> discarded_limit(const std::string& warning) {
  const auto text = lower(warning);
  // moby: "… Limitation discarded.", "… Quota discarded.", "… Memory limited without swap."
  const bool discarded = has(text, "discarded") || has(text, "limited without swap");
  if (!discarded || has(text, "published ports")) {
    return std::nullopt;
  }
  // In this order: a swap warning also speaks of memory, an OOM warning too.
  static constexpr std::array<std::pair<std::string_view, LimitKind>, 12> kWords{{
      {"oomkill", LimitKind::oom_kill_disable},
      {"oom kill", LimitKind::oom_kill_disable},
      {"swap limit", LimitKind::swap},
      {"without swap", LimitKind::swap},
      {"swappiness", LimitKind::swap},
      {"blkio", LimitKind::blkio},
      {"block i/o", LimitKind::blkio},
      {"block read", LimitKind::blkio},
      {"block write", LimitKind::blkio},
      {"pids", LimitKind::pids},
      {"cpu", LimitKind::cpu},
      {"memory", LimitKind::memory},
  }};
  for (const auto& [words, kind] : kWords) {
    if (has(text, words)) {
      return kind;
    }
  }
  return LimitKind::other;
}

std::string_view name_of(LimitKind kind) {
  switch (kind) {
    case LimitKind::memory: return "memory";
    case LimitKind::swap: return "swap";
    case LimitKind::cpu: return "cpu";
    case LimitKind::pids: return "pids";
    case LimitKind::blkio: return "blkio";
    case LimitKind::oom_kill_disable: return "oomKillDisable";
    case LimitKind::other: return "other";
  }
  return "other";
}

}  // namespace cofferdam::docker
