#include "specs/run_hash.hpp"

#include <map>
#include <string_view>

#include "specs/digest.hpp"
#include "specs/fields.hpp"

namespace cofferdam::specs {
namespace {

void encode_text(std::string_view text, std::string& out) {
  out += 's' + std::to_string(text.size()) + ':';
  out += text;
}

void encode(const YamlNode& node, bool top, std::string& out) {
  switch (node.kind) {
    case YamlNode::Kind::null: out += 'n'; break;
    case YamlNode::Kind::scalar: encode_text(node.text, out); break;
    case YamlNode::Kind::sequence:
      out += 'l' + std::to_string(node.items.size()) + ':';
      for (const YamlNode& item : node.items) encode(item, false, out);
      break;
    case YamlNode::Kind::mapping: {
      std::map<std::string_view, const YamlNode*> sorted;
      for (const YamlEntry& entry : node.entries) {
        const Field* field = top ? find_field(agent_fields(), "spec." + entry.key) : nullptr;
        if (field == nullptr || !field->controller) sorted.emplace(entry.key, &entry.value);
      }
      out += 'm' + std::to_string(sorted.size()) + ':';
      for (const auto& [key, value] : sorted) {
        encode_text(key, out);
        encode(*value, false, out);
      }
      break;
    }
  }
}

}  // namespace

std::string run_hash_of(const YamlNode& spec) {
  std::string encoded = "cofferdam/v1\n";
  encode(spec, true, encoded);
  return sha256_hex(encoded);
}

}  // namespace cofferdam::specs
