// File systems under the folder: unmounted, mounted over, full, read-only, and files of which reading fails. In a mount
// namespace of a child process, so that nobody else sees any of it.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "child.hpp"
#include "hands.hpp"
#include "rig.hpp"
#include "tally.hpp"

namespace cofferdam::torture {
namespace {

void mount_tmpfs(const std::string& path, const std::string& options = "mode=0755") {
  ASSERT_EQ(mount("tmpfs", path.c_str(), "tmpfs", 0, options.c_str()), 0) << std::strerror(errno);
}
void bind_over(const std::string& from, const std::string& to) {
  ASSERT_EQ(mount(from.c_str(), to.c_str(), nullptr, MS_BIND, nullptr), 0) << from << ": " << std::strerror(errno);
}
void detach(const std::string& path) {
  ASSERT_EQ(umount2(path.c_str(), MNT_DETACH), 0) << path << ": " << std::strerror(errno);
}

void fill(const std::string& folder, const std::vector<std::string>& agents) {
  for (const std::string& agent : agents) put(folder + "/" + agent + ".yaml", spec_of(agent));
}
const std::vector<std::string> everybody{"ada", "bob", "cleo", "dan", "victim"};

/// The parent owns what the child mounts on: when it is tidied up, no mount is left.
class TortureMounts : public ::testing::Test {
 protected:
  void in_mounts(const std::function<void()>& body) { in_child({.mounts = true}, body); }

  [[nodiscard]] Rig::Options options() const {
    Rig::Options options;
    options.directory = temp_.at("agents.d");
    return options;
  }
  /// Long enough for every rescan and every second look.
  static void endure(Rig& rig) {
    for (int minute = 0; minute < 5; ++minute) rig.pass(seconds{60});
    rig.expect_healthy_undisturbed();
  }

  controller::testing::TempDirectory temp_;
};

TEST_F(TortureMounts, AFolderThatIsMountedOverHoldsEverybody) {
  for (const bool restart : {false, true}) {
    in_mounts([&] {
      const Case one("mounts", restart ? "an empty file system over it, at the start" : "an empty file system over it");
      Rig rig(options());
      rig.healthy("victim");
      if (restart) rig.crash();
      mount_tmpfs(rig.directory());
      if (restart) rig.start();
      endure(rig);
      ASSERT_FALSE(rig.machine().held().empty());
      EXPECT_TRUE(rig.machine().held().front().agents.contains("victim"));
      detach(rig.directory());
      endure(rig);
      EXPECT_TRUE(rig.machine().held().empty());
    });
  }
}

TEST_F(TortureMounts, AFolderThatIsUnmountedHoldsEverybody) {
  for (const bool restart : {false, true}) {
    in_mounts([&] {
      const Case one("mounts", restart ? "unmounted at the start" : "unmounted");
      make_directory(temp_.at("agents.d"));
      mount_tmpfs(temp_.at("agents.d"));
      Rig rig(options());
      rig.healthy("victim");
      if (restart) rig.crash();
      detach(rig.directory());
      if (restart) rig.start();
      endure(rig);
      ASSERT_FALSE(rig.machine().held().empty());
      mount_tmpfs(rig.directory());
      endure(rig);
      EXPECT_FALSE(rig.machine().held().empty()) << "mounted again, and still nothing in it";
      fill(rig.directory(), everybody);
      endure(rig);
      EXPECT_TRUE(rig.machine().held().empty());
      rmdir(temp_.at("agents.d").c_str());
    });
    run({"rm", "-rf", temp_.at("agents.d")});
  }
}

TEST_F(TortureMounts, AnotherFolderBoundOverIt) {
  struct Other {
    std::string name;
    std::vector<std::string> agents;
    bool held;
  };
  for (const Other& other : std::vector<Other>{{"the same agents", everybody, false},
                                               {"one of five", {"ada"}, true},
                                               {"all but the victim", {"ada", "bob", "cleo", "dan"}, true},
                                               {"none", {}, true}}) {
    in_mounts([&] {
      const Case one("mounts", "another folder bound over it with " + other.name);
      Rig rig(options());
      rig.healthy("victim");
      make_directory(rig.outside("other"));
      fill(rig.outside("other"), other.agents);
      bind_over(rig.outside("other"), rig.directory());
      endure(rig);
      EXPECT_EQ(rig.machine().held().empty(), !other.held);
      rig.restart();
      endure(rig);
      EXPECT_EQ(rig.machine().held().empty(), !other.held);
      detach(rig.directory());
      endure(rig);
      EXPECT_TRUE(rig.machine().held().empty());
    });
    run({"rm", "-rf", temp_.at("agents.d")});
  }
}

TEST_F(TortureMounts, AParentThatIsMountedOver) {
  in_mounts([&] {
    const Case one("mounts", "an empty file system over its parent");
    Rig rig(options());
    rig.healthy("victim");
    mount_tmpfs(temp_.path().string());
    endure(rig);
    EXPECT_NE(rig.machine().summary().scan_error, "");
    detach(temp_.path().string());
    endure(rig);
    EXPECT_EQ(rig.machine().summary().scan_error, "");
  });
}

TEST_F(TortureMounts, AFileBoundOverAFile) {
  struct Other {
    std::string name;
    std::string path;
    bool in_text;
  };
  // Reading memory at its beginning fails with EIO; the others say they have no bytes, and have some.
  for (const Other& other : std::vector<Other>{{"a file that cannot be read", "/proc/self/mem", false},
                                               {"a file of the kernel's", "/proc/version", true},
                                               {"a device", "/dev/null", false},
                                               {"a file that another program writes", "", true}}) {
    in_mounts([&] {
      const Case one("mounts", other.name + " bound over a good one");
      Rig rig(options());
      std::string path = other.path;
      if (path.empty()) {
        path = rig.outside("text");
        put(path, "kind: [\n");
      }
      bind_over(path, rig.at("victim.yaml"));
      endure(rig);
      rig.expect_named("victim.yaml", other.in_text);
      rig.expect_victim_untouched();
      rig.restart();
      endure(rig);
      rig.expect_named("victim.yaml", other.in_text);
      rig.expect_victim_untouched();
      detach(rig.at("victim.yaml"));
      endure(rig);
      EXPECT_EQ(rig.file("victim.yaml")->state, specs::FileState::good);
      rig.expect_victim_untouched();
    });
    run({"rm", "-rf", temp_.at("agents.d")});
  }
}

TEST_F(TortureMounts, AFileSystemThatFillsUpWhileAFileIsWritten) {
  for (const std::size_t room : {0U, 1U, 2U, 3U}) {
    for (const bool in_place : {true, false}) {
      in_mounts([&] {
        const Case one("mounts", std::to_string(room) + " pages are left" + (in_place ? ", in place" : ", by rename"));
        make_directory(temp_.at("agents.d"));
        mount_tmpfs(temp_.at("agents.d"), "mode=0755,nr_blocks=64");
        Rig rig(options());
        const std::string text = "#" + std::string(60000, 'x') + "\n" + spec_of("victim", "two");
        // The disk is full but for so many pages; what the victim's own file had is free once it is cut.
        put(rig.at("filler"), std::string((64 - 5 - 1 - room) * 4096, 'f'));
        const std::string target = rig.at(in_place ? "victim.yaml" : ".victim.part");
        const controller::FileDescriptor file(open(target.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
        const ssize_t written = file ? write(file.get(), text.data(), text.size()) : -1;
        EXPECT_LT(written, static_cast<ssize_t>(text.size())) << "it was to be cut short";
        if (!in_place) rename(target, rig.at("victim.yaml"));  // a tool that does not look whether it could write
        rig.pass(seconds{1});
        endure(rig);
        rig.expect_named("victim.yaml");
        rig.expect_victim_untouched();
        rig.restart();
        endure(rig);
        rig.expect_named("victim.yaml");
        rig.expect_victim_untouched();
      });
      run({"rm", "-rf", temp_.at("agents.d")});
    }
  }
}

TEST_F(TortureMounts, AFolderThatBecomesReadOnlyIsReadAsBefore) {
  in_mounts([&] {
    const Case one("mounts", "read-only");
    make_directory(temp_.at("agents.d"));
    mount_tmpfs(temp_.at("agents.d"));
    Rig rig(options());
    ASSERT_EQ(mount(nullptr, rig.directory().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr), 0) << std::strerror(errno);
    EXPECT_EQ(open(rig.at("victim.yaml").c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC), -1);
    endure(rig);
    rig.expect_victim_untouched();
    rig.restart();
    endure(rig);
    rig.expect_victim_untouched();
    ASSERT_EQ(mount(nullptr, rig.directory().c_str(), nullptr, MS_REMOUNT, nullptr), 0) << std::strerror(errno);
    put(rig.at("victim.yaml"), spec_of("victim", "two"));
    rig.pass(seconds{2});
    EXPECT_EQ(rig.version("victim"), "two");
    rig.expect_healthy_undisturbed();
  });
}

}  // namespace
}  // namespace cofferdam::torture
