// The engine client's reading of answers, over a connection that is a row of bytes: one end and one result to each call, whatever
// the pieces; bounds hold; a stream's bytes are those of the body.

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "docker/exchange.hpp"
#include "docker/json.hpp"
#include "docker/line_splitter.hpp"
#include "docker/wire.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace cofferdam::fuzz {
namespace {

using namespace docker;

/// Gives bytes in pieces of given sizes, then ends. Nothing is called back from inside the function that asked.
class Bytes : public Connection {
 public:
  Bytes(std::string_view bytes, std::array<std::uint8_t, 6> sizes, bool cut) : bytes_(bytes), sizes_(sizes), cut_(cut) {}

  void open(OnDone done) override {
    todo_.emplace_back([done = std::move(done)] { done(std::nullopt); });
  }
  void write(std::string_view bytes, OnBytes done) override {
    todo_.emplace_back([done = std::move(done), count = bytes.size()] { done(std::nullopt, count); });
  }
  void read_some(char* buffer, std::size_t size, OnBytes done) override {
    require(!reading_, "one read at a time");
    reading_ = true;
    todo_.emplace_back([this, buffer, size, done = std::move(done)] {
      reading_ = false;
      const std::size_t wanted = std::size_t{1} + sizes_[reads_++ % sizes_.size()] * std::size_t{16};
      const std::size_t count = closed_ ? 0 : std::min({bytes_.size(), size, wanted});
      if (count == 0) {
        const bool orderly = !cut_ && !closed_;
        return done(Failure{ErrorClass::reset, "the connection ended", orderly}, 0);
      }
      std::copy_n(bytes_.begin(), count, buffer);
      bytes_.remove_prefix(count);
      done(std::nullopt, count);
    });
  }
  bool is_quiet() override { return bytes_.empty(); }
  void close() override { closed_ = true; }

  void run() {
    for (int turns = 0; !todo_.empty(); ++turns) {
      require(turns < 20000, "an exchange comes to an end");
      const auto next = std::move(todo_.front());
      todo_.pop_front();
      next();
    }
  }
  [[nodiscard]] bool closed() const { return closed_; }

 private:
  std::string_view bytes_;
  std::array<std::uint8_t, 6> sizes_;
  bool cut_;
  bool closed_ = false;
  bool reading_ = false;
  std::size_t reads_ = 0;
  std::deque<std::function<void()>> todo_;
};

struct Seen {
  int ends = 0;
  bool failed = false;  ///< of which class may depend on the pieces: a broken head may be seen as broken only once it is whole
  int status = 0;
  std::string body;
  std::string streamed;
  bool operator==(const Seen&) const = default;
};

std::string shown(const Seen& seen) {
  return (seen.failed ? "failed" : std::to_string(seen.status)) + " body '" + seen.body + "' stream '" + seen.streamed + "'";
}

constexpr std::size_t longest = 4096;

Seen exchange(const WireRequest& request, bool streaming, std::string_view bytes, std::array<std::uint8_t, 6> sizes, bool cut) {
  const auto connection = std::make_shared<Bytes>(bytes, sizes, cut);
  Seen seen;
  ExchangeEnd end;
  Exchange::Callbacks callbacks;
  LineSplitter lines(256);
  bool head = false;
  callbacks.on_head = [&](const AnswerHead& told) {
    require(!head, "a head comes once");
    require(told.status >= 100 && told.status <= 999, "a status has three digits");
    head = true;
  };
  if (streaming) {
    callbacks.on_body = [&](std::string_view piece) -> std::optional<std::string> {
      require(head, "the head comes before the body");
      seen.streamed += piece;
      if (!lines.feed(piece, [](std::string_view line) { decode_event(line); })) return "a line is too long";
      return std::nullopt;
    };
  }
  callbacks.on_end = [&](ExchangeEnd told) {
    ++seen.ends;
    end = std::move(told);
  };
  const auto one = std::make_shared<Exchange>(connection, request, longest, std::move(callbacks));
  one->start();
  connection->run();
  require(seen.ends == 1, "an exchange ends once");
  require(end.reusable || connection->closed(), "a connection that is not used again is closed");
  require(!end.failure || !end.failure->message.empty(), "a failure has words");
  require(!end.reusable || !end.failure, "after a failure the connection is not used again");
  if (end.failure) {
    seen.failed = true;
    Error error;
    error.error_class = end.failure->error_class;
    require(may_have_been_applied(error), "a call that was sent may have been applied, whatever its answer");
  }
  if (!end.failure) {
    require(head && end.head.status >= 100, "a good end has a head");
    require(end.body.size() <= (end.head.status < 300 ? longest : std::size_t{1} << 20U), "a body is within its bound");
    seen.status = end.head.status;
    seen.body = end.body;
  }
  if (streaming && seen.failed) seen.streamed.clear();  // how far it came depends on the pieces
  return seen;
}

std::array<Request, 15> requests() {
  return {ContainerList{}, ContainerInspect{"c"}, ContainerCreate{}, ContainerStart{"c"}, ContainerKill{"c", "TERM"},
          ContainerStop{}, ContainerRemove{"c"},  ContainerWait{},   ContainerArchive{},  ImageInspect{"i"},
          ImagePull{"i"},  NetworkInspect{"n"},   SystemPing{},      SystemVersion{},     SystemInfo{}};
}

void check(Input input) {
  const auto all = requests();
  const auto& request = all[(input.byte() + 256U - 'a') % all.size()];
  const std::uint8_t how = input.byte();
  std::array<std::uint8_t, 6> sizes{};
  for (auto& size : sizes) size = input.byte();
  const std::string_view bytes = input.rest();

  const auto wire = std::get<WireRequest>(wire_request(request, "1.41"));
  const bool streaming = (how & 1U) != 0;
  const bool cut = (how & 2U) != 0;
  const Seen seen = exchange(wire, streaming, bytes, sizes, cut);
  const Seen whole = exchange(wire, streaming, bytes, {255, 255, 255, 255, 255, 255}, cut);
  require(seen == whole, "an answer is the same, whatever the pieces", shown(seen) + "\n" + shown(whole));

  if (seen.failed || streaming) return;
  const Result result = read_reply(request, {seen.status, seen.body, "1.41", false});
  if (const auto* error = std::get_if<Error>(&result)) {
    require(!error->operation.empty() && to_string(*error).find('\n') == std::string::npos, "an error is one line",
            to_string(*error));
  } else {
    require(seen.status < 300 || seen.status == 304, "a good reply has a good status");
  }
}

}  // namespace
}  // namespace cofferdam::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  cofferdam::fuzz::check({data, size});
  return 0;
}
