#pragma once

// A listening unix socket at a path: takes the place of one that a killed process left behind, never of a live one's.

#include <string>

#include "controller/file_descriptor.hpp"

namespace cofferdam::controller {

class UnixListener {
 public:
  UnixListener() = default;
  /// Removes the path, if it is still the socket that was made here.
  ~UnixListener();
  UnixListener(const UnixListener&) = delete;
  UnixListener& operator=(const UnixListener&) = delete;

  /// Binds and listens, mode 0660; makes the last directory of the path where it is missing. What went wrong, for people; empty:
  /// it listens.
  std::string open(const std::string& path);
  /// The listening descriptor; whoever takes it closes it.
  int take() { return socket_.release(); }
  void remove_path();

 private:
  FileDescriptor socket_;
  std::string path_;
  unsigned long device_ = 0;
  unsigned long inode_ = 0;
};

}  // namespace cofferdam::controller
