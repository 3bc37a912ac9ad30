#include "tests/engine/chaos/passage.hpp"

#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace cofferdam::test::chaos {

namespace {

constexpr int look_every = 200;  // milliseconds, whether the end has come
constexpr std::size_t answer_kept = 65536;

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) std::abort();
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

bool pass(int to, const char* bytes, std::size_t size) {
  while (size > 0) {
    const ssize_t count = ::send(to, bytes, size, MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes += count;
    size -= static_cast<std::size_t>(count);
  }
  return true;
}

/// One request after another out of a connection's bytes: a body only by Content-Length.
class Requests {
 public:
  /// The next whole request, with its bytes as they came.
  bool next(Asked& asked, std::string& raw) {
    const auto end = bytes_.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    std::size_t length = 0;
    static const std::string name = "\r\ncontent-length:";
    for (std::size_t at = 0; at + name.size() < end; ++at) {
      if (::strncasecmp(bytes_.c_str() + at, name.c_str(), name.size()) != 0) continue;
      std::size_t begin = at + name.size();
      while (bytes_[begin] == ' ') ++begin;
      std::from_chars(bytes_.data() + begin, bytes_.data() + end, length);
    }
    const std::size_t whole = end + 4 + length;
    if (bytes_.size() < whole) return false;
    raw = bytes_.substr(0, whole);
    bytes_.erase(0, whole);
    const auto first = raw.find(' ');
    const auto second = raw.find(' ', first + 1);
    asked.method = raw.substr(0, first);
    asked.target = raw.substr(first + 1, second - first - 1);
    asked.body = raw.substr(end + 4);
    return true;
  }
  void add(const char* bytes, std::size_t size) { bytes_.append(bytes, size); }

 private:
  std::string bytes_;
};

/// The status of an answer as soon as it can be told; of a create's also the body.
bool told(const Asked& asked, const std::string& answer, int& status, std::string& body) {
  const auto end = answer.find("\r\n\r\n");
  if (end == std::string::npos || answer.size() < 12) return false;
  std::from_chars(answer.data() + 9, answer.data() + 12, status);
  if (asked.target.find("/containers/create") == std::string::npos) return true;
  body = answer.substr(end + 4);
  return status != 201 || body.find('}') != std::string::npos || answer.size() >= answer_kept;
}

}  // namespace

Passage::Passage(const std::string& path, std::string engine, Ears ears) : engine_(std::move(engine)), ears_(std::move(ears)) {
  listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto address = address_of(path);
  if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || ::listen(listener_, 128) != 0) {
    std::abort();
  }
  thread_ = std::thread([this] { accept_all(); });
}

Passage::~Passage() {
  stopping_ = true;
  thread_.join();
  ::close(listener_);
}

void Passage::accept_all() {
  while (!stopping_) {
    pollfd ready{listener_, POLLIN, 0};
    if (::poll(&ready, 1, look_every) != 1) continue;
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    for (auto it = connections_.begin(); it != connections_.end();) {
      if (!it->ended) {
        ++it;
        continue;
      }
      it->thread.join();
      it = connections_.erase(it);
    }
    auto& connection = connections_.emplace_back();
    connection.thread = std::thread([this, client, &connection] {
      serve(client);
      connection.ended = true;
    });
  }
  for (auto& connection : connections_) connection.thread.join();
}

void Passage::serve(int client) {
  ucred who{};
  socklen_t size = sizeof who;
  ::getsockopt(client, SOL_SOCKET, SO_PEERCRED, &who, &size);
  const int engine = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto address = address_of(engine_);
  bool open = ::connect(engine, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  Requests requests;
  Asked asked;
  std::string answer;
  bool waiting = false;
  char piece[65536];
  while (open && !stopping_) {
    pollfd ready[2]{{client, POLLIN, 0}, {engine, POLLIN, 0}};
    if (::poll(ready, 2, look_every) <= 0) continue;
    if (ready[1].revents != 0) {
      const ssize_t count = ::recv(engine, piece, sizeof piece, 0);
      if (count <= 0) break;
      if (waiting && answer.size() < answer_kept) answer.append(piece, static_cast<std::size_t>(count));
      int status = 0;
      std::string body;
      if (waiting && told(asked, answer, status, body)) {
        waiting = false;
        ears_.answered(asked, status, body);
      }
      open = pass(client, piece, static_cast<std::size_t>(count));
    }
    if (ready[0].revents == 0) continue;
    const ssize_t count = ::recv(client, piece, sizeof piece, 0);
    if (count <= 0) break;
    requests.add(piece, static_cast<std::size_t>(count));
    asked.life = who.pid;
    for (std::string raw; open && requests.next(asked, raw);) {
      asked.at = std::chrono::steady_clock::now();
      answer.clear();
      waiting = true;
      ears_.asked(asked);
      open = pass(engine, raw.data(), raw.size());
    }
  }
  ::close(engine);
  ::close(client);
}

}  // namespace cofferdam::test::chaos
