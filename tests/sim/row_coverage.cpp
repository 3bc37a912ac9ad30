#include "tests/sim/row_coverage.hpp"

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

namespace cofferdam::sim {
namespace {

std::vector<std::string> rows() {
  std::vector<std::string> all;
  for (int row = 1; row <= 52; ++row) {
    if (row != 29) all.push_back(std::to_string(row));  // 29 is told as the row of 32 to 40 that it stands for
    if (row == 21 || row == 30) all.push_back(std::to_string(row) + "b");
  }
  for (int reply = 1; reply <= 11; ++reply) all.push_back("R" + std::to_string(reply));
  return all;
}

/// What a seed draws from: by the verb, and by the kind for calls and events.
const std::vector<std::string>& kinds() {
  static const std::vector<std::string> all{"kill",
                                            "stop",
                                            "rm",
                                            "start",
                                            "restart",
                                            "pause",
                                            "rename",
                                            "policy",
                                            "exec",
                                            "old-start",
                                            "copy",
                                            "decoy",
                                            "confirm",
                                            "release",
                                            "engine-kill",
                                            "engine-stop",
                                            "engine-hang",
                                            "stream-break",
                                            "stream-gap",
                                            "unkillable",
                                            "ghost",
                                            "sticky-removal",
                                            "inspect-hangs",
                                            "image-gone",
                                            "image-moves",
                                            "registry-gone",
                                            "network-gone",
                                            "phantom-name",
                                            "edit",
                                            "delete",
                                            "add",
                                            "move",
                                            "break",
                                            "unreadable-file",
                                            "duplicate",
                                            "fifo",
                                            "backup",
                                            "folder-missing",
                                            "folder-unreadable",
                                            "folder-emptied",
                                            "folder-replaced",
                                            "hints-lost",
                                            "crash",
                                            "shutdown",
                                            "reboot",
                                            "clock",
                                            "disk-full",
                                            "state-read-only",
                                            "state-unknown",
                                            "state-lost",
                                            "ws-missing",
                                            "ws-link",
                                            "ws-hangs",
                                            "ws-owner",
                                            "ws-swap",
                                            "configure",
                                            "violate ",
                                            "event drop",
                                            "event late",
                                            "event twice",
                                            "event forged",
                                            "rival",
                                            "crowd",
                                            "call refused",
                                            "call reset",
                                            "call descriptors",
                                            "call garbage",
                                            "call bad-request",
                                            "call conflict",
                                            "call error",
                                            "call unavailable",
                                            "call timeout",
                                            "call slow",
                                            "call crash-before",
                                            "call crash-applied",
                                            "call crash-after",
                                            "call reset-applied",
                                            "call error-applied",
                                            "call garbage-applied",
                                            "call timeout-applied",
                                            "call timeout-late",
                                            "call not-found",
                                            "call in-progress",
                                            "call no-permission"};
  return all;
}

/// What a few thousand seeds may miss: a created one that policy came to refuse, an image that is never pulled.
bool is_rare(const std::string& row) {
  return row == "20" || row == "45";
}

/// What was not reached.
std::vector<std::string> print(const char* title, const std::vector<std::string>& wanted,
                               const std::map<std::string, std::uint64_t>& counts) {
  std::printf("%s:\n", title);
  std::vector<std::string> missing;
  for (const std::string& name : wanted) {
    const auto found = counts.find(name);
    const std::uint64_t count = found == counts.end() ? 0 : found->second;
    if (count == 0) missing.push_back(name);
    std::printf("  %-24s %llu%s\n", name.c_str(), static_cast<unsigned long long>(count), count == 0 ? "   NOT REACHED" : "");
  }
  return missing;
}

}  // namespace

void Checks::note_rows(const Shell& shell) {
  for (const auto& [row, count] : shell.machine().rows()) world_.statistics().rows[std::string(row)] += count;
}

/// Which of the replies it is, by the table's words; the world knows what was so, not what the machine made of it.
void Checks::note_reply(const Issued& call, const reconciler::Reply& reply, const Shell& shell) {
  const auto count = [this](const char* row) { ++world_.statistics().rows[row]; };
  if (reply.epoch != shell.epoch() || session_over_) return count("R11");
  const auto* error = std::get_if<docker::Error>(&reply.result);
  if (error == nullptr) {
    if (call.operation == "create") count("R1");
    if (call.operation == "start") count("R4");
    return;
  }
  if (error->error_class == docker::ErrorClass::timeout) return count("R7");
  if (error->error_class != docker::ErrorClass::status) return;
  if (call.operation == "create" && docker::is_no_such_image(*error)) return count("R2");
  if (error->status == 409) {
    if (call.operation == "create") count("R3");
    if (call.operation == "kill") count("R5");
    if (call.operation == "remove" && error->message.find("running container") != std::string::npos) count("R6");
    return;
  }
  const auto known = attempts_.find(call.object);
  if (error->status != 404 || known == attempts_.end() || call.operation == "remove") return;
  const Attempt& attempt = known->second;
  const bool seen_live = attempt.live || (attempt.ran && attempt.gone_at - attempt.ended_at < second);
  count(seen_live ? "R8" : "R9");
}

bool print_coverage(const Statistics& statistics, std::uint64_t seeds) {
  const std::vector<std::string> unreached =
      print("rows of the table, and replies, with how often a decision or an answer was of each", rows(), statistics.rows);
  const std::vector<std::string> undrawn = print("faults and actions", kinds(), statistics.faults);
  std::printf("rows=%zu rows_not_reached=%zu kinds=%zu kinds_not_reached=%zu\n", rows().size(), unreached.size(), kinds().size(),
              undrawn.size());
  if (seeds >= all_needs) return unreached.empty() && undrawn.empty();
  return seeds < most_needs || (undrawn.empty() && std::all_of(unreached.begin(), unreached.end(), is_rare));
}

}  // namespace cofferdam::sim
