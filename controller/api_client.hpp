#pragma once

// How the commands ask a running controller: one request over its unix socket, blocking.

#include <functional>
#include <string>
#include <string_view>
#include <variant>

namespace cofferdam::controller {

struct ApiReply {
  int status = 0;
  std::string body;
};

struct ApiFailure {
  enum class Kind {
    nobody,         ///< no socket, or nobody listens: there is no running controller
    no_permission,  ///< the socket may not be opened
    broken,         ///< it did not answer, or not to the end
  };
  Kind kind = Kind::nobody;
  std::string message;
};

using ApiResult = std::variant<ApiReply, ApiFailure>;

/// POST where `body` is not empty, else GET. At most 30 s.
ApiResult ask_controller(const std::string& socket, const std::string& target, const std::string& body = {});
/// GET of something long: a 200's body goes to `on_bytes` piece by piece (false: enough) and not into the reply. No time limit.
ApiResult stream_from_controller(const std::string& socket, const std::string& target,
                                 const std::function<bool(std::string_view)>& on_bytes);

}  // namespace cofferdam::controller
