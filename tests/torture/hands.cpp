#include "hands.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "tests/controller/temp_directory.hpp"

namespace cofferdam::torture {

namespace {

void must(bool done, const char* what, const std::string& path) {
  if (!done) ADD_FAILURE() << what << " " << path << ": " << std::strerror(errno);
}

}  // namespace

Pen::Pen(const std::string& path, int flags, unsigned mode) : path_(path), file_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {
  must(static_cast<bool>(file_), "open", path_);
}

void Pen::write(const std::string& bytes) {
  must(::write(file_.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()), "write", path_);
}

void Pen::sync() {
  must(::fsync(file_.get()) == 0, "fsync", path_);
}

void Pen::truncate() {
  must(::ftruncate(file_.get(), 0) == 0 && ::lseek(file_.get(), 0, SEEK_SET) == 0, "truncate", path_);
}

void put(const std::string& path, const std::string& bytes) {
  Pen pen(path, O_WRONLY | O_CREAT | O_TRUNC);
  if (!bytes.empty()) pen.write(bytes);
}

void append(const std::string& path, const std::string& bytes) {
  Pen(path, O_WRONLY | O_APPEND).write(bytes);
}

std::string get(const std::string& path) {
  return controller::testing::read_file(path);
}

void copy(const std::string& from, const std::string& to) {
  put(to, get(from));
}

void rename(const std::string& from, const std::string& to) {
  must(::rename(from.c_str(), to.c_str()) == 0, "rename", from);
}

void exchange(const std::string& one, const std::string& other) {
  must(::renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE) == 0, "exchange", one);
}

void unlink(const std::string& path, bool if_there) {
  must(::unlink(path.c_str()) == 0 || (if_there && errno == ENOENT), "unlink", path);
}

void link(const std::string& from, const std::string& to) {
  must(::link(from.c_str(), to.c_str()) == 0, "link", to);
}

void symlink(const std::string& target, const std::string& path) {
  must(::symlink(target.c_str(), path.c_str()) == 0, "symlink", path);
}

void make_directory(const std::string& path) {
  must(::mkdir(path.c_str(), 0755) == 0, "mkdir", path);
}

void chmod(const std::string& path, unsigned mode) {
  must(::chmod(path.c_str(), mode) == 0, "chmod", path);
}

void run(const std::vector<std::string>& words) {
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_t child = 0;
  const int error = posix_spawnp(&child, words.front().c_str(), nullptr, nullptr, arguments.data(), environ);
  ASSERT_EQ(error, 0) << words.front() << ": " << std::strerror(error);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0) << words.front();
}

}  // namespace cofferdam::torture
