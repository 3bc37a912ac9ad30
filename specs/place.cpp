#include "specs/place.hpp"

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

}  // namespace cofferdam::specs
