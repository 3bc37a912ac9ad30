#include "tests/engine/chaos/timeline.hpp"

#include <cstdio>
#include <iostream>

namespace cofferdam::test::chaos {

Timeline::Timeline(const std::string& path) : file_(path) {}

void Timeline::write(const std::string& text) {
  const auto since = std::chrono::duration_cast<milliseconds>(Clock::now() - begin_).count();
  char stamp[32];
  std::snprintf(stamp, sizeof stamp, "%7lld.%03lld  ", static_cast<long long>(since / 1000),
                static_cast<long long>(since % 1000));
  const std::string line = stamp + text;
  file_ << line << std::endl;
  last_.push_back(line);
  if (last_.size() > kept) last_.pop_front();
}

void Timeline::note(const std::string& text) {
  const std::lock_guard lock(mutex_);
  write(text);
}

void Timeline::violation(const std::string& rule, const std::string& text) {
  const std::lock_guard lock(mutex_);
  write("VIOLATION of " + rule + ": " + text);
  if (violations_++ == 0) before_first_.assign(last_.begin(), last_.end());
  found_.push_back(last_.back());
  std::cerr << last_.back() << std::endl;
}

std::string Timeline::report() const {
  const std::lock_guard lock(mutex_);
  std::string text;
  if (before_first_.empty()) {
    for (const auto& line : last_) text += line + "\n";
  }
  for (const auto& line : before_first_) text += line + "\n";
  for (const auto& line : found_) text += line + "\n";
  return text;
}

}  // namespace cofferdam::test::chaos
