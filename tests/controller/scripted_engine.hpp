#pragma once

// An engine of the fewest words for the shell's tests: pings, tells version and info, accepts the event stream, and lets a
// test answer the rest.

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "tests/docker/scripted_server.hpp"

namespace cofferdam::controller::testing {

class ScriptedEngine {
 public:
  using Answer = std::function<std::string(const std::string& request)>;

  /// `rest` answers what is no ping, version, info or events; the default: an empty list for a list, 404 for all else.
  explicit ScriptedEngine(Answer rest = {});
  ~ScriptedEngine();

  [[nodiscard]] const std::string& path() const { return server_->path(); }
  /// First lines of the requests with this method: "POST /v1.41/…".
  [[nodiscard]] std::vector<std::string> lines(const std::string& method) const;
  /// Sends a line to every open event stream.
  void tell(const std::string& event);
  /// Ends every open event stream.
  void end_streams();
  [[nodiscard]] int streams() const;

 private:
  void serve(test::Peer& peer);
  void stream_events(test::Peer& peer);
  void note(const std::string& request);

  Answer rest_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> requests_;
  std::vector<std::string> events_;
  int generation_ = 0;
  int streams_ = 0;
  bool ending_ = false;
  std::unique_ptr<test::ScriptedServer> server_;
};

}  // namespace cofferdam::controller::testing
