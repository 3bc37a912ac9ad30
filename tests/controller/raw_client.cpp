#include "raw_client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <utility>

namespace cofferdam::controller {

std::string RawAnswer::field(const std::string& name) const {
  for (std::size_t at = header.find("\r\n"); at != std::string::npos && at + 2 < header.size();
       at = header.find("\r\n", at + 2)) {
    const std::size_t colon = header.find(':', at);
    if (colon == name.size() + at + 2 && strncasecmp(header.c_str() + at + 2, name.c_str(), name.size()) == 0) {
      return header.substr(colon + 2, header.find("\r\n", colon) - colon - 2);
    }
  }
  return {};
}

RawClient::RawClient(int fd) : socket_(fd) {
  const timeval bound{20, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof(bound));
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof(bound));
}

RawClient RawClient::tcp(unsigned short port) {
  RawClient client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(client.socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    client.close();
  }
  return client;
}

RawClient RawClient::local(const std::string& path) {
  RawClient client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  if (::connect(client.socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    client.close();
  }
  return client;
}

bool RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) {
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool RawClient::fill() {
  std::array<char, 4096> room{};
  const ssize_t got = ::recv(socket_.get(), room.data(), room.size(), 0);
  if (got > 0) {
    buffer_.append(room.data(), static_cast<std::size_t>(got));
  }
  return got > 0;
}

void RawClient::read_chunks(RawAnswer& answer) {
  while (true) {
    std::size_t end = buffer_.find("\r\n");
    while (end == std::string::npos) {
      if (!fill()) {
        answer.status = 0;
        return;
      }
      end = buffer_.find("\r\n");
    }
    const std::size_t length = std::strtoul(buffer_.c_str(), nullptr, 16);
    buffer_.erase(0, end + 2);
    while (buffer_.size() < length + 2) {
      if (!fill()) {
        answer.status = 0;
        return;
      }
    }
    answer.body += buffer_.substr(0, length);
    buffer_.erase(0, length + 2);
    if (length == 0) {
      return;
    }
  }
}

RawAnswer RawClient::answer(bool head) {
  RawAnswer answer;
  std::size_t end = buffer_.find("\r\n\r\n");
  while (end == std::string::npos) {
    if (!fill()) {
      return answer;
    }
    end = buffer_.find("\r\n\r\n");
  }
  answer.header = buffer_.substr(0, end + 2);
  buffer_.erase(0, end + 4);
  answer.status = std::atoi(answer.header.substr(9, 3).c_str());
  if (head) {
    return answer;
  }
  if (answer.field("Transfer-Encoding") == "chunked") {
    read_chunks(answer);
    return answer;
  }
  const std::size_t length = std::strtoul(answer.field("Content-Length").c_str(), nullptr, 10);
  while (buffer_.size() < length) {
    if (!fill()) {
      answer.status = 0;
      return answer;
    }
  }
  answer.body = buffer_.substr(0, length);
  buffer_.erase(0, length);
  return answer;
}

std::string RawClient::rest(bool& closed) {
  std::array<char, 4096> room{};
  ssize_t got = 0;
  while ((got = ::recv(socket_.get(), room.data(), room.size(), 0)) > 0) {
    buffer_.append(room.data(), static_cast<std::size_t>(got));
  }
  closed = got == 0 || errno == ECONNRESET;
  return std::exchange(buffer_, {});
}

}  // namespace cofferdam::controller
