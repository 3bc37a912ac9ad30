#pragma once

// What editors and people do to files, as the system calls that they make.

#include <string>
#include <vector>

#include "controller/file_descriptor.hpp"

namespace cofferdam::torture {

/// A file that is held open and written in pieces.
class Pen {
 public:
  Pen(const std::string& path, int flags, unsigned mode = 0644);
  void write(const std::string& bytes);
  void sync();
  void truncate();
  void close() { file_.reset(); }

 private:
  std::string path_;
  controller::FileDescriptor file_;
};

/// Opened with O_TRUNC, written, closed.
void put(const std::string& path, const std::string& bytes);
void append(const std::string& path, const std::string& bytes);
std::string get(const std::string& path);
void copy(const std::string& from, const std::string& to);
void rename(const std::string& from, const std::string& to);
/// Both names stay, and each has the other's file.
void exchange(const std::string& one, const std::string& other);
void unlink(const std::string& path, bool if_there = false);
void link(const std::string& from, const std::string& to);
void symlink(const std::string& target, const std::string& path);
void make_directory(const std::string& path);
void chmod(const std::string& path, unsigned mode);
/// A program with its arguments, found in PATH, to its end; it must succeed.
void run(const std::vector<std::string>& words);

}  // namespace cofferdam::torture
