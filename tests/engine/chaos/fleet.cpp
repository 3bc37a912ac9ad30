#include "tests/engine/chaos/fleet.hpp"

#include <array>
#include <charconv>
#include <cstdio>
#include <utility>

namespace cofferdam::test::chaos {

namespace {

struct Manner {
  const char* command;
  const char* lines;
};

Manner manner_of(Kind kind) {
  switch (kind) {
    case Kind::steady: return {"exec sleep 100000", "  restartPolicy: OnFailure\n"};
    case Kind::always: return {"exec sleep 100000", "  restartPolicy: Always\n"};
    case Kind::polite: return {"trap 'exit 0' TERM; while true; do sleep 1; done", "  restartPolicy: Always\n"};
    case Kind::stubborn: return {"trap '' TERM; while true; do sleep 1; done", "  restartPolicy: OnFailure\n"};
    case Kind::never: return {"exec sleep 100000", "  restartPolicy: Never\n"};
    case Kind::crashing: return {"sleep 1; exit 3", "  restartPolicy: OnFailure\n"};
    case Kind::bounded: return {"exit 4", "  restartPolicy: OnFailure\n  maxRestarts: 2\n"};
    case Kind::once: return {"sleep 1; echo done", "  restartPolicy: Never\n"};
    case Kind::retried: return {"sleep 1; echo done", "  restartPolicy: OnFailure\n"};
  }
  return {};
}

constexpr std::array mix{Kind::steady, Kind::always, Kind::stubborn, Kind::once,     Kind::steady,
                         Kind::polite, Kind::never,  Kind::retried,  Kind::crashing, Kind::steady,
                         Kind::always, Kind::steady, Kind::bounded,  Kind::stubborn, Kind::steady};

}  // namespace

Fleet::Fleet(int count, std::string workspaces) : workspaces_(std::move(workspaces)) {
  for (int i = 0; i < count; ++i) {
    char name[16];
    std::snprintf(name, sizeof name, "a%02d", i);
    members_.push_back({.name = name, .kind = mix[static_cast<std::size_t>(i) % mix.size()]});
  }
}

std::set<std::string> Fleet::run_once() const {
  std::set<std::string> names;
  for (const auto& member : members_) {
    if (member.kind == Kind::once || member.kind == Kind::retried) names.insert(member.name);
  }
  return names;
}

Member* Fleet::find(const std::string& name) {
  for (auto& member : members_) {
    if (member.name == name) return &member;
  }
  return nullptr;
}

std::string Fleet::text(const Member& member, const std::string& more) const {
  const Manner manner = manner_of(member.kind);
  return "apiVersion: cofferdam/v1\nkind: Agent\nmetadata: {name: " + member.name + ", revision: \"" +
         std::to_string(member.version) + "\"}\nspec:\n  taskId: " + task_of(member.version) +
         "\n  workspacePath: " + workspace(member) + "\n  command: [sh, -c, \"" + manner.command + "\"]\n" + manner.lines +
         "  stopTimeoutSeconds: 1\n" + more;
}

std::string Fleet::broken_text(const Member& member, unsigned which) const {
  Member other = member;
  other.version = 0;
  std::string text = this->text(other);
  const std::string task = "taskId: " + task_of(0);
  text.replace(text.find(task), task.size(), "taskId: bad");
  switch (which % 5) {
    case 0: return text + "  memoryMb: 64\n";
    case 1: return text.substr(0, text.find("command") + 12);
    case 2: return text + "  command: [sh]\n";
    case 3: return "";
    default: return text + "---\n" + text;
  }
}

std::optional<int> version_of(const std::string& task) {
  int version = 0;
  if (task.size() < 3 || task.front() != 't' || task.back() != 'x') return std::nullopt;
  const char* const end = task.data() + task.size() - 1;
  const auto read = std::from_chars(task.data() + 1, end, version);
  if (read.ec != std::errc{} || read.ptr != end) return std::nullopt;
  return version;
}

std::string task_of(int version) {
  return "t" + std::to_string(version) + "x";
}

bool runs_to_an_end(Kind kind) {
  return kind == Kind::once || kind == Kind::retried || kind == Kind::bounded;
}

}  // namespace cofferdam::test::chaos
