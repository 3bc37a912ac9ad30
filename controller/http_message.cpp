#include "controller/http_message.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cctype>

#include "controller/status_json.hpp"

namespace cofferdam::controller {

namespace {

int digit(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  if (c >= 'a' && c <= 'f') {
    return c - 'a' + 10;
  }
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

std::optional<std::string> decode(const std::string& text, bool plus_is_space) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const int high = i + 2 < text.size() ? digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) {
        return std::nullopt;
      }
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      return std::nullopt;
    }
    plain += c;
  }
  return plain;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

bool is_address(const std::string& host) {
  in_addr four{};
  in6_addr six{};
  return inet_pton(AF_INET, host.c_str(), &four) == 1 || inet_pton(AF_INET6, host.c_str(), &six) == 1;
}

/// Host without its port and without an IPv6 address's brackets; nothing where it is neither.
std::optional<std::string> host_name(const std::string& host) {
  std::string name = host;
  std::string rest;
  if (name.starts_with('[')) {
    const auto close = name.find(']');
    if (close == std::string::npos) {
      return std::nullopt;
    }
    rest = name.substr(close + 1);
    name = name.substr(1, close - 1);
  } else if (const auto colon = name.find(':'); colon != std::string::npos) {
    rest = name.substr(colon);
    name = name.substr(0, colon);
  }
  const bool good_rest = rest.empty() || (rest.size() <= 6 && rest.front() == ':' &&
                                          std::all_of(rest.begin() + 1, rest.end(), [](char c) { return c >= '0' && c <= '9'; }));
  return good_rest && !name.empty() ? std::optional(lower(name)) : std::nullopt;
}

}  // namespace

std::optional<Target> parse_target(const std::string& target) {
  if (!target.starts_with('/')) {
    return std::nullopt;
  }
  const auto question = target.find('?');
  const auto path = decode(target.substr(0, question), false);
  if (!path) {
    return std::nullopt;
  }
  Target parsed{*path, {}};
  if (question == std::string::npos) {
    return parsed;
  }
  const std::string query = target.substr(question + 1);
  for (std::size_t at = 0; at <= query.size();) {
    const std::size_t end = std::min(query.find('&', at), query.size());
    const std::string pair = query.substr(at, end - at);
    at = end + 1;
    if (pair.empty()) {
      continue;
    }
    const auto equals = pair.find('=');
    const auto key = decode(pair.substr(0, equals), true);
    const auto value = equals == std::string::npos ? std::optional<std::string>("") : decode(pair.substr(equals + 1), true);
    if (!key || !value || !parsed.query.emplace(*key, *value).second) {
      return std::nullopt;
    }
  }
  return parsed;
}

HttpAnswer error_answer(int status, const std::string& error, const std::string& message, const std::string& mend) {
  HttpAnswer answer;
  answer.status = status;
  answer.body = error_json(error, message, mend);
  return answer;
}

HttpAnswer answer_of(const Verdict& verdict) {
  HttpAnswer answer;
  answer.status = verdict.ok ? 200 : 409;
  answer.body = verdict_json(verdict);
  return answer;
}

bool is_our_host(const std::string& host, const std::string& listen_host) {
  const auto name = host_name(host);
  if (!name) {
    return false;
  }
  if (*name == "localhost" || *name == "127.0.0.1" || *name == "::1" || *name == lower(listen_host)) {
    return true;
  }
  const bool everywhere = listen_host == "0.0.0.0" || listen_host == "::";
  return everywhere && is_address(*name);
}

}  // namespace cofferdam::controller
