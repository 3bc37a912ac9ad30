#include "controller/instance_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "controller/system_error.hpp"

namespace cofferdam::controller {

std::variant<InstanceLock, std::string> InstanceLock::acquire(const std::string& runtime_directory, const std::string& instance,
                                                              const std::string& command) {
  const std::string path = runtime_directory + '/' + instance + ".lock";
  FileDescriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return path + ": " + system_message(errno) + "; run as the service's user, or as root";
  if (flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return path + ": " + system_message(errno);
    std::array<char, 256> holder{};
    const ssize_t length = pread(file.get(), holder.data(), holder.size(), 0);
    std::string who(holder.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
    while (!who.empty() && who.back() == '\n') who.pop_back();
    return "another controller works for instance " + instance + (who.empty() ? "" : " (" + who + ")") +
           "; stop it first, or use another instance with its own directories";
  }
  const std::string who = command + ", process " + std::to_string(getpid()) + '\n';
  // The text is for people only: the lock holds without it.
  if (ftruncate(file.get(), 0) == 0) [[maybe_unused]]
    const ssize_t written = pwrite(file.get(), who.data(), who.size(), 0);
  return InstanceLock(std::move(file));
}

}  // namespace cofferdam::controller
