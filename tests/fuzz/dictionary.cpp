// Prints libFuzzer's dictionary for spec and configuration files out of the tables of fields, so that it is never behind them.

#include <cstdio>
#include <set>
#include <string>

#include "specs/fields.hpp"

namespace {

using namespace cofferdam::specs;

std::string entry(std::string_view text) {
  std::string line = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') line += '\\';
    line += c;
  }
  return line + "\"\n";
}

void add(std::set<std::string>& words, std::span<const Field> fields) {
  for (const Field& field : fields) {
    if (last_step(field.path) != "*") words.insert(std::string(last_step(field.path)) + ": ");
    for (const auto word : words_of(field.allowed)) words.insert(std::string(word));
  }
}

}  // namespace

int main() {
  std::set<std::string> words{"---\\x0a", "\\x0a  ",      "\\x0a- ", ": ",         " #",    "|\\x0a", ">-\\x0a",
                              "*a",       "&a",           "!!",      "? ",         "[",     "]",      "{",
                              "}",        "%YAML 1.2",    "~",       "null",       "true",  "false",  "010",
                              "1e3",      "cofferdam/v1", "Agent",   "metadata: ", "name: "};
  std::set<std::string> named;
  add(named, agent_fields());
  add(named, configuration_fields());
  // The first are written as the format has them already.
  for (const auto& word : words) std::printf("\"%s\"\n", word.c_str());
  for (const auto& word : named) std::printf("%s", entry(word).c_str());
  return 0;
}
