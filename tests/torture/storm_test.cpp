// The folder changes while it is read, as fast as a thread can change it. What is always there is never missed, however
// often it moves; what changes comes to what it was last.

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <string>
#include <thread>

#include "hands.hpp"
#include "rig.hpp"
#include "tally.hpp"

namespace cofferdam::torture {
namespace {

/// Turns of `turn` on a thread of its own while the controller looks; at least `scans` readings in that time.
void storm(Rig& rig, std::uint64_t scans, const std::function<void(int)>& turn) {
  std::atomic<bool> enough{false};
  std::thread thread([&] {
    // Always an even number: who comes back to where he began ends there.
    for (int number = 0; !enough || number % 2 != 0; ++number) {
      turn(number);
      std::this_thread::sleep_for(std::chrono::microseconds{20});  // else the folder is never free to be read
    }
  });
  const auto end = std::chrono::steady_clock::now() + seconds{30};
  const auto before = rig.scans();
  while (rig.scans() < before + scans && std::chrono::steady_clock::now() < end) rig.moment(milliseconds{30});
  enough = true;
  thread.join();
  EXPECT_GE(rig.scans(), before + scans);
  rig.settle();
}

void expect_calm(Rig& rig) {
  rig.expect_healthy_undisturbed();
  rig.pass(seconds{60});
  rig.expect_healthy_undisturbed();
}

TEST(TortureStorm, AFileRenamedForthAndBackIsNeverMissed) {
  const Case one("storm", "renamed forth and back");
  Rig rig;
  rig.healthy("victim");
  storm(rig, 1500, [&](int turn) {
    rename(rig.at(turn % 2 == 0 ? "victim.yaml" : "a-name-before.yaml"),
           rig.at(turn % 2 == 0 ? "a-name-before.yaml" : "victim.yaml"));
  });
  expect_calm(rig);
  EXPECT_EQ(rig.file("victim.yaml")->state, specs::FileState::good);
  EXPECT_EQ(rig.file("a-name-before.yaml"), nullptr);
}

TEST(TortureStorm, AFileThatWandersThroughManyNamesIsNeverMissed) {
  const Case one("storm", "wandering through names");
  Rig rig;
  rig.healthy("victim");
  const auto name = [](int turn) {
    return turn == 0 ? std::string("victim.yaml") : "n" + std::to_string(turn * 37 % 101) + ".yaml";
  };
  storm(rig, 1500, [&](int turn) { rename(rig.at(name(turn % 100)), rig.at(name((turn + 1) % 100))); });
  expect_calm(rig);
}

TEST(TortureStorm, TwoFilesExchangedAreNeverMissed) {
  const Case one("storm", "exchanged");
  Rig rig;
  rig.healthy("victim");
  storm(rig, 1000, [&](int) { exchange(rig.at("ada.yaml"), rig.at("victim.yaml")); });
  expect_calm(rig);
  EXPECT_EQ(rig.file("victim.yaml")->state, specs::FileState::good);
}

TEST(TortureStorm, AnAtomicSaveRepeatedComesToItsLastVersion) {
  const Case one("storm", "saved atomically");
  Rig rig;
  const std::string good = spec_of("victim", "last");
  const std::string broken = "apiVersion: cofferdam/v1\nkind: Agent\nmetadata: {name: victim\n";
  storm(rig, 1000, [&](int turn) {
    put(rig.at(".victim.part"), turn % 2 == 0 ? broken : good);
    rename(rig.at(".victim.part"), rig.at("victim.yaml"));
  });
  expect_calm(rig);
  rig.pass(seconds{60});
  EXPECT_EQ(rig.version("victim"), "last");
}

TEST(TortureStorm, AFileWrittenInPlaceAgainAndAgainComesToItsLastVersion) {
  const Case one("storm", "written in place");
  Rig rig;
  const std::string good = spec_of("victim", "last");
  storm(rig, 1000, [&](int turn) { put(rig.at("victim.yaml"), turn % 2 == 0 ? good.substr(0, 100) : good); });
  expect_calm(rig);
  rig.pass(seconds{60});
  EXPECT_EQ(rig.version("victim"), "last");
}

TEST(TortureStorm, StrangersThatComeAndGoDisturbNobody) {
  const Case one("storm", "made and removed");
  Rig rig;
  storm(rig, 1000, [&](int turn) {
    const std::string name = rig.at("t" + std::to_string(turn / 2 % 50) + ".yaml");
    if (turn % 2 == 0) {
      put(name, "not a spec");
    } else {
      unlink(name);
    }
  });
  expect_calm(rig);
  rig.expect_victim_untouched();
}

TEST(TortureStorm, ALayoutSwappedAgainAndAgainIsNeverMissed) {
  const Case one("storm", "layout swapped");
  Rig rig;
  rig.healthy("victim");
  for (const char* const version : {"..one", "..two"}) {
    make_directory(rig.at(version));
    put(rig.at(std::string(version) + "/victim.yaml"), spec_of("victim"));
  }
  symlink("..one", rig.at("..data"));
  symlink("..data/victim.yaml", rig.at(".link"));
  rename(rig.at(".link"), rig.at("victim.yaml"));
  rig.pass(seconds{1});
  storm(rig, 1000, [&](int turn) {
    symlink(turn % 2 == 0 ? "..two" : "..one", rig.at("..data_tmp"));
    rename(rig.at("..data_tmp"), rig.at("..data"));
  });
  expect_calm(rig);
  EXPECT_EQ(rig.file("victim.yaml")->state, specs::FileState::good);
}

TEST(TortureStorm, AFolderMovedAwayAndBackRemovesNobody) {
  const Case one("storm", "the folder moved");
  Rig rig;
  rig.healthy("victim");
  storm(rig, 300, [&](int turn) {
    rename(turn % 2 == 0 ? rig.directory() : rig.outside("away"), turn % 2 == 0 ? rig.outside("away") : rig.directory());
  });
  expect_calm(rig);
}

TEST(TortureStorm, AFileThatWandersInALargeFolderIsNeverMissed) {
  const Case one("storm", "in a large folder");
  Rig rig;
  rig.healthy("victim");
  for (int number = 0; number < 3000; ++number) put(rig.at("noise-" + std::to_string(number)), "");
  for (int number = 0; number < 300; ++number) put(rig.at("x" + std::to_string(number) + ".yaml"), "not a spec");
  rig.pass(seconds{1});
  const auto name = [](int turn) {
    return turn == 0 ? std::string("victim.yaml") : "n" + std::to_string(turn * 37 % 101) + ".yaml";
  };
  storm(rig, 150, [&](int turn) { rename(rig.at(name(turn % 100)), rig.at(name((turn + 1) % 100))); });
  expect_calm(rig);
}

}  // namespace
}  // namespace cofferdam::torture
