#pragma once

// Docker's own client files: ~/.docker/config.json (credentials, the current context) and a context's meta.json.

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "docker/json.hpp"

namespace cofferdam::docker {

/// What to show a registry. Never logged, never in an error.
struct Credentials {
  std::string username;
  std::string password;
  std::string identity_token;
  bool operator==(const Credentials&) const = default;
};

struct ClientConfig {
  std::map<std::string, Credentials> auths;               ///< by the registry as written there
  std::map<std::string, std::string> credential_helpers;  ///< registry → x of docker-credential-x
  std::string credentials_store;                          ///< x of docker-credential-x for all others
  std::string current_context;
};
/// A problem's text names the field, never its value.
Decoded<ClientConfig> decode_client_config(std::string_view text);

struct ContextMeta {
  std::string name;
  std::string host;
  bool skip_tls_verify = false;
};
Decoded<ContextMeta> decode_context_meta(std::string_view text);

/// The registry that a reference is pulled from: its host, with port; "docker.io" where it names none.
std::string registry_of(std::string_view reference);
/// The key under which config.json and the helpers know a registry: "https://index.docker.io/v1/" for docker.io.
std::string registry_key(std::string_view registry);

/// Where the credentials of a registry come from.
struct CredentialSource {
  std::string helper;  ///< "docker-credential-x", to be asked about `key`; empty: `credentials` holds
  std::string key;
  std::optional<Credentials> credentials;  ///< unset with an empty helper: pull anonymously
};
CredentialSource credential_source(const ClientConfig& config, std::string_view registry);

/// A helper's answer to `get`.
Decoded<Credentials> decode_helper_reply(std::string_view text);

/// The value of the header X-Registry-Auth.
std::string encode_registry_auth(const Credentials& credentials, std::string_view key);

}  // namespace cofferdam::docker
