#pragma once

// The observer's own threads: one reads the daemon's events from its own socket, over every outage of it; one looks at the
// kernel's cgroups and the records again and again.

#include <atomic>
#include <string>
#include <thread>

#include "tests/engine/chaos/observer.hpp"

namespace cofferdam::test::chaos {

class Watch {
 public:
  Watch(Observer& observer, std::string engine);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

 private:
  void read_events();
  void look();

  Observer& observer_;
  std::string engine_;
  std::atomic<bool> stopping_ = false;
  std::thread events_;
  std::thread looks_;
};

}  // namespace cofferdam::test::chaos
