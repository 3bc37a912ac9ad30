#include "specs/image_reference.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace cofferdam::specs {
namespace {

constexpr std::size_t longest_reference = 256;
constexpr std::size_t longest_name = 255;
constexpr std::size_t longest_tag = 128;
constexpr std::string_view form = "write it as [registry/]repository[:tag][@digest], for example node:20-alpine";

bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f');
}
bool is_alphanumeric(char c) {
  return is_lower(c) || is_upper(c) || is_digit(c);
}

bool is_reference_character(char c) {
  return is_alphanumeric(c) || std::string_view("._-/:@[]").find(c) != std::string_view::npos;
}

std::string printable(char c) {
  const auto byte = static_cast<unsigned char>(c);
  if (byte > 0x20 && byte < 0x7f) return std::string("'") + c + '\'';
  if (c == ' ') return "a space";
  static constexpr std::string_view digits = "0123456789ABCDEF";
  return std::string("the byte 0x") + digits[byte >> 4U] + digits[byte & 15U];
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (is_upper(c)) c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> parts;
  std::size_t start = 0;
  for (std::size_t end = text.find(at); end != std::string_view::npos; end = text.find(at, start)) {
    parts.emplace_back(text.substr(start, end - start));
    start = end + 1;
  }
  parts.emplace_back(text.substr(start));
  return parts;
}

struct Refusal {
  std::string error;
  std::string mend{form};
};
using Check = std::optional<Refusal>;

Check check_port(std::string_view port) {
  if (port.empty()) return Refusal{"has an empty port behind the registry's ':'"};
  int number = 0;
  for (const char c : port) {
    if (!is_digit(c)) return Refusal{"has the port '" + std::string(port) + "', which is not a number"};
    number = std::min(number * 10 + (c - '0'), 100000);
  }
  if (number < 1 || number > 65535) return Refusal{"has the port " + std::string(port) + ", which is not between 1 and 65535"};
  return {};
}

Check check_host_label(std::string_view label) {
  const bool good = !label.empty() && is_alphanumeric(label.front()) && is_alphanumeric(label.back()) &&
                    std::all_of(label.begin(), label.end(), [](char c) { return is_alphanumeric(c) || c == '-'; });
  if (good) return {};
  return Refusal{"has '" + std::string(label) + "' in its registry's name, which is not letters, digits and inner dashes"};
}

Check check_registry(std::string_view registry) {
  std::string_view rest = registry;
  if (!rest.empty() && rest.front() == '[') {
    const std::size_t end = rest.find(']');
    const std::string_view address = rest.substr(1, end == std::string_view::npos ? end : end - 1);
    const bool good = end != std::string_view::npos && address.find(':') != std::string_view::npos &&
                      std::all_of(address.begin(), address.end(), [](char c) { return is_hex(lower({&c, 1})[0]) || c == ':'; });
    if (!good) return Refusal{"has the registry '" + std::string(registry) + "', whose brackets hold no IPv6 address"};
    rest = rest.substr(end + 1);
    if (rest.empty()) return {};
    if (rest.front() != ':')
      return Refusal{"has '" + std::string(rest) + "' behind its registry's address, where only a port may stand"};
    return check_port(rest.substr(1));
  }
  const std::size_t colon = rest.find(':');
  for (const std::string& label : split(rest.substr(0, colon), '.')) {
    if (Check refusal = check_host_label(label)) return refusal;
  }
  return colon == std::string_view::npos ? Check{} : check_port(rest.substr(colon + 1));
}

Check check_segment(std::string_view segment) {
  if (segment.empty()) return Refusal{"has an empty part between its slashes"};
  if (std::any_of(segment.begin(), segment.end(), is_upper)) {
    return Refusal{"has upper case in its repository", "write it in lower case: '" + lower(segment) + "'"};
  }
  const auto refused = [&](const std::string& why) { return Refusal{"has the part '" + std::string(segment) + "', " + why}; };
  if (segment.find_first_of(":@[]") != std::string_view::npos) return refused("with a ':', '@' or bracket where none may stand");
  const auto separator = [](char c) { return c == '.' || c == '_' || c == '-'; };
  if (separator(segment.front()) || separator(segment.back())) return refused("which begins or ends with a separator");
  for (std::size_t i = 0; i < segment.size();) {
    if (!separator(segment[i])) {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < segment.size() && separator(segment[end])) ++end;
    const std::string_view run = segment.substr(i, end - i);
    const bool dashes = run.find_first_not_of('-') == std::string_view::npos;
    if (!dashes && run != "." && run != "_" && run != "__") return refused("in which '" + std::string(run) + "' is no separator");
    i = end;
  }
  return {};
}

Check check_tag(std::string_view tag) {
  if (tag.empty()) return Refusal{"has an empty tag behind ':'"};
  if (tag.size() > longest_tag) return Refusal{"has a tag of " + std::to_string(tag.size()) + " characters, more than 128"};
  if (tag.front() == '.' || tag.front() == '-')
    return Refusal{"has a tag that begins with '" + std::string(1, tag.front()) + "'"};
  const bool good =
      std::all_of(tag.begin(), tag.end(), [](char c) { return is_alphanumeric(c) || c == '_' || c == '.' || c == '-'; });
  if (!good) return Refusal{"has the tag '" + std::string(tag) + "', which is not letters, digits, '_', '.' and '-'"};
  return {};
}

Check check_digest(std::string_view digest) {
  static constexpr std::array<std::pair<std::string_view, std::size_t>, 3> known{
      {{"sha256", 64}, {"sha384", 96}, {"sha512", 128}}};
  const std::string mend = "write @sha256: and the 64 lower-case hex digits that 'docker images --digests' shows";
  const std::size_t colon = digest.find(':');
  const std::string_view algorithm = digest.substr(0, colon);
  const auto* const entry = std::find_if(known.begin(), known.end(), [&](const auto& k) { return k.first == algorithm; });
  if (colon == std::string_view::npos || entry == known.end()) {
    return Refusal{"has a digest of an unknown algorithm '" + std::string(algorithm) + "'", mend};
  }
  const std::string_view hex = digest.substr(colon + 1);
  if (!std::all_of(hex.begin(), hex.end(), is_hex)) return Refusal{"has a digest that is not lower-case hex", mend};
  if (hex.size() != entry->second) {
    return Refusal{"has a digest of " + std::to_string(hex.size()) + " hex digits, where " + std::string(algorithm) + " has " +
                       std::to_string(entry->second),
                   mend};
  }
  return {};
}

Check check_whole(std::string_view text) {
  if (text.empty()) return Refusal{"is empty"};
  if (text.size() > longest_reference) return Refusal{"is " + std::to_string(text.size()) + " characters long, more than 256"};
  const auto* const bad = std::find_if_not(text.begin(), text.end(), is_reference_character);
  if (bad != text.end()) return Refusal{"has " + printable(*bad) + " in it, which no image reference may have"};
  const std::string_view id = text.substr(0, 7) == "sha256:" ? text.substr(7) : text;
  if (std::all_of(id.begin(), id.end(), is_hex)) {
    return Refusal{"could be an image id, which names no image that another host could pull",
                   id.size() == text.size() && text.size() < 64
                       ? "write docker.io/library/" + std::string(text) + " if a repository is meant"
                       : std::string(form)};
  }
  return {};
}

/// Registry and segments of a name; Docker's rule says whether the first part is a registry.
void split_name(std::string_view name, ImageReference& reference) {
  const std::size_t slash = name.find('/');
  const std::string_view first = name.substr(0, slash);
  if (slash != std::string_view::npos && (first.find_first_of(".:[") != std::string_view::npos || first == "localhost")) {
    reference.registry = lower(first);
    name = name.substr(slash + 1);
  } else {
    reference.registry = "docker.io";
  }
  if (reference.registry == "index.docker.io") reference.registry = "docker.io";
  reference.segments = split(name, '/');
  if (reference.registry == "docker.io" && reference.segments.size() == 1) {
    reference.segments.insert(reference.segments.begin(), "library");
  }
}

Check parse(std::string_view text, ImageReference& reference) {
  if (Check refusal = check_whole(text)) return refusal;
  const std::size_t at = text.find('@');
  if (at != std::string_view::npos) {
    reference.digest = text.substr(at + 1);
    if (Check refusal = check_digest(reference.digest)) return refusal;
    text = text.substr(0, at);
  }
  const std::size_t colon = text.rfind(':');
  const std::size_t slash = text.rfind('/');
  if (colon != std::string_view::npos && (slash == std::string_view::npos || slash < colon)) {
    reference.tag = text.substr(colon + 1);
    if (Check refusal = check_tag(reference.tag)) return refusal;
    text = text.substr(0, colon);
  }
  if (text.empty()) return Refusal{"has no name"};
  split_name(text, reference);
  if (Check refusal = check_registry(reference.registry)) return refusal;
  for (const std::string& segment : reference.segments) {
    if (Check refusal = check_segment(segment)) return refusal;
  }
  if (reference.name().size() > longest_name) {
    return Refusal{"has a name of " + std::to_string(reference.name().size()) + " characters (" + reference.registry +
                   " included), more than 255"};
  }
  if (reference.tag.empty() && reference.digest.empty()) reference.tag = "latest";
  return {};
}

}  // namespace

std::string ImageReference::repository() const {
  std::string text;
  for (const std::string& segment : segments) text += (text.empty() ? "" : "/") + segment;
  return text;
}

std::string ImageReference::name() const {
  return registry + '/' + repository();
}

std::string ImageReference::normalised() const {
  return name() + (tag.empty() ? "" : ':' + tag) + (digest.empty() ? "" : '@' + digest);
}

ParsedImageReference parse_image_reference(std::string_view text) {
  ParsedImageReference result;
  ImageReference reference;
  if (Check refusal = parse(text, reference)) {
    result.error = std::move(refusal->error);
    result.mend = std::move(refusal->mend);
  } else {
    result.reference = std::move(reference);
  }
  return result;
}

}  // namespace cofferdam::specs
