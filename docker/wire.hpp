#pragma once

// Requests as HTTP and HTTP as replies, without any I/O: what the engine client sends and how it reads what comes back.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "docker/error.hpp"
#include "docker/requests.hpp"
#include "docker/types.hpp"

namespace cofferdam::docker {

struct WireRequest {
  std::string method = "GET";
  std::string target;  ///< path and query, encoded
  std::string body;    ///< JSON; empty: none
  std::string registry_auth;
  /// GET and HEAD: may be sent again where no byte of the answer came.
  bool safe() const { return method != "POST" && method != "DELETE"; }
};

/// An Error where the request cannot be sent as it is (text that is not UTF-8).
std::variant<WireRequest, Error> wire_request(const Request& request, std::string_view api_version);
/// GET /events of the types that we follow.
WireRequest wire_events(std::string_view api_version);

struct LogQuery {
  bool follow = false;
  std::optional<std::uint64_t> tail{};
  bool timestamps = false;
  std::optional<Time> since{};
};
/// GET /containers/{id}/logs, both streams.
WireRequest wire_logs(const std::string& container_id, const LogQuery& query, std::string_view api_version);

struct WireReply {
  int status = 0;
  std::string body;
  std::string api_version_header;  ///< Api-Version
  bool podman = false;             ///< Libpod-Api-Version was there
};
/// Every status has its meaning here: 2xx and 304 decode, the rest is an Error with the engine's words. Not for the
/// stream of a pull.
Result read_reply(const Request& request, const WireReply& reply);

/// The longest body that an answer to this may have.
std::size_t longest_body(const Request& request, std::size_t longest_list);

Error status_error(std::string_view operation, std::string_view object, int status, std::string_view body);

/// RFC 3986: everything but unreserved characters and those in `also` becomes %XX.
std::string percent_encode(std::string_view text, std::string_view also = {});

/// "1.41" < "1.52" by numbers. An unreadable one is 0.0.
bool older_version(std::string_view left, std::string_view right);

}  // namespace cofferdam::docker
