#pragma once

// Where the engine listens, and how that was decided. Pure but for one reader port, so that every combination of
// flag, environment, configuration and context can be tried without a machine that has it.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>

namespace cofferdam::docker {

enum class Transport { unix_socket, tcp };
enum class TlsMode { none, verified, unverified };

/// PEM files. `ca` empty: the system's own authorities. `certificate` and `key` come together or not at all.
struct TlsFiles {
  std::string ca;
  std::string certificate;
  std::string key;
  bool operator==(const TlsFiles&) const = default;
};

struct Endpoint {
  Transport transport = Transport::unix_socket;
  std::string path = "/var/run/docker.sock";  ///< for a unix socket
  std::string host;                           ///< for TCP: a name or an address, without brackets
  std::uint16_t port = 0;
  TlsMode tls = TlsMode::none;
  TlsFiles files;
  std::string origin = "the default";  ///< what decided: "--host", "DOCKER_HOST", "context lab", …

  bool operator==(const Endpoint&) const = default;
};

/// "unix:///var/run/docker.sock", "tcp://build.example:2376".
std::string address_of(const Endpoint& endpoint);
/// The engine runs on this very host: pids, boot id and paths are ours. True for a unix socket only: a loopback port
/// may be forwarded from anywhere.
bool is_local(const Endpoint& endpoint);

struct EndpointInputs {
  std::string flag;  ///< --host; empty: not given
  std::map<std::string, std::string>
      environment;                       ///< DOCKER_HOST, DOCKER_CONTEXT, DOCKER_CONFIG, DOCKER_TLS_VERIFY, DOCKER_CERT_PATH
  std::string configured;                ///< engine.host where the file itself sets it; empty: it does not
  std::string home;                      ///< for ~/.docker; empty: there is none
  bool allow_insecure_loopback = false;  ///< engine.allowInsecureLoopback
};
/// The bytes of a file, or nullopt where there is none (or it cannot be read).
using FileReader = std::function<std::optional<std::string>(const std::string& path)>;

/// --host > DOCKER_HOST > configuration > the context named by DOCKER_CONTEXT or ~/.docker/config.json > the default
/// socket. DOCKER_TLS_VERIFY and DOCKER_CERT_PATH (else ~/.docker) hold for every TCP address that is not a context's.
/// The text of a refusal says what was found, where it came from and what mends it. TCP without verified TLS is
/// refused unless the host is loopback and the configuration allows it; ssh:// and npipe:// are not spoken.
std::variant<Endpoint, std::string> resolve_endpoint(const EndpointInputs& inputs, const FileReader& read_file);

}  // namespace cofferdam::docker
