#include "tests/engine/chaos/watch.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

namespace cofferdam::test::chaos {

namespace {

constexpr milliseconds look_every{100};
constexpr int records_every = 5;  // looks

}  // namespace

Watch::Watch(Observer& observer, std::string engine)
    : observer_(observer), engine_(std::move(engine)), events_([this] { read_events(); }), looks_([this] { look(); }) {}

Watch::~Watch() {
  stopping_ = true;
  events_.join();
  looks_.join();
}

void Watch::read_events() {
  const RawEngine engine(engine_);
  while (!stopping_) {
    const int stream = engine.open_stream("GET /events HTTP/1.1\r\nHost: docker\r\n\r\n");
    std::string bytes;
    char piece[65536];
    while (stream >= 0 && !stopping_) {
      pollfd ready{stream, POLLIN, 0};
      if (::poll(&ready, 1, 100) != 1) continue;
      const ssize_t count = ::recv(stream, piece, sizeof piece, 0);
      if (count <= 0) break;
      bytes.append(piece, static_cast<std::size_t>(count));
      for (auto end = bytes.find('\n'); end != std::string::npos; end = bytes.find('\n')) {
        // An event is one line; the lines between are the chunks' lengths and the head.
        const Json event = bytes[0] == '{' ? Json::parse(bytes.substr(0, end), nullptr, false) : Json();
        bytes.erase(0, end + 1);
        if (event.is_object()) observer_.event(event);
      }
    }
    if (stream >= 0) ::close(stream);
    std::this_thread::sleep_for(look_every);
  }
}

void Watch::look() {
  for (int round = 0; !stopping_; ++round) {
    observer_.look_at_cgroups();
    if (round % records_every == 0) observer_.look_at_records();
    std::this_thread::sleep_for(look_every);
  }
}

}  // namespace cofferdam::test::chaos
