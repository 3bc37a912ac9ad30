#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstring>
#include <utility>

#include "tests/engine/private_engine.hpp"

namespace cofferdam::test {

namespace {

constexpr int give_up_seconds = 60;

/// The value of a header in `head`, or empty. Names are given in lower case.
std::string header(const std::string& head, const std::string& name) {
  std::string lower = head;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto at = lower.find("\r\n" + name + ":");
  if (at == std::string::npos) return {};
  auto begin = at + name.size() + 3;
  const auto end = lower.find("\r\n", begin);
  while (begin < end && lower[begin] == ' ') ++begin;
  return lower.substr(begin, end - begin);
}

bool write_all(int connection, const std::string& bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = ::send(connection, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
    if (count <= 0) return false;
    done += static_cast<std::size_t>(count);
  }
  return true;
}

}  // namespace

RawEngine::RawEngine(std::string socket_path) : path_(std::move(socket_path)) {}

RawEngine::~RawEngine() {
  close();
}

void RawEngine::close() {
  if (connection_ >= 0) ::close(connection_);
  connection_ = -1;
  buffer_.clear();
}

int RawEngine::connect() const {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path_.size() >= sizeof address.sun_path) return -1;
  std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
  const int connection = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connection < 0) return -1;
  const timeval limit{give_up_seconds, 0};
  ::setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  if (::connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return connection;
  ::close(connection);
  return -1;
}

int RawEngine::open_stream(const std::string& request) const {
  const int connection = connect();
  if (connection < 0 || write_all(connection, request)) return connection;
  ::close(connection);
  return -1;
}

bool RawEngine::fill() {
  char piece[65536];
  const ssize_t count = ::recv(connection_, piece, sizeof piece, 0);
  if (count <= 0) return false;
  buffer_.append(piece, static_cast<std::size_t>(count));
  return true;
}

bool RawEngine::read_body(const std::string& head, Answer& answer) {
  if (answer.status == 204 || answer.status == 304) return true;
  const auto take = [this, &answer](std::size_t size) {
    while (buffer_.size() < size) {
      if (!fill()) return false;
    }
    answer.body.append(buffer_, 0, size);
    buffer_.erase(0, size);
    return true;
  };
  if (header(head, "transfer-encoding") != "chunked") {
    std::size_t size = 0;
    const std::string length = header(head, "content-length");
    std::from_chars(length.data(), length.data() + length.size(), size);
    return take(size);
  }
  for (;;) {
    auto end = buffer_.find("\r\n");
    while (end == std::string::npos) {
      if (!fill()) return false;
      end = buffer_.find("\r\n");
    }
    std::size_t size = 0;
    std::from_chars(buffer_.data(), buffer_.data() + end, size, 16);
    buffer_.erase(0, end + 2);
    if (!take(size)) return false;
    while (buffer_.size() < 2) {
      if (!fill()) return false;
    }
    buffer_.erase(0, 2);
    if (size == 0) return true;
  }
}

bool RawEngine::exchange(const std::string& request, Answer& answer) {
  answer = {};
  if (!write_all(connection_, request)) return false;
  auto end = buffer_.find("\r\n\r\n");
  while (end == std::string::npos) {
    if (!fill()) return false;
    end = buffer_.find("\r\n\r\n");
  }
  const std::string head = buffer_.substr(0, end + 2);
  buffer_.erase(0, end + 4);
  if (head.size() < 12) return false;
  std::from_chars(head.data() + 9, head.data() + 12, answer.status);
  const bool complete = read_body(head, answer);
  if (header(head, "connection") == "close") close();
  return complete;
}

Answer RawEngine::call(const std::string& method, const std::string& target, const std::string& body) {
  std::string request = method + " " + target + " HTTP/1.1\r\nHost: docker\r\n";
  if (!body.empty()) request += "Content-Type: application/json\r\n";
  request += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  Answer answer;
  if (connection_ >= 0) {
    if (exchange(request, answer)) return answer;
    close();
    if (answer.status != 0) return {};  // it broke in mid-answer: not to be asked twice
  }
  connection_ = connect();
  if (connection_ < 0 || exchange(request, answer)) return answer;
  close();
  return {};
}

}  // namespace cofferdam::test
