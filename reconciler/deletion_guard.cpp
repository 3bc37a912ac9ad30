#include "reconciler/deletion_guard.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>
#include <utility>

#include "specs/digest.hpp"

namespace cofferdam::reconciler {
namespace {

constexpr std::chrono::seconds window{60};
constexpr std::size_t id_digits = 10;

std::string id_of(const std::set<std::string>& agents) {
  std::string names;
  for (const std::string& agent : agents) names += agent + '\n';
  return specs::sha256_hex(names).substr(0, id_digits);
}

std::string counted(std::size_t count, std::string_view noun) {
  return std::to_string(count) + ' ' + std::string(noun) + (count == 1 ? "" : "s");
}

/// "a, b, c", and beyond ten "… and 7 more".
template <typename Range>
std::string join(const Range& names) {
  constexpr std::size_t most = 10;
  std::string text;
  std::size_t told = 0;
  for (const std::string& name : names) {
    if (told == most) return text + " and " + std::to_string(names.size() - most) + " more";
    text += (told++ == 0 ? "" : ", ") + name;
  }
  return text;
}

/// 0.5, not 0.500000.
std::string decimal(double value) {
  std::string text = std::to_string(value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

}  // namespace

struct DeletionGuard::Words {
  const char* name;
  const char* why;  ///< empty where it is made of the case's own facts
};

DeletionGuard::Words DeletionGuard::words_of(Reason reason) {
  constexpr std::array<Words, 6> words{{{"", ""},
                                        {"DirectoryReplaced", "the spec directory was replaced by another (or unmounted)"},
                                        {"DirectoryEmptied", "the spec directory lost all of its files at once"},
                                        {"NoSpecSeen", "no spec file at all was seen since the controller started"},
                                        {"BudgetExceeded", ""},
                                        {"MaybeMoved", ""}}};
  return words[static_cast<std::size_t>(reason)];
}

Presence DeletionGuard::presence_of(const Missing& missing) {
  if (missing.scans < 2) return Presence::missed_once;
  return missing.agreed ? Presence::absent : Presence::held;
}

Presence DeletionGuard::presence(const std::string& agent) const {
  const auto missing = missing_.find(agent);
  return missing == missing_.end() ? Presence::present : presence_of(missing->second);
}

std::map<std::string, Presence> DeletionGuard::presences() const {
  std::map<std::string, Presence> all;
  for (const auto& [agent, missing] : missing_) all.emplace_hint(all.end(), agent, presence_of(missing));
  return all;
}

std::vector<std::string> DeletionGuard::observe(const ScanFacts& scan, const specs::Configuration::Deletion& budget,
                                                const Now& now) {
  const std::map<std::string, Presence> before = presences();
  spec_seen_ = spec_seen_ || scan.spec_files > 0;
  note_missing(scan, now.mono);
  follow_moves(scan, now.mono);
  count_there(scan, now.mono);
  const Reason sweeping = sweeping_reason(scan);
  judge(sweeping, over_budget(budget, now.mono));

  last_directory_ = DirectoryId{scan.device, scan.inode};
  if (!directory_ || !scan.unsettled) directory_ = last_directory_;
  note_whole();
  observed_ = true;
  spec_files_ = scan.spec_files;
  present_ = scan.named;
  removing_ = scan.removing;
  rebuild_held();

  std::vector<std::string> changed;
  const std::map<std::string, Presence> after = presences();
  for (const auto& [agent, presence] : before) {
    if (!after.contains(agent)) changed.push_back(agent);
  }
  for (const auto& [agent, presence] : after) {
    const auto found = before.find(agent);
    if (found == before.end() || found->second != presence) changed.push_back(agent);
  }
  std::sort(changed.begin(), changed.end());
  return changed;
}

void DeletionGuard::scan_failed() {
  for (auto& [agent, missing] : missing_) {
    if (missing.scans < 2) missing.scans = 0;
  }
}

void DeletionGuard::note_missing(const ScanFacts& scan, Monotonic now) {
  std::erase_if(missing_, [&](const auto& entry) { return scan.named.contains(entry.first); });
  std::erase_if(first_missed_, [&](const auto& entry) { return scan.named.contains(entry.first); });

  const auto miss = [&](const std::string& agent) {
    if (scan.named.contains(agent)) return;
    // One that was named before can have moved only now; one that nobody named yet (its container was listed after the first
    // scan) may have been in any broken file all along.
    const std::vector<std::string>& suspects = present_.contains(agent) ? scan.never_good_new : scan.never_good;
    const auto [place, is_new] = missing_.try_emplace(agent);
    if (!is_new) return;
    first_missed_.try_emplace(agent, now);
    if (!present_.contains(agent)) {  // its container was there all the time
      for (Sample& sample : there_) ++sample.agents;
    }
    place->second.maybe_in.insert(suspects.begin(), suspects.end());
    if (!suspects.empty()) place->second.reason = Reason::maybe_moved;
  };
  for (const std::string& agent : scan.known) miss(agent);
  for (const std::string& agent : present_) miss(agent);

  for (auto& [agent, missing] : missing_) {
    const bool perhaps_back = missing.reason == Reason::none && scan.being_written.contains(agent);
    if (missing.scans == 0 || perhaps_back) {
      missing.scans = 1;
      missing.since = now;
      missing.agreed = false;
    } else if (now - missing.since >= scan.settle && !scan.arriving) {
      // A scan that the next unlink brought on a moment later is no second look, nor is one that shows half of a new file.
      missing.scans = 2;
    }
    if (scan.removing.contains(agent) || removing_.contains(agent)) release(agent, missing);
  }
}

void DeletionGuard::release(const std::string& agent, Missing& missing) {
  missing.free = true;
  missing.reason = Reason::none;
  missing.maybe_in.clear();
  first_missed_.erase(agent);
}

void DeletionGuard::follow_moves(const ScanFacts& scan, Monotonic now) {
  const std::set<std::string> bad(scan.never_good.begin(), scan.never_good.end());
  for (auto& [agent, missing] : missing_) {
    if (missing.maybe_in.empty()) continue;
    std::erase_if(missing.maybe_in, [&](const std::string& file) { return !bad.contains(file); });
    if (!missing.maybe_in.empty()) continue;
    // Gone in the very scan that brings another broken file: it may have been renamed, and the agent with it.
    missing.maybe_in.insert(scan.never_good_new.begin(), scan.never_good_new.end());
    if (!missing.maybe_in.empty() || missing.reason != Reason::maybe_moved) continue;
    missing.reason = Reason::none;
    first_missed_[agent] = now;  // as if missed now: many at once are held to the budget, and an editor may just write it anew
    missing.scans = 1;
    missing.since = now;
  }
}

void DeletionGuard::count_there(const ScanFacts& scan, Monotonic now) {
  std::size_t agents = 0;
  const auto count = [&](const std::string& agent) { agents += scan.removing.contains(agent) ? 0 : 1; };
  for (const std::string& agent : scan.named) count(agent);
  if (!observed_) {
    for (const std::string& agent : scan.known) {
      if (!scan.named.contains(agent)) count(agent);
    }
  }
  if (there_.empty() || there_.back().agents != agents) there_.push_back({now, agents});
  while (there_.size() > 1 && there_[1].at <= now - window) there_.pop_front();
}

std::size_t DeletionGuard::most_there() const {
  return std::max_element(there_.begin(), there_.end(), [](const Sample& a, const Sample& b) { return a.agents < b.agents; })
      ->agents;
}

DeletionGuard::Reason DeletionGuard::sweeping_reason(const ScanFacts& scan) const {
  // Whom the last scan named is missed in another directory too where that one was not whole yet: it may come and go.
  for (const auto& before : {directory_, last_directory_}) {
    if (before && before->differs_from(scan.device, scan.inode)) return Reason::directory_replaced;
  }
  if (observed_ && spec_files_ >= 2 && scan.spec_files == 0) return Reason::directory_emptied;
  if (!spec_seen_) return Reason::no_spec_seen;
  Reason standing = Reason::none;
  for (const auto& [agent, missing] : missing_) {
    if (!sweeps(missing.reason)) continue;
    if (standing == Reason::none || missing.reason < standing) standing = missing.reason;
  }
  return standing;
}

bool DeletionGuard::over_budget(const specs::Configuration::Deletion& budget, Monotonic now) {
  std::erase_if(first_missed_, [&](const auto& entry) {
    if (now - entry.second <= window) return false;
    // Not judged yet, since no complete scan followed for so long: it counts, or a folder away for a minute had no budget.
    const auto missing = missing_.find(entry.first);
    return missing == missing_.end() || missing->second.agreed || missing->second.reason != Reason::none;
  });
  const auto missed = static_cast<std::int64_t>(first_missed_.size());
  const std::size_t there = most_there();
  const double fraction_of_there = budget.budget_fraction * static_cast<double>(there);
  const std::string sum =
      counted(first_missed_.size(), "agent") + " of " + std::to_string(there) + " went missing within a minute, ";
  if (missed > budget.budget_max) {
    budget_words_ = sum + "more than deletion.budgetMax (" + std::to_string(budget.budget_max) + ")";
    return true;
  }
  constexpr double rounding = 1e-9;  // 0.29 × 100 is less than 29 in doubles
  if (missed > budget.budget_count && static_cast<double>(missed) > fraction_of_there + rounding) {
    budget_words_ = sum + "more than deletion.budgetCount (" + std::to_string(budget.budget_count) +
                    ") and more than deletion.budgetFraction (" + decimal(budget.budget_fraction) + ") of all";
    return true;
  }
  return false;
}

void DeletionGuard::judge(Reason sweeping, bool over_budget) {
  for (auto& [agent, missing] : missing_) {
    if (missing.agreed) continue;
    if (!missing.free && !sweeps(missing.reason)) {
      if (sweeping != Reason::none) {
        missing.reason = sweeping;
      } else if (over_budget && missing.scans >= 2) {  // a miss alone may be a file that is just being replaced
        missing.reason = Reason::budget_exceeded;
      }
    }
    missing.agreed = missing.scans >= 2 && missing.reason == Reason::none;
  }
}

void DeletionGuard::note_whole() {
  const bool whole = std::all_of(missing_.begin(), missing_.end(), [](const auto& entry) { return entry.second.agreed; });
  // One that was left since, and its files not seen whole in the other, is not where they all are.
  if (whole && directory_ == last_directory_) whole_directory_ = directory_;
}

bool DeletionGuard::confirm(const std::string& id) {
  const auto found = std::find_if(held_.begin(), held_.end(), [&](const Held& held) { return held.id == id; });
  if (found == held_.end()) return false;
  for (const std::string& agent : found->agents) {
    Missing& missing = missing_.at(agent);
    release(agent, missing);
    missing.agreed = true;
  }
  note_whole();
  rebuild_held();
  return true;
}

bool DeletionGuard::wants_second_scan() const {
  return std::any_of(missing_.begin(), missing_.end(), [](const auto& entry) { return entry.second.scans < 2; });
}

void DeletionGuard::forget(const std::string& agent) {
  present_.erase(agent);
  if (missing_.erase(agent) == 0) return;
  note_whole();
  rebuild_held();
}

void DeletionGuard::rebuild_held() {
  std::map<std::pair<Reason, std::set<std::string>>, std::set<std::string>> groups;
  for (const auto& [agent, missing] : missing_) {
    if (presence_of(missing) != Presence::held) continue;
    // Each set of files that agents may have moved into is confirmed by itself.
    const bool moved = missing.reason == Reason::maybe_moved;
    groups[{missing.reason, moved ? missing.maybe_in : std::set<std::string>{}}].insert(agent);
  }
  held_.clear();
  for (auto& [key, agents] : groups) {
    Held held{id_of(agents), words_of(key.first).name, "", std::move(agents), {key.second.begin(), key.second.end()}};
    held.message = message_of(key.first, held);
    held_.push_back(std::move(held));
  }
  std::sort(held_.begin(), held_.end(), [](const Held& a, const Held& b) { return a.id < b.id; });
}

std::string DeletionGuard::message_of(Reason reason, const Held& held) const {
  std::string why = words_of(reason).why;
  if (reason == Reason::budget_exceeded) why = budget_words_;
  if (reason == Reason::maybe_moved) {
    why = "they may have moved into " + join(held.maybe_in) +
          ", which was never good, does not parse or cannot be read: mend or remove it";
  }
  return counted(held.agents.size(), "agent") + " without a spec (" + join(held.agents) + "): nothing is removed, because " +
         why + "; put the files back, or confirm the removal: cofferdam confirm-deletions " + held.id;
}

}  // namespace cofferdam::reconciler
