#include "controller/exhausted_memory.hpp"

#include <unistd.h>

#include <cstdlib>
#include <new>
#include <string_view>

#include "controller/api.hpp"

namespace cofferdam::controller {
namespace {

/// Allocates nothing: there is nothing left.
[[noreturn]] void end() {
  constexpr std::string_view message =
      "cofferdam: memory is exhausted: this process ends, what runs is left as it is, and the service manager starts another; "
      "give the service more memory (MemoryMax=), or look for what takes it\n";
  // Where even this cannot be written, the exit code says it.
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, message.data(), message.size());
  std::_Exit(exit_memory);
}

}  // namespace

void end_on_exhausted_memory() {
  std::set_new_handler(end);
}

}  // namespace cofferdam::controller
