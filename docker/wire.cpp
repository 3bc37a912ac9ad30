#include "docker/wire.hpp"

#include <charconv>
#include <type_traits>
#include <utility>

#include "docker/json.hpp"
#include "docker/tar.hpp"
#include "docker/time.hpp"

namespace cofferdam::docker {

namespace {

constexpr int kNotModified = 304;
constexpr std::size_t kLongestFile = 1U << 20U;
constexpr std::size_t kLongestObject = 16U << 20U;

std::string of_container(std::string_view base, const std::string& id) {
  return std::string(base) + "/containers/" + percent_encode(id);
}

/// A reference without its tag or digest, and that: the engine takes them apart, and an absent tag would pull all.
std::pair<std::string, std::string> name_and_tag(const std::string& reference) {
  const auto at = reference.find('@');
  const auto name = reference.substr(0, at);
  const auto slash = name.rfind('/');
  const auto colon = name.find(':', slash == std::string::npos ? 0 : slash);
  const auto bare = name.substr(0, colon);
  if (at != std::string::npos) {
    return {bare, reference.substr(at + 1)};
  }
  return {bare, colon == std::string::npos ? "latest" : name.substr(colon + 1)};
}

struct ToWire {
  std::string base;  ///< "/v1.41"

  static WireRequest get(std::string target) {
    return {.method = "GET", .target = std::move(target), .body = {}, .registry_auth = {}};
  }
  static WireRequest post(std::string target, std::string body = {}) {
    return {.method = "POST", .target = std::move(target), .body = std::move(body), .registry_auth = {}};
  }

  WireRequest operator()(const ContainerList& list) const {
    auto target = base + "/containers/json?all=1";
    if (!list.labels.empty()) {
      target += "&filters=" + percent_encode(encode_list_filters(list.labels));
    }
    return get(std::move(target));
  }
  WireRequest operator()(const ContainerInspect& inspect) const { return get(of_container(base, inspect.id) + "/json"); }
  WireRequest operator()(const ContainerCreate& create) const {
    return post(base + "/containers/create?name=" + percent_encode(create.name),
                encode_create(create.config, create.host_config).value_or(""));
  }
  WireRequest operator()(const ContainerStart& start) const { return post(of_container(base, start.id) + "/start"); }
  WireRequest operator()(const ContainerKill& kill) const {
    return post(of_container(base, kill.id) + "/kill?signal=" + percent_encode(kill.signal));
  }
  WireRequest operator()(const ContainerStop& stop) const {
    const auto query = stop.timeout ? "?t=" + std::to_string(stop.timeout->count()) : std::string{};
    return post(of_container(base, stop.id) + "/stop" + query);
  }
  WireRequest operator()(const ContainerRemove& remove) const {
    auto request = get(of_container(base, remove.id) + (remove.force ? "?force=1&v=1" : "?v=1"));
    request.method = "DELETE";
    return request;
  }
  WireRequest operator()(const ContainerWait& wait) const {
    return post(of_container(base, wait.id) + "/wait?condition=" + percent_encode(wait.condition));
  }
  WireRequest operator()(const ContainerArchive& archive) const {
    return get(of_container(base, archive.id) + "/archive?path=" + percent_encode(archive.path));
  }
  WireRequest operator()(const ImageInspect& image) const {
    return get(base + "/images/" + percent_encode(image.reference, "/:@") + "/json");
  }
  WireRequest operator()(const ImagePull& pull) const {
    const auto [name, tag] = name_and_tag(pull.reference);
    return post(base + "/images/create?fromImage=" + percent_encode(name) + "&tag=" + percent_encode(tag));
  }
  WireRequest operator()(const NetworkInspect& network) const { return get(base + "/networks/" + percent_encode(network.name)); }
  WireRequest operator()(const SystemPing&) const {
    auto request = get("/_ping");
    request.method = "HEAD";
    return request;
  }
  WireRequest operator()(const SystemVersion&) const { return get("/version"); }
  WireRequest operator()(const SystemInfo&) const { return get(base + "/info"); }
};

/// A decoded value as a reply; the text of what is wrong otherwise.
template <class T>
std::variant<Reply, std::string> as_reply(std::variant<T, std::string> decoded) {
  if (auto* wrong = std::get_if<std::string>(&decoded)) {
    return std::move(*wrong);
  }
  return Reply{std::move(std::get<T>(decoded))};
}

std::variant<Reply, std::string> decode(const Request& request, const WireReply& reply) {
  return std::visit(
      [&](const auto& what) -> std::variant<Reply, std::string> {
        using What = std::decay_t<decltype(what)>;
        if constexpr (std::is_same_v<What, ContainerList>) {
          return as_reply(decode_containers(reply.body));
        } else if constexpr (std::is_same_v<What, ContainerInspect>) {
          return as_reply(decode_container(reply.body));
        } else if constexpr (std::is_same_v<What, ContainerCreate>) {
          return as_reply(decode_created(reply.body));
        } else if constexpr (std::is_same_v<What, ContainerWait>) {
          return as_reply(decode_waited(reply.body));
        } else if constexpr (std::is_same_v<What, ContainerArchive>) {
          return as_reply(first_file(reply.body, kLongestFile));
        } else if constexpr (std::is_same_v<What, ImageInspect>) {
          return as_reply(decode_image(reply.body));
        } else if constexpr (std::is_same_v<What, NetworkInspect>) {
          return as_reply(decode_network(reply.body));
        } else if constexpr (std::is_same_v<What, SystemPing>) {
          return Reply{Pong{.api_version = reply.api_version_header, .podman = reply.podman}};
        } else if constexpr (std::is_same_v<What, SystemVersion>) {
          return as_reply(decode_version(reply.body));
        } else if constexpr (std::is_same_v<What, SystemInfo>) {
          return as_reply(decode_info(reply.body));
        } else if constexpr (std::is_same_v<What, ImagePull>) {
          return Reply{ImagePulled{}};
        } else {
          return Reply{Done{.already = reply.status == kNotModified}};
        }
      },
      request);
}

bool takes_not_modified(const Request& request) {
  return std::holds_alternative<ContainerStart>(request) || std::holds_alternative<ContainerStop>(request);
}

std::pair<unsigned, unsigned> version_numbers(std::string_view text) {
  unsigned major = 0;
  unsigned minor = 0;
  const auto* const end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), text.data() + text.size(), major);
  if (first.ec != std::errc{} || first.ptr == end || *first.ptr != '.') {
    return {0, 0};
  }
  const auto second = std::from_chars(first.ptr + 1, end, minor);
  return second.ec == std::errc{} ? std::pair{major, minor} : std::pair{0U, 0U};
}

}  // namespace

std::variant<WireRequest, Error> wire_request(const Request& request, std::string_view api_version) {
  auto wire = std::visit(ToWire{"/v" + std::string(api_version)}, request);
  if (std::holds_alternative<ContainerCreate>(request) && wire.body.empty()) {
    return Error{.error_class = ErrorClass::protocol,
                 .status = 0,
                 .operation = std::string(operation_of(request)),
                 .object = object_of(request),
                 .message = "not sent: a text in it is not UTF-8"};
  }
  return wire;
}

WireRequest wire_events(std::string_view api_version) {
  return ToWire::get("/v" + std::string(api_version) + "/events?filters=" + percent_encode(encode_event_filters()));
}

WireRequest wire_logs(const std::string& container_id, const LogQuery& query, std::string_view api_version) {
  auto target = of_container("/v" + std::string(api_version), container_id) + "/logs?stdout=1&stderr=1";
  target += query.follow ? "&follow=1" : "";
  target += query.timestamps ? "&timestamps=1" : "";
  target += query.tail ? "&tail=" + std::to_string(*query.tail) : "";
  target += query.since ? "&since=" + format_unix_time(*query.since) : "";
  return ToWire::get(std::move(target));
}

Error status_error(std::string_view operation, std::string_view object, int status, std::string_view body) {
  return {.error_class = ErrorClass::status,
          .status = status,
          .operation = std::string(operation),
          .object = std::string(object),
          .message = decode_error_message(body)};
}

Result read_reply(const Request& request, const WireReply& reply) {
  const auto operation = operation_of(request);
  const auto object = object_of(request);
  const bool good = (reply.status >= 200 && reply.status < 300) || (reply.status == kNotModified && takes_not_modified(request));
  if (!good && reply.status >= 400) {
    return status_error(operation, object, reply.status, reply.body);
  }
  Error error{.error_class = ErrorClass::protocol,
              .status = reply.status,
              .operation = std::string(operation),
              .object = object,
              .message = "an answer that has no meaning here"};
  if (!good) {
    return error;
  }
  auto decoded = decode(request, reply);
  if (auto* wrong = std::get_if<std::string>(&decoded)) {
    error.message = "the engine's answer cannot be read: " + *wrong;
    return error;
  }
  return std::get<Reply>(std::move(decoded));
}

std::size_t longest_body(const Request& request, std::size_t longest_list) {
  if (std::holds_alternative<ContainerList>(request)) {
    return longest_list;
  }
  // A file of the longest size in an archive, with the archive's own heads.
  constexpr std::size_t kArchiveHeads = 64U << 10U;
  return std::holds_alternative<ContainerArchive>(request) ? kLongestFile + kArchiveHeads
                                                           : std::min(kLongestObject, longest_list);
}

std::string percent_encode(std::string_view text, std::string_view also) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string result;
  result.reserve(text.size() + 16);
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
                       c == '_' || c == '~' || also.find(c) != std::string_view::npos;
    if (plain) {
      result += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      result += '%';
      result += kHex[byte >> 4U];
      result += kHex[byte & 15U];
    }
  }
  return result;
}

bool older_version(std::string_view left, std::string_view right) {
  return version_numbers(left) < version_numbers(right);
}

}  // namespace cofferdam::docker
