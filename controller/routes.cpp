// What each path of the status server answers. Read-only, but for the control words of a local operator.

#include <algorithm>
#include <charconv>
#include <functional>
#include <set>
#include <sstream>

#include "controller/gauges.hpp"
#include "controller/http_message.hpp"
#include "controller/json_text.hpp"
#include "controller/status_json.hpp"

namespace cofferdam::controller {

namespace {

/// The loop is ill when it has not turned for this long; the watchdog of the service manager has the same idea.
constexpr std::chrono::seconds longest_silence{30};

HttpAnswer json_answer(std::string body) {
  HttpAnswer answer;
  answer.body = std::move(body);
  return answer;
}

HttpAnswer no_such_agent(const std::string& agent) {
  return error_answer(404, "NoSuchAgent", "no agent is named " + agent,
                      "the names are in /v1/agents; /v1/files tells of spec files in error");
}

HttpAnswer health(const Api& api) {
  const ProcessFacts process = api.process();
  const bool well = process.silence < longest_silence;
  const Json body{{"healthy", well},
                  {"heartbeatAt", time_text(process.heartbeat_at)},
                  {"loopLagMilliseconds", process.loop_lag.count()},
                  {"engineUp", api.machine().summary().engine_up}};
  HttpAnswer answer = json_answer(json_text(body));
  answer.status = well ? 200 : 503;
  return answer;
}

HttpAnswer readiness(const Api& api) {
  HttpAnswer answer = json_answer(ready_json(api.machine().summary()));
  answer.status = not_ready(api.machine().summary()).empty() ? 200 : 503;
  return answer;
}

HttpAnswer metrics_answer(Api& api) {
  set_gauges(api);
  HttpAnswer answer = json_answer(api.metrics().exposition());
  answer.content_type = "text/plain; version=0.0.4; charset=utf-8";
  return answer;
}

HttpAnswer filtered_answer(const Api& api, const Target& target) {
  const auto given = target.query.find("names");
  if (given == target.query.end()) {
    return error_answer(400, "BadQuery", "names is missing", "ask /v1/config/filtered?names=LANG,SECRET");
  }
  std::vector<std::string> names;
  std::istringstream words(given->second);
  for (std::string name; std::getline(words, name, ',');) {
    if (!name.empty()) {
      names.push_back(name);
    }
  }
  return json_answer(filtered_json(api.configuration()->configuration, names));
}

std::optional<bool> truth_of(const Target& target, const std::string& key) {
  const auto found = target.query.find(key);
  if (found == target.query.end() || found->second == "0" || found->second == "false") {
    return false;
  }
  if (found->second.empty() || found->second == "1" || found->second == "true") {
    return true;
  }
  return std::nullopt;
}

HttpReaction logs_of(const Api& api, const std::string& agent, const Target& target) {
  const auto follow = truth_of(target, "follow");
  const auto previous = truth_of(target, "previous");
  LogRequest request;
  const auto tail = target.query.find("tail");
  if (tail != target.query.end()) {
    std::int64_t lines = -1;
    const char* end = tail->second.data() + tail->second.size();
    const auto [stopped, failed] = std::from_chars(tail->second.data(), end, lines);
    if (failed != std::errc() || stopped != end || lines < 0) {
      return error_answer(400, "BadQuery", "tail=" + tail->second + " is not a number of lines", "for example tail=100");
    }
    request.tail = lines;
  }
  if (!follow || !previous) {
    return error_answer(400, "BadQuery", "follow and previous are true or false", "for example ?follow=true&tail=100");
  }
  const auto sources = api.machine().log_sources(agent);
  if (!api.machine().status(agent) && sources.current.empty() && sources.previous.empty()) {
    return no_such_agent(agent);
  }
  request.follow = *follow;
  request.container_id = *previous ? sources.previous : sources.current;
  if (request.container_id.empty()) {
    return error_answer(404, "NoLog", agent + (*previous ? " has no attempt before the present one" : " has no container"),
                        "`cofferdam describe " + agent + "` tells why");
  }
  return request;
}

HttpReaction control(const HttpRequest& request) {
  const Json body = Json::parse(request.body, nullptr, false);
  const std::string word = body.is_object() && body.contains("word") && body["word"].is_string() ? body["word"] : Json("");
  const auto argument = [&](const char* key) -> std::string {
    return body.contains(key) && body[key].is_string() ? body[key].get<std::string>() : std::string();
  };
  if (word == "reload") {
    return HttpWord{};
  }
  if (word == "confirm-deletions" && !argument("id").empty()) {
    return HttpWord{reconciler::ConfirmDeletions{argument("id")}};
  }
  if (word == "release" && !argument("agent").empty()) {
    return HttpWord{reconciler::Release{argument("agent")}};
  }
  return error_answer(400, "BadWord", "the body is no word that is understood",
                      R"(one of {"word":"reload"}, {"word":"confirm-deletions","id":"…"}, {"word":"release","agent":"…"})");
}

using Handler = std::function<HttpReaction(Api&, const Target&)>;

struct Route {
  std::set<std::string> queries;  ///< keys that it knows
  Handler handle;
};

const std::map<std::string, Route>& routes() {
  using Answer = HttpReaction;
  static const std::map<std::string, Route> table{
      {"/", {{}, [](Api& api, const Target&) -> Answer { return page(api); }}},
      {"/style.css", {{}, [](Api&, const Target&) -> Answer { return page_style(); }}},
      {"/metrics", {{}, [](Api& api, const Target&) -> Answer { return metrics_answer(api); }}},
      {"/healthz", {{}, [](Api& api, const Target&) -> Answer { return health(api); }}},
      {"/readyz", {{}, [](Api& api, const Target&) -> Answer { return readiness(api); }}},
      {"/v1/agents", {{}, [](Api& api, const Target&) -> Answer { return json_answer(agents_json(api.machine().statuses())); }}},
      {"/v1/files", {{}, [](Api& api, const Target&) -> Answer { return json_answer(files_json(api.machine().files())); }}},
      {"/v1/plan",
       {{},
        [](Api& api, const Target&) -> Answer {
          return json_answer(plan_json(api.machine().plan(api.now()), api.machine().held()));
        }}},
      {"/v1/held", {{}, [](Api& api, const Target&) -> Answer { return json_answer(held_json(api.machine().held())); }}},
      {"/v1/controller",
       {{},
        [](Api& api, const Target&) -> Answer { return json_answer(controller_json(api.machine().summary(), api.process())); }}},
      {"/v1/config",
       {{}, [](Api& api, const Target&) -> Answer { return json_answer(configuration_json(*api.configuration())); }}},
      {"/v1/config/enabled",
       {{}, [](Api& api, const Target&) -> Answer { return json_answer(enabled_json(api.configuration()->configuration)); }}},
      {"/v1/config/allow-list",
       {{}, [](Api& api, const Target&) -> Answer { return json_answer(allow_list_json(api.configuration()->configuration)); }}},
      {"/v1/config/hardening",
       {{}, [](Api& api, const Target&) -> Answer { return json_answer(hardening_json(api.configuration()->configuration)); }}},
      {"/v1/config/filtered", {{"names"}, [](Api& api, const Target& target) -> Answer { return filtered_answer(api, target); }}},
  };
  return table;
}

HttpAnswer not_allowed(const std::string& method, const std::string& path, const std::string& allowed) {
  HttpAnswer answer = error_answer(405, "MethodNotAllowed", method + " is not allowed for " + path,
                                   "allowed: " + allowed + "; the spec directory is the only way to change what runs");
  answer.headers.emplace_back("Allow", allowed);
  return answer;
}

std::optional<HttpAnswer> refuse_queries(const Target& target, const std::set<std::string>& known) {
  for (const auto& [key, value] : target.query) {
    if (!known.contains(key)) {
      std::string names;
      for (const std::string& name : known) {
        names += (names.empty() ? "" : ", ") + name;
      }
      return error_answer(400, "BadQuery", target.path + " knows no query " + key,
                          names.empty() ? "it takes none" : "it takes " + names);
    }
  }
  return std::nullopt;
}

HttpReaction react_to_agent(Api& api, const HttpRequest& request, const Target& target) {
  constexpr std::string_view prefix = "/v1/agents/";
  std::string agent = target.path.substr(prefix.size());
  const bool logs = agent.ends_with("/logs");
  if (logs) {
    agent = agent.substr(0, agent.size() - std::string_view("/logs").size());
    if (!request.local) {
      return error_answer(403, "LocalOnly", "logs are served over the unix socket only",
                          "use `cofferdam logs " + agent + "` on the host");
    }
  }
  if (auto refused =
          refuse_queries(target, logs ? std::set<std::string>{"follow", "tail", "previous"} : std::set<std::string>{})) {
    return *refused;
  }
  if (logs) {
    return logs_of(api, agent, target);
  }
  const auto status = api.machine().status(agent);
  return status ? json_answer(agent_json(*status)) : no_such_agent(agent);
}

HttpReaction react_to_control(const HttpRequest& request) {
  if (request.method != "POST") {
    return not_allowed(request.method, "/v1/control", "POST");
  }
  if (!request.local) {
    return error_answer(403, "LocalOnly", "control words are taken over the unix socket only",
                        "use the command line on the host");
  }
  if (!request.peer_controls) {
    return error_answer(403, "NotYours", "control words are taken from root and from the controller's own user only",
                        "use sudo, or become the controller's user");
  }
  return control(request);
}

}  // namespace

HttpReaction react(Api& api, const HttpRequest& request) {
  const auto target = parse_target(request.target);
  if (!target) {
    return error_answer(400, "BadTarget", "the request's target is no path that is understood", "for example GET /v1/agents");
  }
  if (target->path == "/v1/control") {
    return react_to_control(request);
  }
  const auto route = routes().find(target->path);
  const bool agent = target->path.starts_with("/v1/agents/");
  if (route == routes().end() && !agent) {
    return error_answer(404, "NotFound", target->path + " is not there",
                        "/metrics /healthz /readyz /v1/agents /v1/files /v1/plan /v1/config /v1/held /v1/controller");
  }
  if (request.method != "GET" && request.method != "HEAD") {
    return not_allowed(request.method, target->path, "GET, HEAD");
  }
  if (agent) {
    return react_to_agent(api, request, *target);
  }
  if (auto refused = refuse_queries(*target, route->second.queries)) {
    return *refused;
  }
  return route->second.handle(api, *target);
}

}  // namespace cofferdam::controller
