// docs/semantics.md and the code say the same rows, and every row is held by tests that exist.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>

namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& path) {
  std::ifstream in{path};
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

const fs::path kSource{COFFERDAM_SOURCE_DIR};

/// Row → the tests that its last column names.
std::map<std::string, std::set<std::string>> documented_rows() {
  std::map<std::string, std::set<std::string>> rows;
  std::istringstream page{read(kSource / "docs/semantics.md")};
  const std::regex row{R"(^\| (\d+b?|R\d+) \|.*\|([^|]*)\|$)"};
  const std::regex name{R"(`([A-Za-z]+\.[A-Za-z0-9]+)`)"};
  for (std::string line; std::getline(page, line);) {
    std::smatch match;
    if (!std::regex_match(line, match, row)) continue;
    auto& tests = rows[match[1]];
    const std::string cell = match[2];
    for (std::sregex_iterator it{cell.begin(), cell.end(), name}; it != std::sregex_iterator{}; ++it) tests.insert((*it)[1]);
  }
  return rows;
}

std::set<std::string> existing_tests() {
  std::set<std::string> tests;
  const std::regex definition{R"(TEST(?:_F|_P)?\(\s*([A-Za-z0-9]+),\s*([A-Za-z0-9]+)\s*\))"};
  for (const auto& file : fs::recursive_directory_iterator{kSource / "tests"}) {
    if (file.path().extension() != ".cpp") continue;
    const std::string text = read(file.path());
    for (std::sregex_iterator it{text.begin(), text.end(), definition}; it != std::sregex_iterator{}; ++it) {
      tests.insert((*it)[1].str() + "." + (*it)[2].str());
    }
  }
  return tests;
}

TEST(Semantics, NamesForEveryRowTestsThatExist) {
  const auto rows = documented_rows();
  const auto tests = existing_tests();
  EXPECT_GE(rows.size(), 65U);  // 54 of decisions, 11 of replies
  for (const auto& [row, names] : rows) {
    EXPECT_FALSE(names.empty()) << "row " << row << " is held by no test";
    for (const auto& name : names)
      EXPECT_TRUE(tests.contains(name)) << "row " << row << " names " << name << ", which does not exist";
  }
}

TEST(Semantics, DocumentsEveryRowThatTheCodeDecidesBy) {
  const auto rows = documented_rows();
  std::set<std::string> decided;
  const std::regex row{R"re((?:act|wait|stop|removal|terminal|next)\("(\d+b?)")re"};
  for (const auto& file : fs::directory_iterator{kSource / "reconciler"}) {
    if (!file.path().filename().string().starts_with("decide") || file.path().extension() != ".cpp") continue;
    const std::string text = read(file.path());
    for (std::sregex_iterator it{text.begin(), text.end(), row}; it != std::sregex_iterator{}; ++it) decided.insert((*it)[1]);
  }
  EXPECT_GE(decided.size(), 45U);
  for (const auto& one : decided) EXPECT_TRUE(rows.contains(one)) << "row " << one << " is not in docs/semantics.md";
}

}  // namespace
