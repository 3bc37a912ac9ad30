#include "specs/environment.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace cofferdam::specs {
namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

template <std::size_t N>
bool among(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Each runs or preloads code of the variable's choosing before, or instead of, what the command says.
constexpr std::array<std::string_view, 38> injecting_names{"BASHOPTS",
                                                           "BASH_ENV",
                                                           "COR_ENABLE_PROFILING",
                                                           "COR_PROFILER",
                                                           "CORECLR_ENABLE_PROFILING",
                                                           "CORECLR_PROFILER",
                                                           "CORECLR_PROFILER_PATH",
                                                           "DOTNET_STARTUP_HOOKS",
                                                           "ENV",
                                                           "GCONV_PATH",
                                                           "GIT_ASKPASS",
                                                           "GIT_EDITOR",
                                                           "GIT_EXEC_PATH",
                                                           "GIT_EXTERNAL_DIFF",
                                                           "GIT_PAGER",
                                                           "GIT_PROXY_COMMAND",
                                                           "GIT_SSH",
                                                           "GIT_SSH_COMMAND",
                                                           "GLIBC_TUNABLES",
                                                           "JAVA_TOOL_OPTIONS",
                                                           "JDK_JAVA_OPTIONS",
                                                           "LUA_INIT",
                                                           "NODE_OPTIONS",
                                                           "PERL5DB",
                                                           "PERL5OPT",
                                                           "PHPRC",
                                                           "PROMPT_COMMAND",
                                                           "PS4",
                                                           "PYTHONINSPECT",
                                                           "PYTHONSTARTUP",
                                                           "PYTHONWARNINGS",
                                                           "PYTHONBREAKPOINT",
                                                           "RUBYOPT",
                                                           "SHELLOPTS",
                                                           "SSH_ASKPASS",
                                                           "ZDOTDIR",
                                                           "_JAVA_OPTIONS",
                                                           "PHP_INI_SCAN_DIR"};

// Search paths and homes of interpreters: an image sets them with reason, a spec that does chooses other code.
constexpr std::array<std::string_view, 19> searching_names{"CLASSPATH",  "EDITOR",
                                                           "GEM_HOME",   "GEM_PATH",
                                                           "GOFLAGS",    "IFS",
                                                           "JAVA_HOME",  "LUA_CPATH",
                                                           "LUA_PATH",   "NODE_EXTRA_CA_CERTS",
                                                           "NODE_PATH",  "NODE_TLS_REJECT_UNAUTHORIZED",
                                                           "PATH",       "PERL5LIB",
                                                           "PYTHONHOME", "PYTHONPATH",
                                                           "RUBYLIB",    "SSL_CERT_FILE",
                                                           "VISUAL"};

// Whole options without a value.
constexpr std::array<std::string_view, 23> node_flags{"--abort-on-uncaught-exception",
                                                      "--disallow-code-generation-from-strings",
                                                      "--enable-source-maps",
                                                      "--force-context-aware",
                                                      "--frozen-intrinsics",
                                                      "--no-addons",
                                                      "--no-deprecation",
                                                      "--no-global-search-paths",
                                                      "--no-network-family-autoselection",
                                                      "--no-warnings",
                                                      "--node-memory-debug",
                                                      "--pending-deprecation",
                                                      "--throw-deprecation",
                                                      "--trace-deprecation",
                                                      "--trace-exit",
                                                      "--trace-sigint",
                                                      "--trace-sync-io",
                                                      "--trace-uncaught",
                                                      "--trace-warnings",
                                                      "--use-bundled-ca",
                                                      "--use-openssl-ca",
                                                      "--verify-base-objects",
                                                      "--zero-fill-buffers"};
// Options with "=" and a decimal number.
constexpr std::array<std::string_view, 7> node_numbers{"--max-heap-size",       "--max-http-header-size", "--max-old-space-size",
                                                       "--max-semi-space-size", "--min-semi-space-size",  "--stack-trace-limit",
                                                       "--v8-pool-size"};
// Options with "=" and a word.
constexpr std::array<std::string_view, 3> node_words{"--disable-proto", "--dns-result-order", "--unhandled-rejections"};

bool safe_node_option(std::string_view option) {
  const std::size_t equals = option.find('=');
  std::string name(option.substr(0, equals));
  std::replace(name.begin(), name.end(), '_', '-');  // Node takes one for the other
  if (equals == std::string_view::npos) return among(node_flags, name);
  const std::string_view value = option.substr(equals + 1);
  if (value.empty()) return false;
  if (among(node_numbers, name)) return std::all_of(value.begin(), value.end(), is_digit);
  const auto is_word = [](char c) { return is_letter(c) || is_digit(c) || c == '-'; };
  return among(node_words, name) && std::all_of(value.begin(), value.end(), is_word);
}

}  // namespace

std::vector<std::string> environment_allow_list(const SandboxDefaults& sandbox) {
  std::vector<std::string> names = sandbox.env_whitelist;
  names.insert(names.end(), sandbox.env_whitelist_add.begin(), sandbox.env_whitelist_add.end());
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

FilteredEnvironment filter_environment(const std::map<std::string, std::string>& environment, const SandboxDefaults& sandbox,
                                       const std::string& agent, const std::string& task) {
  const std::vector<std::string> allowed = environment_allow_list(sandbox);
  FilteredEnvironment result;
  for (const auto& [name, value] : environment) {
    if (name == "AGENT_ID" || name == "TASK_ID") {
      if (value != (name == "AGENT_ID" ? agent : task)) result.filtered.push_back(name);
    } else if (std::binary_search(allowed.begin(), allowed.end(), name)) {
      result.passed.emplace(name, value);
    } else {
      result.filtered.push_back(name);
    }
  }
  return result;
}

bool is_environment_name(std::string_view name) {
  if (name.empty() || is_digit(name.front())) return false;
  return std::all_of(name.begin(), name.end(), [](char c) { return is_letter(c) || is_digit(c) || c == '_'; });
}

bool injects_code(std::string_view name) {
  return name.starts_with("LD_") || name.starts_with("BASH_FUNC_") || among(injecting_names, name);
}

bool needs_second_switch(std::string_view name) {
  if (name == "NODE_OPTIONS") return false;
  if (injects_code(name) || among(searching_names, name)) return true;
  // Read in either case by most tools, but not by all: both are meant.
  return lower(name).ends_with("_proxy") || name.starts_with("DOCKER_") || name.starts_with("GIT_CONFIG");
}

std::string unsafe_node_option(std::string_view value) {
  // Node unquotes and unescapes within double quotes; what is on the safe list never needs that, so it is never guessed here.
  if (value.find_first_of("\"\\") != std::string_view::npos) return "a quote or backslash";
  std::size_t begin = 0;
  while (begin < value.size()) {
    const std::size_t end = std::min(value.find(' ', begin), value.size());
    const std::string_view option = value.substr(begin, end - begin);
    begin = end + 1;
    if (option.empty() || safe_node_option(option)) continue;
    const std::string_view name = option.substr(0, option.find('='));
    if (name.starts_with('-') && std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 0x7f; })) {
      return std::string(name);
    }
    return "a word that is no option";
  }
  return {};
}

}  // namespace cofferdam::specs
