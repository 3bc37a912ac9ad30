// The folder: when it is read, which of its files are settled, what the deletion guard sees, which versions are kept.

#include <algorithm>
#include <chrono>
#include <set>
#include <string_view>

#include "reconciler/machine.hpp"

namespace cofferdam::reconciler {

void Reconciler::Machine::on(const FileChanged& changed) {
  if (changed.name.empty()) {
    scan_wanted_ = true;
    return;
  }
  if (!specs::is_spec_file_name(changed.name)) return;
  switch (changed.kind) {
    case FileChanged::Kind::written:
      being_written_[changed.name] = now_.mono;
      announced_.erase(changed.name);
      return;
    case FileChanged::Kind::complete:
      being_written_.erase(changed.name);
      announced_.insert(changed.name);
      break;
    case FileChanged::Kind::gone:
      being_written_.erase(changed.name);
      announced_.erase(changed.name);
      break;
  }
  scan_wanted_ = true;
}

void Reconciler::Machine::want_scan() {
  if (!configuration_ || !engine_.state_known) return;  // last good versions come before the first look
  if (scan_in_flight_) return;                          // asked again when that one has come
  scan_wanted_ = false;
  scan_in_flight_ = true;
  next_scan_.reset();
  announced_in_scan_.swap(announced_);
  announced_.clear();
  effects_.emplace_back(Scan{++scans_});
}

void Reconciler::Machine::on(const specs::DirSnapshot& snapshot) {
  if (!configuration_ || snapshot.scan != scans_ || !scan_in_flight_) return;
  scan_in_flight_ = false;
  next_scan_ = now_.mono + configuration_->specs.rescan_interval;
  if (!snapshot.complete) {
    if (engine_.scan_error != snapshot.error) {
      audit(Severity::warning, "SpecDirectoryUnreadable", "",
            "the spec directory could not be read, nothing is changed by that: " + snapshot.error);
    }
    engine_.scan_error = snapshot.error.empty() ? "the spec directory could not be read to its end" : snapshot.error;
    announced_.insert(announced_in_scan_.begin(), announced_in_scan_.end());
    guard_.scan_failed();
    next_scan_ = now_.mono + std::min<std::chrono::nanoseconds>(configuration_->specs.rescan_interval, std::chrono::seconds{5});
    return;
  }
  engine_.scan_error.clear();
  summary_.last_scan = now_.wall;

  const std::vector<std::string> unsettled = note_unsettled(snapshot);
  bring_back(snapshot);
  const std::set<std::string> missed = missed_lately();
  const specs::FolderDelta delta = folder_.apply(snapshot, unsettled, missed);
  announced_in_scan_.clear();

  const bool first = !engine_.scanned;
  engine_.scanned = true;
  tell_files(delta);
  for (const std::string& name : delta.agents_changed) take_source(agent_of(name));
  if (first) know_restored();
  observe(snapshot, delta, unsettled);
  for (const std::string& name : delta.agents_changed) judge(agent_of(name));
  save_files(delta);
  if (first) {
    restored_files_.clear();
    touch_all();
  }
  for (const std::string& file : delta.files_gone) {
    if (last_good_.contains(file)) departed_.insert(file);
    end_file_record(file);
  }
  // Its agents may have moved since: to a file that was not whole yet when it went.
  for (const std::string& file : std::set<std::string>(departed_)) end_file_record(file);
  if (guard_.wants_second_scan() || !unsettled.empty() || !missed.empty()) next_scan_ = now_.mono + configuration_->specs.settle;
}

/// A file that is back before its agents were removed is the same file: its last good version stays in force, however broken
/// the file is now.
void Reconciler::Machine::bring_back(const specs::DirSnapshot& snapshot) {
  if (departed_.empty()) return;
  for (const specs::DirEntry& entry : snapshot.entries) {
    if (departed_.erase(entry.name) == 0) continue;
    if (const auto bytes = last_good_.find(entry.name); bytes != last_good_.end()) folder_.restore(entry.name, *bytes->second);
  }
}

/// The files that went less than the settle time ago: a scan that the next write brought on a moment later is no second look.
std::set<std::string> Reconciler::Machine::missed_lately() {
  if (!engine_.scanned) {
    for (const auto& [file, bytes] : restored_files_) missed_since_.try_emplace(file, now_.mono);
  }
  std::set<std::string> lately;
  std::erase_if(missed_since_, [&](const auto& missed) {
    const auto& [file, since] = missed;
    if (seen_entries_.contains(file) || now_.mono - since >= configuration_->specs.settle) return true;
    lately.insert(file);
    return false;
  });
  return lately;
}

/// What our records keep of files is what was good last. Of those that the first scan did not show the agents are missing, as if
/// the scan before had named them.
void Reconciler::Machine::know_restored() {
  for (const auto& [file, bytes] : restored_files_) {
    last_good_[file] = std::make_shared<const std::string>(bytes);
    if (folder_.files().contains(file)) continue;
    departed_.insert(file);
    for (const specs::AgentSpec& spec : specs::parse_agents(bytes, file).agents) {
      if (folder_.agents().contains(spec.name)) continue;  // it moved to another file
      AgentState& agent = agent_of(spec.name);
      agent.file = file;
      file_agents_[file].insert(spec.name);
      know(agent);
      if (spec.remove) scan_facts_.removing.insert(spec.name);
    }
    end_file_record(file);
  }
}

/// A file counts as whole when inotify said so, or when two looks, the settle time apart, found the same. Sorted.
std::vector<std::string> Reconciler::Machine::note_unsettled(const specs::DirSnapshot& snapshot) {
  std::vector<std::string> unsettled;
  auto next = seen_entries_.begin();
  for (const specs::DirEntry& entry : snapshot.entries) {
    // Snapshots come sorted as a rule: then each name is the next one, and nothing is searched.
    if (next == seen_entries_.end() || next->first != entry.name) next = seen_entries_.lower_bound(entry.name);
    const bool known = next != seen_entries_.end() && next->first == entry.name;
    if (!known) next = seen_entries_.emplace_hint(next, entry.name, SeenEntry{});
    SeenEntry& seen = next->second;
    ++next;
    const bool moved = !known || seen.device != entry.device || seen.inode != entry.inode || seen.size != entry.size ||
                       seen.mtime_ns != entry.mtime_ns;
    seen = {entry.device, entry.inode, entry.size, entry.mtime_ns, snapshot.scan};
    const bool has_stat = entry.mtime_ns != 0 || entry.inode != 0;
    const bool surprising = engine_.scanned && moved && has_stat && !announced_in_scan_.contains(entry.name) &&
                            entry.type == specs::FileType::regular;
    if (surprising || being_written_.contains(entry.name)) unsettled.push_back(entry.name);
  }
  if (seen_entries_.size() > snapshot.entries.size()) {
    std::erase_if(seen_entries_, [&](const auto& entry) {
      const bool gone = entry.second.scan != snapshot.scan;
      if (gone) missed_since_.try_emplace(entry.first, now_.mono);
      return gone;
    });
  }
  std::sort(unsettled.begin(), unsettled.end());
  return unsettled;
}

void Reconciler::Machine::observe(const specs::DirSnapshot& snapshot, const specs::FolderDelta& delta,
                                  const std::vector<std::string>& unsettled) {
  for (const std::string& name : delta.agents_changed) {
    const auto source = folder_.agents().find(name);
    if (source == folder_.agents().end()) {
      scan_facts_.named.erase(name);  // what it was told to do in words stays said
      continue;
    }
    // Only a version in force names it, of a file whose newest bytes were read and do not: it runs on, and is missed already,
    // for what else is wrong with the folder now.
    // Nor is one back that is held, while its file is still being written anew.
    if (source->second.named && !(source->second.unread && guard_.presence(name) == Presence::held)) {
      scan_facts_.named.insert(name);
    } else {
      scan_facts_.named.erase(name);
    }
    know(agent_of(name));
    if (source->second.spec && source->second.spec->remove) {
      scan_facts_.removing.insert(name);
    } else {
      scan_facts_.removing.erase(name);
    }
  }
  const bool same = delta.agents_changed.empty() && delta.files_changed.empty() && delta.files_gone.empty() &&
                    unjudged_.empty() && scan_facts_.spec_files == snapshot.entries.size() &&
                    scan_facts_.device == snapshot.device && scan_facts_.inode == snapshot.inode &&
                    scan_facts_.never_good_new.empty() && scan_facts_.unsettled == !unsettled.empty();
  // Nothing is missing and nothing changed: the guard would say what it said.
  if (same && guard_.held().empty() && !guard_.wants_second_scan() && scan_facts_.known.size() == scan_facts_.named.size())
    return;
  const std::set<std::string> never_good_before(scan_facts_.never_good.begin(), scan_facts_.never_good.end());
  scan_facts_.device = snapshot.device;
  scan_facts_.inode = snapshot.inode;
  scan_facts_.spec_files = snapshot.entries.size();
  scan_facts_.unsettled = !unsettled.empty();
  scan_facts_.arriving = false;
  scan_facts_.being_written = delta.being_written;
  scan_facts_.settle = configuration_->specs.settle;
  scan_facts_.never_good.clear();
  scan_facts_.never_good_new.clear();
  std::set<std::string_view> unreadable;
  for (const specs::DirEntry& entry : snapshot.entries) {
    if (entry.error != 0 && entry.type == specs::FileType::regular) unreadable.insert(entry.name);
  }
  for (const auto& [file, view] : folder_.files()) {
    // What cannot be read may have been given anything since it was last read (S3): at every scan it is as good as new.
    const bool unread = unreadable.contains(file);
    // Nor can it be told whom bytes name that do not parse, whatever was good before.
    if (view.state != specs::FileState::never_good && view.parses && !unread) continue;
    scan_facts_.never_good.push_back(file);
    if (unread || !never_good_before.contains(file)) scan_facts_.never_good_new.push_back(file);
  }
  for (const std::string& file : unsettled) {  // an agent may have moved into one that is still being written
    if (folder_.files().contains(file)) continue;
    scan_facts_.arriving = true;
    scan_facts_.never_good.push_back(file);
    if (!never_good_before.contains(file)) scan_facts_.never_good_new.push_back(file);
  }
  const std::vector<Held> before = guard_.held();
  const std::vector<std::string> changed = guard_.observe(scan_facts_, configuration_->deletion, now_);
  if (engine_.engine_up && saved_directory_ != guard_.whole_directory()) save_contact();
  const std::set<std::string> newly = std::move(unjudged_);
  unjudged_.clear();
  for (const std::string& name : newly) {
    AgentState* agent = find(name);
    if (agent == nullptr) continue;
    agent->judged = true;
    if (!scan_facts_.named.contains(name)) judge(*agent);
  }
  presence_changed(changed);
  for (const Held& held : guard_.held()) {
    const bool known = std::any_of(before.begin(), before.end(), [&](const Held& other) { return other.id == held.id; });
    if (known) continue;
    audit(Severity::warning, "DeletionsHeld", "", "gone from the folder and not removed: " + held.message,
          {{"id", held.id}, {"reason", held.reason}});
  }
}

/// It has, or had, something that a removal would end: the guard is told of it with the next scan.
void Reconciler::Machine::know(AgentState& agent) {
  if (!scan_facts_.known.insert(agent.view.agent).second) return;
  if (!agent.judged) unjudged_.insert(agent.view.agent);
}

void Reconciler::Machine::presence_changed(const std::vector<std::string>& agents) {
  for (const std::string& name : agents) {
    if (AgentState* agent = find(name)) judge(*agent);
  }
}

void Reconciler::Machine::tell_files(const specs::FolderDelta& delta) {
  for (const std::string& file : delta.files_changed) {
    const auto view = folder_.files().find(file);
    if (view == folder_.files().end() || view->second.problems.empty()) continue;
    metric("cofferdam_spec_errors_total");
    const bool in_force = view->second.state == specs::FileState::last_good;
    for (const specs::Problem& problem : view->second.problems) {
      audit(Severity::warning, "SpecInvalid", "",
            to_string(problem) + (in_force ? " (the last good version stays in force)" : " (nothing of this file ever ran)"),
            {{"file", file}});
    }
  }
}

void Reconciler::Machine::save_files(const specs::FolderDelta& delta) {
  for (const std::string& file : delta.good_versions) {
    const auto bytes = folder_.good_bytes(file);
    if (!bytes || bytes->empty()) continue;
    last_good_[file] = bytes;
    if (holds_older(file)) {  // the agent's record, with the version before, goes first
      failed_files_.insert(file);
      files_retry_ = now_.mono + std::chrono::seconds{1};
      continue;
    }
    const auto restored = restored_files_.find(file);
    saved_files_.insert(file);
    if (restored != restored_files_.end() && restored->second == *bytes) continue;
    SaveInFlight what;
    what.purpose = Purpose::file;
    what.container = file;
    save("files/" + file, *bytes, what);
  }
}

/// An agent's record with the version before this one is still to be saved.
bool Reconciler::Machine::holds_older(const std::string& file) {
  const auto named = file_agents_.find(file);
  if (named == file_agents_.end()) return false;
  return std::any_of(named->second.begin(), named->second.end(), [this](const std::string& name) {
    const AgentState* agent = find(name);
    return agent != nullptr && agent->record_stale && agent->save_failures == 0 && !agent->record.admitted_bytes.empty();
  });
}

/// A file's record ends with the last of its agents.
void Reconciler::Machine::end_file_record(const std::string& file) {
  if (!saved_files_.contains(file) || folder_.files().contains(file)) return;
  const auto named = file_agents_.find(file);
  if (named != file_agents_.end()) {
    for (const std::string& name : named->second) {
      const AgentState* agent = find(name);
      if (agent != nullptr && agent->file == file && !agent->records_dropped) return;
    }
    file_agents_.erase(named);
  }
  last_good_.erase(file);
  departed_.erase(file);
  saved_files_.erase(file);
  failed_files_.erase(file);
  SaveInFlight what;
  what.ends = true;
  save("files/" + file, {}, what);
}

}  // namespace cofferdam::reconciler
