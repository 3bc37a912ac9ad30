#include "controller/command_context.hpp"

#include <chrono>
#include <ostream>

#include "controller/text.hpp"

namespace cofferdam::controller {

int CommandContext::fail(int code, const std::string& message) const {
  streams.err << "cofferdam: " << message << '\n';
  return code;
}

int CommandContext::fail(const RunResult& result) const {
  return result.exit_code == exit_ok || result.error.empty() ? result.exit_code : fail(result.exit_code, result.error);
}

ConfigurationSource CommandContext::source() const {
  ConfigurationSource source;
  if (!options.config.empty()) {
    source.file = options.config;
    source.required = true;
  }
  source.overrides = specs::overrides_from_environment(streams.environment);
  source.warnings = specs::unknown_in_environment(streams.environment);
  if (!options.host.empty()) {
    source.overrides.push_back({"engine.host", options.host, "--host"});
  }
  return source;
}

std::optional<specs::LoadedConfiguration> CommandContext::configuration() const {
  auto loaded = load_configuration(source());
  if (auto* good = std::get_if<specs::LoadedConfiguration>(&loaded)) {
    return std::move(*good);
  }
  for (const auto& problem : std::get<specs::Problems>(loaded)) {
    streams.err << to_string(problem) << '\n';
  }
  return std::nullopt;
}

std::optional<std::string> CommandContext::socket() const {
  if (!options.socket.empty()) {
    return options.socket;
  }
  const auto loaded = configuration();
  return loaded ? std::optional(loaded->configuration.server_socket) : std::nullopt;
}

int CommandContext::explain(const ApiFailure& failure) const {
  return fail(failure.kind == ApiFailure::Kind::no_permission ? exit_usage : exit_no_controller, failure.message);
}

int CommandContext::explain(const ApiReply& reply) const {
  const Json body = Json::parse(reply.body, nullptr, false);
  const auto field = [&](const char* key) {
    return body.is_object() && body.contains(key) && body[key].is_string() ? clean(body[key].get<std::string>()) : std::string();
  };
  std::string message = field("message");
  if (message.empty()) {
    message = "the controller answered " + std::to_string(reply.status);
  }
  if (const std::string mend = field("mend"); !mend.empty()) {
    message += "; " + mend;
  }
  return fail(reply.status == 404 ? exit_found : exit_usage, message);
}

std::optional<std::string> CommandContext::ask(const std::string& target, int& code) const {
  const auto path = socket();
  if (!path) {
    code = exit_configuration;
    return std::nullopt;
  }
  const ApiResult result = ask_controller(*path, target);
  if (const auto* failure = std::get_if<ApiFailure>(&result)) {
    code = explain(*failure);
    return std::nullopt;
  }
  const auto& reply = std::get<ApiReply>(result);
  if (reply.status != 200) {
    code = explain(reply);
    return std::nullopt;
  }
  code = exit_ok;
  return reply.body;
}

int CommandContext::say(const Json& word) const {
  const auto path = socket();
  if (!path) {
    return exit_configuration;
  }
  const ApiResult result = ask_controller(*path, "/v1/control", json_text(word));
  if (const auto* failure = std::get_if<ApiFailure>(&result)) {
    return explain(*failure);
  }
  const auto& reply = std::get<ApiReply>(result);
  if (json()) {
    streams.out << reply.body;
    return reply.status == 200 ? exit_ok : exit_usage;
  }
  if (reply.status != 200) {
    const int code = explain(reply);
    return code == exit_found ? exit_usage : code;
  }
  const Json body = Json::parse(reply.body, nullptr, false);
  streams.out << clean(body.is_object() ? body.value("message", std::string("done")) : std::string("done")) << '\n';
  return exit_ok;
}

}  // namespace cofferdam::controller
