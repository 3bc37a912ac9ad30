// The promises about stopping and removing: S3, S4, S9; and the folder as the controller was shown it.

#include <algorithm>
#include <unordered_map>

#include "reconciler/ownership.hpp"
#include "reconciler/records.hpp"
#include "specs/effective.hpp"
#include "tests/sim/checks.hpp"
#include "tests/sim/world.hpp"

namespace cofferdam::sim {

using reconciler::StopCause;

namespace {

constexpr SimTime settles = 20 * second;  ///< how long an older version may still be what the controller works by

}  // namespace

const specs::AgentFile& Checks::parsed(const std::string& bytes, const std::string& file) {
  thread_local std::unordered_map<std::string, specs::AgentFile> known;
  if (known.size() > 4096) known.clear();
  const std::string key = file + '\0' + bytes;
  const auto found = known.find(key);
  if (found != known.end()) return found->second;
  return known.emplace(key, specs::parse_agents(bytes, file)).first->second;
}

bool Checks::recently(const AgentTruth& agent, const std::function<bool(const Version&)>& holds) const {
  return std::any_of(agent.versions.begin(), agent.versions.end(), [&](const Version& version) {
    return (!version.superseded || *version.superseded + settles > world_.schedule.now()) && holds(version);
  });
}

void Checks::shown_folder(const specs::DirSnapshot& snapshot) {
  if (!snapshot.complete) {
    for (auto& [name, agent] : agents_) {
      if (agent.missing_scans < 2) agent.missing_scans = 0;
    }
    return;
  }
  const bool first = shown_directory_ == 0;
  ++scans_;
  const bool replaced = shown_directory_ != 0 && snapshot.inode != shown_directory_;
  const bool emptied = shown_count_ >= 2 && snapshot.entries.empty();
  shown_directory_ = snapshot.inode;
  shown_count_ = snapshot.entries.size();

  std::set<std::string> shown_before;
  for (const auto& [name, file] : shown_) shown_before.insert(name);
  std::map<std::string, ShownFile> now;
  for (const specs::DirEntry& entry : snapshot.entries) {
    ShownFile& file = now[entry.name];
    if (const auto before = shown_.find(entry.name); before != shown_.end()) file = before->second;
    file.readable = entry.error == 0 && entry.type == specs::FileType::regular;
    const auto bytes = entry.bytes ? entry.bytes : file.pending;
    if (!bytes) continue;
    // Half of it, and it was written to a moment ago: what it said before stands.
    const SimTime settle = std::chrono::nanoseconds(world_.configuration()->specs.settle).count();
    const bool half = !whole_.contains(*bytes) && world_.schedule.now() - entry.mtime_ns < settle;
    file.pending = half && file.bytes && !first ? bytes : nullptr;
    if (file.pending) continue;
    file.bytes = bytes;
    const specs::AgentFile& read = parsed(*bytes, entry.name);
    file.names = {read.names.begin(), read.names.end()};
    named_since_.insert(file.names.begin(), file.names.end());
    if (!read.good()) continue;
    last_good_names_[entry.name] = file.names;
    file.good.clear();
    for (const specs::AgentSpec& spec : read.agents) file.good.push_back(std::make_shared<const specs::AgentSpec>(spec));
  }
  shown_ = std::move(now);

  std::set<std::string> named;  // missing is who is in none of these
  struct Claims {
    int all = 0;
    int before = 0;  // by files that were there in the scan before
    std::vector<std::shared_ptr<const specs::AgentSpec>> good;
    std::vector<std::shared_ptr<const specs::AgentSpec>> last_good;  // of files in error
  };
  std::map<std::string, Claims> claims;
  for (const auto& [name, file] : shown_) {
    std::set<std::string> names = file.names;
    std::set<std::string> claimed = file.names;
    const bool in_error = !file.readable || !file.bytes || !parsed(*file.bytes, name).good();
    if (in_error) {
      // Where the state was lost nobody knows what it named: an agent that another file named since is not looked for in it.
      for (const std::string& agent : last_good_names_[name]) {
        if (saved_names_[name].contains(agent) || !named_since_.contains(agent)) names.insert(agent);
      }
      claimed.insert(saved_names_[name].begin(), saved_names_[name].end());
      // What it named before in this life, a duplicate too, nobody needs the state for.
      for (const auto& spec : file.good) {
        names.insert(spec->name);
        claimed.insert(spec->name);
      }
    }
    named.insert(names.begin(), names.end());
    for (const std::string& agent : claimed) {
      ++claims[agent].all;
      claims[agent].before += shown_before.contains(name) ? 1 : 0;
    }
    for (const auto& spec : file.good) (in_error ? claims[spec->name].last_good : claims[spec->name].good).push_back(spec);
  }
  // The state keeps what was in force: a duplicate never was, and after a restart nobody knows what it named.
  for (const auto& [name, file] : shown_) {
    const bool good = file.readable && file.bytes && parsed(*file.bytes, name).good();
    const auto alone = [&](const auto& spec) { return claims[spec->name].all == 1; };
    if (good && std::all_of(file.good.begin(), file.good.end(), alone)) saved_names_[name] = file.names;
  }
  // Of a file with a duplicate in it nothing new comes into force, of its other agents neither; of two that appear together, as
  // all do in a life's first scan, that may be so.
  std::set<std::string> withheld;
  for (const auto& [name, file] : shown_) {
    const auto twice = [&](const auto& spec) { return claims[spec->name].all > 1; };
    if (std::none_of(file.good.begin(), file.good.end(), twice)) continue;
    for (const auto& spec : file.good) withheld.insert(spec->name);
  }
  const SimTime moment = world_.schedule.now();
  for (auto& [name, agent] : agents_) {
    if (named.contains(name)) {
      agent.named_in = scans_;
      agent.missing_scans = 0;
      agent.missed_in = 0;
      agent.mass_missing = false;
    } else {
      if (agent.missing_scans == 0 && !first && agent.named_in + 1 == scans_) agent.missed_in = scans_;
      ++agent.missing_scans;
      if (agent.missing_scans == 1 && (replaced || emptied)) agent.mass_missing = true;
      if (agent.missing_scans == 1) agent.wanted_away = moment;
    }
  }
  for (const auto& [name, claim] : claims) {
    // Two files name it: neither changes what is in force. Of two that appear together either may be seen first.
    if (!claim.good.empty()) {
      agents_[name].confirmed = false;
      agents_[name].named_in = scans_;
    }
    if (claim.all > 1 && claim.before > 0) continue;
    for (const auto& spec : claim.good) show_version(agents_[name], spec, !withheld.contains(name));
    // Whom a file in error alone names now runs as that file said last.
    if (claim.all == 1) {
      for (const auto& spec : claim.last_good) show_version(agents_[name], spec, false);
    }
  }
}

/// Where it is not sure that this one comes into force, the one before may still be.
void Checks::show_version(AgentTruth& agent, const std::shared_ptr<const specs::AgentSpec>& spec, bool surely) {
  const auto configuration = world_.configuration();
  const SimTime moment = world_.schedule.now();
  const auto supersede = [&](std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      if (!agent.versions[i].superseded) agent.versions[i].superseded = moment;
    }
  };
  if (!agent.versions.empty() && agent.versions.back().spec == spec && agent.versions.back().configuration == configuration) {
    // The very same, of a file that was not read again.
    if (surely && agent.versions.back().admitted) supersede(agent.versions.size() - 1);
    return;
  }
  const std::string hash = specs::make_effective(*spec, *configuration).config_hash;
  const bool admitted = specs::admit(*spec, *configuration, {}, {}).empty();
  for (auto& [id, attempt] : attempts_) {
    if (attempt.agent == spec->name && attempt.config_hash == hash) attempt.accepted = spec->run_hash;
  }
  std::erase_if(agent.versions, [&](const Version& v) { return v.superseded && *v.superseded + settles < moment; });
  const bool same = !agent.versions.empty() && *agent.versions.back().spec == *spec &&
                    agent.versions.back().config_hash == hash && !agent.versions.back().superseded;
  if (same) agent.versions.pop_back();
  if (surely && admitted) supersede(agent.versions.size());
  agent.versions.push_back({spec, hash, configuration, std::nullopt, admitted});
}

void Checks::confirmed(const std::set<std::string>& agents) {
  for (const std::string& name : agents) {
    agents_[name].mass_missing = false;
    agents_[name].confirmed = true;
  }
}

void Checks::check_stop_record(const reconciler::Save& save) {
  if (!save.key.starts_with("stops/")) return;
  const auto record = reconciler::stop_record_from(save.bytes);
  const auto found = attempts_.find(save.key.substr(6));
  if (!record || found == attempts_.end()) {
    violated("S9", "a stop record that says nothing: " + save.key);
    return;
  }
  Attempt& attempt = found->second;
  attempt.stop_recorded = true;
  attempt.stop_cause = record->cause;
  if (attempt.stop_first_saved < 0) attempt.stop_first_saved = world_.schedule.now();
  const AgentTruth& agent = agents_[attempt.agent];
  const std::string what =
      "stop (" + std::string(name_of(record->cause)) + ") of attempt " + std::to_string(attempt.number) + " of " + attempt.agent;
  const bool clear = world_.schedule.now() > configuration_changed_ + settles || configuration_changed_ < 0;
  switch (record->cause) {
    case StopCause::spec_removed: {
      const bool asked = agent.confirmed || recently(agent, [](const Version& version) { return version.spec->remove; });
      if (!asked && agent.missing_scans < 2) violated("S3", what + ": its file is there, or was missed only once");
      if (!asked && agent.mass_missing) violated("S3", what + ": it went with all the others, and nobody confirmed it");
      if (!asked) check_budget(agent, what);
      break;
    }
    case StopCause::suspended:
      if (!recently(agent, [](const Version& version) { return version.spec->suspend; }))
        violated("S4", what + ": nobody asked for that");
      break;
    case StopCause::spec_changed:
      if (clear && !agent.versions.empty() && !recently(agent, [&](const Version& version) {
            return version.config_hash != attempt.config_hash && version.spec->run_hash != attempt.run_hash;
          })) {
        violated("S4", what + ": it is what its spec says");
      }
      break;
    case StopCause::outdated:
      if (clear && !agent.versions.empty() &&
          !recently(agent, [](const Version& version) { return version.spec->restart_policy == specs::RestartPolicy::always; })) {
        violated("S4", what + ": under its restartPolicy it finishes as it is");
      }
      if (!agent.versions.empty() && !recently(agent, [&](const Version& version) {
            return specs::make_effective(*version.spec, *world_.configuration()).config_hash != attempt.config_hash;
          })) {
        violated("S4", what + ": it is what its spec and the defaults say");
      }
      break;
    case StopCause::deadline_exceeded: {
      // Row 4 goes by what was last seen: a restart that no inspect told of yet moves nothing.
      const SimTime since = attempt.told_since >= 0 ? attempt.told_since : attempt.live_since;
      const bool over = recently(agent, [&](const Version& version) {
        return version.spec->active_deadline &&
               since + version.spec->active_deadline->count() * second <= world_.schedule.now() + second;
      });
      if (!over && clock_jumped_ < since) violated("S4", what + ": its deadline is not over");
      break;
    }
    case StopCause::duplicate: {
      const bool newer = std::any_of(attempts_.begin(), attempts_.end(), [&](const auto& other) {
        return other.second.agent == attempt.agent && other.second.ran && other.second.number > attempt.number;
      });
      // What a rival started is one too many wherever another may be live.
      if (!newer && attempt.maker != Who::rival) violated("S1", what + ": it is the newest");
      break;
    }
    case StopCause::started_by_others:
    case StopCause::out_of_band_update:
    case StopCause::hardening_violated: check_stop_of_others(attempt, record->cause, what); break;
  }
}

/// Stops for what others did: somebody must have done it.
void Checks::check_stop_of_others(const Attempt& attempt, StopCause cause, const std::string& what) {
  if (cause == StopCause::hardening_violated && !attempt.told_violated) violated("S4", what + ": no look found it weaker");
  if (cause == StopCause::out_of_band_update && !attempt.told_restart_policy) {
    violated("S4", what + ": nobody gave it a restart policy");
  }
  if (attempt.told_restart_policy) return;  // the engine may be about to start it again
  if (cause != StopCause::started_by_others || attempt.started_by != Who::controller || attempt.started_late) return;
  const bool newer = std::any_of(attempts_.begin(), attempts_.end(), [&](const auto& other) {
    return other.second.agent == attempt.agent && other.second.number > attempt.number;
  });
  if (!newer && attempt.maker == Who::controller)
    violated("S4", what + ": the controller itself started it, and it is the newest");
}

void Checks::check_kill(const Container& container) {
  const auto found = attempts_.find(container.shown.id);
  if (found == attempts_.end()) return;
  const Attempt& attempt = found->second;
  const std::string* saved = world_.state().find("stops/" + container.shown.id);
  if (saved != nullptr || attempt.stop_refused) return;
  const bool urgent = attempt.stop_cause == StopCause::deadline_exceeded || attempt.stop_cause == StopCause::hardening_violated;
  const SimTime patience = urgent ? second : 5 * second;
  if (attempt.stop_first_saved < 0) {
    violated("S9", "kill of " + container.shown.name + " without a cause");
  } else if (world_.schedule.now() < attempt.stop_first_saved + patience) {
    violated("S9", "kill of " + container.shown.name + " before its cause is saved");
  }
}

void Checks::check_remove(const Container& container, bool force) {
  const auto found = attempts_.find(container.shown.id);
  if (found == attempts_.end() || found->second.agent.empty()) return;
  const Attempt& attempt = found->second;
  const AgentTruth& agent = agents_[attempt.agent];
  // What is being removed since it was seen dead (by a removal that comes late) can be started no more either.
  const auto state = container.shown.state;
  if (force && state != docker::ContainerState::dead && state != docker::ContainerState::removing) {
    violated("S9", "forced removal of " + container.shown.name + ", which is not dead");
  }
  if (attempt.live && attempt.told_live) violated("S3", "removal of " + container.shown.name + ", which is live");
  const bool absent = agent.missing_scans >= 2 || agent.confirmed;
  const bool superseded = std::any_of(attempts_.begin(), attempts_.end(), [&](const auto& entry) {
    const bool over = entry.second.ran || entry.second.start_failed;
    return entry.second.agent == attempt.agent && !entry.second.forgotten && over && entry.second.number > attempt.number;
  });
  const bool over = attempt.ran || (attempt.start_failed && !attempt.failed_untold);
  if (over && !attempt.live && !absent && !superseded && !outcome_is_saved(attempt)) {
    violated("S9", "removal of " + container.shown.name + " before its outcome is saved");
  }
}

}  // namespace cofferdam::sim
