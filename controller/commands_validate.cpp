// `validate`: what the controller would say of these files, without an engine. The same reading, the same parser, the same
// policy.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>
#include <ostream>
#include <tuple>

#include "controller/command_context.hpp"
#include "controller/configuration_loader.hpp"
#include "controller/directory_scan.hpp"
#include "controller/file_descriptor.hpp"
#include "controller/status_json.hpp"
#include "controller/system_error.hpp"
#include "controller/text.hpp"
#include "controller/workspace_check.hpp"
#include "specs/admission.hpp"
#include "specs/effective.hpp"
#include "specs/folder.hpp"

namespace cofferdam::controller {

namespace {

namespace fs = std::filesystem;

/// What is checked against, and what came of it.
struct Findings {
  specs::Problems problems;
  specs::Problems warnings;
  std::size_t files = 0;
  std::size_t agents = 0;
};

struct Basis {
  specs::Configuration configuration;
  std::vector<std::string> controller_paths;
  std::vector<std::string> warnings;
};

/// The configuration named by --config; without one the defaults, so that the answer is the same on every host.
std::variant<Basis, specs::Problems> basis_of(const CommandContext& context) {
  if (!context.options.config.empty()) {
    auto loaded = load_configuration_file(context.source());
    if (auto* problems = std::get_if<specs::Problems>(&loaded)) {
      return std::move(*problems);
    }
    auto& file = std::get<LoadedFile>(loaded);
    return Basis{std::move(file.loaded.configuration), std::move(file.controller_paths), std::move(file.warnings)};
  }
  auto defaults = specs::parse_configuration("", "", {});
  if (auto* problems = std::get_if<specs::Problems>(&defaults)) {
    return std::move(*problems);
  }
  Basis basis{std::move(std::get<specs::LoadedConfiguration>(defaults).configuration), {}, {}};
  const auto& c = basis.configuration;
  basis.controller_paths = {c.specs.directory, c.state_directory, c.runtime_directory, "/var/run/docker.sock",
                            "/run/docker.sock"};
  return basis;
}

std::shared_ptr<const std::string> content_of(int file, std::int64_t most, int& error) {
  std::string bytes;
  std::vector<char> room(65536);
  while (static_cast<std::int64_t>(bytes.size()) <= most) {
    const ssize_t got = ::read(file, room.data(), room.size());
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      error = errno;
      return nullptr;
    }
    if (got == 0) {
      break;
    }
    bytes.append(room.data(), static_cast<std::size_t>(got));
  }
  return std::make_shared<const std::string>(std::move(bytes));
}

specs::FileType type_of(mode_t mode) {
  if (S_ISREG(mode)) {
    return specs::FileType::regular;
  }
  if (S_ISFIFO(mode)) {
    return specs::FileType::fifo;
  }
  if (S_ISSOCK(mode)) {
    return specs::FileType::socket;
  }
  return S_ISCHR(mode) || S_ISBLK(mode) ? specs::FileType::device : specs::FileType::unknown;
}

/// One file named by hand: links to it are followed, unlike in the spec directory.
specs::DirEntry entry_of(const std::string& path, std::int64_t most) {
  specs::DirEntry entry;
  entry.name = path;
  struct stat facts{};
  if (::stat(path.c_str(), &facts) != 0) {
    entry.error = errno;
    return entry;
  }
  entry.type = type_of(facts.st_mode);
  entry.size = facts.st_size;
  entry.mode = facts.st_mode & 07777U;
  entry.uid = facts.st_uid;
  entry.gid = facts.st_gid;
  if (entry.type != specs::FileType::regular || entry.size > most) {
    return entry;
  }
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) {
    entry.error = errno;
    return entry;
  }
  entry.bytes = content_of(file.get(), most, entry.error);
  return entry;
}

void add_directory(const std::string& path, std::int64_t most, specs::DirSnapshot& snapshot, Findings& findings) {
  const FileDescriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const int error = directory ? 0 : errno;
  DirectoryReading reading;
  if (directory) {
    reading = read_directory(directory.get(), {}, most);
  }
  if (!directory || !reading.snapshot.complete) {
    findings.problems.push_back({{path, 0, 0},
                                 "",
                                 "cannot be listed: " + (directory ? reading.snapshot.error : system_message(error)),
                                 "name a directory that you may read",
                                 ""});
    return;
  }
  if (reading.snapshot.entries.empty()) {
    findings.warnings.push_back({{path, 0, 0}, "", "has no spec file in it", "spec files end in .yaml or .yml", ""});
  }
  for (auto& entry : reading.snapshot.entries) {
    entry.name = (fs::path(path) / entry.name).string();
    snapshot.entries.push_back(std::move(entry));
  }
}

void add_file(const std::string& path, std::int64_t most, specs::DirSnapshot& snapshot, Findings& findings) {
  specs::DirEntry entry = entry_of(path, most);
  if (entry.error == ENOENT || entry.error == ENOTDIR) {
    findings.problems.push_back({{path, 0, 0}, "", "does not exist", "name a spec file, or a directory of them", ""});
    return;
  }
  snapshot.entries.push_back(std::move(entry));
}

bool place_less(const specs::Problem& a, const specs::Problem& b) {
  return std::tie(a.place.file, a.place.line, a.place.column, a.path, a.what) <
         std::tie(b.place.file, b.place.line, b.place.column, b.path, b.what);
}

/// Both of a pair are told, each at its own place: who would win depends on what runs, which is not known here.
void add_overlaps(const std::vector<const specs::AgentSpec*>& agents, specs::Problems& problems) {
  std::map<std::string, const specs::AgentSpec*> by_name;
  std::vector<specs::WorkspaceClaim> claims;
  for (const auto* agent : agents) {
    if (by_name.emplace(agent->name, agent).second) {
      claims.push_back({agent->name, agent->workspace_path, false, false});
    }
  }
  for (const auto& loss : specs::admit_overlap(claims)) {
    const auto& loser = *by_name.at(loss.agent);
    problems.push_back(specs::overlap_problem(loser, loss));
    problems.push_back(specs::overlap_problem(*by_name.at(loss.winner), {loss.winner, loser.name, loser.workspace_path}));
  }
}

void check_workspace_of(const specs::AgentSpec& agent, const specs::Configuration& configuration, specs::Problems& problems) {
  const auto facts = check_workspace(agent.workspace_path);
  const std::string user = agent.user.value_or(configuration.sandbox.user);
  // The numbers of a name stand in the image: then the directory's own owner is taken, and its mode is not judged.
  specs::NumericUser numbers{facts.uid, facts.gid};
  if (!specs::user_needs_files(user)) {
    numbers = specs::resolve_user(user, "", "").user.value_or(numbers);
  }
  const auto refused = specs::admit_workspace(agent, configuration, facts, numbers.uid, numbers.gid);
  problems.insert(problems.end(), refused.begin(), refused.end());
}

void judge(const specs::AgentSpec& agent, const Basis& basis, bool look, Findings& findings) {
  ++findings.agents;
  const auto refused = specs::admit(agent, basis.configuration, {}, basis.controller_paths);
  findings.problems.insert(findings.problems.end(), refused.begin(), refused.end());
  for (const std::string& name : specs::make_effective(agent, basis.configuration).filtered) {
    const std::string path = "spec.env." + name;
    findings.warnings.push_back({agent.place_of(path), path,
                                 "is not on the allow-list and will not be passed to agent " + agent.name,
                                 "remove it, or add it to sandbox.envWhitelistAdd of the configuration", ""});
  }
  if (look) {
    check_workspace_of(agent, basis.configuration, findings.problems);
  }
}

Findings examine(const CommandContext& context, const Basis& basis) {
  const specs::FolderBounds bounds;
  Findings findings;
  specs::DirSnapshot snapshot;
  snapshot.complete = true;
  for (const std::string& path : context.options.paths) {
    std::error_code ignored;
    if (fs::is_directory(path, ignored)) {
      add_directory(path, bounds.max_file_bytes, snapshot, findings);
    } else {
      add_file(path, bounds.max_file_bytes, snapshot, findings);
    }
  }
  specs::Folder folder(bounds);
  folder.apply(snapshot, {});
  findings.files = folder.files().size();
  for (const auto& [name, file] : folder.files()) {
    findings.problems.insert(findings.problems.end(), file.problems.begin(), file.problems.end());
  }
  std::vector<specs::AgentFile> parsed;
  std::vector<const specs::AgentSpec*> agents;
  parsed.reserve(snapshot.entries.size());
  for (const auto& entry : snapshot.entries) {
    if (!entry.bytes) {
      continue;
    }
    parsed.push_back(specs::parse_agents(*entry.bytes, entry.name));
    if (parsed.back().good()) {
      for (const auto& agent : parsed.back().agents) {
        agents.push_back(&agent);
        judge(agent, basis, context.options.check_workspaces, findings);
      }
    }
  }
  add_overlaps(agents, findings.problems);
  for (auto* list : {&findings.problems, &findings.warnings}) {
    std::sort(list->begin(), list->end(), place_less);
    list->erase(std::unique(list->begin(), list->end()), list->end());
  }
  return findings;
}

std::string counted(std::size_t count, const char* what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

}  // namespace

int command_validate(const CommandContext& context) {
  if (context.options.paths.empty() && context.options.config.empty()) {
    return context.fail(exit_usage,
                        "validate what? Name spec files or directories, or --config FILE; for example "
                        "`cofferdam validate examples/agents`");
  }
  auto& out = context.streams.out;
  const bool colour = context.streams.colour;
  const auto basis = basis_of(context);
  if (const auto* problems = std::get_if<specs::Problems>(&basis)) {
    if (context.json()) {
      out << problems_json(*problems, {});
    }
    for (const auto& problem : *problems) {
      (context.json() ? context.streams.err : out) << clean(to_string(problem)) << '\n';
    }
    return exit_configuration;
  }
  const Findings findings = examine(context, std::get<Basis>(basis));
  if (context.json()) {
    // The configuration's own, complete as they are, come first as they do in text.
    specs::Problems warnings;
    for (const std::string& warning : std::get<Basis>(basis).warnings) {
      warnings.push_back({{}, "", warning, "", ""});
    }
    warnings.insert(warnings.end(), findings.warnings.begin(), findings.warnings.end());
    out << problems_json(findings.problems, warnings);
    return findings.problems.empty() ? exit_ok : exit_found;
  }
  for (const std::string& warning : std::get<Basis>(basis).warnings) {
    out << coloured("warning: ", Colour::busy, colour) << clean(warning) << '\n';
  }
  for (const auto& warning : findings.warnings) {
    out << coloured("warning: ", Colour::busy, colour) << clean(to_string(warning)) << '\n';
  }
  for (const auto& problem : findings.problems) {
    out << clean(to_string(problem)) << '\n';
  }
  if (context.options.paths.empty()) {
    out << clean(context.options.config) << ": " << coloured("good", Colour::good, colour) << ", "
        << counted(std::get<Basis>(basis).warnings.size(), "warning") << '\n';
    return exit_ok;
  }
  const std::string verdict = counted(findings.problems.size(), "mistake");
  out << counted(findings.files, "file") << ", " << counted(findings.agents, "agent") << ": "
      << coloured(verdict, findings.problems.empty() ? Colour::good : Colour::bad, colour) << ", "
      << counted(findings.warnings.size() + std::get<Basis>(basis).warnings.size(), "warning") << '\n';
  return findings.problems.empty() ? exit_ok : exit_found;
}

}  // namespace cofferdam::controller
