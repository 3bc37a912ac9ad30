#include "docker/endpoint.hpp"

#include <openssl/evp.h>

#include <array>
#include <charconv>
#include <string_view>
#include <utility>

#include "docker/client_config.hpp"

namespace cofferdam::docker {

namespace {

constexpr std::uint16_t kPlainPort = 2375;
constexpr std::uint16_t kTlsPort = 2376;
constexpr std::size_t kLongestSocketPath = 107;

using Resolved = std::variant<Endpoint, std::string>;

/// How a TCP address is to be spoken with, decided by where the address came from.
struct TlsWish {
  TlsMode mode = TlsMode::none;
  TlsFiles files;
};

std::string lookup(const EndpointInputs& inputs, const std::string& name) {
  const auto found = inputs.environment.find(name);
  return found == inputs.environment.end() ? std::string{} : found->second;
}

std::string client_directory(const EndpointInputs& inputs) {
  const auto set = lookup(inputs, "DOCKER_CONFIG");
  return !set.empty() ? set : (inputs.home.empty() ? std::string{} : inputs.home + "/.docker");
}

std::string sha256_hex(const std::string& text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &length, EVP_sha256(), nullptr);
  static constexpr std::string_view kHex = "0123456789abcdef";
  std::string hex;
  for (unsigned i = 0; i < length; ++i) {
    hex += kHex[digest[i] >> 4U];
    hex += kHex[digest[i] & 15U];
  }
  return hex;
}

bool is_loopback(const std::string& host) {
  const bool numbers_only = host.find_first_not_of("0123456789.") == std::string::npos;
  return host == "localhost" || host == "::1" || (numbers_only && host.starts_with("127."));
}

/// The certificate files of a directory that are there. A certificate without its key, or the reverse, is a mistake.
std::variant<TlsFiles, std::string> files_of(const std::string& directory, const FileReader& read_file) {
  TlsFiles files;
  for (const auto& [name, member] : {std::pair{"ca.pem", &TlsFiles::ca}, std::pair{"cert.pem", &TlsFiles::certificate},
                                     std::pair{"key.pem", &TlsFiles::key}}) {
    const auto path = directory + "/" + name;
    if (read_file(path)) {
      files.*member = path;
    }
  }
  if (files.certificate.empty() != files.key.empty()) {
    return "of cert.pem and key.pem in " + directory + " only one can be read: both are needed, or neither";
  }
  return files;
}

std::variant<TlsWish, std::string> wish_of_environment(const EndpointInputs& inputs, const FileReader& read_file) {
  const auto certificates = lookup(inputs, "DOCKER_CERT_PATH");
  if (lookup(inputs, "DOCKER_TLS_VERIFY").empty()) {
    // DOCKER_CERT_PATH alone means TLS without verification to Docker's own client: no better than none.
    return TlsWish{};
  }
  const auto directory = certificates.empty() ? client_directory(inputs) : certificates;
  auto files = files_of(directory, read_file);
  if (auto* wrong = std::get_if<std::string>(&files)) {
    return "DOCKER_TLS_VERIFY: " + *wrong;
  }
  const auto& found = std::get<TlsFiles>(files);
  if (!certificates.empty() && found.ca.empty()) {
    return "DOCKER_CERT_PATH: " + certificates + "/ca.pem cannot be read; put the authority's certificate there";
  }
  return TlsWish{.mode = TlsMode::verified, .files = found};
}

struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};

std::optional<HostPort> split_host(std::string_view text, std::uint16_t default_port) {
  HostPort result{.host = {}, .port = default_port};
  if (text.ends_with('/')) {
    text.remove_suffix(1);
  }
  std::string_view port;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) {
      return std::nullopt;
    }
    result.host = text.substr(1, end - 1);
    port = text.substr(end + 1);
  } else {
    const auto colon = text.find(':');
    result.host = text.substr(0, colon);
    port = colon == std::string_view::npos ? std::string_view{} : text.substr(colon);
  }
  if (!port.empty()) {
    const auto* const end = port.data() + port.size();
    const auto parsed = std::from_chars(port.data() + 1, end, result.port);
    if (port.front() != ':' || parsed.ec != std::errc{} || parsed.ptr != end || result.port == 0) {
      return std::nullopt;
    }
  }
  const bool plain = result.host.find_first_of("/@?# \t[]") == std::string::npos;
  return plain && !result.host.empty() ? std::optional(result) : std::nullopt;
}

Resolved tcp_endpoint(const std::string& address, const std::string& origin, const TlsWish& wish, bool insecure_allowed) {
  const auto place = split_host(std::string_view(address).substr(std::string_view("tcp://").size()),
                                wish.mode == TlsMode::none ? kPlainPort : kTlsPort);
  if (!place) {
    return origin + ": " + address + " is no address; tcp://host:port is";
  }
  if (wish.mode != TlsMode::verified && !(insecure_allowed && is_loopback(place->host))) {
    const std::string how = wish.mode == TlsMode::none ? "without TLS" : "with TLS that is not verified";
    return origin + ": " + address + " " + how +
           " is refused: whoever answers there would be root on that host. Set DOCKER_TLS_VERIFY=1 " +
           "and DOCKER_CERT_PATH (ca.pem, cert.pem, key.pem)" +
           (is_loopback(place->host) ? ", or engine.allowInsecureLoopback: true in the configuration" : "");
  }
  return Endpoint{.transport = Transport::tcp,
                  .path = {},
                  .host = place->host,
                  .port = place->port,
                  .tls = wish.mode,
                  .files = wish.files,
                  .origin = origin};
}

Resolved unix_endpoint(const std::string& address, const std::string& origin) {
  const auto path = address.substr(std::string_view("unix://").size());
  if (!path.starts_with('/')) {
    return origin + ": " + address + " names no absolute path; unix:///var/run/docker.sock does";
  }
  if (path.size() > kLongestSocketPath) {
    return origin + ": the path in " + address + " is longer than a socket's may be (" + std::to_string(kLongestSocketPath) +
           " bytes)";
  }
  return Endpoint{.transport = Transport::unix_socket,
                  .path = path,
                  .host = {},
                  .port = 0,
                  .tls = TlsMode::none,
                  .files = {},
                  .origin = origin};
}

Resolved parse(const std::string& address, const std::string& origin, const TlsWish& wish, bool insecure_allowed) {
  if (address.starts_with("unix://")) {
    return unix_endpoint(address, origin);
  }
  if (address.starts_with("tcp://")) {
    return tcp_endpoint(address, origin, wish, insecure_allowed);
  }
  if (address.starts_with("ssh://")) {
    return origin + ": " + address +
           ": ssh is not spoken here; forward the socket (ssh -L /run/engine.sock:/var/run/docker.sock host) " +
           "and use unix:///run/engine.sock";
  }
  if (address.starts_with("npipe://")) {
    return origin + ": " + address + " is a Windows pipe; use unix:///path or tcp://host:port";
  }
  return origin + ": " + address + " is no engine address; unix:///path and tcp://host:port are";
}

Resolved from_environment_tls(const std::string& address, const std::string& origin, const EndpointInputs& inputs,
                              const FileReader& read_file) {
  TlsWish wish;
  if (address.starts_with("tcp://")) {
    auto wished = wish_of_environment(inputs, read_file);
    if (auto* wrong = std::get_if<std::string>(&wished)) {
      return std::move(*wrong);
    }
    wish = std::get<TlsWish>(wished);
  }
  return parse(address, origin, wish, inputs.allow_insecure_loopback);
}

Resolved from_context(const std::string& name, const std::string& named_by, const EndpointInputs& inputs,
                      const FileReader& read_file) {
  const auto directory = client_directory(inputs) + "/contexts";
  const auto id = sha256_hex(name);
  const auto path = directory + "/meta/" + id + "/meta.json";
  const auto origin = "the context " + name + " (named by " + named_by + ")";
  const auto text = read_file(path);
  if (!text) {
    return origin + " does not exist (" + path + " cannot be read); `docker context ls` shows those that do";
  }
  const auto meta = decode_context_meta(*text);
  if (const auto* wrong = std::get_if<std::string>(&meta)) {
    return origin + ": " + path + " cannot be understood: " + *wrong;
  }
  const auto& context = std::get<ContextMeta>(meta);
  if (context.host.empty()) {
    return origin + " names no Docker endpoint (Endpoints.docker.Host in " + path + ")";
  }
  auto files = files_of(directory + "/tls/" + id + "/docker", read_file);
  if (auto* wrong = std::get_if<std::string>(&files)) {
    return origin + ": " + *wrong;
  }
  const auto& found = std::get<TlsFiles>(files);
  const bool tls = found != TlsFiles{} || context.skip_tls_verify;
  const auto mode = !tls ? TlsMode::none : (context.skip_tls_verify ? TlsMode::unverified : TlsMode::verified);
  return parse(context.host, origin, {.mode = mode, .files = found}, inputs.allow_insecure_loopback);
}

}  // namespace

std::string address_of(const Endpoint& endpoint) {
  if (endpoint.transport == Transport::unix_socket) {
    return "unix://" + endpoint.path;
  }
  const bool six = endpoint.host.find(':') != std::string::npos;
  return "tcp://" + (six ? "[" + endpoint.host + "]" : endpoint.host) + ":" + std::to_string(endpoint.port);
}

bool is_local(const Endpoint& endpoint) {
  return endpoint.transport == Transport::unix_socket;
}

Resolved resolve_endpoint(const EndpointInputs& inputs, const FileReader& read_file) {
  const auto from_host = lookup(inputs, "DOCKER_HOST");
  for (const auto& [address, origin] : {std::pair{inputs.flag, "--host"}, std::pair{from_host, "DOCKER_HOST"},
                                        std::pair{inputs.configured, "the configuration (engine.host)"}}) {
    if (!address.empty()) {
      return from_environment_tls(address, origin, inputs, read_file);
    }
  }
  auto context = lookup(inputs, "DOCKER_CONTEXT");
  std::string named_by = "DOCKER_CONTEXT";
  const auto directory = client_directory(inputs);
  if (context.empty() && !directory.empty()) {
    named_by = directory + "/config.json";
    if (const auto text = read_file(named_by)) {
      const auto config = decode_client_config(*text);
      if (const auto* wrong = std::get_if<std::string>(&config)) {
        return named_by + " cannot be understood: " + *wrong + "; mend it, or name the engine by --host or engine.host";
      }
      context = std::get<ClientConfig>(config).current_context;
    }
  }
  if (!context.empty() && context != "default") {
    return from_context(context, named_by, inputs, read_file);
  }
  return Endpoint{};
}

}  // namespace cofferdam::docker
