#include "scripted_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

namespace cofferdam::test {

namespace {

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::abort();
}

class PlainPeer final : public Peer {
 public:
  explicit PlainPeer(int socket) : socket_(socket) {}

 protected:
  long read_some(char* buffer, std::size_t size) override { return ::recv(socket_, buffer, size, 0); }
  long write_some(const char* bytes, std::size_t size) override { return ::send(socket_, bytes, size, MSG_NOSIGNAL); }

 private:
  int socket_;
};

class TlsPeer final : public Peer {
 public:
  TlsPeer(int socket, const TlsIdentity& identity) : context_(SSL_CTX_new(TLS_server_method())) {
    SSL_CTX_use_certificate_chain_file(context_, identity.certificate.c_str());
    SSL_CTX_use_PrivateKey_file(context_, identity.key.c_str(), SSL_FILETYPE_PEM);
    if (!identity.client_ca.empty()) {
      SSL_CTX_load_verify_locations(context_, identity.client_ca.c_str(), nullptr);
      SSL_CTX_set_verify(context_, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    }
    tls_ = SSL_new(context_);
    SSL_set_fd(tls_, socket);
    good_ = SSL_accept(tls_) == 1;
  }
  ~TlsPeer() override {
    SSL_free(tls_);
    SSL_CTX_free(context_);
  }
  TlsPeer(const TlsPeer&) = delete;
  TlsPeer& operator=(const TlsPeer&) = delete;

 protected:
  long read_some(char* buffer, std::size_t size) override { return good_ ? SSL_read(tls_, buffer, static_cast<int>(size)) : -1; }
  long write_some(const char* bytes, std::size_t size) override {
    return good_ ? SSL_write(tls_, bytes, static_cast<int>(size)) : -1;
  }

 private:
  SSL_CTX* context_;
  SSL* tls_ = nullptr;
  bool good_ = false;
};

std::size_t content_length(const std::string& head) {
  const auto at = head.find("Content-Length: ");
  return at == std::string::npos ? 0 : static_cast<std::size_t>(std::atol(head.c_str() + at + 16));
}

}  // namespace

std::string Peer::read_request() {
  char buffer[4096];
  while (true) {
    const auto end = pending_.find("\r\n\r\n");
    if (end != std::string::npos) {
      const auto length = end + 4 + content_length(pending_.substr(0, end));
      if (pending_.size() >= length) {
        auto request = pending_.substr(0, length);
        pending_.erase(0, length);
        return request;
      }
    }
    const auto count = read_some(buffer, sizeof buffer);
    if (count <= 0) {
      return {};
    }
    pending_.append(buffer, static_cast<std::size_t>(count));
  }
}

bool Peer::send(const std::string& bytes) {
  for (std::size_t sent = 0; sent < bytes.size();) {
    const auto count = write_some(bytes.data() + sent, bytes.size() - sent);
    if (count <= 0) {
      return false;
    }
    sent += static_cast<std::size_t>(count);
  }
  return true;
}

void Peer::send_in_pieces(const std::string& bytes, std::size_t size) {
  for (std::size_t at = 0; at < bytes.size(); at += size) {
    send(bytes.substr(at, size));
    std::this_thread::yield();
  }
}

void Peer::wait_until_closed() {
  char buffer[4096];
  while (read_some(buffer, sizeof buffer) > 0) {
  }
}

std::string answer(int status, const std::string& body, const std::string& more_heads) {
  return "HTTP/1.1 " + std::to_string(status) + " Scripted\r\nContent-Type: application/json\r\n" + more_heads +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string chunked_head(const std::string& more_heads) {
  return "HTTP/1.1 200 OK\r\n" + more_heads + "Transfer-Encoding: chunked\r\n\r\n";
}

std::string chunk(const std::string& bytes) {
  char size[32];
  std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  return size + bytes + "\r\n";
}

ScriptedServer::ScriptedServer(Script script) : script_(std::move(script)) {
  char name[] = "/tmp/scripted-XXXXXX";
  directory_ = ::mkdtemp(name);
  path_ = directory_ + "/engine.sock";
  const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path_.copy(address.sun_path, sizeof address.sun_path - 1);
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    die("bind");
  }
  listen_on(listener);
}

ScriptedServer::ScriptedServer(Script script, TlsIdentity tls) : script_(std::move(script)), tls_(std::move(tls)) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    die("bind");
  }
  port_ = ntohs(address.sin_port);
  listen_on(listener);
}

void ScriptedServer::listen_on(int listener) {
  listener_ = listener;
  if (::listen(listener, 128) != 0) {
    die("listen");
  }
  acceptor_ = std::thread([this] { accept_loop(); });
}

void ScriptedServer::accept_loop() {
  while (true) {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) {
      return;
    }
    ++connections_;
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      ::close(socket);
      return;
    }
    sockets_.push_back(socket);
    threads_.emplace_back([this, socket] {
      std::unique_ptr<Peer> peer;
      if (tls_.certificate.empty()) {
        peer = std::make_unique<PlainPeer>(socket);
      } else {
        peer = std::make_unique<TlsPeer>(socket, tls_);
      }
      script_(*peer);
      ::shutdown(socket, SHUT_RDWR);
    });
  }
}

ScriptedServer::~ScriptedServer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    for (const int socket : sockets_) {
      ::shutdown(socket, SHUT_RDWR);
    }
  }
  acceptor_.join();
  for (auto& thread : threads_) {
    thread.join();
  }
  for (const int socket : sockets_) {
    ::close(socket);
  }
  ::close(listener_);
  if (!directory_.empty()) {
    std::filesystem::remove_all(directory_);
  }
}

ScriptedServer::Script ScriptedServer::answering(std::function<std::string(const std::string&)> answer_to) {
  return [answer_to = std::move(answer_to)](Peer& peer) {
    for (auto request = peer.read_request(); !request.empty(); request = peer.read_request()) {
      peer.send(answer_to(request));
    }
  };
}

std::vector<std::string> ScriptedServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void ScriptedServer::note(const std::string& request) {
  const std::lock_guard lock(mutex_);
  requests_.push_back(request);
}

TemporaryDirectory::TemporaryDirectory() {
  char name[] = "/tmp/engine-test-XXXXXX";
  path_ = ::mkdtemp(name);
}

TemporaryDirectory::~TemporaryDirectory() {
  std::filesystem::remove_all(path_);
}

std::string TemporaryDirectory::write(const std::string& name, const std::string& text, unsigned mode) const {
  const auto path = path_ + "/" + name;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << text;
  std::filesystem::permissions(path, static_cast<std::filesystem::perms>(mode));
  return path;
}

}  // namespace cofferdam::test
