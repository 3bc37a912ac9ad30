#include "child.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>

namespace cofferdam::torture {

namespace {

constexpr unsigned child_seconds = 100;
constexpr uid_t nobody = 65534;

bool write_proc(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text << std::flush;
  return file.good();
}

/// Root inside, whoever we are outside.
bool own_user_namespace(int more) {
  const auto uid = geteuid();
  const auto gid = getegid();
  if (unshare(CLONE_NEWUSER | more) != 0) return false;
  return write_proc("/proc/self/setgroups", "deny") && write_proc("/proc/self/uid_map", "0 " + std::to_string(uid) + " 1") &&
         write_proc("/proc/self/gid_map", "0 " + std::to_string(gid) + " 1");
}

std::string prepare(const ChildNeeds& needs) {
  const auto failed = [](const std::string& what) { return what + ": " + std::strerror(errno); };
  if (needs.limits && !own_user_namespace(0)) return failed("a user namespace of its own");
  if (needs.mounts) {
    const bool made = geteuid() == 0 ? unshare(CLONE_NEWNS) == 0 : own_user_namespace(CLONE_NEWNS);
    if (!made) return failed("a mount namespace of its own");
    if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return failed("private mounts");
  }
  if (needs.without_rights && geteuid() == 0) {
    if (setgid(nobody) != 0 || setuid(nobody) != 0) return failed("another user");
    // As after an exec: what we are is ours to see, /proc/self/fd included.
    if (prctl(PR_SET_DUMPABLE, 1) != 0) return failed("a view of itself");
  }
  return {};
}

}  // namespace

void in_child(const ChildNeeds& needs, const std::function<void()>& body) {
  std::fflush(nullptr);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    alarm(child_seconds);
    const std::string trouble = prepare(needs);
    if (!trouble.empty()) ADD_FAILURE() << "the system does not give " << trouble;
    if (trouble.empty()) body();
    std::fflush(nullptr);
    _exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "the child process failed (status " << status << "), see above";
}

}  // namespace cofferdam::torture
