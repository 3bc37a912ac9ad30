#pragma once

// What the tests of the deletion guard share: a folder with one file an agent, scanned by a guard.

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "reconciler/deletion_guard.hpp"

namespace cofferdam::reconciler {

using namespace std::chrono_literals;
using Names = std::set<std::string>;

/// A folder with one file an agent, scanned by a guard.
class DeletionGuardTest : public ::testing::Test {
 protected:
  static std::string name(std::size_t number) {
    std::string digits = std::to_string(number);
    return "agent-" + std::string(3 - digits.size(), '0') + digits;
  }
  static Names agents(std::size_t from, std::size_t to) {
    Names names;
    for (std::size_t i = from; i < to; ++i) names.insert(name(i));
    return names;
  }
  void remove(const Names& names) {
    for (const std::string& agent : names) folder.erase(agent);
  }
  void add(const Names& names) { folder.insert(names.begin(), names.end()); }

  std::vector<std::string> scan() {
    ScanFacts facts;
    facts.device = device;
    facts.inode = inode;
    facts.spec_files = folder.size() + never_good.size();
    facts.named = folder;
    facts.known = containers;
    facts.removing = removing;
    facts.never_good = never_good;
    facts.never_good_new = never_good_new;
    facts.unsettled = unsettled || arriving;
    facts.arriving = arriving;
    facts.being_written = being_written;
    facts.settle = settle;
    containers.insert(folder.begin(), folder.end());
    never_good_new.clear();
    return guard.observe(facts, budget, now);
  }
  /// The second scan follows the first after the settle time.
  void scan_twice() {
    scan();
    now.mono += 100ms;
    scan();
  }
  std::set<Presence> presence(const Names& names) {
    std::set<Presence> found;
    for (const std::string& agent : names) found.insert(guard.presence(agent));
    return found;
  }
  std::string reason(const std::string& agent) {
    for (const Held& held : guard.held()) {
      if (held.agents.contains(agent)) return held.reason;
    }
    return "";
  }
  /// The machine removed them.
  void gone(const Names& names) {
    for (const std::string& agent : names) {
      containers.erase(agent);
      guard.forget(agent);
    }
  }
  void break_file(const std::string& file) {
    never_good.push_back(file);
    never_good_new.push_back(file);
  }

  DeletionGuard guard;
  specs::Configuration::Deletion budget;  // 5, 0.5, 50
  Now now{Monotonic{1h}, {}, {}, {}};
  Names folder;
  Names containers;
  Names removing;
  std::vector<std::string> never_good;
  std::vector<std::string> never_good_new;
  bool unsettled = false;
  bool arriving = false;
  Names being_written;
  std::chrono::nanoseconds settle{0};
  std::uint64_t device = 1;
  std::uint64_t inode = 1;
};

inline const std::set<Presence> all_present{Presence::present};
inline const std::set<Presence> all_missed_once{Presence::missed_once};
inline const std::set<Presence> all_absent{Presence::absent};
inline const std::set<Presence> all_held{Presence::held};

}  // namespace cofferdam::reconciler
