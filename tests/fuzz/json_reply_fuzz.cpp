// The engine's JSON, one codec a first byte ('a' the list, 'b' an inspect … 'k' an error body, 'l' the fast reader alone): the
// same text always reads the same, a value is whole or there are words for what is wrong, and what is no JSON is never a value.

#include <algorithm>
#include <string>
#include <string_view>
#include <variant>

#include <nlohmann/json.hpp>

#include "docker/json.hpp"
#include "docker/json_scanner.hpp"
#include "docker/pull_progress.hpp"
#include "docker/wire.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace cofferdam::fuzz {
namespace {

using namespace docker;

bool is_one_line(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

template <class Decode>
auto check_decoded(std::string_view text, const Decode& decode) {
  auto decoded = decode(text);
  require(decoded == decode(text), "the same text always reads the same");
  if (const auto* wrong = std::get_if<std::string>(&decoded)) {
    require(!wrong->empty(), "what is wrong has words");
  } else {
    require(nlohmann::json::accept(text), "what is no JSON is no value");
  }
  return decoded;
}

void check_list(std::string_view text) {
  const auto rows = check_decoded(text, decode_containers);
  if (const auto* good = std::get_if<0>(&rows)) {
    for (const auto& row : *good) require(!row.id.empty(), "a container has an id");
  }
}

void check_container(std::string_view text) {
  const auto decoded = check_decoded(text, decode_container);
  const auto* details = std::get_if<ContainerDetails>(&decoded);
  if (details == nullptr) return;
  require(!details->id.empty(), "a container has an id");
  const auto body = encode_create(details->config, details->host_config);
  if (!body) return;
  nlohmann::json inspect = nlohmann::json::parse(R"({"Id":"c1","Name":"/n1","Image":"sha256:1","State":{"Status":"created"}})");
  inspect["Config"] = nlohmann::json::parse(*body);
  inspect["HostConfig"] = inspect["Config"]["HostConfig"];
  const auto again = decode_container(inspect.dump());
  const auto* echoed = std::get_if<ContainerDetails>(&again);
  require(echoed != nullptr, "what is written can be read", *body);
  require(encode_create(echoed->config, echoed->host_config) == body, "what is written reads back the same", *body);
  require(echoed->config == details->config, "every field of the configuration is written", *body);
}

void check_pull(std::string_view text) {
  PullProgress progress;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = check_decoded(text.substr(0, end), decode_pull_line);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (const auto* good = std::get_if<PullLine>(&line)) {
      progress.add(*good);
      require(is_one_line(progress.text()), "how far a pull is, is one line", progress.text());
      require(!progress.failure() || !progress.failure()->error.empty(), "a failed pull has words");
    }
  }
}

void check_error(std::string_view text) {
  const std::string message = decode_error_message(text);
  require(message.size() <= 4096 && is_one_line(message), "an error's words are one short line", message);
  Error error;
  error.error_class = ErrorClass::status;
  error.operation = "container start";
  error.message = message;
  for (const int status : {400, 404, 409, 500}) {
    error.status = status;
    const ConflictKind kind = conflict_kind(error);
    const bool podman = status == 500 && kind == ConflictKind::name_in_use;  // answers so for a name in use
    require(kind == ConflictKind::none || status == 409 || podman, "a conflict is a 409");
    const int code = start_exit_code(error);
    require(code == 0 || code == 126 || code == 127, "a failed start is one of two");
    require(!is_no_such_image(error) || status == 404, "what is missing is a 404");
    require(!is_no_such_network(error) || status == 404, "what is missing is a 404");
  }
  discarded_limit(message);
}

/// The fast reader of lists takes exactly what the slow one takes.
void check_scanner(std::string_view text) {
  // The other one leaves a byte order mark out, and takes a NUL for the end.
  if (text.starts_with("\xEF\xBB\xBF") || text.find('\0') != std::string_view::npos) return;
  JsonScanner scanner(text);
  scanner.skip();
  const bool taken = !scanner.failed() && scanner.at_end() && !scanner.failed();
  // Numbers beyond a double are JSON, and the other one refuses them.
  const bool huge = text.find_first_of("eE") != std::string_view::npos || text.size() > 300;
  if (!taken || !huge) require(taken == nlohmann::json::accept(text), "both readers take the same texts", text);
}

void check(Input input) {
  const auto selector = (input.byte() + 256U - 'a') % 16U;
  const std::string text(input.rest());
  switch (selector) {
    case 0: return check_list(text);
    case 1: return check_container(text);
    case 2: return static_cast<void>(check_decoded(text, decode_created));
    case 3: return static_cast<void>(check_decoded(text, decode_waited));
    case 4: return static_cast<void>(check_decoded(text, decode_image));
    case 5: return static_cast<void>(check_decoded(text, decode_network));
    case 6: return static_cast<void>(check_decoded(text, decode_version));
    case 7: return static_cast<void>(check_decoded(text, decode_info));
    case 8: return static_cast<void>(check_decoded(text, decode_event));
    case 9: return check_pull(text);
    case 10: return check_error(text);
    default: return check_scanner(text);
  }
}

}  // namespace
}  // namespace cofferdam::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  cofferdam::fuzz::check({data, size});
  return 0;
}
