#include "docker/error.hpp"

#include <string_view>

namespace cofferdam::docker {

std::string_view name_of(ErrorClass error_class) {
  switch (error_class) {
    case ErrorClass::refused: return "refused";
    case ErrorClass::no_permission: return "no_permission";
    case ErrorClass::not_found_path: return "not_found_path";
    case ErrorClass::reset: return "reset";
    case ErrorClass::timeout: return "timeout";
    case ErrorClass::cancelled: return "cancelled";
    case ErrorClass::tls: return "tls";
    case ErrorClass::protocol: return "protocol";
    case ErrorClass::status: return "status";
    case ErrorClass::in_stream: return "in_stream";
    case ErrorClass::version: return "version";
  }
  return "unknown";
}

std::string to_string(const Error& error) {
  std::string text = error.operation;
  if (!error.object.empty()) {
    text += (text.empty() ? "" : " ") + error.object;
  }
  if (!text.empty()) {
    text += ": ";
  }
  text += error.status != 0 ? std::to_string(error.status) : std::string(name_of(error.error_class));
  if (!error.message.empty()) {
    text += ": " + error.message;
  }
  return text;
}

bool may_have_been_applied(const Error& error) {
  switch (error.error_class) {
    case ErrorClass::reset:
    case ErrorClass::timeout:
    case ErrorClass::cancelled:
    case ErrorClass::protocol: return true;
    case ErrorClass::status:
      // A 5xx may come after the work was begun (a proxy's, or a create that failed in its last step).
      return error.status >= 500;
    case ErrorClass::in_stream:  // a pull that failed has left layers at most
    case ErrorClass::refused:
    case ErrorClass::no_permission:
    case ErrorClass::not_found_path:
    case ErrorClass::tls:
    case ErrorClass::version: return false;
  }
  return true;
}

}  // namespace cofferdam::docker
