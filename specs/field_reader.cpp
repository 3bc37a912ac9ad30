#include "specs/field_reader.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "specs/wording.hpp"

namespace cofferdam::specs {
namespace {

constexpr std::size_t longest_text = 131072;  // what Linux takes for one argument or variable (MAX_ARG_STRLEN)

bool is_shown_whole(const std::vector<const Field*>& children) {
  return children.size() <= 12;
}

std::string names_of(const std::vector<const Field*>& fields) {
  std::string text;
  for (const Field* field : fields) text += (text.empty() ? "" : ", ") + std::string(last_step(field->path));
  return text;
}

std::string_view noun_of(FieldType type) {
  switch (type) {
    case FieldType::mapping: return "a mapping";
    case FieldType::list: return "a list";
    case FieldType::text: return "a text";
    case FieldType::boolean: return "a boolean";
    case FieldType::integer: return "an integer";
    case FieldType::number: return "a number";
  }
  return "";
}

template <typename T>
std::variant<FieldValue, Refusal> widened(std::variant<T, Refusal> value) {
  if (auto* refusal = std::get_if<Refusal>(&value)) return std::move(*refusal);
  return FieldValue(std::move(std::get<T>(value)));
}

/// The same, with what the number counts behind a refusal.
template <typename T>
std::variant<FieldValue, Refusal> explained(std::variant<T, Refusal> value, const Field& field) {
  if (auto* refusal = std::get_if<Refusal>(&value)) refusal->mend += " (" + std::string(field.help) + ')';
  return widened(std::move(value));
}

/// A text against the field's words and form.
std::variant<std::string, Refusal> checked_text(const Field& field, const YamlNode& node) {
  std::variant<std::string, Refusal> read = text_of(node, field.secret);
  const std::vector<std::string_view> words = words_of(field.allowed);
  if (auto* refusal = std::get_if<Refusal>(&read)) {
    if (!words.empty()) refusal->mend = "write " + one_of(words);
    return read;
  }
  auto& text = std::get<std::string>(read);
  if (!words.empty()) {
    if (std::find(words.begin(), words.end(), text) != words.end()) return read;
    const std::string_view near = words.size() > 1 ? nearest(text, words) : std::string_view{};
    return Refusal{"is " + quoted_for_people(text),
                   "write " + one_of(words) + (near.empty() ? "" : "; did you mean " + std::string(near) + "?")};
  }
  if (text.size() > longest_text) {
    return Refusal{"is a text of " + std::to_string(text.size()) + " bytes, more than " + std::to_string(longest_text),
                   "shorten it"};
  }
  if (auto refusal = check_form(field.form, text, field.secret)) return std::move(*refusal);
  return read;
}

std::variant<FieldValue, Refusal> scalar(const Field& field, const YamlNode& node) {
  switch (field.type) {
    case FieldType::boolean: return widened(boolean_of(node));
    case FieldType::integer: return explained(integer_of(node, {field.min, field.max}), field);
    case FieldType::number: return explained(number_of(node, {field.min, field.max}), field);
    case FieldType::text: return widened(checked_text(field, node));
    case FieldType::mapping:
    case FieldType::list: break;
  }
  return Refusal{"is no single value", "write it into the configuration file"};
}

class Reader {
 public:
  Reader(const YamlDocument& document, std::span<const Field> fields, const std::string& file, std::string_view noun)
      : document_(document), fields_(fields), file_(file), noun_(noun) {}

  ReadFields read() && {
    const YamlNode& root = document_.root;
    if (!root.is_mapping()) {
      refuse(root.mark, "", "is " + describe_found(root) + ", where " + noun_ + " is wanted",
             "begin with " + std::string(fields_.front().path) + ": at the beginning of a line" + space_hint(root.text));
    } else {
      read_mapping(root, root.mark, "", "", "");
    }
    return std::move(result_);
  }

 private:
  /// Behind a place where the document broke off, what is there may not be what the author wrote.
  [[nodiscard]] bool is_doubtful(YamlMark mark) const { return !document_.complete && mark >= document_.doubtful; }

  [[nodiscard]] Place place_of(YamlMark mark) const { return {file_, mark.line, mark.column}; }

  void refuse(YamlMark mark, const std::string& path, std::string what, std::string mend) {
    if (!is_doubtful(mark)) result_.problems.push_back({place_of(mark), path, std::move(what), std::move(mend), ""});
  }

  static std::string space_hint(std::string_view text) {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos || colon + 1 == text.size()) return "";
    return "; is a space missing behind ':'?";
  }

  /// `pattern` is the mapping's path in the table, `path` as written, `key` its innermost free key.
  void read_mapping(const YamlNode& node, YamlMark at, const std::string& pattern, const std::string& path,
                    const std::string& key) {
    const std::vector<const Field*> children = children_of(fields_, pattern);
    const bool free = children.size() == 1 && last_step(children.front()->path) == "*";
    if (free) {
      read_free(node, at, *children.front(), path);
      return;
    }
    for (const YamlEntry& entry : node.entries) {
      const auto child =
          std::find_if(children.begin(), children.end(), [&](const Field* f) { return last_step(f->path) == entry.key; });
      if (child == children.end()) {
        refuse_key(entry, path, children);
      } else {
        read_field(**child, entry, join_path(path, entry.key), key);
      }
    }
    if (!document_.complete) return;
    for (const Field* child : children) {
      if (!child->required || node.find(last_step(child->path)) != nullptr) continue;
      std::string mend = "write " + std::string(last_step(child->path));
      mend += child->allowed.empty() ? ", " + std::string(child->help) : ": " + std::string(child->allowed);
      refuse(at, join_path(path, last_step(child->path)), "is missing", std::move(mend));
    }
  }

  void read_free(const YamlNode& node, YamlMark at, const Field& child, const std::string& path) {
    const Field& field = *find_field(fields_, child.path.substr(0, child.path.rfind('.')));
    if (static_cast<double>(node.entries.size()) > field.max) {
      refuse(at, path, "has " + std::to_string(node.entries.size()) + " entries, more than " + number_text(field.max),
             "write fewer");
    }
    for (const YamlEntry& entry : node.entries) {
      std::string key = entry.key;
      if (const auto refusal = check_form(field.form, key)) {
        refuse(entry.mark, join_path(path, entry.key), "the key " + refusal->what, refusal->mend + space_hint(entry.key));
      } else {
        read_field(child, entry, join_path(path, entry.key), key);
      }
    }
  }

  void refuse_key(const YamlEntry& entry, const std::string& path, const std::vector<const Field*>& siblings) {
    std::vector<std::string_view> names;
    names.reserve(siblings.size());
    for (const Field* field : siblings) names.push_back(last_step(field->path));
    const std::string list = "allowed " + (path.empty() ? "at the top" : "in " + path) + ": " + names_of(siblings);
    std::string mend = is_shown_whole(siblings) ? list : "";
    const std::string_view near = nearest(entry.key, names);
    std::string meant(near);
    if (meant.empty()) {
      // Right key, wrong place?
      const auto elsewhere =
          std::find_if(fields_.begin(), fields_.end(), [&](const Field& f) { return last_step(f.path) == entry.key; });
      if (elsewhere != fields_.end() && elsewhere->path.find('*') == std::string_view::npos) meant = elsewhere->path;
    }
    if (!meant.empty()) mend += (mend.empty() ? "" : "; ") + ("did you mean " + meant + "?");
    if (mend.empty()) mend = list;
    refuse(entry.mark, join_path(path, entry.key), "is no known key", mend + space_hint(entry.key));
  }

  void read_field(const Field& field, const YamlEntry& entry, std::string path, const std::string& outer_key) {
    const bool entry_of_free = last_step(field.path) == "*";
    const std::string key = entry_of_free ? entry.key : outer_key;
    const YamlMark at = entry.value.is_scalar() ? entry.value.mark : entry.mark;
    result_.places.emplace(path, place_of(at));
    if (entry.value.refused) return;
    if (field.type == FieldType::mapping) {
      if (!is_type(field, entry.value, YamlNode::Kind::mapping, entry.mark, path)) return;
      result_.found.push_back({&field, path, key, place_of(at), {}});
      read_mapping(entry.value, entry.mark, std::string(field.path), path, key);
    } else if (field.type == FieldType::list) {
      if (is_type(field, entry.value, YamlNode::Kind::sequence, entry.mark, path)) read_list(field, entry.value, at, path, key);
    } else {
      std::variant<FieldValue, Refusal> value = scalar(field, entry.value);
      if (auto* refusal = std::get_if<Refusal>(&value)) {
        refuse(entry.value.mark, path, std::move(refusal->what), std::move(refusal->mend));
      } else {
        result_.found.push_back({&field, std::move(path), key, place_of(at), std::move(std::get<FieldValue>(value))});
      }
    }
  }

  bool is_type(const Field& field, const YamlNode& node, YamlNode::Kind kind, YamlMark at, const std::string& path) {
    if (node.kind == kind) return true;
    std::string mend = field.type == FieldType::list ? "write [first, second], or each item on its own line behind '- '"
                                                     : "write each key on its own line, indented";
    if (node.kind == YamlNode::Kind::null)
      mend = field.type == FieldType::list ? "write [] for an empty list, or remove the line"
                                           : "write {} for an empty mapping, or remove the line";
    refuse(node.is_scalar() ? node.mark : at, path,
           "is " + describe_found(node, has_secrets(field)) + ", where " + std::string(noun_of(field.type)) + " is wanted",
           std::move(mend));
    return false;
  }

  [[nodiscard]] bool has_secrets(const Field& field) const {
    const std::vector<const Field*> children = children_of(fields_, field.path);
    return std::any_of(children.begin(), children.end(), [](const Field* child) { return child->secret; });
  }

  void read_list(const Field& field, const YamlNode& node, YamlMark at, const std::string& path, const std::string& key) {
    const auto count = static_cast<double>(node.items.size());
    if (count > field.max)
      refuse(at, path, "has " + number_text(count) + " items, more than " + number_text(field.max), "write fewer");
    if (count < field.min) refuse(at, path, "is an empty list", "write its first item, or remove the line");
    std::vector<std::string> items;
    bool good = count <= field.max && count >= field.min;
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      const std::string item_path = join_path(path, i);
      result_.places.emplace(item_path, place_of(node.items[i].mark));
      if (node.items[i].refused) {
        good = false;
        continue;
      }
      std::variant<std::string, Refusal> item = checked_text(field, node.items[i]);
      if (auto* refusal = std::get_if<Refusal>(&item)) {
        refuse(node.items[i].mark, item_path, std::move(refusal->what), std::move(refusal->mend));
        good = false;
      } else {
        items.push_back(std::move(std::get<std::string>(item)));
      }
    }
    if (good) result_.found.push_back({&field, path, key, place_of(at), std::move(items)});
  }

  const YamlDocument& document_;
  std::span<const Field> fields_;
  const std::string& file_;
  std::string noun_;
  ReadFields result_;
};

}  // namespace

ReadFields read_fields(const YamlDocument& document, std::span<const Field> fields, const std::string& file,
                       std::string_view noun) {
  return Reader(document, fields, file, noun).read();
}

std::variant<FieldValue, Refusal> read_scalar(const Field& field, const std::string& text) {
  YamlNode node;
  node.kind = YamlNode::Kind::scalar;
  node.text = text;
  node.style = field.type == FieldType::text ? YamlNode::Style::quoted : YamlNode::Style::plain;
  return scalar(field, node);
}

}  // namespace cofferdam::specs
