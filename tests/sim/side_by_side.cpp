#include "tests/sim/side_by_side.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

namespace cofferdam::sim {

Worker begin_worker(const std::function<std::string()>& work) {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) std::abort();
  const pid_t pid = fork();
  if (pid == 0) {
    close(ends[0]);
    const std::string text = work();
    for (std::size_t at = 0; at < text.size();) {
      const ssize_t written = write(ends[1], text.data() + at, text.size() - at);
      if (written <= 0) _exit(1);
      at += static_cast<std::size_t>(written);
    }
    _exit(0);
  }
  close(ends[1]);
  return {pid, ends[0]};
}

std::optional<std::string> finish(const Worker& worker) {
  std::string text;
  std::array<char, 65536> buffer{};
  for (ssize_t size = 0; (size = read(worker.from, buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
  close(worker.from);
  int status = 0;
  waitpid(worker.pid, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return std::nullopt;
  return text;
}

std::size_t processors() {
  const long count = sysconf(_SC_NPROCESSORS_ONLN);
  return count > 0 ? static_cast<std::size_t>(count) : 1;
}

}  // namespace cofferdam::sim
