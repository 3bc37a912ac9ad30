// What stands under a spec file's name and is none: it is named, never opened where it could hang or bite, and the agent
// whose file it was runs on.

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "child.hpp"
#include "hands.hpp"
#include "rig.hpp"
#include "tally.hpp"

namespace cofferdam::torture {
namespace {

struct Node {
  std::string name;
  std::function<void(const Rig& rig, const std::string& path)> make;
};

void make_socket(const std::string& path) {
  const controller::FileDescriptor listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
  ASSERT_EQ(bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0) << std::strerror(errno);
}

void make_fifo(const std::string& path) {
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0) << std::strerror(errno);
}

void make_device(const std::string& path, mode_t type, unsigned major, unsigned minor) {
  ASSERT_EQ(mknod(path.c_str(), type | 0600U, makedev(major, minor)), 0) << std::strerror(errno);
}

/// A link whose first step is a link beside it.
void make_layout(const Rig& rig, const std::string& path, const std::string& data) {
  unlink(rig.at("..data"), true);
  symlink(data, rig.at("..data"));
  symlink("..data/victim.yaml", path);
}

std::vector<Node> nodes() {
  return {
      {"a FIFO", [](const Rig&, const std::string& path) { make_fifo(path); }},
      {"a socket", [](const Rig&, const std::string& path) { make_socket(path); }},
      {"an empty directory", [](const Rig&, const std::string& path) { make_directory(path); }},
      {"a directory with a good spec in it",
       [](const Rig&, const std::string& path) {
         make_directory(path);
         put(path + "/victim.yaml", spec_of("victim", "two"));
       }},
      {"a link to nothing", [](const Rig&, const std::string& path) { symlink("nowhere", path); }},
      {"a link to nothing far away", [](const Rig&, const std::string& path) { symlink("/no/such/place.yaml", path); }},
      {"a link to itself", [](const Rig&, const std::string& path) { symlink("victim.yaml", path); }},
      {"links in a ring",
       [](const Rig& rig, const std::string& path) {
         unlink(rig.at("ring"), true);
         symlink("victim.yaml", rig.at("ring"));
         symlink("ring", path);
       }},
      {"a link to /etc/passwd", [](const Rig&, const std::string& path) { symlink("/etc/passwd", path); }},
      {"a link to endless zeros", [](const Rig&, const std::string& path) { symlink("/dev/zero", path); }},
      {"a link to a terminal", [](const Rig&, const std::string& path) { symlink("/dev/tty", path); }},
      {"a link to a directory", [](const Rig&, const std::string& path) { symlink("/etc", path); }},
      {"a link to the folder itself", [](const Rig&, const std::string& path) { symlink(".", path); }},
      {"a link to a healthy one's file", [](const Rig&, const std::string& path) { symlink("ada.yaml", path); }},
      {"a link to a good spec outside",
       [](const Rig& rig, const std::string& path) {
         put(rig.outside("spec"), spec_of("victim", "two"));
         symlink(rig.outside("spec"), path);
       }},
      {"a link to a FIFO outside",
       [](const Rig& rig, const std::string& path) {
         unlink(rig.outside("fifo"), true);
         make_fifo(rig.outside("fifo"));
         symlink(rig.outside("fifo"), path);
       }},
      {"a link to a good spec under another name in the folder",
       [](const Rig& rig, const std::string& path) {
         put(rig.at("text"), spec_of("victim", "two"));
         symlink("text", path);
       }},
      {"a layout that leads to nothing", [](const Rig& rig, const std::string& path) { make_layout(rig, path, "..no-version"); }},
      {"a layout that leads out",
       [](const Rig& rig, const std::string& path) {
         put(rig.outside("victim.yaml"), spec_of("victim", "two"));
         make_layout(rig, path, rig.outside(""));
       }},
      {"a layout that leads up", [](const Rig& rig, const std::string& path) { make_layout(rig, path, ".."); }},
      {"a layout in a ring", [](const Rig& rig, const std::string& path) { make_layout(rig, path, "..data"); }},
      {"a layout that leads to a file", [](const Rig& rig, const std::string& path) { make_layout(rig, path, "ada.yaml"); }},
      {"a hard link to a healthy one's file", [](const Rig& rig, const std::string& path) { link(rig.at("ada.yaml"), path); }},
      {"a copy of a healthy one's file", [](const Rig& rig, const std::string& path) { copy(rig.at("ada.yaml"), path); }},
  };
}

void remove_node(const std::string& path) {
  run({"rm", "-rf", path});
}

void hurt_with(const Node& node) {
  Rig rig;
  {
    const Case one("no regular file", node.name + " in the place of a good file");
    unlink(rig.at("victim.yaml"));
    node.make(rig, rig.at("victim.yaml"));
    rig.pass(seconds{1});
    rig.expect_named("victim.yaml");
    rig.expect_victim_untouched();
    rig.expect_healthy_undisturbed();
  }
  {
    const Case one("no regular file", node.name + " when the controller starts");
    rig.restart();
    rig.pass(seconds{25});
    rig.expect_named("victim.yaml");
    rig.expect_victim_untouched();
    rig.expect_healthy_undisturbed();
  }
  {
    const Case one("no regular file", node.name + " mended");
    remove_node(rig.at("victim.yaml"));
    put(rig.at("victim.yaml"), spec_of("victim"));
    rig.pass(seconds{25});
    EXPECT_EQ(rig.file("victim.yaml")->state, specs::FileState::good);
    rig.expect_victim_untouched();
    rig.expect_healthy_undisturbed();
  }
}

void hurt_newly_with(const Node& node) {
  const Case one("no regular file", node.name + " under a new name");
  Rig rig;
  // Made aside: a link in it may name the victim's file as its own.
  rename(rig.at("victim.yaml"), rig.outside("saved.yaml"));
  node.make(rig, rig.at("victim.yaml"));
  rename(rig.at("victim.yaml"), rig.at("new.yaml"));
  rename(rig.outside("saved.yaml"), rig.at("victim.yaml"));
  rig.pass(seconds{25});
  rig.expect_named("new.yaml");
  EXPECT_EQ(rig.phase("new"), "unknown");
  rig.expect_victim_untouched();
  rig.expect_healthy_undisturbed();
}

TEST(TortureNodes, WhatIsNoRegularFileIsNamedAndNeverOpened) {
  for (const Node& node : nodes()) {
    hurt_with(node);
    hurt_newly_with(node);
  }
}

TEST(TortureNodes, ADeviceIsNamedAndNeverOpened) {
  ASSERT_EQ(geteuid(), 0U) << "devices are made by root only";
  struct Device {
    std::string name;
    mode_t type;
    unsigned major;
    unsigned minor;
  };
  for (const Device& device : std::vector<Device>{{"/dev/null's device", S_IFCHR, 1, 3},
                                                  {"/dev/zero's device", S_IFCHR, 1, 5},
                                                  {"a terminal's device", S_IFCHR, 5, 0},
                                                  {"a watchdog's device", S_IFCHR, 10, 130},
                                                  {"a loop's device", S_IFBLK, 7, 0}}) {
    const Node node{device.name, [device](const Rig&, const std::string& path) {
                      make_device(path, device.type, device.major, device.minor);
                    }};
    hurt_with(node);
    hurt_newly_with(node);
  }
}

TEST(TortureNodes, AFileThatMayNotBeReadIsNamedWithTheMend) {
  in_child({.without_rights = true}, [] {
    for (const unsigned mode : {0000U, 0200U, 0111U, 0333U, 0044U}) {
      const std::string words = "mode " + std::to_string(mode);
      Rig rig;
      {
        const Case one("permissions", words + " of a good file");
        chmod(rig.at("victim.yaml"), mode);
        rig.pass(seconds{25});
        rig.expect_named("victim.yaml");
        EXPECT_NE(rig.file("victim.yaml")->problems.front().mend.find("chmod"), std::string::npos);
        rig.expect_victim_untouched();
        rig.expect_healthy_undisturbed();
      }
      {
        const Case one("permissions", words + " when the controller starts");
        rig.restart();
        rig.pass(seconds{25});
        rig.expect_named("victim.yaml");
        rig.expect_victim_untouched();
        rig.expect_healthy_undisturbed();
      }
      {
        const Case one("permissions", words + " mended");
        chmod(rig.at("victim.yaml"), 0644);
        rig.pass(seconds{1});
        EXPECT_EQ(rig.file("victim.yaml")->state, specs::FileState::good);
        rig.expect_victim_untouched();
        rig.expect_healthy_undisturbed();
      }
      {
        const Case one("permissions", words + " of a new file");
        put(rig.at("new.yaml"), spec_of("new"));
        chmod(rig.at("new.yaml"), mode);
        rig.pass(seconds{25});
        rig.expect_named("new.yaml");
        EXPECT_EQ(rig.phase("new"), "unknown");
        rig.expect_healthy_undisturbed();
      }
    }
  });
}

TEST(TortureNodes, AFolderThatMayNotBeReadRemovesNobody) {
  in_child({.without_rights = true}, [] {
    for (const unsigned mode : {0000U, 0100U, 0200U, 0300U, 0400U, 0444U}) {
      const Case one("permissions", "mode " + std::to_string(mode) + " of the folder");
      Rig rig;
      rig.healthy("victim");
      chmod(rig.directory(), mode);
      rig.pass(seconds{120});
      rig.expect_healthy_undisturbed();
      EXPECT_NE(rig.machine().summary().scan_error.find("Permission denied"), std::string::npos);
      rig.restart();
      rig.pass(seconds{120});
      rig.expect_healthy_undisturbed();
      chmod(rig.directory(), 0755);
      rig.pass(seconds{25});
      rig.expect_healthy_undisturbed();
      EXPECT_EQ(rig.file("victim.yaml")->state, specs::FileState::good);
      EXPECT_EQ(rig.machine().summary().scan_error, "");
    }
  });
}

}  // namespace
}  // namespace cofferdam::torture
