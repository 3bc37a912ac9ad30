// The status server's connections, over socket pairs within the process: every answer is HTTP, every connection ends when its
// peer goes, and over TCP no Host but ours is served and no word is taken. The first byte says which door, the next four the
// pieces.

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/http.hpp>

#include "controller/http_connection.hpp"
#include "tests/controller/fake_api.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace cofferdam::fuzz {
namespace {

using namespace controller;
namespace asio = boost::asio;
namespace http = boost::beast::http;

/// One for all inputs: what an input did to it is taken back before the next.
struct Server {
  asio::io_context io;
  FakeApi api{io};

  Server() { api.files({{"refactor-bot.yaml", smallest_spec}, {"broken.yaml", "kind: Agnt\n"}}); }
  void forget() {
    api.words_.clear();
    api.reloads_ = 0;
    api.log_request_.reset();
    api.log_pieces_ = {"first line\n", "second line\n"};
  }
};

class Peer {
 public:
  explicit Peer(int descriptor) : descriptor_(descriptor) { ::fcntl(descriptor_, F_SETFL, O_NONBLOCK); }
  ~Peer() { ::close(descriptor_); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  void write(std::string_view bytes) {
    // What does not fit, or comes after the end, is lost.
    const auto sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    static_cast<void>(sent);
  }
  void read() {
    std::array<char, 16384> piece{};
    for (auto count = ::recv(descriptor_, piece.data(), piece.size(), 0); count > 0;
         count = ::recv(descriptor_, piece.data(), piece.size(), 0)) {
      answers_.append(piece.data(), static_cast<std::size_t>(count));
    }
  }
  void finish() { ::shutdown(descriptor_, SHUT_WR); }
  [[nodiscard]] const std::string& answers() const { return answers_; }

 private:
  int descriptor_;
  std::string answers_;
};

/// Every answer in a row, as a strict reader sees them. HEAD's have no body, and nobody here knows which those are.
void check_answers(const std::string& answers, bool heads, bool tcp) {
  std::string_view left = answers;
  while (!left.empty()) {
    http::response_parser<http::string_body> parser;
    parser.body_limit(std::uint64_t{1} << 24U);
    parser.eager(true);
    parser.skip(heads);
    boost::system::error_code code;
    const auto used = parser.put(asio::buffer(left.data(), left.size()), code);
    if (code == http::error::need_more) code = {};
    require(!code && parser.is_header_done(), "every answer is HTTP", left);
    const auto status = parser.get().result_int();
    require(status == 200 || (status >= 400 && status < 600), "every status is one of ours", std::to_string(status));
    require(!tcp || parser.get().find(http::field::access_control_allow_origin) == parser.get().end(), "no origin is let in");
    if (heads) return;
    left.remove_prefix(used);
    if (!parser.is_done()) return require(left.empty(), "only the last answer may be cut", left);
  }
}

template <typename Protocol>
void serve(Server& server, Protocol protocol, Input& input, bool& ended) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return;
  Peer peer(ends[1]);
  auto context = std::make_shared<ConnectionContext>();
  context->api = &server.api;
  context->options.header_limit = 1024;
  context->options.body_limit = 512;
  context->listen_host = "127.0.0.1";
  {
    const auto connection = std::make_shared<controller::Connection<Protocol>>(
        typename Protocol::socket(server.io, protocol, ends[0]), context, [&ended] { ended = true; });
    connection->start();
  }
  std::array<std::uint8_t, 4> sizes{};
  for (auto& size : sizes) size = input.byte();
  const auto turn = [&] {
    server.io.restart();
    server.io.poll();
    peer.read();
  };
  const std::string sent(input.rest());
  std::string_view left = sent;
  for (std::size_t i = 0; !left.empty() && !ended; ++i) {
    const auto piece = left.substr(0, std::size_t{1} + sizes[i % sizes.size()] * std::size_t{8});
    left.remove_prefix(piece.size());
    peer.write(piece);
    turn();
  }
  peer.finish();
  for (int turns = 0; turns < 200 && !ended; ++turns) turn();
  turn();
  constexpr bool tcp = std::is_same_v<Protocol, asio::ip::tcp>;
  const bool heads = sent.find("HEAD") != std::string::npos;
  check_answers(peer.answers(), heads, tcp);
  if constexpr (tcp) {
    require(server.api.words_.empty() && server.api.reloads_ == 0 && !server.api.log_request_, "over TCP nothing is asked of us");
    const bool ours = sent.find("localhost") != std::string::npos || sent.find("127.0.0.1") != std::string::npos ||
                      sent.find("::1") != std::string::npos;
    std::string lower = sent;
    std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    require(ours || lower.find("localhost") != std::string::npos || !peer.answers().starts_with("HTTP/1.1 200"),
            "no other Host is served", sent);
  }
}

void check(Input input) {
  static Server server;
  server.forget();
  bool ended = false;
  if (input.byte() % 2 == 0) {
    serve(server, asio::ip::tcp::v4(), input, ended);
  } else {
    serve(server, asio::local::stream_protocol(), input, ended);
  }
  require(ended, "a connection ends when its peer goes");
}

}  // namespace
}  // namespace cofferdam::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  cofferdam::fuzz::check({data, size});
  return 0;
}
