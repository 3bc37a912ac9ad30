// Docker's client files and what comes of them: no secret in an error, a registry is asked for with its own credentials or none,
// and what is sent decodes to what was read.

#include <algorithm>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "docker/base64.hpp"
#include "docker/client_config.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace cofferdam::fuzz {
namespace {

using namespace docker;

/// Words that seeds and dictionary put where secrets stand, plain and in base64.
constexpr std::array<std::string_view, 3> secrets{"s3cr3t-word", "czNjcjN0LXdvcmQ", "dXNlcjpzM2NyM3Qtd29yZA"};

/// Whether the word stands in a key: an error names its place by the keys (a registry's address is one), which hold no secrets.
bool names(const nlohmann::json& value, std::string_view word) {
  if (!value.is_structured()) return false;
  return std::ranges::any_of(value.items(), [word](const auto& member) {
    return member.key().find(word) != std::string::npos || names(member.value(), word);
  });
}

template <class T>
void check_words(const Decoded<T>& decoded, std::string_view text) {
  const auto* wrong = std::get_if<std::string>(&decoded);
  if (wrong == nullptr) return;
  require(!wrong->empty(), "what is wrong has words");
  const auto document = nlohmann::json::parse(text, nullptr, false);
  for (const auto secret : secrets) {
    require(wrong->find(secret) == std::string::npos || names(document, secret), "no secret stands in an error", *wrong);
  }
}

bool is_utf8(const std::string& text) {
  return nlohmann::json::accept('"' + text + '"') || text.find_first_of("\"\\") != std::string::npos;
}

void check_auth(const Credentials& credentials, const std::string& key) {
  const std::string header = encode_registry_auth(credentials, key);
  require(header.find_first_of("\r\n \0") == std::string::npos, "a header's value is one word");
  const auto plain = base64_decode(header);
  require(plain.has_value(), "what is encoded decodes");
  const auto body = nlohmann::json::parse(*plain);
  if (!is_utf8(credentials.username) || !is_utf8(credentials.password) || !is_utf8(credentials.identity_token)) return;
  if (credentials.identity_token.empty()) {
    require(body.value("password", "") == credentials.password || !nlohmann::json::accept('"' + credentials.password + '"'),
            "the password is sent as it was read");
    require(!body.contains("identitytoken"), "no token is sent where there is none");
  } else {
    require(!body.contains("password"), "no password is sent beside a token");
  }
}

void check_config(std::string_view text) {
  const auto decoded = decode_client_config(text);
  check_words(decoded, text);
  const auto* config = std::get_if<ClientConfig>(&decoded);
  if (config == nullptr) return;
  for (const std::string_view registry : {"docker.io", "registry.example", "localhost:5000", "ghcr.io"}) {
    const CredentialSource source = credential_source(*config, registry);
    require(source.key == registry_key(registry), "a helper is asked about its registry");
    require(source.helper.empty() || !source.credentials, "a helper is asked, or credentials hold, not both");
    if (source.credentials) check_auth(*source.credentials, source.key);
  }
}

void check(Input input) {
  const auto selector = (input.byte() + 256U - 'a') % 4U;
  const std::string text(input.rest());
  if (selector == 0) return check_config(text);
  if (selector == 1) return check_words(decode_context_meta(text), text);
  if (selector == 2) {
    const auto reply = decode_helper_reply(text);
    check_words(reply, text);
    if (const auto* credentials = std::get_if<Credentials>(&reply)) check_auth(*credentials, "registry.example");
    return;
  }
  const auto back = base64_decode(base64url_encode(text));
  require(back.has_value() && *back == text, "base64 reads back what it wrote");
  if (const auto bytes = base64_decode(text)) {
    const auto again = base64_decode(base64url_encode(*bytes));
    require(again == bytes, "what was decoded is written and read again");
  }
}

}  // namespace
}  // namespace cofferdam::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  cofferdam::fuzz::check({data, size});
  return 0;
}
