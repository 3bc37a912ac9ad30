#pragma once

// A private Docker daemon for a test program, by tests/engine/private-engine.sh, and a plain client for it.
// Needs root. The daemon is stopped and everything of it removed when the object goes, or when the process dies
// (by the next start). Errors end the program with a message: without an engine these tests cannot say anything.

#include <string>
#include <vector>

namespace cofferdam::test {

struct Answer {
  int status = 0;  ///< 0: no connection, or it broke before the whole answer was read
  std::string body;
};

/// HTTP/1.1 over a unix socket by plain system calls: one kept-alive connection, one request at a time, nothing of
/// the product in it. So tests judge the product by other eyes, and benchmarks have a floor. Not for two threads.
class RawEngine {
 public:
  explicit RawEngine(std::string socket_path);
  ~RawEngine();
  RawEngine(const RawEngine&) = delete;
  RawEngine& operator=(const RawEngine&) = delete;

  /// A JSON body is sent where `body` is not empty. A kept connection that was closed meanwhile is opened again.
  Answer call(const std::string& method, const std::string& target, const std::string& body = "");

  /// Writes `request` as it is and returns the connection for reading (the caller closes it), or -1.
  [[nodiscard]] int open_stream(const std::string& request) const;

 private:
  [[nodiscard]] int connect() const;
  bool exchange(const std::string& request, Answer& answer);
  bool fill();
  bool read_body(const std::string& head, Answer& answer);
  void close();

  std::string path_;
  int connection_ = -1;
  std::string buffer_;
};

class PrivateEngine {
 public:
  struct Options {
    bool registry = false;  ///< also docker-registry with TLS and htpasswd, as the script says
  };
  PrivateEngine() : PrivateEngine(Options{}) {}
  explicit PrivateEngine(Options options);
  ~PrivateEngine();
  PrivateEngine(const PrivateEngine&) = delete;
  PrivateEngine& operator=(const PrivateEngine&) = delete;

  [[nodiscard]] const std::string& directory() const { return directory_; }
  [[nodiscard]] std::string socket() const { return directory_ + "/docker.sock"; }  ///< a path
  [[nodiscard]] std::string host() const { return "unix://" + socket(); }

  void kill();    ///< kill -9 of the daemon alone
  void resume();  ///< starts it again, waits until it answers
  void registry_stop();
  void registry_start();
  [[nodiscard]] int daemon_pid() const;
  [[nodiscard]] int registry_pid() const;
  /// The words to put before a command so that it runs in the daemon's namespaces.
  [[nodiscard]] std::vector<std::string> inside() const;

 private:
  void script(const std::string& command, const std::vector<std::string>& arguments = {}) const;
  [[nodiscard]] int pid_of(const std::string& name) const;

  std::string directory_;
};

}  // namespace cofferdam::test
