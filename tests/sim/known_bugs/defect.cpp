#include "tests/sim/known_bugs/defect.hpp"

#include <cstdlib>
#include <sstream>

namespace cofferdam::sim {
namespace {

/// One line of a hunk; false: it is none.
bool add_line(Hunk& hunk, const std::string& line) {
  const char mark = line.empty() ? ' ' : line.front();
  const std::string rest = (line.empty() ? line : line.substr(1)) + "\n";
  if (mark != ' ' && mark != '-' && mark != '+') return false;
  if (mark != '+') hunk.before += rest;
  if (mark != '-') hunk.after += rest;
  return true;
}

bool set_header(Defect& defect, const std::string& line) {
  const auto colon = line.find(": ");
  if (colon == std::string::npos) return false;
  const std::string key = line.substr(0, colon);
  const std::string value = line.substr(colon + 2);
  if (key == "title") {
    defect.title = value;
  } else if (key == "promise") {
    std::istringstream words(value);
    for (std::string word; words >> word;) defect.promises.push_back(word);
  } else if (key == "stands-for") {
    defect.stands_for = value;
  } else if (key == "within") {
    defect.within = std::strtoull(value.c_str(), nullptr, 10);
  } else if (key == "file") {
    defect.file = value;
  } else {
    return false;
  }
  return true;
}

}  // namespace

std::optional<Defect> defect_from(const std::string& name, const std::string& text, std::string& error) {
  Defect defect;
  defect.name = name;
  std::istringstream in(text);
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    bool good = true;
    if (line.starts_with("@@")) {
      defect.hunks.emplace_back();
    } else if (!defect.hunks.empty()) {
      good = add_line(defect.hunks.back(), line);
    } else {
      good = set_header(defect, line);
    }
    if (good) continue;
    error = name + ", line " + std::to_string(number) + ": " + line;
    return std::nullopt;
  }
  const bool whole = !defect.title.empty() && !defect.promises.empty() && !defect.stands_for.empty() && defect.within > 0 &&
                     !defect.file.empty() && !defect.hunks.empty();
  if (whole) return defect;
  error = name + ": it lacks a title, promise, stands-for, within, file or hunk";
  return std::nullopt;
}

std::optional<std::string> with_defect(const Defect& defect, std::string source, std::string& error) {
  for (const Hunk& hunk : defect.hunks) {
    const std::string shown = defect.name + " does not fit " + defect.file + " any more: ";
    const auto at = hunk.before.empty() ? std::string::npos : source.find(hunk.before);
    const std::string first = hunk.before.substr(0, hunk.before.find('\n'));
    if (at == std::string::npos) {
      error = shown + "not found: " + first;
      return std::nullopt;
    }
    if (source.find(hunk.before, at + 1) != std::string::npos) {
      error = shown + "more than once: " + first;
      return std::nullopt;
    }
    if (hunk.before == hunk.after) {
      error = defect.name + " changes nothing: " + first;
      return std::nullopt;
    }
    source.replace(at, hunk.before.size(), hunk.after);
  }
  return source;
}

}  // namespace cofferdam::sim
