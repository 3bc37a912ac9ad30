#pragma once

// A server that does on each connection what a test says, by plain sockets: answers in pieces, late, wrong or never.

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace cofferdam::test {

/// One accepted connection, in a thread of its own.
class Peer {
 public:
  virtual ~Peer() = default;
  Peer() = default;
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  /// Head and body; empty once the client has gone.
  std::string read_request();
  /// False once the client has gone.
  bool send(const std::string& bytes);
  void send_in_pieces(const std::string& bytes, std::size_t size);
  /// Until the client ends the connection (or the server goes).
  void wait_until_closed();

 protected:
  virtual long read_some(char* buffer, std::size_t size) = 0;
  virtual long write_some(const char* bytes, std::size_t size) = 0;

 private:
  std::string pending_;
};

/// An answer with a Content-Length.
std::string answer(int status, const std::string& body, const std::string& more_heads = "");
/// The head of a chunked answer, and one chunk.
std::string chunked_head(const std::string& more_heads = "");
std::string chunk(const std::string& bytes);

struct TlsIdentity {
  std::string certificate;  ///< paths
  std::string key;
  std::string client_ca;  ///< empty: no client certificate is asked for
};

class ScriptedServer {
 public:
  using Script = std::function<void(Peer&)>;

  /// On a unix socket in a directory of its own.
  explicit ScriptedServer(Script script);
  /// On a port of 127.0.0.1, with TLS unless the certificate is empty.
  ScriptedServer(Script script, TlsIdentity tls);
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  /// Answers each request of each connection, as long as the client sends some.
  static Script answering(std::function<std::string(const std::string& request)> answer_to);

  const std::string& path() const { return path_; }
  int port() const { return port_; }
  int connections() const { return connections_; }
  /// All requests so far, in the order they came.
  std::vector<std::string> requests() const;
  void note(const std::string& request);

 private:
  void listen_on(int listener);
  void accept_loop();

  Script script_;
  TlsIdentity tls_;
  std::string directory_;
  std::string path_;
  int port_ = 0;
  int listener_ = -1;
  std::atomic<int> connections_{0};
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  std::vector<int> sockets_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

/// A directory that goes with the object.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }
  std::string write(const std::string& name, const std::string& text, unsigned mode = 0644) const;

 private:
  std::string path_;
};

}  // namespace cofferdam::test
