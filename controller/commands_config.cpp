// `config`: the configuration in force, where each value came from, and the four queries.

#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "controller/command_context.hpp"
#include "controller/status_json.hpp"
#include "controller/text.hpp"

namespace cofferdam::controller {

namespace {

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    text += (text.empty() ? "" : ", ") + clean(name);
  }
  return text.empty() ? "none" : text;
}

std::string hardening_text(const specs::SecurityDefaults& security) {
  return "capDrop: " + joined(security.cap_drop) + "\ncapAdd: " + joined(security.cap_add) +
         "\nreadonlyRootfs: " + (security.readonly_rootfs ? "true" : "false") +
         "\npidsLimit: " + (security.pids_limit == 0 ? "no limit" : std::to_string(security.pids_limit)) +
         "\nnoNewPrivileges: " + (security.no_new_privileges ? "true" : "false") + "\n";
}

void print_all(const CommandContext& context, const specs::LoadedConfiguration& loaded) {
  const auto lines = specs::describe(loaded);
  std::size_t widest = 0;
  for (const auto& line : lines) {
    widest = std::max(widest, std::min<std::size_t>(width(line.path) + width(line.value) + 2, 60));
  }
  for (const auto& line : lines) {
    const std::string setting = clean(line.path) + ": " + clean(line.value);
    context.streams.out << setting << std::string(widest - std::min(widest, width(setting)) + 2, ' ') << "# "
                        << clean(line.origin) << '\n';
  }
}

}  // namespace

int command_config(const CommandContext& context) {
  const auto loaded = context.configuration();
  if (!loaded) {
    return exit_configuration;
  }
  for (const std::string& warning : context.source().warnings) {
    context.streams.err << "warning: " << warning << '\n';
  }
  const auto& configuration = loaded->configuration;
  auto& out = context.streams.out;
  const auto& options = context.options;
  if (!options.names.empty()) {
    if (context.json()) {
      out << filtered_json(configuration, options.names);
    } else {
      out << "filtered: " << joined(filtered_of(configuration, options.names)) << '\n';
    }
  } else if (options.enabled) {
    out << (context.json() ? enabled_json(configuration) : configuration.sandbox.enabled ? "true\n" : "false\n");
  } else if (options.allow_list) {
    if (context.json()) {
      out << allow_list_json(configuration);
    } else {
      for (const std::string& name : allow_list(configuration)) {
        out << clean(name) << '\n';
      }
    }
  } else if (options.hardening) {
    out << (context.json() ? hardening_json(configuration) : hardening_text(configuration.sandbox.security));
  } else if (context.json()) {
    out << configuration_json(*loaded);
  } else {
    print_all(context, *loaded);
  }
  return exit_ok;
}

}  // namespace cofferdam::controller
