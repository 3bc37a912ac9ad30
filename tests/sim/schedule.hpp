#pragma once

// What happens next. Time jumps from one thing to the next; what falls on one moment happens in the order in which it
// was put down.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "tests/sim/trace.hpp"

namespace cofferdam::sim {

class Schedule {
 public:
  using Work = std::function<void()>;

  [[nodiscard]] SimTime now() const { return now_; }
  [[nodiscard]] bool empty() const { return heap_.empty(); }
  [[nodiscard]] SimTime next_at() const { return heap_.front().at; }

  void at(SimTime when, Work work) {
    heap_.push_back({std::max(when, now_), order_++, std::move(work)});
    std::push_heap(heap_.begin(), heap_.end(), later);
  }
  void after(SimTime delay, Work work) { at(now_ + delay, std::move(work)); }

  /// Does the next thing.
  void step() {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    Entry entry = std::move(heap_.back());
    heap_.pop_back();
    now_ = entry.at;
    entry.work();
  }
  void advance_to(SimTime when) { now_ = std::max(now_, when); }

 private:
  struct Entry {
    SimTime at;
    std::uint64_t order;
    Work work;
  };
  static bool later(const Entry& a, const Entry& b) { return a.at != b.at ? a.at > b.at : a.order > b.order; }

  SimTime now_ = 0;
  std::uint64_t order_ = 0;
  std::vector<Entry> heap_;
};

}  // namespace cofferdam::sim
