#include <algorithm>
#include <array>
#include <functional>
#include <utility>

#include "specs/agent_spec.hpp"
#include "specs/field_reader.hpp"
#include "specs/fields.hpp"
#include "specs/run_hash.hpp"
#include "specs/slot.hpp"
#include "specs/yaml_tree.hpp"

namespace cofferdam::specs {
namespace {

constexpr std::size_t longest_environment = 131072;

struct Binding {
  std::string_view path;
  Slot (*slot)(AgentSpec& spec, const std::string& key);
};

using Key = const std::string&;

// Every field of agent_fields() that has a value, but for apiVersion and kind, which say nothing further.
constexpr std::array bindings{
    Binding{"metadata.name", [](AgentSpec& s, Key) -> Slot { return &s.name; }},
    Binding{"metadata.labels.*", [](AgentSpec& s, Key key) -> Slot { return &s.labels[key]; }},
    Binding{"metadata.revision", [](AgentSpec& s, Key) -> Slot { return &s.revision; }},
    Binding{"spec.taskId", [](AgentSpec& s, Key) -> Slot { return &s.task_id; }},
    Binding{"spec.image", [](AgentSpec& s, Key) -> Slot { return &s.image; }},
    Binding{"spec.imagePullPolicy", [](AgentSpec& s, Key) -> Slot { return &s.image_pull_policy; }},
    Binding{"spec.command", [](AgentSpec& s, Key) -> Slot { return &s.command; }},
    Binding{"spec.args", [](AgentSpec& s, Key) -> Slot { return &s.args; }},
    Binding{"spec.env.*", [](AgentSpec& s, Key key) -> Slot { return &s.env[key]; }},
    Binding{"spec.workspacePath", [](AgentSpec& s, Key) -> Slot { return &s.workspace_path; }},
    Binding{"spec.workspaceReadOnly", [](AgentSpec& s, Key) -> Slot { return &s.workspace_read_only; }},
    Binding{"spec.user", [](AgentSpec& s, Key) -> Slot { return &s.user; }},
    Binding{"spec.memoryMB", [](AgentSpec& s, Key) -> Slot { return &s.memory_mb; }},
    Binding{"spec.cpuLimit", [](AgentSpec& s, Key) -> Slot { return &s.cpu_limit; }},
    Binding{"spec.networkMode", [](AgentSpec& s, Key) -> Slot { return &s.network_mode; }},
    Binding{"spec.tmpfs.*.sizeMB", [](AgentSpec& s, Key key) -> Slot { return &s.tmpfs[key].size_mb; }},
    Binding{"spec.tmpfs.*.exec", [](AgentSpec& s, Key key) -> Slot { return &s.tmpfs[key].exec; }},
    Binding{"spec.shmSizeMB", [](AgentSpec& s, Key) -> Slot { return &s.shm_size_mb; }},
    Binding{"spec.security.capDrop", [](AgentSpec& s, Key) -> Slot { return &s.security.cap_drop; }},
    Binding{"spec.security.capAdd", [](AgentSpec& s, Key) -> Slot { return &s.security.cap_add; }},
    Binding{"spec.security.readonlyRootfs", [](AgentSpec& s, Key) -> Slot { return &s.security.readonly_rootfs; }},
    Binding{"spec.security.pidsLimit", [](AgentSpec& s, Key) -> Slot { return &s.security.pids_limit; }},
    Binding{"spec.security.noNewPrivileges", [](AgentSpec& s, Key) -> Slot { return &s.security.no_new_privileges; }},
    Binding{"spec.security.seccompProfile", [](AgentSpec& s, Key) -> Slot { return &s.security.seccomp_profile; }},
    Binding{"spec.security.runtime", [](AgentSpec& s, Key) -> Slot { return &s.security.runtime; }},
    Binding{"spec.restartPolicy", [](AgentSpec& s, Key) -> Slot { return &s.restart_policy; }},
    Binding{"spec.maxRestarts", [](AgentSpec& s, Key) -> Slot { return &s.max_restarts; }},
    Binding{"spec.activeDeadlineSeconds", [](AgentSpec& s, Key) -> Slot { return &s.active_deadline; }},
    Binding{"spec.stopTimeoutSeconds", [](AgentSpec& s, Key) -> Slot { return &s.stop_timeout; }},
    Binding{"spec.ttlSecondsAfterFinished", [](AgentSpec& s, Key) -> Slot { return &s.ttl_after_finished; }},
    Binding{"spec.suspend", [](AgentSpec& s, Key) -> Slot { return &s.suspend; }},
    Binding{"spec.remove", [](AgentSpec& s, Key) -> Slot { return &s.remove; }},
};

/// What the table cannot say: sizes of whole groups, and a program's name that is empty.
void check_groups(const AgentSpec& spec, Problems& problems) {
  const auto refuse = [&](const std::string& path, std::string what, std::string mend) {
    problems.push_back({spec.place_of(path), path, std::move(what), std::move(mend), ""});
  };
  const auto too_big = [&](const std::string& path, std::size_t bytes) {
    if (bytes <= longest_environment) return;
    refuse(path, "has " + std::to_string(bytes) + " bytes in all, more than " + std::to_string(longest_environment),
           "keep long texts in a file in the workspace");
  };
  std::size_t bytes = 0;
  for (const auto& [name, value] : spec.env) bytes += name.size() + value.size() + 2;  // "name=value" and its NUL
  too_big("spec.env", bytes);
  for (const auto& [path, words] : {std::pair{"spec.command", &spec.command}, std::pair{"spec.args", &spec.args}}) {
    bytes = 0;
    for (const std::string& word : words->value_or(std::vector<std::string>{})) bytes += word.size() + 1;
    too_big(path, bytes);
  }
  if (spec.command && spec.command->front().empty()) {
    refuse("spec.command[0]", "is empty", "write the program to run, or remove the line to run the image's");
  }
}

/// The document's metadata.name, also where the rest is broken; empty where it holds none.
std::string readable_name(const YamlDocument& document) {
  const YamlEntry* metadata = document.root.find("metadata");
  const YamlEntry* name = metadata == nullptr ? nullptr : metadata->value.find("name");
  if (name == nullptr) return {};
  auto text = text_of(name->value);
  if (auto* found = std::get_if<std::string>(&text); found != nullptr && !check_form(Form::dns_label, *found)) return *found;
  return {};
}

AgentSpec read_agent(const YamlDocument& document, const std::string& file, Problems& problems) {
  ReadFields read = read_fields(document, agent_fields(), file, "an agent spec");
  AgentSpec spec;
  spec.place = {file, document.start.line, document.start.column};
  for (const FoundField& found : read.found) {
    const auto* const binding =
        std::find_if(bindings.begin(), bindings.end(), [&](const Binding& b) { return b.path == found.field->path; });
    if (binding != bindings.end()) {
      assign(binding->slot(spec, found.key), *found.field, found.value);
    } else if (found.field->path == "spec.tmpfs.*") {
      spec.tmpfs[found.key];  // an empty mapping asks for the defaults
    }
  }
  spec.places = std::move(read.places);
  problems.insert(problems.end(), std::make_move_iterator(read.problems.begin()), std::make_move_iterator(read.problems.end()));
  if (document.complete) check_groups(spec, problems);
  if (const YamlEntry* body = document.root.find("spec")) spec.run_hash = run_hash_of(body->value);
  return spec;
}

/// Every agent that the documents name, once each; a second document of the same name is a problem.
void collect_names(const std::vector<YamlDocument>& documents, const std::string& file, AgentFile& result) {
  std::map<std::string, int> lines;
  for (const YamlDocument& document : documents) {
    const std::string name = readable_name(document);
    if (name.empty()) continue;
    const YamlMark mark = document.root.find("metadata")->value.find("name")->value.mark;
    const auto [first, is_new] = lines.emplace(name, mark.line);
    if (is_new) {
      result.names.push_back(name);
    } else {
      result.problems.push_back({{file, mark.line, mark.column},
                                 "metadata.name",
                                 "names " + name + ", as line " + std::to_string(first->second) + " does",
                                 "give each agent its own name, or keep one of the two documents",
                                 ""});
    }
  }
}

}  // namespace

const Place& AgentSpec::place_of(std::string path) const {
  while (!path.empty()) {
    if (const auto found = places.find(path); found != places.end()) return found->second;
    const std::size_t end = path.find_last_of(".[");
    path.resize(end == std::string::npos ? 0 : end);
  }
  return place;
}

AgentFile parse_agents(const std::string& bytes, const std::string& file) {
  YamlFile yaml = read_yaml(bytes, file);
  AgentFile result;
  result.problems = std::move(yaml.problems);
  for (const YamlDocument& document : yaml.documents) {
    const std::size_t before = result.problems.size();
    AgentSpec spec = read_agent(document, file, result.problems);
    if (document.complete && result.problems.size() == before) result.agents.push_back(std::move(spec));
  }
  collect_names(yaml.documents, file, result);
  if (yaml.documents.empty() && result.problems.empty()) {
    const bool any = bytes.find_first_not_of(" \t\r\n") != std::string::npos;
    result.problems.push_back({{file, 1, 1},
                               "",
                               any ? "the file holds no document, only comments or separators" : "the file is empty",
                               "describe an agent in it, or remove the file to remove its agents",
                               ""});
  }
  tidy(result.problems);
  return result;
}

}  // namespace cofferdam::specs
