#pragma once

// A request and an answer of the status server without the library that carries them, so that what is answered can be read (and
// tried) apart from how it travels.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "controller/api.hpp"

namespace cofferdam::controller {

struct HttpRequest {
  std::string method;  ///< "GET"
  std::string target;  ///< as sent: "/v1/agents?x=y"
  std::string body;
  bool local = false;          ///< over the unix socket
  bool peer_controls = false;  ///< over the unix socket, from root or from our own user (SO_PEERCRED)
};

struct HttpAnswer {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;  ///< besides those that every answer has
};

/// An answer that comes later: an operator's word, or a log.
struct HttpWord {
  std::optional<Word> word;  ///< unset: reload
};
using HttpReaction = std::variant<HttpAnswer, HttpWord, LogRequest>;

struct Target {
  std::string path;                          ///< percent-decoded
  std::map<std::string, std::string> query;  ///< percent-decoded
};
/// Nothing where the target is not an absolute path, is badly encoded, holds control characters or a query key twice.
std::optional<Target> parse_target(const std::string& target);

HttpAnswer error_answer(int status, const std::string& error, const std::string& message, const std::string& mend);
HttpAnswer answer_of(const Verdict& verdict);

/// What a request gets. HEAD is answered as GET; the server leaves the body out.
HttpReaction react(Api& api, const HttpRequest& request);

/// Whether a Host header names us, as a browser that was led here under another name (DNS rebinding) would not: localhost, a
/// loopback address, the host of `listen`; where that is the unspecified address, any literal address.
bool is_our_host(const std::string& host, const std::string& listen_host);

/// The page at /, and its style sheet.
HttpAnswer page(const Api& api);
HttpAnswer page_style();

}  // namespace cofferdam::controller
