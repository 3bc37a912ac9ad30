// The binary: hands the process's arguments and streams to the command line, nothing else.

#include <unistd.h>

#include <csignal>
#include <iostream>
#include <string>
#include <vector>

#include "controller/commands.hpp"
#include "controller/exhausted_memory.hpp"

int main(int count, char** arguments) {
  cofferdam::controller::end_on_exhausted_memory();
  // A reader that goes away (`cofferdam logs -f | head`) shows as a failed write.
  std::signal(SIGPIPE, SIG_IGN);  // NOLINT(cert-err33-c): SIG_IGN cannot be refused
  cofferdam::controller::Streams streams{std::cout, std::cerr, std::cin, false, isatty(STDIN_FILENO) == 1, {}};
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string text = *variable;
    const auto equals = text.find('=');
    if (equals != std::string::npos) {
      streams.environment.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
  }
  const auto no_colour = streams.environment.find("NO_COLOR");
  const auto terminal = streams.environment.find("TERM");
  streams.colour = isatty(STDOUT_FILENO) == 1 && (no_colour == streams.environment.end() || no_colour->second.empty()) &&
                   (terminal == streams.environment.end() || terminal->second != "dumb");
  return cofferdam::controller::run_command({arguments + 1, arguments + count}, streams);
}
