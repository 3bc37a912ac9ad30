#include "controller/unix_listener.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "controller/system_error.hpp"

namespace cofferdam::controller {

namespace {

constexpr mode_t socket_mode = 0660;

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  return address;
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);  // NOLINT(cppcoreguidelines-pro-type-reinterpret-cast): as bind(2) wants it
}

/// Empty: the path is free now. A socket that nobody answers at is removed.
std::string make_free(const std::string& path) {
  struct stat facts{};
  if (::lstat(path.c_str(), &facts) != 0) {
    return errno == ENOENT ? std::string() : "server.socket: cannot look at " + path + ": " + system_message(errno);
  }
  if (!S_ISSOCK(facts.st_mode)) {
    return "server.socket: " + path + " is there and is no socket; remove it, or set server.socket to another path";
  }
  const FileDescriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe) {
    return "server.socket: no socket: " + system_message(errno);
  }
  const sockaddr_un address = address_of(path);
  // EAGAIN: its backlog is full, so somebody is there.
  if (::connect(probe.get(), generic(address), sizeof(address)) == 0 || errno == EAGAIN || errno == EINPROGRESS) {
    return "server.socket: another process listens at " + path +
           "; end it, or give this instance its own server.socket (and runtime.directory)";
  }
  if (errno != ECONNREFUSED) {
    return "server.socket: cannot ask who listens at " + path + ": " + system_message(errno);
  }
  return ::unlink(path.c_str()) == 0 || errno == ENOENT
             ? std::string()
             : "server.socket: cannot remove the stale " + path + ": " + system_message(errno);
}

}  // namespace

UnixListener::~UnixListener() {
  remove_path();
}

std::string UnixListener::open(const std::string& path) {
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    return "server.socket: " + path + " is longer than the " + std::to_string(sizeof(sockaddr_un::sun_path) - 1) +
           " bytes that the path of a unix socket may have; set a shorter one";
  }
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  if (::mkdir(parent.c_str(), 0750) != 0 && errno != EEXIST) {
    return "server.socket: cannot make the directory " + parent.string() + ": " + system_message(errno) +
           "; let the service manager make it, or set server.socket to a path that we may write";
  }
  if (std::string taken = make_free(path); !taken.empty()) {
    return taken;
  }
  FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) {
    return "server.socket: no socket: " + system_message(errno);
  }
  // Before bind, so that there is no moment in which others may connect: the umask can only take more away.
  if (::fchmod(socket.get(), socket_mode) != 0) {
    return "server.socket: cannot set its mode: " + system_message(errno);
  }
  const sockaddr_un address = address_of(path);
  struct stat facts{};
  if (::bind(socket.get(), generic(address), sizeof(address)) != 0 || ::chmod(path.c_str(), socket_mode) != 0 ||
      ::listen(socket.get(), SOMAXCONN) != 0 || ::lstat(path.c_str(), &facts) != 0) {
    return "server.socket: cannot listen at " + path + ": " + system_message(errno) +
           "; set server.socket to a path that we may write";
  }
  path_ = path;
  device_ = facts.st_dev;
  inode_ = facts.st_ino;
  socket_ = std::move(socket);
  return {};
}

void UnixListener::remove_path() {
  struct stat facts{};
  if (!path_.empty() && ::lstat(path_.c_str(), &facts) == 0 && facts.st_dev == device_ && facts.st_ino == inode_) {
    ::unlink(path_.c_str());
  }
  path_.clear();
}

}  // namespace cofferdam::controller
