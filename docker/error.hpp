#pragma once

// Every way an engine call can fail, as a value.

#include <string>

namespace cofferdam::docker {

/// What class of failure: decisions are made on this and on the status, never on texts, but where moby gives no other sign
/// (`conflict_kind` in requests.hpp).
enum class ErrorClass {
  refused,         ///< nobody listens at the address
  no_permission,   ///< the socket may not be opened; the message names its group
  not_found_path,  ///< the socket's path does not exist
  reset,           ///< the connection ended before a whole answer was read: the call may have been applied
  timeout,         ///< the deadline passed: the call may have been applied
  cancelled,       ///< we withdrew the call: it may have been applied
  tls,             ///< certificate or handshake
  protocol,        ///< not HTTP, not JSON, truncated, too large: an answer that means nothing; may have been applied
  status,          ///< a 4xx or 5xx answer: `status` and the engine's message
  in_stream,       ///< an error inside a 200 stream (image pull)
  version,         ///< the engine is older or newer than what we can speak with
};

struct Error {
  ErrorClass error_class = ErrorClass::protocol;
  int status = 0;         ///< HTTP; 0 where there is none
  std::string operation;  ///< moby's words: "container create"
  std::string object;     ///< the name or id it was about
  std::string message;    ///< the engine's own words, or the system's

  bool operator==(const Error&) const = default;
};

/// "container create refactor-bot: 409: Conflict. The name …"
std::string to_string(const Error& error);
/// "refused", "timeout", "status", …: for metrics and traces.
std::string_view name_of(ErrorClass error_class);

/// True where the engine may have carried the call out in spite of the error.
bool may_have_been_applied(const Error& error);

}  // namespace cofferdam::docker
