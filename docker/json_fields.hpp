#pragma once

// For the codecs only: typed reads out of a parsed JSON object. Absent and null read as the empty value; another type
// is noted once, with its path, and reads as the empty value too.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "docker/types.hpp"

namespace cofferdam::docker {

using Json = nlohmann::json;

/// The first thing wrong with a document. Empty: nothing.
struct JsonProblem {
  std::string text;
  void note(const std::string& path, std::string_view expected, const Json& found);
};

class Fields {
 public:
  /// `object` null or absent: every field is absent. It and `problem` must outlive this.
  Fields(const Json* object, std::string path, JsonProblem& problem);

  std::string text(const char* key) const;
  std::string message(const char* key) const;  ///< a text that people read: as one_line() has it
  bool flag(const char* key) const;
  std::int64_t integer(const char* key) const;
  std::optional<std::int64_t> maybe_integer(const char* key) const;
  std::vector<std::string> texts(const char* key) const;
  std::vector<std::string> messages(const char* key) const;  ///< each as one_line() has it
  std::optional<std::vector<std::string>> maybe_texts(const char* key) const;
  std::map<std::string, std::string> text_map(const char* key) const;
  std::optional<Time> time(const char* key) const;
  std::vector<std::string> keys(const char* key) const;  ///< of an object, sorted
  std::size_t count(const char* key) const;              ///< of an object or an array
  Fields object(const char* key) const;
  std::vector<Fields> objects(const char* key) const;                                ///< of an array
  std::vector<std::pair<std::string, Fields>> named_objects(const char* key) const;  ///< of an object
  void note(const char* key, const std::string& what) const;

 private:
  const Json* find(const char* key) const;
  std::string path_of(const char* key) const;

  const Json* object_;
  std::string path_;
  JsonProblem* problem_;
};

/// What the engine, or a registry through it, says to people: one line of at most 4 KiB. Control characters, those of U+0080 to
/// U+009F too, become spaces (none steers a terminal or ends a line of a log), spaces at both ends go, and a character is cut
/// whole.
std::string one_line(std::string_view text);

/// Parses a whole text that must be an object; nullopt and a note otherwise.
std::optional<Json> parse_object(std::string_view text, JsonProblem& problem);

}  // namespace cofferdam::docker
