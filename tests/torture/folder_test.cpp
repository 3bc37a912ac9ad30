// The folder itself goes, comes back, and is another one. Nobody is removed for that, and it is told.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <functional>
#include <string>
#include <vector>

#include "hands.hpp"
#include "rig.hpp"
#include "tally.hpp"

namespace cofferdam::torture {
namespace {

const std::vector<std::string> everybody{"ada", "bob", "cleo", "dan", "victim"};

void fill(const std::string& folder, const std::vector<std::string>& agents = everybody) {
  for (const std::string& agent : agents) put(folder + "/" + agent + ".yaml", spec_of(agent));
}

void away(const Rig& rig) {
  rename(rig.directory(), rig.outside("away"));
}
void back(const Rig& rig) {
  run({"rm", "-rf", rig.directory()});
  rename(rig.outside("away"), rig.directory());
}

struct Blow {
  std::string name;
  std::function<void(Rig&)> strike;
  std::function<void(Rig&)> mend;
  enum class Told { unreadable, held, nothing } told;
};

std::vector<Blow> blows() {
  using Told = Blow::Told;
  return {
      {"moved away", [](Rig& rig) { away(rig); }, [](Rig& rig) { back(rig); }, Told::unreadable},
      {"removed with all that was in it", [](Rig& rig) { run({"rm", "-rf", rig.directory()}); },
       [](Rig& rig) {
         make_directory(rig.directory());
         fill(rig.directory());
       },
       Told::unreadable},
      {"emptied at once", [](Rig& rig) { run({"sh", "-c", "rm -f \"$1\"/*.yaml", "rm", rig.directory()}); },
       [](Rig& rig) { fill(rig.directory()); }, Told::held},
      {"replaced by an empty one",
       [](Rig& rig) {
         away(rig);
         make_directory(rig.directory());
       },
       [](Rig& rig) { back(rig); }, Told::held},
      {"replaced by one with another file alone",
       [](Rig& rig) {
         away(rig);
         make_directory(rig.directory());
         put(rig.at("README.yaml"), "not a spec\n");
       },
       [](Rig& rig) { back(rig); }, Told::held},
      {"replaced by one with one agent of five",
       [](Rig& rig) {
         away(rig);
         make_directory(rig.directory());
         fill(rig.directory(), {"ada"});
       },
       [](Rig& rig) { back(rig); }, Told::held},
      {"replaced by one that lacks the victim",
       [](Rig& rig) {
         make_directory(rig.outside("next"));
         fill(rig.outside("next"), {"ada", "bob", "cleo", "dan"});
         exchange(rig.outside("next"), rig.directory());
       },
       [](Rig& rig) { put(rig.at("victim.yaml"), spec_of("victim")); }, Told::held},
      {"replaced by a copy",
       [](Rig& rig) {
         make_directory(rig.outside("next"));
         fill(rig.outside("next"));
         exchange(rig.outside("next"), rig.directory());
       },
       [](Rig&) {}, Told::nothing},
      {"replaced by one whose files are broken",
       [](Rig& rig) {
         make_directory(rig.outside("next"));
         for (const std::string& agent : everybody) put(rig.outside("next/" + agent + ".yaml"), "kind: [\n");
         exchange(rig.outside("next"), rig.directory());
       },
       [](Rig& rig) { exchange(rig.outside("next"), rig.directory()); }, Told::nothing},
      {"replaced by one whose files are empty",
       [](Rig& rig) {
         make_directory(rig.outside("next"));
         for (const std::string& agent : everybody) put(rig.outside("next/" + agent + ".yaml"), "");
         exchange(rig.outside("next"), rig.directory());
       },
       [](Rig& rig) { exchange(rig.outside("next"), rig.directory()); }, Told::nothing},
      {"replaced by a file",
       [](Rig& rig) {
         away(rig);
         put(rig.directory(), "x");
       },
       [](Rig& rig) { back(rig); }, Told::unreadable},
      {"replaced by a FIFO",
       [](Rig& rig) {
         away(rig);
         ASSERT_EQ(mkfifo(rig.directory().c_str(), 0600), 0);
       },
       [](Rig& rig) { back(rig); }, Told::unreadable},
      {"replaced by a link to nothing",
       [](Rig& rig) {
         away(rig);
         symlink("nowhere", rig.directory());
       },
       [](Rig& rig) { back(rig); }, Told::unreadable},
      {"replaced by a link to itself",
       [](Rig& rig) {
         away(rig);
         symlink(rig.directory(), rig.directory());
       },
       [](Rig& rig) { back(rig); }, Told::unreadable},
      {"replaced by a link to where it went",
       [](Rig& rig) {
         away(rig);
         symlink("away", rig.directory());
       },
       [](Rig& rig) { back(rig); }, Told::nothing},
      {"its files moved into a folder in it",
       [](Rig& rig) {
         make_directory(rig.at("deeper"));
         run({"sh", "-c", "mv \"$1\"/*.yaml \"$1\"/deeper/", "mv", rig.directory()});
       },
       [](Rig& rig) { run({"sh", "-c", "mv \"$1\"/deeper/*.yaml \"$1\"/", "mv", rig.directory()}); }, Told::held},
      {"its files renamed to what is none",
       [](Rig& rig) { run({"sh", "-c", "cd \"$1\" && for f in *.yaml; do mv $f $f.off; done", "mv", rig.directory()}); },
       [](Rig& rig) { run({"sh", "-c", "cd \"$1\" && for f in *.off; do mv $f ${f%.off}; done", "mv", rig.directory()}); },
       Told::held},
      {"its files all cut to nothing",
       [](Rig& rig) { run({"sh", "-c", "cd \"$1\" && for f in *.yaml; do : > $f; done", "sh", rig.directory()}); },
       [](Rig& rig) { fill(rig.directory()); }, Told::nothing},
      {"its files all put into one",
       [](Rig& rig) {
         run({"sh", "-c", "cd \"$1\" && for f in *.yaml; do echo ---; cat $f; done > all.txt && rm *.yaml && mv all.txt all.yaml",
              "sh", rig.directory()});
       },
       [](Rig&) {}, Told::nothing},
      {"its files all renamed to another suffix",
       [](Rig& rig) { run({"sh", "-c", "cd \"$1\" && for f in *.yaml; do mv $f ${f%.yaml}.yml; done", "mv", rig.directory()}); },
       [](Rig&) {}, Told::nothing},
  };
}

void expect_told(const Rig& rig, const Blow& blow) {
  switch (blow.told) {
    case Blow::Told::unreadable: EXPECT_NE(rig.machine().summary().scan_error.find(rig.directory()), std::string::npos); break;
    case Blow::Told::held: {
      ASSERT_FALSE(rig.machine().held().empty());
      const auto& held = rig.machine().held().front();
      EXPECT_TRUE(held.agents.contains("victim"));
      EXPECT_NE(held.message.find("confirm-deletions " + held.id), std::string::npos) << held.message;
      break;
    }
    case Blow::Told::nothing:
      EXPECT_EQ(rig.machine().summary().scan_error, "");
      EXPECT_TRUE(rig.machine().held().empty());
      break;
  }
}

/// With a restart while it is hurt, or without; found by inotify at once, or by a process that starts into it.
void strike(const Blow& blow, bool restart) {
  Rig rig;
  rig.healthy("victim");
  {
    const Case one("the folder", blow.name + (restart ? ", with a restart" : ""));
    if (restart) rig.crash();
    blow.strike(rig);
    if (restart) rig.start();
    rig.pass(seconds{2});
    rig.expect_healthy_undisturbed();
    for (int minute = 0; minute < 10; ++minute) rig.pass(seconds{60});
    rig.expect_healthy_undisturbed();
    expect_told(rig, blow);
    if (!restart) {
      rig.restart();
      rig.pass(seconds{60});
      rig.expect_healthy_undisturbed();
      expect_told(rig, blow);
    }
  }
  const Case one("the folder", blow.name + ", mended" + (restart ? " after a restart" : ""));
  blow.mend(rig);
  rig.pass(seconds{2});
  rig.expect_healthy_undisturbed();
  EXPECT_EQ(rig.machine().summary().scan_error, "");
  EXPECT_TRUE(rig.machine().held().empty());
  put(rig.at("new.yaml"), spec_of("new"));
  rig.allow("new");
  rig.pass(seconds{3});
  EXPECT_EQ(rig.phase("new"), "Running") << "and it is watched again";
  rig.pass(seconds{120});
  rig.expect_healthy_undisturbed();
}

TEST(TortureFolder, TheFolderGoesAndComesAndNobodyIsRemoved) {
  for (const Blow& blow : blows()) {
    strike(blow, false);
    strike(blow, true);
  }
}

TEST(TortureFolder, AReleaseBehindALinkIsSwapped) {
  for (const bool restart : {false, true}) {
    const Case one("the folder", std::string("a release is swapped") + (restart ? ", with a restart" : ""));
    controller::testing::TempDirectory temp;
    make_directory(temp.at("release-1"));
    symlink("release-1", temp.at("current"));
    Rig::Options options;
    options.directory = temp.at("current");
    Rig rig(options);
    make_directory(temp.at("release-2"));
    fill(temp.at("release-2"));
    put(temp.at("release-2/victim.yaml"), spec_of("victim", "two"));
    symlink("release-2", temp.at("next"));
    if (restart) rig.crash();
    rename(temp.at("next"), temp.at("current"));
    if (restart) rig.start();
    rig.pass(seconds{3});
    EXPECT_EQ(rig.version("victim"), "two");
    rig.expect_healthy_undisturbed();
  }
}

}  // namespace
}  // namespace cofferdam::torture
