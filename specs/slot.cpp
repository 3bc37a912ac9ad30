#include "specs/slot.hpp"

#include <algorithm>
#include <type_traits>

#include "specs/scalars.hpp"

namespace cofferdam::specs {
namespace {

template <typename T>
struct is_optional : std::false_type {};
template <typename T>
struct is_optional<std::optional<T>> : std::true_type {};

template <typename T>
struct is_map : std::false_type {};
template <typename K, typename V>
struct is_map<std::map<K, V>> : std::true_type {};

std::size_t index_of(const Field& field, const std::string& word) {
  const std::vector<std::string_view> words = words_of(field.allowed);
  return static_cast<std::size_t>(std::find(words.begin(), words.end(), word) - words.begin());
}

template <typename T>
void put(T& target, const Field& field, const FieldValue& value) {
  if constexpr (is_optional<T>::value) {
    put(target.emplace(), field, value);
  } else if constexpr (std::is_enum_v<T>) {
    target = static_cast<T>(index_of(field, std::get<std::string>(value)));
  } else if constexpr (std::is_same_v<T, std::chrono::seconds> || std::is_same_v<T, std::chrono::milliseconds>) {
    target = T(std::get<std::int64_t>(value));
  } else if constexpr (is_map<T>::value) {
    target.clear();  // its entries follow, each into its own slot
  } else {
    target = std::get<T>(value);
  }
}

std::string tmpfs_text(const TmpfsDefault& tmpfs) {
  return "{sizeMB: " + std::to_string(tmpfs.size_mb) + ", exec: " + (tmpfs.exec ? "true" : "false") + '}';
}

template <typename T>
std::string shown(const T& value, const Field& field) {
  if constexpr (is_optional<T>::value) {
    return value ? shown(*value, field) : std::string();
  } else if constexpr (std::is_enum_v<T>) {
    return std::string(words_of(field.allowed).at(static_cast<std::size_t>(value)));
  } else if constexpr (std::is_same_v<T, std::chrono::seconds> || std::is_same_v<T, std::chrono::milliseconds>) {
    return std::to_string(value.count());
  } else if constexpr (std::is_same_v<T, bool>) {
    return value ? "true" : "false";
  } else if constexpr (std::is_same_v<T, std::int64_t>) {
    return std::to_string(value);
  } else if constexpr (std::is_same_v<T, double>) {
    return number_text(value);
  } else if constexpr (std::is_same_v<T, std::string>) {
    return yaml_text(value);
  } else if constexpr (is_map<T>::value) {
    std::string text;
    for (const auto& [key, entry] : value) {
      text += (text.empty() ? "" : ", ") + yaml_text(key) + ": ";
      if constexpr (std::is_same_v<T, std::map<std::string, TmpfsDefault>>) {
        text += tmpfs_text(entry);
      } else {
        text += yaml_text(entry);
      }
    }
    return '{' + text + '}';
  } else {
    std::string text;
    for (const std::string& item : value) text += (text.empty() ? "" : ", ") + yaml_text(item);
    return '[' + text + ']';
  }
}

}  // namespace

void assign(const Slot& slot, const Field& field, const FieldValue& value) {
  std::visit([&](auto* target) { put(*target, field, value); }, slot);
}

std::string slot_text(const Slot& slot, const Field& field) {
  return std::visit([&](const auto* target) { return shown(*target, field); }, slot);
}

std::string yaml_text(const std::string& text) {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  constexpr std::string_view inside = "._-/@+=%";
  constexpr std::string_view first = "/._";
  bool plain = !text.empty() && other_reading(text).empty();
  for (std::size_t i = 0; plain && i < text.size(); ++i) {
    const bool colon_inside = text[i] == ':' && i > 0 && i + 1 < text.size();  // never before a space: there is none
    plain = letters.find(text[i]) != std::string_view::npos || colon_inside ||
            (i == 0 ? first : inside).find(text[i]) != std::string_view::npos;
  }
  if (plain) return text;
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (byte < 0x20 || byte == 0x7F) {
      quoted += "\\x";
      quoted += digits[byte >> 4U];
      quoted += digits[byte & 15U];
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

}  // namespace cofferdam::specs
