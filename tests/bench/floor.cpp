#include "tests/bench/floor.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <memory>
#include <stdexcept>
#include <utility>

namespace cofferdam::bench {

namespace {

constexpr std::chrono::minutes give_up{2};

void each(std::size_t count, int concurrency, const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < concurrency; ++i) {
    threads.emplace_back([&] {
      for (std::size_t at = next++; at < count; at = next++) work(at);
    });
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace

nanoseconds wall_now() {
  return std::chrono::system_clock::now().time_since_epoch();
}

Moments::Moments(const std::string& socket) {
  stream_ = test::RawEngine(socket).open_stream(
      "GET /events?filters=%7B%22type%22%3A%5B%22container%22%5D%7D HTTP/1.1\r\nHost: d\r\n\r\n");
  if (stream_ < 0) throw std::runtime_error("no event stream");
  reader_ = std::thread([this] { read(); });
}

Moments::~Moments() {
  ::shutdown(stream_, SHUT_RDWR);
  reader_.join();
  ::close(stream_);
}

void Moments::read() {
  std::string buffer;
  char piece[65536];
  for (;;) {
    const ssize_t size = ::recv(stream_, piece, sizeof piece, 0);
    if (size == 0 || (size < 0 && errno != EAGAIN)) return;
    if (size < 0) continue;
    buffer.append(piece, static_cast<std::size_t>(size));
    // Chunk sizes and headers stand on lines of their own: what is no object is skipped.
    for (auto end = buffer.find('\n'); end != std::string::npos; end = buffer.find('\n')) {
      const Json event = Json::parse(buffer.substr(0, end), nullptr, false);
      buffer.erase(0, end + 1);
      if (!event.is_object() || !event.contains("Action")) continue;
      const std::scoped_lock lock(mutex_);
      const nanoseconds moment(event.value("timeNano", std::int64_t{0}));
      auto& seen = seen_[event["Action"]];
      seen[event["Actor"]["Attributes"].value("name", "")] = moment;
      seen[event["Actor"].value("ID", "")] = moment;
      changed_.notify_all();
    }
  }
}

void Moments::forget() {
  const std::scoped_lock lock(mutex_);
  seen_.clear();
}

nanoseconds Moments::last_of(const std::string& action, std::size_t count) {
  std::unique_lock lock(mutex_);
  // Each container is in there by name and by id.
  if (!changed_.wait_for(lock, give_up, [&] { return seen_[action].size() >= 2 * count; })) {
    throw std::runtime_error("only " + std::to_string(seen_[action].size() / 2) + " of " + std::to_string(count) + " had " +
                             action);
  }
  nanoseconds last{0};
  for (const auto& [name, moment] : seen_[action]) last = std::max(last, moment);
  return last;
}

bool Moments::had(const std::string& action, const std::string& name, std::chrono::milliseconds within) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, within, [&] { return seen_[action].contains(name); });
}

void Moments::wait_for(const std::string& action, const std::string& name) {
  if (!had(action, name, give_up)) throw std::runtime_error(name + ": no " + action);
}

Floor::Floor(std::string socket, const Json& inspected) : socket_(std::move(socket)) {
  Json body = inspected["Config"];
  body["Image"] = inspected["Image"];
  body["HostConfig"] = inspected["HostConfig"];
  // Filled in by the engine, not asked for.
  for (const auto* field : {"MaskedPaths", "ReadonlyPaths"}) body["HostConfig"].erase(field);
  // To the controller the floor's containers are another's.
  body["Labels"]["cofferdam.instance"] = "floor";
  body_ = body.dump();
}

std::string Floor::create_and_start(test::RawEngine& engine, const std::string& name) const {
  const auto created = engine.call("POST", "/containers/create?name=" + name, body_);
  if (created.status != 201) throw std::runtime_error("create: " + created.body);
  const std::string id = Json::parse(created.body)["Id"];
  const auto started = engine.call("POST", "/containers/" + id + "/start");
  if (started.status != 204) throw std::runtime_error("start: " + started.body);
  return id;
}

std::vector<std::string> Floor::start_all(const std::vector<std::string>& names, int concurrency) const {
  std::vector<std::string> ids(names.size());
  each(names.size(), concurrency, [&](std::size_t at) {
    thread_local std::unique_ptr<test::RawEngine> engine;
    if (!engine) engine = std::make_unique<test::RawEngine>(socket_);
    ids[at] = create_and_start(*engine, names[at]);
  });
  return ids;
}

void Floor::stop_one(test::RawEngine& engine, const std::string& id, Moments& moments) {
  // A first process that has no handler yet takes no notice of a TERM: it is sent again.
  for (int tries = 0; tries < 60; ++tries) {
    engine.call("POST", "/containers/" + id + "/kill?signal=TERM");
    if (moments.had("die", id, std::chrono::seconds(1))) break;
  }
  moments.wait_for("die", id);
  auto removed = engine.call("DELETE", "/containers/" + id + "?v=1");
  // The event may come a moment before the engine believes it itself.
  while (removed.status == 409) removed = engine.call("DELETE", "/containers/" + id + "?v=1");
  moments.wait_for("destroy", id);
}

void Floor::stop_all(const std::vector<std::string>& ids, int concurrency, Moments& moments) const {
  each(ids.size(), concurrency, [&](std::size_t at) {
    thread_local std::unique_ptr<test::RawEngine> engine;
    if (!engine) engine = std::make_unique<test::RawEngine>(socket_);
    stop_one(*engine, ids[at], moments);
  });
}

void remove_everything(const std::string& socket) {
  test::RawEngine engine(socket);
  const Json list = Json::parse(engine.call("GET", "/containers/json?all=1").body);
  each(list.size(), 4, [&](std::size_t at) {
    test::RawEngine own(socket);
    own.call("DELETE", "/containers/" + list[at]["Id"].get<std::string>() + "?force=1&v=1");
  });
}

}  // namespace cofferdam::bench
