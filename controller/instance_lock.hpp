#pragma once

// One controller at a time works for an instance on this host: a lock in the runtime directory that the system drops
// with the process, however it ends.

#include <string>
#include <variant>

#include "controller/file_descriptor.hpp"

namespace cofferdam::controller {

class InstanceLock {
 public:
  /// `command` is what the refusal of another tells: "cofferdam run". The text of a refusal says who holds the lock.
  static std::variant<InstanceLock, std::string> acquire(const std::string& runtime_directory, const std::string& instance,
                                                         const std::string& command);

 private:
  explicit InstanceLock(FileDescriptor file) : file_(std::move(file)) {}
  FileDescriptor file_;
};

}  // namespace cofferdam::controller
