#include "specs/fields.hpp"

#include <algorithm>

namespace cofferdam::specs {

const Field* find_field(std::span<const Field> fields, std::string_view path) {
  const auto field = std::find_if(fields.begin(), fields.end(), [&](const Field& f) { return f.path == path; });
  return field == fields.end() ? nullptr : &*field;
}

std::vector<const Field*> children_of(std::span<const Field> fields, std::string_view path) {
  std::vector<const Field*> children;
  for (const Field& field : fields) {
    std::string_view rest = field.path;
    if (!path.empty()) {
      if (!rest.starts_with(path) || rest.size() <= path.size() || rest[path.size()] != '.') continue;
      rest.remove_prefix(path.size() + 1);
    }
    if (rest.find('.') == std::string_view::npos) children.push_back(&field);
  }
  return children;
}

std::string_view last_step(std::string_view path) {
  return path.substr(path.rfind('.') + 1);
}

bool is_value(std::span<const Field> fields, const Field& field) {
  if (field.path.find('*') != std::string_view::npos) return false;
  if (field.type != FieldType::mapping) return true;
  const std::vector<const Field*> children = children_of(fields, field.path);
  return children.size() == 1 && last_step(children.front()->path) == "*";
}

std::vector<std::string_view> words_of(std::string_view allowed) {
  std::vector<std::string_view> words;
  while (!allowed.empty()) {
    const std::size_t end = std::min(allowed.find(' '), allowed.size());
    words.push_back(allowed.substr(0, end));
    allowed.remove_prefix(std::min(end + 1, allowed.size()));
  }
  return words;
}

}  // namespace cofferdam::specs
