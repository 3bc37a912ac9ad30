#include <string>
#include <utility>

#include "docker/base64.hpp"
#include "docker/client_config.hpp"
#include "docker/json_fields.hpp"

namespace cofferdam::docker {

namespace {

constexpr std::string_view kIndexKey = "https://index.docker.io/v1/";

/// "https://registry.example/v2/" → "registry.example": config.json has both forms.
std::string_view host_of_key(std::string_view key) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (key.starts_with(scheme)) {
      key.remove_prefix(scheme.size());
    }
  }
  return key.substr(0, key.find('/'));
}

bool is_docker_hub(std::string_view registry) {
  return registry.empty() || registry == "docker.io" || registry == "index.docker.io" || registry == "registry-1.docker.io";
}

Credentials credentials_of(const Fields& entry) {
  Credentials result{
      .username = entry.text("username"), .password = entry.text("password"), .identity_token = entry.text("identitytoken")};
  const auto packed = entry.text("auth");
  if (packed.empty()) {
    return result;
  }
  const auto plain = base64_decode(packed);
  const auto colon = plain ? plain->find(':') : std::string::npos;
  if (colon == std::string::npos) {
    entry.note("auth", "not base64 of user:password");
    return result;
  }
  result.username = plain->substr(0, colon);
  result.password = plain->substr(colon + 1);
  result.password.resize(std::min(result.password.find('\0'), result.password.size()));
  return result;
}

template <class T, class Read>
Decoded<T> decode_object(std::string_view text, const Read& read) {
  JsonProblem problem;
  const auto document = parse_object(text, problem);
  if (!document) {
    return problem.text;
  }
  T result = read(Fields{&*document, "", problem});
  if (!problem.text.empty()) {
    return problem.text;
  }
  return result;
}

}  // namespace

Decoded<ClientConfig> decode_client_config(std::string_view text) {
  return decode_object<ClientConfig>(text, [](const Fields& body) {
    ClientConfig config{.auths = {},
                        .credential_helpers = body.text_map("credHelpers"),
                        .credentials_store = body.text("credsStore"),
                        .current_context = body.text("currentContext")};
    for (const auto& [registry, entry] : body.named_objects("auths")) {
      config.auths.emplace(registry, credentials_of(entry));
    }
    return config;
  });
}

Decoded<ContextMeta> decode_context_meta(std::string_view text) {
  return decode_object<ContextMeta>(text, [](const Fields& body) {
    const auto docker = body.object("Endpoints").object("docker");
    return ContextMeta{.name = body.text("Name"), .host = docker.text("Host"), .skip_tls_verify = docker.flag("SkipTLSVerify")};
  });
}

std::string registry_of(std::string_view reference) {
  const auto slash = reference.find('/');
  if (slash == std::string_view::npos) {
    return "docker.io";
  }
  const auto first = reference.substr(0, slash);
  const bool is_host = first.find_first_of(".:") != std::string_view::npos || first == "localhost";
  return is_host ? std::string(first) : "docker.io";
}

std::string registry_key(std::string_view registry) {
  return is_docker_hub(registry) ? std::string(kIndexKey) : std::string(registry);
}

CredentialSource credential_source(const ClientConfig& config, std::string_view registry) {
  CredentialSource source{.helper = {}, .key = registry_key(registry), .credentials = std::nullopt};
  for (const auto& [key, helper] : config.credential_helpers) {
    const auto host = host_of_key(key);
    if (key == source.key || host == registry || (is_docker_hub(host) && is_docker_hub(registry))) {
      source.helper = "docker-credential-" + helper;
      return source;
    }
  }
  if (!config.credentials_store.empty()) {
    source.helper = "docker-credential-" + config.credentials_store;
    return source;
  }
  for (const auto& [key, credentials] : config.auths) {
    const auto host = host_of_key(key);
    if (key == source.key || host == registry || (is_docker_hub(host) && is_docker_hub(registry))) {
      const bool empty = credentials == Credentials{};
      source.credentials = empty ? std::nullopt : std::optional(credentials);
      if (key == source.key && !empty) {
        break;  // the exact key wins over a host alone
      }
    }
  }
  return source;
}

Decoded<Credentials> decode_helper_reply(std::string_view text) {
  return decode_object<Credentials>(text, [](const Fields& body) {
    const auto username = body.text("Username");
    const auto secret = body.text("Secret");
    if (secret.empty()) {
      body.note("Secret", "missing");
    }
    return username == "<token>" ? Credentials{.username = {}, .password = {}, .identity_token = secret}
                                 : Credentials{.username = username, .password = secret, .identity_token = {}};
  });
}

std::string encode_registry_auth(const Credentials& credentials, std::string_view key) {
  Json auth = {{"serveraddress", key}};
  if (!credentials.identity_token.empty()) {
    auth["identitytoken"] = credentials.identity_token;
  } else {
    auth["username"] = credentials.username;
    auth["password"] = credentials.password;
  }
  return base64url_encode(auth.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace cofferdam::docker
