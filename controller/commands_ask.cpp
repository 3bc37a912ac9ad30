// Commands that ask the running controller: get, describe, logs, and the words of an operator.

#include <chrono>
#include <ostream>
#include <utility>

#include "controller/command_context.hpp"
#include "controller/text.hpp"

namespace cofferdam::controller {

namespace {

/// A name that stands in a path: what an agent may not be called is asked for all the same, and not found.
std::string encoded(const std::string& name) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string path;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
    if (plain) {
      path += c;
    } else {
      path += '%';
      path += digits[byte >> 4U];
      path += digits[byte & 15U];
    }
  }
  return path;
}

reconciler::WallTime wall_now() {
  return std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now());
}

}  // namespace

int command_get(const CommandContext& context) {
  const std::string& agent = context.options.agent;
  auto& out = context.streams.out;
  int code = exit_ok;
  const auto body = context.ask(agent.empty() ? "/v1/agents" : "/v1/agents/" + encoded(agent), code);
  if (!body) {
    return code;
  }
  if (context.json()) {
    out << *body;
    return exit_ok;
  }
  const Json answer = Json::parse(*body, nullptr, false);
  if (!agent.empty()) {
    out << agents_text(Json{{"agents", Json::array({answer})}}, context.streams.colour, wall_now());
    return exit_ok;
  }
  if (answer.is_object() && answer.value("agents", Json::array()).empty()) {
    out << "no agents: drop a spec file into specs.directory (`cofferdam config` names it)\n";
  } else {
    out << agents_text(answer, context.streams.colour, wall_now());
  }
  // What the table cannot show: files in error, and removals that wait for a person.
  for (const auto& [target, text] : {std::pair{"/v1/files", &files_text}, std::pair{"/v1/held", &held_text}}) {
    const auto more = context.ask(target, code);
    if (!more) {
      return code;
    }
    out << text(Json::parse(*more, nullptr, false));
  }
  return exit_ok;
}

int command_describe(const CommandContext& context) {
  int code = exit_ok;
  const auto body = context.ask("/v1/agents/" + encoded(context.options.agent), code);
  if (!body) {
    return code;
  }
  context.streams.out << (context.json() ? *body
                                         : agent_text(Json::parse(*body, nullptr, false), context.streams.colour, wall_now()));
  return exit_ok;
}

int command_logs(const CommandContext& context) {
  const auto path = context.socket();
  if (!path) {
    return exit_configuration;
  }
  std::string target = "/v1/agents/" + encoded(context.options.agent) +
                       "/logs?follow=" + (context.options.follow ? "true" : "false") +
                       "&previous=" + (context.options.previous ? "true" : "false");
  if (context.options.tail) {
    target += "&tail=" + std::to_string(*context.options.tail);
  }
  const ApiResult result = stream_from_controller(*path, target, [&](std::string_view piece) {
    context.streams.out << piece << std::flush;
    return static_cast<bool>(context.streams.out);  // a closed pipe ends it
  });
  if (const auto* failure = std::get_if<ApiFailure>(&result)) {
    return context.explain(*failure);
  }
  const auto& reply = std::get<ApiReply>(result);
  return reply.status == 200 ? exit_ok : context.explain(reply);
}

int command_confirm_deletions(const CommandContext& context) {
  return context.say({{"word", "confirm-deletions"}, {"id", context.options.id}});
}

int command_release(const CommandContext& context) {
  return context.say({{"word", "release"}, {"agent", context.options.agent}});
}

int command_reload(const CommandContext& context) {
  return context.say({{"word", "reload"}});
}

}  // namespace cofferdam::controller
