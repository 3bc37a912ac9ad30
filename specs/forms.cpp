#include "specs/forms.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "specs/capability.hpp"
#include "specs/environment.hpp"
#include "specs/image_reference.hpp"
#include "specs/user.hpp"
#include "specs/wording.hpp"

namespace cofferdam::specs {
namespace {

constexpr std::size_t longest_path = 4095;  // PATH_MAX without its NUL
constexpr std::size_t longest_component = 255;

bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_alphanumeric(char c) {
  return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z');
}
bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

bool only(std::string_view text, std::string_view others) {
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return is_alphanumeric(c) || others.find(c) != std::string_view::npos; });
}

bool one_line(std::string_view text) {
  return std::none_of(text.begin(), text.end(), is_control);
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 128 && is_alphanumeric(text.front()) && only(text, "._-");
}

bool is_dns_label(std::string_view text) {
  return !text.empty() && text.size() <= 63 && text.front() != '-' && text.back() != '-' &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_lower(c) || is_digit(c) || c == '-'; });
}

bool is_label_key(std::string_view text) {
  return !text.empty() && text.size() <= 128 && is_alphanumeric(text.front()) && is_alphanumeric(text.back()) &&
         only(text, "._-/");
}

bool is_network(std::string_view text) {
  return !text.empty() && text.size() <= 128 && is_alphanumeric(text.front()) && only(text, "._-:");
}

std::optional<Refusal> refused(const std::string& text, std::string_view why, std::string_view mend) {
  return Refusal{"is " + quoted_for_people(text) + ", which " + std::string(why), std::string(mend)};
}

/// Why it is no absolute, normalised path.
std::optional<Refusal> check_path(const std::string& text) {
  if (text.empty()) return Refusal{"is an empty path", "write an absolute path"};
  if (text.front() != '/') return refused(text, "is no absolute path", "write the path from / on");
  if (text.size() > longest_path) return refused(text, "is longer than 4095 bytes", "shorten it");
  if (!one_line(text)) return refused(text, "has control characters in it", "remove them");
  std::string normal;
  for (std::size_t begin = 1; begin <= text.size();) {
    const std::size_t end = std::min(text.find('/', begin), text.size());
    const std::string component = text.substr(begin, end - begin);
    if (component.size() > longest_component) return refused(text, "has a part longer than 255 bytes", "shorten it");
    if (component == "..") return refused(text, "has '..' in it", "write the path that is meant");
    if (!component.empty() && component != ".") normal += '/' + component;
    begin = end + 1;
  }
  if (normal.empty()) normal = "/";
  if (normal != text) return refused(text, "is not in its shortest form", "write " + normal);
  return {};
}

bool is_inside(std::string_view path, std::string_view directory) {
  return path.substr(0, directory.size()) == directory &&
         (path.size() == directory.size() || directory == "/" || path[directory.size()] == '/');
}

std::optional<Refusal> check_tmpfs_target(const std::string& text) {
  if (auto refusal = check_path(text)) return refusal;
  for (const std::string_view kept : {"/proc", "/sys", "/dev", "/etc", "/workspace"}) {
    if (!is_inside(text, kept) && !is_inside(kept, text)) continue;
    return refused(text, "lies over or in " + std::string(kept), "use another target; /dev/shm is sized by shmSizeMB");
  }
  return {};
}

std::optional<Refusal> check_workspace_root(const std::string& text) {
  if (auto refusal = check_path(text)) return refusal;
  if (text == "/")
    return refused(text, "holds the whole system", "use a directory of its own, such as /srv/cofferdam/workspaces");
  for (const std::string_view system : {"/proc", "/sys", "/dev", "/etc", "/boot", "/usr", "/bin", "/sbin", "/lib", "/lib32",
                                        "/lib64", "/libx32", "/root", "/var/lib/docker", "/var/lib/containerd"}) {
    if (is_inside(text, system)) {
      return refused(text, "is a part of the system", "use a directory of its own, such as /srv/cofferdam/workspaces");
    }
  }
  return {};
}

std::optional<Refusal> check_capability(std::string& text) {
  const std::vector<std::string_view>& known = capability_names();
  const std::string normal = normal_capability(text);
  if (std::find(known.begin(), known.end(), normal) != known.end()) {
    text = normal;
    return {};
  }
  const std::string_view near = nearest(normal, known);
  return refused(
      text, "is no capability",
      near.empty() ? "write a name from capabilities(7), such as NET_BIND_SERVICE" : "did you mean " + std::string(near) + "?");
}

std::optional<Refusal> check_image(const std::string& text) {
  const ParsedImageReference parsed = parse_image_reference(text);
  if (parsed) return {};
  if (text.empty()) return Refusal{parsed.error, parsed.mend};
  return Refusal{quoted_for_people(text) + ' ' + parsed.error, parsed.mend};
}

/// The length of the host in "host:port"; nothing where the text is not of that form.
std::optional<std::size_t> host_length(std::string_view text) {
  std::size_t host = text.rfind(':');
  if (host == std::string_view::npos || host == 0) return {};
  const std::string_view port = text.substr(host + 1);
  const bool good_port = !port.empty() && port.size() <= 5 && std::all_of(port.begin(), port.end(), is_digit) &&
                         (port == "0" || port.front() != '0') && (port.size() < 5 || port <= "65535");
  std::string_view name = text.substr(0, host);
  const bool bracketed = name.size() > 4 && name.front() == '[' && name.back() == ']';
  if (bracketed) name = name.substr(1, name.size() - 2);
  const bool good_name = bracketed ? only(name, ":.%") && name.find(':') != std::string_view::npos : only(name, ".-");
  if (!good_port || !good_name) return {};
  return host;
}

std::optional<Refusal> check_engine_host(const std::string& text) {
  constexpr std::string_view unix_scheme = "unix://";
  constexpr std::string_view tcp_scheme = "tcp://";
  constexpr std::string_view mend = "write unix:///var/run/docker.sock or tcp://host:port";
  if (text.starts_with(unix_scheme)) {
    const std::string path = text.substr(unix_scheme.size());
    constexpr std::size_t longest_socket = 107;  // sun_path without its NUL
    if (check_path(path) || path == "/") return refused(text, "has no absolute path behind unix://", mend);
    if (path.size() > longest_socket) return refused(text, "has a path longer than the 107 bytes that a socket's may have", mend);
    return {};
  }
  if (text.starts_with(tcp_scheme)) {
    const std::string address = text.substr(tcp_scheme.size());
    // Docker's tools take an address without a port too, and know which one is meant.
    const bool without_port = address.find(':') == std::string::npos || address.ends_with(']');
    if (host_length(without_port ? address + ":0" : address)) return {};
    return refused(text, "has no host:port behind tcp://", mend);
  }
  return refused(text, "has no scheme that is spoken here", mend);
}

bool is_allowed_image(std::string_view text) {
  return !text.empty() && text.size() <= 256 && text.front() != '/' && only(text, "._-/:@[]*") &&
         text.find("//") == std::string_view::npos;
}

}  // namespace

std::optional<Refusal> check_form(Form form, std::string& text, bool secret) {
  const auto rule = [&](bool good, std::string_view why, std::string_view mend) {
    return good ? std::nullopt : refused(text, why, mend);
  };
  switch (form) {
    case Form::text: return {};
    case Form::line: return rule(one_line(text) && text.size() <= 256, "is not one line of at most 256 bytes", "write one line");
    case Form::dns_label:
      return rule(is_dns_label(text), "is no DNS label",
                  "write 1 to 63 of a-z, 0-9 and '-', with a letter or digit at both ends");
    case Form::task_id:
    case Form::name:
      return rule(is_name(text), "is no name",
                  "write 1 to 128 of A-Z, a-z, 0-9, '.', '_' and '-', beginning with a letter or digit");
    case Form::label_key:
      return rule(is_label_key(text), "is no label key",
                  "write 1 to 128 of A-Z, a-z, 0-9, '.', '_', '-' and '/', with a letter or digit at both ends");
    case Form::label_value:
      return rule(one_line(text) && text.size() <= 256, "is not one line of at most 256 bytes", "shorten it");
    case Form::image: return check_image(text);
    case Form::allowed_image:
      return rule(is_allowed_image(text), "is no registry with whole path segments",
                  "write for example docker.io/library/node or ghcr.io/acme");
    case Form::user: {
      const std::string error = user_form_error(text);
      if (error.empty()) return {};
      return Refusal{quoted_for_people(text) + ' ' + error, "write name, name:group, uid or uid:gid, for example 1000:1000"};
    }
    case Form::network:
      return rule(is_network(text), "is no name of a network", "write none, bridge or the name of an existing network");
    case Form::absolute_path: return check_path(text);
    case Form::optional_path: return text.empty() ? std::nullopt : check_path(text);
    case Form::tmpfs_target: return check_tmpfs_target(text);
    case Form::workspace_root: return check_workspace_root(text);
    case Form::capability: return check_capability(text);
    case Form::variable:
      return rule(is_environment_name(text) && text.size() <= 255, "is no name of a variable",
                  "write at most 255 of A-Z, a-z, 0-9 and '_', not beginning with a digit");
    case Form::variable_value:
      if (text.find_first_of("\n\r") == std::string::npos) return {};
      return Refusal{secret ? "is a text of several lines (not shown)" : "is a text of several lines",
                     "write one line; a block scalar ends without a line feed as '>-' or '|-'"};
    case Form::engine_host: return check_engine_host(text);
    case Form::listen_address:
      return rule(text.empty() || host_length(text), "is no host:port",
                  "write for example 127.0.0.1:9476 or [::1]:9476, or \"\" for no listener");
  }
  return {};
}

}  // namespace cofferdam::specs
