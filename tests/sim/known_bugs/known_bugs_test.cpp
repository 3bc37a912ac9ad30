// That every known bug still fits the source that it is a defect of, and that the fitting itself is strict.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/sim/known_bugs/defect.hpp"

namespace cofferdam::sim {
namespace {

namespace fs = std::filesystem;
const fs::path root = COFFERDAM_SOURCE_DIR;

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

constexpr const char* small =
    "title: a\npromise: S1 L1\nstands-for: decide Live\nwithin: 5\nfile: x.cpp\n@@\n one\n-two\n+three\n";

Defect defect() {
  std::string error;
  return *defect_from("01-small", small, error);
}

TEST(KnownBugs, EachFitsTheSourceThatItIsADefectOf) {
  std::size_t count = 0;
  std::set<std::string> titles;
  for (const auto& entry : fs::directory_iterator(root / "tests/sim/known_bugs")) {
    if (entry.path().extension() != ".patch") continue;
    ++count;
    std::string error;
    const auto read_defect = defect_from(entry.path().stem().string(), read(entry.path()), error);
    ASSERT_TRUE(read_defect.has_value()) << error;
    EXPECT_TRUE(with_defect(*read_defect, read(root / read_defect->file), error).has_value()) << error;
    EXPECT_TRUE(titles.insert(read_defect->title).second) << read_defect->name << " has another's title";
    EXPECT_LE(read_defect->within, 5000U) << read_defect->name;
  }
  EXPECT_GE(count, 24U);
}

TEST(KnownBugs, StandForEverySectionOfTheTableAndEveryFailureThatTheMachineCanShow) {
  std::string all;
  for (const auto& entry : fs::directory_iterator(root / "tests/sim/known_bugs")) {
    if (entry.path().extension() != ".patch") continue;
    std::string error;
    const auto one = defect_from(entry.path().stem().string(), read(entry.path()), error);
    ASSERT_TRUE(one.has_value()) << error;
    all += one->stands_for + ";";
  }
  for (const char* section :
       {"Gates", "Surplus", "Unwanted", "Denied", "Live", "Created", "Ended", "Next", "Replies", "Records", "Counting"}) {
    EXPECT_NE(all.find("decide " + std::string(section)), std::string::npos) << section;
  }
  // 13 and 19 are the shell's: see README.md beside the patches.
  for (const int failure : {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 16, 17, 18, 20}) {
    EXPECT_NE(all.find("reliability " + std::to_string(failure) + ";"), std::string::npos) << failure;
  }
}

TEST(KnownBugs, PutTheirChangeWhereTheSourceHasWhatTheyShow) {
  std::string error;
  EXPECT_EQ(with_defect(defect(), "zero\none\ntwo\nfour\n", error), "zero\none\nthree\nfour\n");
}

TEST(KnownBugs, DoNotFitASourceThatChangedOrHasThePlaceTwice) {
  std::string error;
  EXPECT_FALSE(with_defect(defect(), "one\n two\n", error).has_value());
  EXPECT_EQ(error, "01-small does not fit x.cpp any more: not found: one");
  EXPECT_FALSE(with_defect(defect(), "one\ntwo\none\ntwo\n", error).has_value());
  EXPECT_EQ(error, "01-small does not fit x.cpp any more: more than once: one");
}

TEST(KnownBugs, AreNoneWithoutTheirHeader) {
  std::string error;
  EXPECT_FALSE(defect_from("x", "title: a\nfile: x.cpp\n@@\n-a\n", error).has_value());
  EXPECT_FALSE(defect_from("x", std::string("owner: me\n") + small, error).has_value());
  EXPECT_EQ(error, "x, line 1: owner: me");
}

}  // namespace
}  // namespace cofferdam::sim
