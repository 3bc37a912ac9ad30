#include "docker/json_fields.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "docker/time.hpp"

namespace cofferdam::docker {

void JsonProblem::note(const std::string& path, std::string_view expected, const Json& found) {
  if (text.empty()) {
    text = path + ": " + std::string(expected) + " was expected, found " + found.type_name();
  }
}

Fields::Fields(const Json* object, std::string path, JsonProblem& problem)
    : object_(object), path_(std::move(path)), problem_(&problem) {
  if (object_ != nullptr && object_->is_null()) {
    object_ = nullptr;
  }
  if (object_ != nullptr && !object_->is_object()) {
    problem_->note(path_.empty() ? "the document" : path_, "an object", *object_);
    object_ = nullptr;
  }
}

const Json* Fields::find(const char* key) const {
  if (object_ == nullptr) {
    return nullptr;
  }
  const auto found = object_->find(key);
  return found == object_->end() || found->is_null() ? nullptr : &*found;
}

std::string Fields::path_of(const char* key) const {
  return path_.empty() ? key : path_ + "." + key;
}

std::string Fields::text(const char* key) const {
  const Json* value = find(key);
  if (value == nullptr) {
    return {};
  }
  if (!value->is_string()) {
    problem_->note(path_of(key), "a string", *value);
    return {};
  }
  return value->get_ref<const std::string&>();
}

std::string Fields::message(const char* key) const {
  return one_line(text(key));
}

bool Fields::flag(const char* key) const {
  const Json* value = find(key);
  if (value == nullptr) {
    return false;
  }
  if (!value->is_boolean()) {
    problem_->note(path_of(key), "true or false", *value);
    return false;
  }
  return value->get<bool>();
}

std::int64_t Fields::integer(const char* key) const {
  return maybe_integer(key).value_or(0);
}

std::optional<std::int64_t> Fields::maybe_integer(const char* key) const {
  const Json* value = find(key);
  if (value == nullptr) {
    return std::nullopt;
  }
  const bool too_large = value->is_number_unsigned() &&
                         value->get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (!value->is_number_integer() || too_large) {
    problem_->note(path_of(key), "a whole number of 64 bits", *value);
    return std::nullopt;
  }
  return value->get<std::int64_t>();
}

std::vector<std::string> Fields::texts(const char* key) const {
  return maybe_texts(key).value_or(std::vector<std::string>{});
}

std::vector<std::string> Fields::messages(const char* key) const {
  auto result = texts(key);
  for (auto& item : result) {
    item = one_line(item);
  }
  return result;
}

std::optional<std::vector<std::string>> Fields::maybe_texts(const char* key) const {
  const Json* value = find(key);
  if (value == nullptr) {
    return std::nullopt;
  }
  if (!value->is_array()) {
    problem_->note(path_of(key), "an array", *value);
    return std::nullopt;
  }
  std::vector<std::string> result;
  result.reserve(value->size());
  for (const auto& item : *value) {
    if (!item.is_string()) {
      problem_->note(path_of(key), "an array of strings", item);
      return std::nullopt;
    }
    result.push_back(item.get_ref<const std::string&>());
  }
  return result;
}

std::map<std::string, std::string> Fields::text_map(const char* key) const {
  std::map<std::string, std::string> result;
  for (const Json* value = find(key); value != nullptr; value = nullptr) {
    if (!value->is_object()) {
      problem_->note(path_of(key), "an object", *value);
      break;
    }
    for (const auto& [name, item] : value->items()) {
      if (!item.is_string()) {
        problem_->note(path_of(key) + "." + name, "a string", item);
        return {};
      }
      result.emplace_hint(result.end(), name, item.get_ref<const std::string&>());
    }
  }
  return result;
}

std::optional<Time> Fields::time(const char* key) const {
  auto parsed = parse_time(text(key));
  if (const auto* wrong = std::get_if<std::string>(&parsed)) {
    note(key, *wrong);
    return std::nullopt;
  }
  return std::get<std::optional<Time>>(parsed);
}

std::vector<std::string> Fields::keys(const char* key) const {
  std::vector<std::string> result;
  for (const auto& [name, unused] : named_objects(key)) {
    result.push_back(name);
  }
  return result;
}

std::size_t Fields::count(const char* key) const {
  const Json* value = find(key);
  if (value == nullptr) {
    return 0;
  }
  if (!value->is_structured()) {
    problem_->note(path_of(key), "an array or an object", *value);
    return 0;
  }
  return value->size();
}

Fields Fields::object(const char* key) const {
  return {find(key), path_of(key), *problem_};
}

std::vector<Fields> Fields::objects(const char* key) const {
  std::vector<Fields> result;
  const Json* value = find(key);
  if (value != nullptr && !value->is_array()) {
    problem_->note(path_of(key), "an array", *value);
    value = nullptr;
  }
  if (value != nullptr) {
    result.reserve(value->size());
    for (const auto& item : *value) {
      result.emplace_back(&item, path_of(key) + "[" + std::to_string(result.size()) + "]", *problem_);
    }
  }
  return result;
}

std::vector<std::pair<std::string, Fields>> Fields::named_objects(const char* key) const {
  std::vector<std::pair<std::string, Fields>> result;
  const Json* value = find(key);
  if (value != nullptr && !value->is_object()) {
    problem_->note(path_of(key), "an object", *value);
    value = nullptr;
  }
  if (value != nullptr) {
    for (const auto& [name, item] : value->items()) {
      result.emplace_back(name, Fields{&item, path_of(key) + "." + name, *problem_});
    }
  }
  return result;
}

void Fields::note(const char* key, const std::string& what) const {
  if (problem_->text.empty()) {
    problem_->text = path_of(key) + ": " + what;
  }
}

std::string one_line(std::string_view text) {
  constexpr std::size_t kLongest = 4096;
  const auto byte = [&](std::size_t at) { return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U; };
  std::size_t end = std::min(text.size(), kLongest);
  constexpr std::size_t kMostContinuationBytes = 3;
  for (std::size_t back = 0; back < kMostContinuationBytes && end > 0 && (byte(end) & 0xC0U) == 0x80U; ++back) {
    --end;
  }
  std::string line(text.substr(0, end));
  for (std::size_t at = 0; at < line.size(); ++at) {
    if (byte(at) < 0x20U || byte(at) == 0x7FU) {
      line[at] = ' ';
    } else if (byte(at) == 0xC2U && byte(at + 1) >= 0x80U && byte(at + 1) < 0xA0U) {
      line.replace(at, 2, "  ");
    }
  }
  const auto last = line.find_last_not_of(' ');
  line.resize(last == std::string::npos ? 0 : last + 1);
  line.erase(0, std::min(line.find_first_not_of(' '), line.size()));
  return line;
}

std::optional<Json> parse_object(std::string_view text, JsonProblem& problem) {
  // Without exceptions: garbage gives a discarded value.
  auto document = Json::parse(text.begin(), text.end(), nullptr, false);
  if (document.is_discarded()) {
    problem.text = "not JSON";
    return std::nullopt;
  }
  if (!document.is_object()) {
    problem.note("the document", "an object", document);
    return std::nullopt;
  }
  return document;
}

}  // namespace cofferdam::docker
