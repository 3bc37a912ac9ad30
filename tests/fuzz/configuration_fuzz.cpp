// The configuration: a file and overrides (behind a NUL: a field's number and its value, again and again). What is good is
// described as YAML that reads back the same; what an override sets says so.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "specs/configuration.hpp"
#include "specs/fields.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/fuzz/places.hpp"

namespace cofferdam::fuzz {
namespace {

using namespace specs;

const std::string name = "fuzz.yaml";

/// The description's lines as one file: {"engine": {"host": …}, …}.
struct Tree {
  std::string value;
  std::map<std::string, Tree> below;

  [[nodiscard]] std::string text() const {
    if (below.empty()) return value;
    std::string inner;
    for (const auto& [key, tree] : below) inner += (inner.empty() ? "" : ",") + std::string("\n") + key + ": " + tree.text();
    return "{" + inner + "}";
  }
};

std::string file_of(const std::vector<ConfigurationLine>& lines) {
  Tree root;
  for (const auto& line : lines) {
    Tree* at = &root;
    std::string_view path = line.path;
    while (!path.empty()) {
      const auto dot = path.find('.');
      at = &at->below[std::string(path.substr(0, dot))];
      path.remove_prefix(dot == std::string_view::npos ? path.size() : dot + 1);
    }
    at->value = line.value;
  }
  return root.text() + "\n";
}

void check_good(const LoadedConfiguration& loaded, const std::vector<Override>& overrides) {
  const std::string file = file_of(describe(loaded));
  const auto again = parse_configuration(file, name, {});
  const auto* problems = std::get_if<Problems>(&again);
  require(problems == nullptr, "what is described can be read",
          problems == nullptr ? "" : to_string(problems->at(0)) + "\n" + file);
  require(std::get<LoadedConfiguration>(again).configuration == loaded.configuration, "what is described reads back the same",
          file);
  require(needs_restart(loaded.configuration, std::get<LoadedConfiguration>(again).configuration).empty(),
          "what is the same needs no restart");
  std::map<std::string, std::string> last;
  for (const auto& override : overrides) last[override.path] = override.origin;
  for (const auto& [path, origin] : last) {
    const auto found = loaded.origins.find(path);
    require(found != loaded.origins.end() && found->second == origin, "what an override sets says so", path);
  }
}

void check(std::string_view text) {
  const auto end = std::min(text.find('\0'), text.size());
  const std::string bytes(text.substr(0, end));
  text.remove_prefix(end);
  std::vector<Override> overrides;
  const auto fields = configuration_fields();
  while (text.size() > 1) {
    text.remove_prefix(1);
    const Field& field = fields[static_cast<unsigned char>(text[0]) % fields.size()];
    text.remove_prefix(1);
    const auto length = std::min(text.find('\0'), text.size());
    const bool scalar = is_value(fields, field) && field.type != FieldType::list && field.type != FieldType::mapping;
    const std::string value(text.substr(0, length));
    text.remove_prefix(length);
    if (scalar) overrides.push_back({std::string(field.path), value, "--flag-" + std::to_string(overrides.size())});
  }
  const auto parsed = parse_configuration(bytes, name, overrides);
  if (const auto* loaded = std::get_if<LoadedConfiguration>(&parsed)) return check_good(*loaded, overrides);
  const auto& problems = std::get<Problems>(parsed);
  require(!problems.empty(), "what is not good has a problem");
  if (overrides.empty()) check_places(problems, name, Lines(bytes));
  for (const auto& problem : problems) require(!to_string(problem).empty(), "a problem has words");
}

}  // namespace
}  // namespace cofferdam::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  cofferdam::fuzz::check({reinterpret_cast<const char*>(data), size});
  return 0;
}
