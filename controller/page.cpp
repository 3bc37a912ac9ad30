// The page at /: a table of agents for a browser. No script, nothing from elsewhere.

#include "controller/http_message.hpp"
#include "controller/status_json.hpp"

namespace cofferdam::controller {

namespace {

std::string escaped(const std::string& text) {
  std::string html;
  for (const char c : text) {
    switch (c) {
      case '&': html += "&amp;"; break;
      case '<': html += "&lt;"; break;
      case '>': html += "&gt;"; break;
      case '"': html += "&quot;"; break;
      case '\'': html += "&#39;"; break;
      default: html += c;
    }
  }
  return html;
}

std::string cell(const std::string& text) {
  return "<td>" + escaped(text) + "</td>";
}

std::string agents_table(const std::map<std::string, reconciler::AgentStatus>& statuses) {
  std::string html =
      "<table><thead><tr><th>Agent</th><th>Phase</th><th>Reason</th><th>Attempt</th><th>Restarts</th>"
      "<th>Image</th><th>Message</th></tr></thead><tbody>\n";
  for (const auto& [name, status] : statuses) {
    const std::string phase(name_of(status.phase));
    html += "<tr><td><a href=\"/v1/agents/";
    html += escaped(name);
    html += "\">";
    html += escaped(name);
    html += "</a></td><td class=\"";
    html += phase;
    html += "\">";
    html += phase;
    html += "</td>";
    for (const std::string& text :
         {status.reason, std::to_string(status.attempt), std::to_string(status.restarts), status.image, status.message}) {
      html += cell(text);
    }
    html += "</tr>\n";
  }
  return html + "</tbody></table>\n";
}

std::string list(const std::string& title, const std::vector<std::string>& items) {
  if (items.empty()) {
    return {};
  }
  std::string html = "<h2>" + escaped(title) + "</h2><ul>\n";
  for (const std::string& item : items) {
    html += "<li>" + escaped(item) + "</li>\n";
  }
  return html + "</ul>\n";
}

}  // namespace

HttpAnswer page(const Api& api) {
  const auto& machine = api.machine();
  std::vector<std::string> problems;
  for (const auto& [name, file] : machine.files()) {
    for (const auto& problem : file.problems) {
      problems.push_back(to_string(problem));
    }
  }
  std::vector<std::string> held;
  for (const auto& set : machine.held()) {
    held.push_back(set.id + ": " + set.reason + ": " + set.message);
  }
  const auto statuses = machine.statuses();
  std::vector<std::string> notes = not_ready(machine.summary());
  if (!machine.summary().sandbox_enabled) {
    notes.emplace_back("sandbox.enabled is false: nothing is started, stopped or removed");
  }
  HttpAnswer answer;
  answer.content_type = "text/html; charset=utf-8";
  answer.body =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Cofferdam</title>"
      "<meta name=\"viewport\" content=\"width=device-width\"><link rel=\"stylesheet\" href=\"/style.css\"></head><body>\n"
      "<h1>Cofferdam</h1>\n" +
      list("Not ready", notes) + list("Removals held", held) + list("Problems of spec files", problems) + "<h2>" +
      std::to_string(statuses.size()) + " agents</h2>\n" + agents_table(statuses) +
      "<p><a href=\"/v1/plan\">plan</a> <a href=\"/v1/files\">files</a> <a href=\"/v1/config\">configuration</a> "
      "<a href=\"/metrics\">metrics</a> as of " +
      time_text(api.now().wall) + "</p>\n</body></html>\n";
  answer.headers.emplace_back(
      "Content-Security-Policy",
      "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
  return answer;
}

HttpAnswer page_style() {
  HttpAnswer answer;
  answer.content_type = "text/css; charset=utf-8";
  answer.body =
      ":root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;margin:2rem;max-width:75rem}"
      "table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #8884;"
      "vertical-align:top}th{font-weight:600}.Running,.Succeeded{color:#187a3c}.Failed,.Stuck,.Denied,.Invalid{color:#c0262d}"
      ".BackOff,.Stopping,.Pending,.Pulling,.Creating,.Starting{color:#9a6700}a{color:inherit}\n";
  return answer;
}

}  // namespace cofferdam::controller
