// What the system gives runs out: room in the inotify queue, watches, descriptors; and folders as large as they may be, and
// larger.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "child.hpp"
#include "hands.hpp"
#include "rig.hpp"
#include "tally.hpp"

namespace cofferdam::torture {
namespace {

const std::string broken = "apiVersion: cofferdam/v1\nkind: Agent\nmetadata: {nam: victim}\n";

/// More than the inotify queue holds, while nobody reads it.
void flood(const Rig& rig) {
  int queue = 0;
  std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> queue;
  ASSERT_GT(queue, 0);
  put(rig.at("flood-a"), "");
  for (int turn = 0; turn <= queue; ++turn) {
    rename(rig.at(turn % 2 == 0 ? "flood-a" : "flood-b"), rig.at(turn % 2 == 0 ? "flood-b" : "flood-a"));
  }
}

TEST(TortureLimits, AnEditThatAFullQueueLostIsSeenAtOnce) {
  for (const bool good : {true, false}) {
    for (const bool by_rename : {true, false}) {
      const Case one("limits", std::string("a full queue, and a ") + (good ? "good" : "broken") + " edit");
      Rig rig;
      flood(rig);
      const std::string target = rig.at(by_rename ? ".victim.part" : "victim.yaml");
      put(target, good ? spec_of("victim", "two") : broken);
      if (by_rename) rename(target, rig.at("victim.yaml"));
      rig.pass(seconds{2});
      rig.expect_healthy_undisturbed();
      if (good) {
        EXPECT_EQ(rig.version("victim"), "two") << "not only at the next rescan";
      } else {
        rig.expect_named("victim.yaml", true);
        rig.expect_victim_untouched();
      }
    }
  }
}

TEST(TortureLimits, AFullQueueAndARemoval) {
  const Case one("limits", "a full queue, and a removal");
  Rig rig;
  flood(rig);
  unlink(rig.at("victim.yaml"));
  rig.pass(seconds{30});
  EXPECT_EQ(rig.phase("victim"), "Removed");
  rig.expect_healthy_undisturbed();
}

void set_limit(const std::string& name, int value) {
  std::ofstream file("/proc/sys/user/" + name);
  file << value << std::flush;
  ASSERT_TRUE(file.good()) << name;
}

TEST(TortureLimits, WithoutWatchesARescanSeesWhatChanged) {
  for (const std::string& limit : {std::string("max_inotify_watches"), std::string("max_inotify_instances")}) {
    for (const bool good : {true, false}) {
      in_child({.limits = true}, [&] {
        const Case one("limits", "no " + limit + ", and a " + (good ? "good" : "broken") + " edit");
        Rig rig;
        rig.crash();
        set_limit(limit, 0);
        rig.start();
        rig.pass(seconds{1});
        EXPECT_NE(rig.troubles().find(limit == "max_inotify_watches" ? "max_user_watches" : "max_user_instances"),
                  std::string::npos)
            << rig.troubles();
        put(rig.at("victim.yaml"), good ? spec_of("victim", "two") : broken);
        rig.pass(seconds{30});
        rig.expect_healthy_undisturbed();
        if (good) {
          EXPECT_EQ(rig.version("victim"), "two");
        } else {
          rig.expect_named("victim.yaml", true);
          rig.expect_victim_untouched();
        }
        set_limit(limit, 100);
        rig.pass(seconds{30});
        EXPECT_EQ(rig.troubles(), "") << "and it watches again";
        put(rig.at("victim.yaml"), spec_of("victim", "three"));
        rig.pass(seconds{2});
        EXPECT_EQ(rig.version("victim"), "three") << "at once";
        rig.expect_healthy_undisturbed();
      });
    }
  }
}

TEST(TortureLimits, WithoutWatchesAReplacedFolderIsStillSeen) {
  in_child({.limits = true}, [] {
    const Case one("limits", "no watch for the folder that replaced it");
    Rig rig;
    rig.healthy("victim");
    set_limit("max_inotify_watches", 0);
    rename(rig.directory(), rig.outside("away"));
    make_directory(rig.directory());
    rig.pass(seconds{60});
    rig.expect_healthy_undisturbed();
    EXPECT_FALSE(rig.machine().held().empty());
    EXPECT_NE(rig.troubles(), "");
    run({"rm", "-rf", rig.directory()});
    rename(rig.outside("away"), rig.directory());
    rig.pass(seconds{60});
    rig.expect_healthy_undisturbed();
    EXPECT_TRUE(rig.machine().held().empty());
  });
}

TEST(TortureLimits, WithoutDescriptorsNobodyIsRemoved) {
  for (const int left : {0, 1, 2, 3, 4}) {
    in_child({}, [left] {
      const Case one("limits", std::to_string(left) + " descriptors are left");
      Rig rig;
      rig.healthy("victim");
      rlimit before{};
      ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
      std::vector<controller::FileDescriptor> taken;
      const rlimit few{256, before.rlim_max};
      ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
      while (true) {
        controller::FileDescriptor descriptor(open("/dev/null", O_RDONLY | O_CLOEXEC));
        if (!descriptor) break;
        taken.push_back(std::move(descriptor));
      }
      taken.resize(taken.size() - static_cast<std::size_t>(left));
      for (int minute = 0; minute < 3; ++minute) rig.pass(seconds{60});
      rig.expect_healthy_undisturbed();
      taken.clear();
      rig.pass(seconds{60});
      rig.expect_healthy_undisturbed();
      EXPECT_EQ(rig.machine().summary().scan_error, "");
      EXPECT_EQ(rig.file("victim.yaml")->state, specs::FileState::good);
    });
  }
}

std::string sleeper(int number) {
  std::string text = spec_of("s" + std::to_string(number));
  return text + "  suspend: true\n";
}

TEST(TortureLimits, TenThousandFilesAndOneTooMany) {
  Rig rig;
  for (int number = 0; number < 10000 - 5; ++number) {
    rig.allow("s" + std::to_string(number));
    put(rig.at("s" + std::to_string(number) + ".yaml"), sleeper(number));
  }
  rig.pass(seconds{5});
  {
    const Case one("limits", "ten thousand files");
    EXPECT_EQ(rig.machine().files().size(), 10000U);
    EXPECT_EQ(rig.phase("s9994").substr(0, 9), "Suspended");
    rig.expect_victim_untouched();
    rig.expect_healthy_undisturbed();
  }
  {
    const Case one("limits", "ten thousand files, and an edit of one");
    put(rig.at("victim.yaml"), broken);
    rig.pass(seconds{1});
    rig.expect_named("victim.yaml", true);
    rig.expect_victim_untouched();
    put(rig.at("victim.yaml"), spec_of("victim"));
    rig.pass(seconds{1});
    rig.expect_victim_untouched();
    rig.expect_healthy_undisturbed();
  }
  {
    const Case one("limits", "one agent too many");
    put(rig.at("zz.yaml"), spec_of("zz"));
    rig.pass(seconds{25});
    rig.expect_named("zz.yaml");
    EXPECT_EQ(rig.container("zz"), "");
    unlink(rig.at("zz.yaml"));
    rig.pass(seconds{1});
    rig.expect_victim_untouched();
    rig.expect_healthy_undisturbed();
  }
  {
    const Case one("limits", "all of ten thousand gone but five");
    run({"sh", "-c", "cd \"$1\" && find . -name 's*.yaml' -delete", "sh", rig.directory()});
    rig.pass(seconds{60});
    EXPECT_FALSE(rig.machine().held().empty());
    rig.expect_victim_untouched();
    rig.expect_healthy_undisturbed();
  }
}

TEST(TortureLimits, TenThousandFilesThatAreNoSpecs) {
  Rig rig;
  {
    const Case one("limits", "ten thousand other files");
    for (int number = 0; number < 10000; ++number) put(rig.at("note-" + std::to_string(number) + ".txt"), "");
    put(rig.at("victim.yaml"), spec_of("victim", "two"));
    rig.pass(seconds{3});
    EXPECT_EQ(rig.version("victim"), "two");
    rig.expect_healthy_undisturbed();
  }
  {
    const Case one("limits", "two thousand broken files");
    rig.take_down_healthy();
    for (int number = 0; number < 2000; ++number) put(rig.at("b" + std::to_string(number) + ".yaml"), broken);
    rig.pass(seconds{25});
    rig.expect_named("b1999.yaml", true);
    rig.expect_victim_untouched();
    rig.expect_healthy_undisturbed();
  }
}

}  // namespace
}  // namespace cofferdam::torture
