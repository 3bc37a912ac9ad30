// The workspace: where it may lie, as text; what was found there; and whose it is where two overlap.

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "specs/admission_rules.hpp"

namespace cofferdam::specs {
namespace {

// The workspace may be none of these, nor lie inside them, nor hold them. `/` and `/tmp` stand apart: everything lies inside the
// one, and the other is only refused itself.
constexpr std::array<std::string_view, 17> system_paths{"/bin",
                                                        "/boot",
                                                        "/dev",
                                                        "/etc",
                                                        "/home",
                                                        "/proc",
                                                        "/root",
                                                        "/run",
                                                        "/sbin",
                                                        "/sys",
                                                        "/usr",
                                                        "/var/lib/containerd",
                                                        "/var/lib/containers",
                                                        "/var/lib/docker",
                                                        "/var/lib/kubelet",
                                                        "/var/log",
                                                        "/var/run"};

bool is_inside(const std::string& path, std::string_view directory) {
  if (directory == "/") return path.size() > 1;
  return path.size() > directory.size() && path.starts_with(directory) && path[directory.size()] == '/';
}

/// The system directory that the path touches; empty: none.
std::string forbidden_by(const std::string& path) {
  if (path == "/" || path == "/tmp") return path;
  std::string first = path.substr(0, path.find('/', 1));
  if (first.starts_with("/lib")) return first;  // /lib, /lib64, /libx32, …
  for (const std::string_view system : system_paths) {
    if (paths_overlap(path, std::string(system))) return std::string(system);
  }
  return {};
}

std::string octal(std::uint32_t mode) {
  std::string digits;
  for (int shift = 9; shift >= 0; shift -= 3) digits += static_cast<char>('0' + ((mode >> shift) & 7U));
  return digits;
}

void judge_access(const AgentSpec& spec, const WorkspaceFacts& facts, const NumericUser& user, Problems& problems) {
  // Root in a container without DAC_OVERRIDE is held to the bits like anybody. What an ACL grants besides is not seen here.
  const std::uint32_t shift = facts.uid == user.uid ? 6 : facts.gid == user.gid ? 3 : 0;
  const std::uint32_t granted = (facts.mode >> shift) & 7U;
  const std::uint32_t needed = spec.workspace_read_only ? 5U : 7U;
  if ((granted & needed) == needed) return;
  const std::string path = shell_quoted(spec.workspace_path);
  std::string command = "chown " + to_string(user) + ' ' + path;
  if (const std::uint32_t owner = (facts.mode >> 6) & 7U; (owner & needed) != needed) {
    command = (facts.uid == user.uid ? "" : command + " && ") + "chmod u+" + (spec.workspace_read_only ? "rx " : "rwx ") + path;
  }
  problems.push_back({spec.place_of("spec.workspacePath"), "spec.workspacePath",
                      "the workspace " + spec.workspace_path + " is not " + (spec.workspace_read_only ? "readable" : "writable") +
                          " for the agent's user " + to_string(user) + " (owner " + std::to_string(facts.uid) + ':' +
                          std::to_string(facts.gid) + ", mode " + octal(facts.mode) + ")",
                      "run: " + command, spec.workspace_read_only ? "workspace-readable" : "workspace-writable"});
}

}  // namespace

bool is_normal_path(const std::string& path) {
  if (path.empty() || path.front() != '/') return false;
  if (path == "/") return true;
  std::size_t begin = 1;
  while (begin <= path.size()) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view part(path.data() + begin, end - begin);
    if (part.empty() || part == "." || part == "..") return false;
    begin = end + 1;
  }
  return std::none_of(path.begin(), path.end(), [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; });
}

std::string shell_quoted(const std::string& text) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("/._-:@%+=,").find(c) != std::string_view::npos;
  };
  if (!text.empty() && std::all_of(text.begin(), text.end(), plain)) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + '\'';
}

bool paths_overlap(const std::string& a, const std::string& b) {
  return a == b || is_inside(a, b) || is_inside(b, a);
}

void judge_workspace_text(Judgement& judgement, const std::vector<std::string>& controller_paths) {
  const std::string field = "spec.workspacePath";
  const std::string& path = judgement.spec.workspace_path;
  const std::vector<std::string>& roots = judgement.policy().workspace_roots;
  if (!is_normal_path(path)) {
    judgement.refuse("workspace-path", field, "'" + path + "' is not an absolute, normalised path",
                     "write it from / on, without '.', '..', '//', control characters and a slash at the end");
    return;
  }
  if (std::none_of(roots.begin(), roots.end(), [&](const std::string& root) { return is_inside(path, root); })) {
    judgement.refuse("workspace-roots", field, path + " lies under none of the workspace roots",
                     "put it under one of policy.workspaceRoots: " + join(roots));
  }
  if (const std::string system = forbidden_by(path); !system.empty()) {
    judgement.refuse(
        "workspace-forbidden", field,
        path == system ? path + " is a directory of the system"
                       : path + (is_inside(path, system) ? " lies inside " : " holds ") + system + ", a directory of the system",
        "use a directory of its own, for example " + (roots.empty() ? std::string("/srv/cofferdam/workspaces") : roots[0]) + '/' +
            judgement.spec.name);
  }
  for (const std::string& own : controller_paths) {
    if (own.empty() || !paths_overlap(path, own)) continue;
    std::string what = path;
    what += path == own ? " is " : is_inside(path, own) ? " lies inside " : " holds ";
    what += "the controller's own path " + own;
    judgement.refuse("workspace-controller", field, std::move(what), "use a directory apart from the controller's own");
  }
}

Problems admit_workspace(const AgentSpec& spec, const Configuration& configuration, const WorkspaceFacts& facts,
                         std::uint32_t uid, std::uint32_t gid) {
  const std::string field = "spec.workspacePath";
  const std::string& path = spec.workspace_path;
  const std::string detail = facts.detail.empty() ? std::string() : " (" + facts.detail + ")";
  Problems problems;
  const auto refuse = [&](const char* rule, std::string what, std::string mend) {
    problems.push_back({spec.place_of(field), field, std::move(what), std::move(mend), rule});
  };
  switch (facts.kind) {
    case WorkspaceFacts::Kind::missing:
      refuse("workspace-missing", "the workspace " + path + " does not exist" + detail,
             "make it: install -d -o " + std::to_string(uid) + " -g " + std::to_string(gid) + " -m 0750 " + shell_quoted(path));
      return problems;
    case WorkspaceFacts::Kind::not_a_directory:
      refuse("workspace-directory", "the workspace " + path + " is not a directory" + detail,
             "name a directory, or put one in its place");
      return problems;
    case WorkspaceFacts::Kind::symlink_in_path:
      refuse("workspace-symlink", "the workspace " + path + " has a symbolic link in its path" + detail,
             "name the directory itself: a link could be turned elsewhere while the agent starts");
      return problems;
    case WorkspaceFacts::Kind::unreadable:
      refuse("workspace-unreadable", "the workspace " + path + " could not be looked at" + detail,
             "let the controller search its parent directories, for example chmod o+x on each of them");
      return problems;
    case WorkspaceFacts::Kind::directory: break;
  }
  judge_access(spec, facts, {uid, gid}, problems);
  const std::int64_t floor_mb = configuration.policy.min_workspace_free_mb;
  if (floor_mb > 0 && facts.free_mb >= 0 && facts.free_mb < floor_mb) {
    refuse("workspace-free-space",
           "the workspace's file system has " + std::to_string(facts.free_mb) +
               " MiB free, less than policy.minWorkspaceFreeMB (" + std::to_string(floor_mb) + ")",
           "free some space there, or lower policy.minWorkspaceFreeMB");
  }
  return problems;
}

std::vector<OverlapLoss> admit_overlap(const std::vector<WorkspaceClaim>& claims) {
  std::vector<const WorkspaceClaim*> order;
  order.reserve(claims.size());
  for (const WorkspaceClaim& claim : claims) {
    if (!claim.workspace.empty()) order.push_back(&claim);
  }
  std::sort(order.begin(), order.end(), [](const WorkspaceClaim* a, const WorkspaceClaim* b) {
    if (a->wins_already != b->wins_already) return a->wins_already;
    if (a->had_admitted != b->had_admitted) return a->had_admitted;
    return a->agent < b->agent;
  });

  // Each in turn takes its directory, unless one before has it, something in it, or one above it. A loser stands in nobody's way.
  std::map<std::string_view, const WorkspaceClaim*> taken;
  const auto holder = [&taken](const std::string& path) -> const WorkspaceClaim* {
    const std::string_view whole(path);
    for (std::size_t length = whole.size(); length != 0 && length != std::string_view::npos;
         length = whole.rfind('/', length - 1)) {
      if (const auto found = taken.find(whole.substr(0, length)); found != taken.end()) return found->second;
    }
    if (const auto root = taken.find("/"); root != taken.end()) return root->second;
    const std::string inside = path == "/" ? path : path + '/';
    const auto next = taken.lower_bound(inside);
    return next != taken.end() && next->first.starts_with(inside) ? next->second : nullptr;
  };
  std::vector<OverlapLoss> losses;
  for (const WorkspaceClaim* claim : order) {
    if (const WorkspaceClaim* winner = holder(claim->workspace)) {
      losses.push_back({claim->agent, winner->agent, winner->workspace});
    } else {
      taken.emplace(claim->workspace, claim);
    }
  }
  std::sort(losses.begin(), losses.end(), [](const OverlapLoss& a, const OverlapLoss& b) { return a.agent < b.agent; });
  return losses;
}

Problem overlap_problem(const AgentSpec& spec, const OverlapLoss& loss) {
  const std::string field = "spec.workspacePath";
  const std::string relation = spec.workspace_path == loss.winner_workspace ? "is the workspace"
                               : is_inside(spec.workspace_path, loss.winner_workspace)
                                   ? "lies inside the workspace " + loss.winner_workspace
                                   : "holds the workspace " + loss.winner_workspace;
  return {spec.place_of(field), field, spec.workspace_path + ' ' + relation + " of agent " + loss.winner,
          "give each agent a directory of its own, neither inside the other", "workspace-overlap"};
}

}  // namespace cofferdam::specs
