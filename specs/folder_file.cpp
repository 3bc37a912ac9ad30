#include "specs/folder_file.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <tuple>
#include <utility>

#include "specs/digest.hpp"
#include "specs/source_text.hpp"

namespace cofferdam::specs {
namespace {

std::string octal(std::uint32_t mode) {
  std::string digits;
  for (int shift = 9; shift >= 0; shift -= 3) digits += static_cast<char>('0' + ((mode >> shift) & 7U));
  return digits;
}

/// "owner alice:staff, mode 0600"
std::string ownership(const DirEntry& entry) {
  const std::string owner = entry.owner.empty() ? std::to_string(entry.uid) + ':' + std::to_string(entry.gid) : entry.owner;
  return "owner " + owner + ", mode " + octal(entry.mode);
}

struct Words {
  std::string what;
  std::string mend;
};

/// Empty for a regular file.
Words type_words(FileType type) {
  const char* replace = "put a regular file in its place, or give it another name";
  switch (type) {
    case FileType::regular: return {};
    case FileType::directory:
      return {"is a directory", "move the spec files in it to the spec directory itself, or give it another name"};
    case FileType::fifo: return {"is a FIFO, which is never opened", replace};
    case FileType::socket: return {"is a socket, which is never opened", replace};
    case FileType::device: return {"is a device, which is never opened", replace};
    case FileType::symlink_dangling:
      return {"is a symbolic link to nothing", "put the file that it points to in place, or remove the link"};
    case FileType::symlink_elsewhere:
      return {"is a symbolic link that leads out of the spec directory", "copy the file into the spec directory"};
    case FileType::unknown: return {"is of a kind that is not known", replace};
  }
  return {};
}

Words error_words(const DirEntry& entry) {
  const std::string reason = std::generic_category().message(entry.error);
  switch (entry.error) {
    case EACCES:
    case EPERM:
      return {"cannot be read: " + reason + " (" + ownership(entry) + ")",
              "let the controller read it: chmod " + octal(entry.mode | 0444U) + ' ' + entry.name +
                  ", or give it to the controller's group and chmod " + octal(entry.mode | 0040U)};
    case ENOENT: return {"was gone when it was to be read", "nothing, if it was renamed or removed; else look at the link"};
    case ELOOP: return {"cannot be read: " + reason, "replace the symbolic link by the file itself"};
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return {"cannot be read: " + reason, "the controller or its host ran out of something; it is read again at the next scan"};
    case EIO:
      return {"cannot be read: " + reason, "look at the disk and the kernel's log (dmesg); it is read again at the next scan"};
    default: return {"cannot be read: " + reason + " (" + ownership(entry) + ")", "it is read again at the next scan"};
  }
}

}  // namespace

std::optional<Problem> reading_problem(const DirEntry& entry, const FolderBounds& bounds) {
  Words words = type_words(entry.type);
  const std::int64_t size = entry.bytes ? static_cast<std::int64_t>(entry.bytes->size()) : entry.size;
  // A container's labels tell its file, and the engine takes no other text.
  if (words.what.empty() && !is_utf8(entry.name)) words = {"has a name that is not UTF-8", "give it another name"};
  if (words.what.empty() && entry.error != 0) words = error_words(entry);
  if (words.what.empty() && size > bounds.max_file_bytes) {
    words = {"has " + std::to_string(size) + " bytes, more than the bound of " + std::to_string(bounds.max_file_bytes),
             "split it into several files"};
  }
  if (words.what.empty()) return std::nullopt;
  return Problem{{entry.name, 0, 0}, "", std::move(words.what), std::move(words.mend), ""};
}

std::vector<std::string> Folder::File::stands_for() const {
  if (good()) return names;
  std::vector<std::string> all = names;
  for (const auto& [agent, spec] : in_force) all.push_back(agent);
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

Problems Folder::File::all_problems() const {
  Problems all = problems;
  if (unreadable) all.push_back(*unreadable);
  if (over_bound) {
    all.push_back({{name, 0, 0},
                   "",
                   "names " + std::to_string(newest.size()) + " agents, with which the folder would have too many",
                   "remove others first, or give a second controller a part of them",
                   ""});
  }
  for (const auto& [agent, others] : duplicates) {
    Place place{name, 0, 0};
    if (const auto spec = newest.find(agent); parses && spec != newest.end()) place = spec->second->place_of("metadata.name");
    std::string what = "agent " + agent;
    for (const std::string& other : others) what.append(&other == &others.front() ? " is also named by " : ", ").append(other);
    what += ", and none of them changes what runs";
    all.push_back({place, "metadata.name", std::move(what), "name each agent in one file only", ""});
  }
  std::sort(all.begin(), all.end(), [](const Problem& a, const Problem& b) {
    return std::tie(a.place.line, a.place.column, a.path, a.what) < std::tie(b.place.line, b.place.column, b.path, b.what);
  });
  return all;
}

bool Folder::File::read(const DirEntry& entry, const std::shared_ptr<const std::string>& content, const FolderBounds& bounds) {
  std::optional<Problem> problem = reading_problem(entry, bounds);
  if (!problem && !content && sha256.empty()) {
    problem = Problem{{name, 0, 0}, "", "has not been read yet", "it is read at the next scan", ""};
  }
  if (problem) return std::exchange(unreadable, problem) != problem;
  const bool was_unreadable = std::exchange(unreadable, std::nullopt).has_value();
  if (!content || content == bytes) return was_unreadable;
  std::string digest = sha256_hex(*content);
  if (digest == sha256) return was_unreadable;
  parse(content, std::move(digest));
  return true;
}

void Folder::File::parse(const std::shared_ptr<const std::string>& content, std::string digest) {
  AgentFile file = parse_agents(*content, name);
  sha256 = std::move(digest);
  problems = std::move(file.problems);
  const std::vector<std::string> named_before = std::exchange(names, std::move(file.names));
  SpecsByName specs;
  for (AgentSpec& spec : file.agents) {
    names.push_back(spec.name);
    if (problems.empty() && specs.contains(spec.name)) {
      problems.push_back({spec.place_of("metadata.name"), "metadata.name", "agent " + spec.name + " is named twice in this file",
                          "name each agent once", ""});
      break;
    }
    // The same agent stays the same object, so that an edit of one does not look like an edit of all in its file.
    const auto before = newest.find(spec.name);
    const bool same = before != newest.end() && *before->second == spec;
    std::string agent = spec.name;
    specs[std::move(agent)] = same ? before->second : std::make_shared<const AgentSpec>(std::move(spec));
  }
  if (problems.empty() && specs.empty()) {  // empty is never a wish to remove
    problems.push_back({{name, 0, 0}, "", "has no agent in it", "write one, or remove the file", ""});
  }
  parses = problems.empty();
  // Who was named by the bytes before may be in what cannot be read now, were they ever good or not.
  if (!parses) names.insert(names.end(), named_before.begin(), named_before.end());
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  bytes = parses ? content : nullptr;
  if (parses) newest = std::move(specs);
}

bool Folder::File::adopt() {
  if (in_force_sha256 == sha256) return false;
  in_force = newest;
  in_force_sha256 = sha256;
  in_force_bytes = bytes;
  return true;
}

}  // namespace cofferdam::specs
