// The YAML reader: every place lies within the file, the bounds hold, time is bounded, and a tree without a problem reads back
// the same from another way to write it.

#include <ctime>
#include <set>
#include <string>
#include <string_view>

#include "specs/source_text.hpp"
#include "specs/yaml_tree.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/fuzz/places.hpp"

namespace cofferdam::fuzz {
namespace {

using specs::YamlFile;
using specs::YamlNode;

const std::string name = "fuzz.yaml";

struct Counted {
  std::size_t nodes = 0;
  std::size_t longest_text = 0;
};

void check_node(const YamlNode& node, const Lines& lines, std::size_t depth, Counted& counted) {
  const specs::YamlBounds bounds;
  require(depth <= bounds.depth, "the tree is no deeper than its bound");
  require(lines.has(node.mark.line, node.mark.column), "a node's mark lies within the file");
  require(++counted.nodes <= bounds.nodes, "the tree has no more nodes than its bound");
  counted.longest_text = std::max(counted.longest_text, node.text.size());
  require(node.refused || node.text.find('\0') == std::string::npos, "a text that is not refused has no NUL");
  require(node.is_mapping() || node.entries.empty(), "only a mapping has entries");
  require(node.kind == YamlNode::Kind::sequence || node.items.empty(), "only a list has items");
  for (const YamlNode& item : node.items) check_node(item, lines, depth + 1, counted);
  std::set<std::string_view> keys;
  for (const auto& entry : node.entries) {
    counted.longest_text = std::max(counted.longest_text, entry.key.size());
    require(lines.has(entry.mark.line, entry.mark.column), "a key's mark lies within the file");
    require(keys.insert(entry.key).second, "a mapping has each key once", entry.key);
    check_node(entry.value, lines, depth + 1, counted);
  }
}

bool same(const YamlNode& a, const YamlNode& b) {
  if (a.kind != b.kind || a.items.size() != b.items.size() || a.entries.size() != b.entries.size()) return false;
  if (a.is_scalar() && a.text != b.text) return false;
  for (std::size_t i = 0; i < a.items.size(); ++i) {
    if (!same(a.items[i], b.items[i])) return false;
  }
  for (std::size_t i = 0; i < a.entries.size(); ++i) {
    if (a.entries[i].key != b.entries[i].key || !same(a.entries[i].value, b.entries[i].value)) return false;
  }
  return true;
}

std::string quoted(const std::string& text) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string result = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (byte < 0x20 || byte == 0x7F) {
      result += "\\x";
      result += digits[byte >> 4U];
      result += digits[byte & 15U];
    } else {
      result += c;
    }
  }
  return result + '"';
}

/// In brackets, every text quoted: short lines, so that no bound of the library's on a key's length is met.
std::string rewritten(const YamlNode& node) {
  std::string text;
  switch (node.kind) {
    case YamlNode::Kind::null: return "null";
    case YamlNode::Kind::scalar: return quoted(node.text);
    case YamlNode::Kind::sequence:
      for (const YamlNode& item : node.items) text += (text.empty() ? "" : ",") + std::string("\n ") + rewritten(item);
      return "[" + text + "]";
    case YamlNode::Kind::mapping:
      for (const auto& entry : node.entries) {
        text += (text.empty() ? "" : ",") + std::string("\n ") + quoted(entry.key) + ": " + rewritten(entry.value);
      }
      return "{" + text + "}";
  }
  return text;
}

bool bears_rewriting(const YamlFile& file, const Counted& counted) {
  return file.problems.empty() && file.documents.size() == 1 && counted.longest_text < 200;
}

double processor_seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

/// What is small and quick alone may be slow a thousand times over.
void check_repeated(std::string_view bytes) {
  std::string many;
  while (many.size() + bytes.size() <= (std::size_t{32} << 10U)) many += bytes;
  const double begin = processor_seconds();
  specs::read_yaml(many, name);
  require(processor_seconds() - begin < 4, "32 KiB are read within seconds", bytes);
}

void check(std::string_view bytes) {
  const YamlFile file = specs::read_yaml(bytes, name);
  const Lines lines(bytes);
  check_places(file.problems, name, lines);
  Counted all;
  for (const auto& document : file.documents) {
    Counted counted;
    check_node(document.root, lines, 0, counted);
    require(lines.has(document.start.line, document.start.column), "a document's start lies within the file");
    require(document.complete || !file.problems.empty(), "a document that broke off has a problem");
    all.longest_text = std::max(all.longest_text, counted.longest_text);
  }
  if (bears_rewriting(file, all)) {
    const std::string text = rewritten(file.documents[0].root) + "\n";
    const YamlFile again = specs::read_yaml(text, name);
    require(again.problems.empty(), "what was read well can be written and read well again", text);
    require(again.documents.size() == 1 && same(file.documents[0].root, again.documents[0].root),
            "what is written again reads back the same", text);
  }
  if (!bytes.empty() && bytes.size() <= 48 && bytes.size() % 8 == 5) check_repeated(bytes);
}

}  // namespace
}  // namespace cofferdam::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  cofferdam::fuzz::check({reinterpret_cast<const char*>(data), size});
  return 0;
}
