#include "specs/folder.hpp"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "specs/digest.hpp"
#include "specs/folder_file.hpp"

namespace cofferdam::specs {
namespace {

void sort_unique(std::vector<std::string>& names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
}

}  // namespace

bool is_spec_file_name(const std::string& name) {
  if (name.starts_with('.') || name.ends_with('~')) return false;
  return (name.ends_with(".yaml") && name.size() > 5) || (name.ends_with(".yml") && name.size() > 4);
}

/// The files that one snapshot touched and all that share an agent's name with them: only these are judged again.
struct Folder::Changes {
  std::map<std::string_view, File*> files;  ///< by name
  std::set<std::string> agents;             ///< named before or after
  std::set<std::string> awaited;            ///< named in what is still being written, or may be
};

Folder::Folder(FolderBounds bounds) : bounds_(bounds) {}
Folder::~Folder() = default;
Folder::Folder(Folder&&) noexcept = default;
Folder& Folder::operator=(Folder&&) noexcept = default;

void Folder::restore(const std::string& file, const std::string& bytes) {
  if (known_.contains(file)) return;  // what was seen is newer, and others may point to it
  auto restored = std::make_unique<File>();
  restored->name = file;
  restored->parse(std::make_shared<const std::string>(bytes), sha256_hex(bytes));
  if (!restored->parses) return;  // saved by a version that read it differently: as if nothing had been saved
  restored->adopt();
  restored->unread = true;
  known_[file] = std::move(restored);
}

FolderDelta Folder::apply(const DirSnapshot& snapshot, const std::vector<std::string>& unsettled,
                          const std::set<std::string>& missed_lately) {
  FolderDelta delta;
  if (!snapshot.complete) return delta;
  ++applied_;
  scanned_ = true;
  Changes changes;
  read_entries(snapshot, {unsettled.begin(), unsettled.end()}, changes);
  delta.being_written = changes.awaited;
  drop_unseen(missed_lately, changes, delta);
  if (changes.files.empty() && changes.agents.empty()) return delta;

  judge_bound(changes);
  spread(changes);
  judge_duplicates(changes);
  for (const auto& [name, file] : changes.files) {
    if (file->missed) continue;
    // Whom a file names that is still being written, another may name as a duplicate: which it is shows when that one is whole.
    const auto claimed_twice = [&](const std::string& agent) { return changes.awaited.contains(agent); };
    if (std::any_of(file->names.begin(), file->names.end(), claimed_twice)) file->awaited = true;
    if (file->good() && !file->awaited && file->adopt()) {
      unindex(*file);
      index(*file);
      delta.good_versions.push_back(file->name);
    }
    update_view(*file, delta);
  }
  for (const std::string& agent : changes.agents) update_agent(agent, delta);
  sort_unique(delta.files_changed);
  return delta;
}

Folder::File& Folder::find_or_add(const std::string& name, std::map<std::string, std::unique_ptr<File>>::iterator& hint) {
  // Snapshots come sorted as a rule: then each name is the next one, and nothing is searched.
  if (hint == known_.end() || hint->first != name) {
    hint = known_.lower_bound(name);
    if (hint == known_.end() || hint->first != name) {
      hint = known_.emplace_hint(hint, name, std::make_unique<File>());
      hint->second->name = name;
    }
  }
  return *(hint++)->second;
}

void Folder::read_entries(const DirSnapshot& snapshot, const std::set<std::string>& unsettled, Changes& changes) {
  std::map<std::string, Bytes> pending;
  auto hint = known_.begin();
  for (const DirEntry& entry : snapshot.entries) {
    Bytes content = entry.bytes;
    if (!content && !pending_.empty()) {
      if (const auto kept = pending_.find(entry.name); kept != pending_.end()) content = kept->second;
    }
    if (!unsettled.empty() && unsettled.contains(entry.name)) {
      // The shell hands over content once only: it is kept for the scan in which the file has settled.
      if (content) {
        pending[entry.name] = content;
        const AgentFile read = parse_agents(*content, entry.name);
        changes.awaited.insert(read.names.begin(), read.names.end());
      }
      if (const auto known = known_.find(entry.name); known != known_.end()) {
        known->second->awaited = true;
        const bool restored = std::exchange(known->second->seen, applied_) == 0;
        if (std::exchange(known->second->missed, false) || restored) touch(*known->second, changes);
      }
      continue;
    }
    File& file = find_or_add(entry.name, hint);
    const bool is_new = file.seen == 0;
    if (file.seen == applied_) continue;  // listed twice while the directory changed
    file.seen = applied_;
    if (std::exchange(file.unread, false)) touch(file, changes);
    const bool is_back = std::exchange(file.missed, false);
    const bool was_awaited = std::exchange(file.awaited, false) && file.in_force_sha256 != file.sha256;
    if (is_back || was_awaited) touch(file, changes);
    if (!is_new && !content && entry.error == 0 && entry.type == FileType::regular && !file.unreadable &&
        entry.size <= bounds_.max_file_bytes) {
      continue;  // unchanged
    }
    if (file.read(entry, content, bounds_) || is_new) touch(file, changes);
  }
  pending_ = std::move(pending);
}

void Folder::touch(File& file, Changes& changes) {
  changes.files.emplace(file.name, &file);
  add_claimants(file, changes);  // of the old bytes: whoever shared an agent may now be good
  unindex(file);
  index(file);
}

void Folder::drop_unseen(const std::set<std::string>& missed_lately, Changes& changes, FolderDelta& delta) {
  for (auto entry = known_.begin(); entry != known_.end();) {
    File& file = *entry->second;
    if (file.seen == applied_) {
      ++entry;
      continue;
    }
    const bool stays = missed_lately.contains(file.name) && may_have_moved(file);
    if (!file.missed) {
      delta.files_gone.push_back(file.name);
      if (views_.erase(file.name) != 0) delta.files_changed.push_back(file.name);
      agents_counted_ -= std::exchange(file.counted, 0);
    }
    if (stays) {
      for (const auto& [agent, spec] : file.in_force) changes.awaited.insert(agent);
      if (!std::exchange(file.missed, true)) touch(file, changes);  // a restored one is not in the index yet
      ++entry;
      continue;
    }
    add_claimants(file, changes);
    unindex(file);
    changes.files.erase(file.name);
    entry = known_.erase(entry);
  }
}

bool Folder::may_have_moved(const File& file) const {
  return std::any_of(file.in_force.begin(), file.in_force.end(), [&](const auto& agent) {
    const auto claim = claims_.find(agent.first);
    if (claim == claims_.end()) return false;  // a restored one is not in the index
    return std::any_of(claim->second.begin(), claim->second.end(), [&](const File* other) { return other->seen == applied_; });
  });
}

void Folder::add_claimants(const File& file, Changes& changes) {
  for (const std::string& agent : file.claimed) {
    changes.agents.insert(agent);
    for (File* other : claims_[agent]) changes.files.emplace(other->name, other);
  }
}

void Folder::index(File& file) {
  file.claimed = file.names;
  for (const auto& [agent, spec] : file.in_force) file.claimed.push_back(agent);
  sort_unique(file.claimed);
  for (const std::string& agent : file.claimed) claims_[agent].push_back(&file);
}

void Folder::unindex(File& file) {
  for (const std::string& agent : file.claimed) {
    const auto claim = claims_.find(agent);
    std::erase(claim->second, &file);
    if (claim->second.empty()) claims_.erase(claim);
  }
  file.claimed.clear();
}

void Folder::spread(Changes& changes) {
  std::vector<File*> reached;
  reached.reserve(changes.files.size());
  for (const auto& [name, file] : changes.files) reached.push_back(file);
  for (std::size_t next = 0; next < reached.size(); ++next) {
    for (const std::string& agent : reached[next]->claimed) {
      changes.agents.insert(agent);
      for (File* other : claims_[agent]) {
        if (changes.files.emplace(other->name, other).second) reached.push_back(other);
      }
    }
  }
}

void Folder::judge_bound(Changes& changes) {
  // Files that shrink or stay come first; then, by name, those that want more than they have, as long as there is room.
  std::map<std::string_view, File*> growing = changes.files;
  std::erase_if(growing, [](const auto& file) { return file.second->missed; });
  for (const std::string& name : over_bound_) {
    if (const auto file = known_.find(name); file != known_.end()) growing.emplace(file->second->name, file->second.get());
  }
  over_bound_.clear();
  const auto count = [this](File& file, std::size_t agents) {
    agents_counted_ = agents_counted_ - file.counted + agents;
    file.counted = agents;
  };
  const auto wanted = [](const File& file) {
    return file.parses && !file.unreadable ? file.newest.size() : file.in_force.size();
  };
  for (const auto& [name, file] : growing) count(*file, std::min(wanted(*file), file->in_force.size()));
  for (const auto& [name, file] : growing) {
    const bool over =
        agents_counted_ - file->counted + wanted(*file) > bounds_.max_agents && wanted(*file) > file->in_force.size();
    if (!over) count(*file, wanted(*file));
    if (over) over_bound_.insert(file->name);
    if (std::exchange(file->over_bound, over) != over) changes.files.emplace(file->name, file);
  }
}

void Folder::judge_duplicates(const Changes& changes) {
  for (const auto& [name, file] : changes.files) file->duplicates.clear();
  // A file in error stands for its version in force as well, which may make another one a duplicate: until nothing changes.
  // Errors only grow here, so it ends.
  for (bool again = true; again;) {
    again = false;
    std::map<std::string, std::vector<File*>> named;
    for (const auto& [name, file] : changes.files) {
      if (file->missed) continue;
      for (std::string& agent : file->stands_for()) named[std::move(agent)].push_back(file);
    }
    for (const auto& [agent, files] : named) {
      if (files.size() < 2) continue;
      for (File* file : files) {
        std::vector<std::string> others;
        for (const File* other : files) {
          if (other != file) others.push_back(other->name);
        }
        again = again || file->duplicates[agent] != others;
        file->duplicates[agent] = std::move(others);
      }
    }
  }
}

void Folder::update_view(const File& file, FolderDelta& delta) {
  const auto [place, is_new] = views_.try_emplace(file.name);
  FileView& view = place->second;
  const FileState state = file.state();
  Problems problems = file.all_problems();
  if (is_new || view.state != state || view.problems != problems) delta.files_changed.push_back(file.name);
  if (is_new && state == FileState::never_good) delta.never_good_appeared = true;
  view = {file.name, state, std::move(problems), file.sha256, file.names, file.parses};
}

void Folder::update_agent(const std::string& agent, FolderDelta& delta) {
  const auto claim = claims_.find(agent);
  std::vector<File*> files = claim != claims_.end() ? claim->second : std::vector<File*>{};
  std::sort(files.begin(), files.end(), [](const File* a, const File* b) { return a->name < b->name; });
  std::vector<File*> there;
  std::copy_if(files.begin(), files.end(), std::back_inserter(there), [](const File* file) { return !file->missed; });
  if (there.empty()) {
    if (agents_.erase(agent) != 0) delta.agents_changed.push_back(agent);
    return;
  }
  // Whose version is in force speaks for the agent, of several the one that did already: a file that comes back changes
  // nothing. Else the first by name does.
  const auto [place, is_new] = agents_.try_emplace(agent);
  AgentSource& before = place->second;
  const auto has = [&](const File* file) { return file->in_force.contains(agent); };
  auto in_force =
      std::find_if(files.begin(), files.end(), [&](const File* file) { return file->name == before.file && has(file); });
  if (in_force == files.end()) in_force = std::find_if(files.begin(), files.end(), has);
  const File& source = in_force != files.end() ? **in_force : *there.front();

  AgentSource now;
  now.file = source.name;
  if (const auto spec = source.in_force.find(agent); spec != source.in_force.end()) now.spec = spec->second;
  const auto newest = source.newest.find(agent);
  now.newest = newest != source.newest.end() ? newest->second : now.spec;
  now.in_error = !now.spec || std::any_of(there.begin(), there.end(), [](const File* file) { return !file->good(); });
  const auto names = [&](const File* file) { return std::binary_search(file->names.begin(), file->names.end(), agent); };
  now.named = std::any_of(there.begin(), there.end(), names);
  now.unread =
      now.named && std::all_of(there.begin(), there.end(), [&](const File* file) { return file->unread || !names(file); });
  if (now.in_error) {
    for (const File* file : there) {
      const Problems& problems = views_.at(file->name).problems;
      now.problems.insert(now.problems.end(), problems.begin(), problems.end());
    }
  }
  if (is_new || before.file != now.file || before.spec != now.spec || before.newest != now.newest ||
      before.in_error != now.in_error || before.named != now.named || before.unread != now.unread ||
      before.problems != now.problems) {
    delta.agents_changed.push_back(agent);
    before = std::move(now);
  }
}

std::shared_ptr<const std::string> Folder::good_bytes(const std::string& file) const {
  const auto known = known_.find(file);
  return known != known_.end() ? known->second->in_force_bytes : nullptr;
}

}  // namespace cofferdam::specs
