#pragma once

// The command line: `cofferdam <command>`. docs/cli.md describes the same commands and exit codes for people.

#include <iosfwd>
#include <map>
#include <string>
#include <vector>

namespace cofferdam::controller {

struct Streams {
  std::ostream& out;
  std::ostream& err;
  std::istream& in;
  bool colour = false;       ///< `out` is a terminal and NO_COLOR is not set
  bool interactive = false;  ///< `in` is a terminal: questions may be asked
  std::map<std::string, std::string> environment;
};

/// Runs one command to its end and returns its exit code (ExitCode). `arguments` without the program's name.
int run_command(const std::vector<std::string>& arguments, Streams& streams);

/// "cofferdam 0.1.0 (clang …, debug)".
std::string version_text();

}  // namespace cofferdam::controller
