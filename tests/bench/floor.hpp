#pragma once

// The floor that the controller is measured against: a raw client that makes the same engine calls with the same bodies and does
// nothing else; and the moments at which things happened, from the engine's own events, the same for both.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/engine/private_engine.hpp"

namespace cofferdam::bench {

using Json = nlohmann::json;
using std::chrono::nanoseconds;

/// The engine's events carry the host's wall time: so do our beginnings.
nanoseconds wall_now();

/// Reads the engine's event stream and remembers when each container (by name) started and was destroyed.
class Moments {
 public:
  explicit Moments(const std::string& socket);
  ~Moments();
  Moments(const Moments&) = delete;
  Moments& operator=(const Moments&) = delete;

  /// Forgets all, and then waits until `count` containers had `action`: the moment of the last. Throws after two minutes.
  void forget();
  nanoseconds last_of(const std::string& action, std::size_t count);
  /// Whether the container of this name or id had it, or has within this time.
  bool had(const std::string& action, const std::string& name, std::chrono::milliseconds within);
  /// Until it had it. Throws after two minutes.
  void wait_for(const std::string& action, const std::string& name);

 private:
  void read();
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::map<std::string, nanoseconds>> seen_;  ///< action → name → moment
  int stream_ = -1;
  std::thread reader_;
};

/// What the controller asks for, taken from a container that it made, so that bodies are the same but for names.
class Floor {
 public:
  Floor(std::string socket, const Json& inspected);

  /// create + start of one container. Returns its id.
  std::string create_and_start(test::RawEngine& engine, const std::string& name) const;
  /// create + start of all by `concurrency` clients.
  std::vector<std::string> start_all(const std::vector<std::string>& names, int concurrency) const;
  /// kill(TERM), wait for its end, remove: what a stop is.
  void stop_all(const std::vector<std::string>& ids, int concurrency, Moments& moments) const;
  static void stop_one(test::RawEngine& engine, const std::string& id, Moments& moments);

 private:
  std::string socket_;
  std::string body_;
};

/// Removes every container of the engine, by force.
void remove_everything(const std::string& socket);

}  // namespace cofferdam::bench
