#include "tests/sim/program.hpp"

#include <cstdlib>

namespace cofferdam::sim {

Program program_from(const std::vector<std::string>& words) {
  Program program;
  for (const std::string& word : words) {
    const auto equals = word.find('=');
    if (equals == std::string::npos) {
      if (word == "oom") program.oom = true;
      if (word == "missing") program.command_code = 127;
      if (word == "not-executable") program.command_code = 126;
      if (word == "/never-started") program.start_code = 127;  // no image has such a command
      continue;
    }
    const std::string key = word.substr(0, equals);
    const std::string value = word.substr(equals + 1);
    const int number = std::atoi(value.c_str());
    if (key == "run") program.runs_for = number * millisecond;
    if (key == "code") program.exit_code = number;
    if (key == "times") program.times = number;
    if (key == "term" && value == "unhandled") program.unhandled = true;
    if (key == "term" && !program.unhandled) program.term_code = value == "ignore" ? -1 : number;
    if (key == "takes") program.term_takes = number * millisecond;
    if (key == "start") program.start_code = number;
  }
  return program;
}

}  // namespace cofferdam::sim
