#pragma once

// The controller's way to the daemon: a unix socket that passes every byte on, and tells who asked for what before it does.
// So it is known, not guessed from events, which calls are the controller's. It changes nothing and holds nothing back: a
// side that does not read is not read for either.

#include <atomic>
#include <chrono>
#include <functional>
#include <list>
#include <string>
#include <thread>

namespace cofferdam::test::chaos {

struct Asked {
  int life = 0;  ///< the pid that asked
  std::chrono::steady_clock::time_point at;
  std::string method;
  std::string target;
  std::string body;
};

class Passage {
 public:
  struct Ears {
    std::function<void(const Asked&)> asked;  ///< before the request is passed on
    /// The answer's status; for a create that succeeded its `body` too. Not called for an answer that never came.
    std::function<void(const Asked&, int status, const std::string& body)> answered;
  };
  Passage(const std::string& path, std::string engine, Ears ears);
  ~Passage();
  Passage(const Passage&) = delete;
  Passage& operator=(const Passage&) = delete;

 private:
  struct Connection {
    std::thread thread;
    std::atomic<bool> ended = false;
  };
  void accept_all();
  void serve(int client);

  std::string engine_;
  Ears ears_;
  int listener_ = -1;
  std::atomic<bool> stopping_ = false;
  std::list<Connection> connections_;  ///< of the accepting thread
  std::thread thread_;
};

}  // namespace cofferdam::test::chaos
