#include "specs/place.hpp"

#include <algorithm>
#include <tuple>

namespace cofferdam::specs {

std::string to_string(const Place& place) {
  std::string text = place.file;
  if (place.line > 0) {
    text += ':' + std::to_string(place.line);
    if (place.column > 0) text += ':' + std::to_string(place.column);
  }
  return text;
}

std::string to_string(const Problem& problem) {
  std::string text = to_string(problem.place);
  if (!problem.path.empty()) text += (text.empty() ? "" : ": ") + problem.path;
  text += (text.empty() ? "" : ": ") + problem.what;
  if (!problem.mend.empty()) text += "; " + problem.mend;
  if (!problem.rule.empty()) text += " [" + problem.rule + ']';
  return text;
}

void tidy(Problems& problems) {
  constexpr std::size_t most = 1000;
  const auto key = [](const Problem& p) {
    return std::tie(p.place.file, p.place.line, p.place.column, p.path, p.what, p.mend, p.rule);
  };
  std::sort(problems.begin(), problems.end(), [&](const Problem& a, const Problem& b) { return key(a) < key(b); });
  problems.erase(std::unique(problems.begin(), problems.end()), problems.end());
  if (problems.size() <= most) return;
  const Place last = problems.back().place;
  const std::size_t more = problems.size() - most;
  problems.resize(most);
  problems.push_back(
      {last, "", std::to_string(more) + " more problems stand before this place", "mend the first ones and look again", ""});
}

}  // namespace cofferdam::specs
