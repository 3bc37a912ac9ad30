// The house's rules that a program can check: who may include whom, third parties, purity, the length of files, the presets and
// the compiler that is refused. Each rule is a function over a file's name and text, so that it is also shown to catch.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const fs::path root = COFFERDAM_SOURCE_DIR;
constexpr int longest_file = 450;

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

std::string extension_of(const std::string& path) {
  return fs::path(path).extension().string();
}

/// Sources by path from the root, with their text.
using Sources = std::map<std::string, std::string>;

Sources sources_of(const std::vector<std::string>& folders, const std::set<std::string>& extensions) {
  Sources sources;
  for (const auto& folder : folders) {
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      if (!entry.is_regular_file() || !extensions.contains(entry.path().extension().string())) continue;
      sources[fs::relative(entry.path(), root).string()] = read(entry.path());
    }
  }
  return sources;
}

const std::vector<std::string> product_folders{"specs", "docker", "reconciler", "metrics", "controller"};

std::vector<std::string> includes_of(const std::string& text) {
  static const std::regex line(R"re(^\s*#\s*include\s+[<"]([^>"]+)[>"])re", std::regex::multiline);
  std::vector<std::string> found;
  for (std::sregex_iterator it(text.begin(), text.end(), line), end; it != end; ++it) found.push_back((*it)[1]);
  return found;
}

/// The files that are compiled into the engine's HTTP client, with their own headers: the rest of docker/ is the model.
std::set<std::string> http_engine_files(const std::string& docker_cmake) {
  std::set<std::string> files;
  std::smatch room;
  if (!std::regex_search(docker_cmake, room, std::regex(R"re(cofferdam_room\(\s*cofferdam_docker\s([^)]*)\))re"))) return files;
  const std::string body = room[1];
  static const std::regex name(R"(([a-z_]+)\.cpp)");
  for (std::sregex_iterator it(body.begin(), body.end(), name), end; it != end; ++it) {
    files.insert("docker/" + (*it)[1].str() + ".cpp");
    files.insert("docker/" + (*it)[1].str() + ".hpp");
  }
  return files;
}

/// "specs", "docker model", "docker http", "reconciler", "metrics", "controller"; empty for what is none of them.
std::string room_of(const std::string& path, const std::set<std::string>& http) {
  const auto slash = path.find('/');
  if (slash == std::string::npos) return {};
  const std::string folder = path.substr(0, slash);
  if (folder == "docker") return http.contains(path) ? "docker http" : "docker model";
  return std::find(product_folders.begin(), product_folders.end(), folder) == product_folders.end() ? "" : folder;
}

const std::map<std::string, std::set<std::string>> may_include{
    {"specs", {}},
    {"docker model", {}},
    {"docker http", {"docker model"}},
    {"reconciler", {"specs", "docker model"}},
    {"metrics", {}},
    {"controller", {"specs", "docker model", "docker http", "reconciler", "metrics"}},
};

std::vector<std::string> wrong_arrows(const Sources& sources, const std::set<std::string>& http) {
  std::vector<std::string> wrong;
  for (const auto& [path, text] : sources) {
    const std::string from = room_of(path, http);
    for (const auto& include : includes_of(text)) {
      const std::string to = room_of(include, http);
      if (to.empty() || to == from || may_include.at(from).contains(to)) continue;
      wrong.push_back(path + " (" + from + ") includes " + include + " (" + to + ")");
    }
  }
  return wrong;
}

struct ThirdParty {
  std::string prefix;  ///< of the include
  std::regex allowed;  ///< files that may
  std::string in_words;
  std::size_t most;  ///< files, at most
};

const std::vector<ThirdParty>& third_parties() {
  static const std::vector<ThirdParty> table{
      {"yaml-cpp/", std::regex(R"(specs/yaml_tree\.cpp)"), "one file of specs", 1},
      {"openssl/", std::regex(R"(specs/digest\.cpp|DOCKER_HTTP|controller/.*tls.*\.cpp)"), "specs/digest.cpp and the HTTP engine",
       6},
      {"nlohmann/",
       std::regex(
           R"(docker/[a-z_]*(json|codec|registry|context|credential)[a-z_]*\.[ch]pp|controller/[a-z_]*json[a-z_]*\.[ch]pp|controller/(cli|command)[a-z_]*\.[ch]pp)"),
       "docker's codecs, the controller's JSON and command files", 20},
      {"boost/beast", std::regex("DOCKER_HTTP|controller/.*"), "the HTTP engine and the status server", 10},
      {"boost/", std::regex("DOCKER_HTTP|controller/.*"), "the HTTP engine and the controller", 60},
      {"CLI/", std::regex("controller/.*"), "the controller", 2},
      {"spdlog/", std::regex("controller/.*"), "the controller", 4},
      {"fmt/", std::regex("controller/.*"), "the controller", 60},
      {"systemd/", std::regex("controller/.*"), "the controller", 2},
      {"prometheus/", std::regex("metrics/.*"), "metrics", 4},
  };
  return table;
}

/// Headers with a folder in their name that are neither ours nor a known third party's: sys/… alone is the system's.
bool is_unknown_library(const std::string& include) {
  if (include.find('/') == std::string::npos) return false;
  return !std::regex_search(include, std::regex(R"(^(specs|docker|reconciler|metrics|controller|sys|linux|arpa|net|netinet)/)"));
}

std::vector<std::string> wrong_third_parties(const Sources& sources, const std::set<std::string>& http) {
  std::vector<std::string> wrong;
  std::map<std::string, std::set<std::string>> users;
  for (const auto& [path, text] : sources) {
    const std::string as = http.contains(path) ? "DOCKER_HTTP" : path;
    for (const auto& include : includes_of(text)) {
      const auto rule = std::find_if(third_parties().begin(), third_parties().end(),
                                     [&](const ThirdParty& party) { return include.starts_with(party.prefix); });
      if (rule == third_parties().end()) {
        if (is_unknown_library(include)) wrong.push_back(path + " includes " + include + ", of a library that no room may have");
        continue;
      }
      users[rule->prefix].insert(path);
      if (!std::regex_match(path, rule->allowed) && !std::regex_match(as, rule->allowed)) {
        wrong.push_back(path + " includes " + include + ": only " + rule->in_words + " may");
      }
    }
  }
  for (const auto& party : third_parties()) {
    if (users[party.prefix].size() <= party.most) continue;
    wrong.push_back(std::to_string(users[party.prefix].size()) + " files include " + party.prefix + ", more than " +
                    std::to_string(party.most));
  }
  return wrong;
}

/// Without comments and the contents of string literals: words in them do nothing.
std::string code_of(const std::string& text) {
  static const std::regex literal(R"re("(\\.|[^"\\\n])*")re");
  static const std::regex comment(R"re(//[^\n]*)re");
  return std::regex_replace(std::regex_replace(text, literal, "\"\""), comment, "");
}

std::vector<std::string> impurities(const std::string& path, const std::string& text) {
  static const std::set<std::string> headers{
      "thread", "mutex",   "shared_mutex", "condition_variable", "future",     "atomic", "fstream", "iostream", "filesystem",
      "random", "csignal", "ctime",        "semaphore",          "stop_token", "latch",  "barrier", "coroutine"};
  static const std::regex words(
      R"re(\b(\w+_clock|clock)\s*::\s*now\b|\bsleep(_for|_until)?\s*\(|\bstd::(thread|jthread|async|mutex|random_device|mt19937(_64)?|ifstream|ofstream|fstream|cout|cerr)\b|\b(fopen|getenv|gettimeofday|clock_gettime|s?rand|popen|system)\s*\(|\b(std::)?time\s*\(\s*(nullptr|NULL|0)\s*\))re");
  std::vector<std::string> found;
  for (const auto& include : includes_of(text)) {
    const bool system = include.ends_with(".h") && include.find("yaml-cpp/") != 0 && include.find("openssl/") != 0;
    if (headers.contains(include) || system) found.push_back(path + " includes <" + include + ">");
  }
  const std::string code = code_of(text);
  for (std::sregex_iterator it(code.begin(), code.end(), words), end; it != end; ++it)
    found.push_back(path + " says " + it->str());
  return found;
}

bool is_pure(const std::string& path, const std::set<std::string>& http) {
  const std::string room = room_of(path, http);
  return room == "specs" || room == "docker model" || room == "reconciler";
}

/// A file may be longer where it says why near its top: "Over 450 lines because …".
bool too_long(const std::string& text) {
  if (std::count(text.begin(), text.end(), '\n') <= longest_file) return false;
  return text.substr(0, 2000).find("Over 450 lines because ") == std::string::npos;
}

struct House : ::testing::Test {
  std::set<std::string> http = http_engine_files(read(root / "docker/CMakeLists.txt"));
  Sources sources = sources_of(product_folders, {".cpp", ".hpp"});
};

TEST_F(House, KnowsItsRooms) {
  EXPECT_GT(sources.size(), 50U);
  EXPECT_TRUE(http.contains("docker/http_engine.cpp"));
  for (const auto& folder : product_folders) {
    EXPECT_TRUE(std::any_of(sources.begin(), sources.end(), [&](const auto& file) {
      return file.first.starts_with(folder + "/");
    })) << folder;
  }
}

TEST_F(House, ArrowsPointOneWay) {
  EXPECT_THAT(wrong_arrows(sources, http), IsEmpty());
}

TEST_F(House, ThirdPartiesStayInTheirRooms) {
  EXPECT_THAT(wrong_third_parties(sources, http), IsEmpty());
}

TEST_F(House, PureRoomsAreOfNoClockThreadFileOrChance) {
  for (const auto& [path, text] : sources) {
    if (is_pure(path, http)) EXPECT_THAT(impurities(path, text), IsEmpty());
  }
}

TEST_F(House, OnlyBuiltFilesLieAround) {
  for (const auto& [path, text] : sources) {
    if (extension_of(path) != ".cpp") continue;
    const fs::path file = path;
    const bool listed = read(root / file.parent_path() / "CMakeLists.txt").find(file.filename().string()) != std::string::npos;
    EXPECT_TRUE(listed) << path << " is not built";
  }
}

TEST_F(House, HeadersAreIncludedOnceAndSayWhatTheyAreFor) {
  for (const auto& [path, text] : sources) {
    if (extension_of(path) != ".hpp") continue;
    EXPECT_TRUE(text.starts_with("#pragma once\n\n//")) << path << " opens with neither #pragma once nor what it is for";
  }
}

TEST_F(House, FilesFitAReader) {
  auto folders = product_folders;
  for (const auto* folder : {"tests", "examples", "packaging", "docs", ".ci"}) folders.emplace_back(folder);
  for (const auto& [path, text] : sources_of(folders, {".cpp", ".hpp", ".sh", ".py", ".md", ".yaml", ".txt", ""})) {
    EXPECT_FALSE(too_long(text)) << path << " has " << std::count(text.begin(), text.end(), '\n') << " lines";
  }
}

TEST(HouseRules, CatchAWrongArrow) {
  const std::set<std::string> http{"docker/http_engine.hpp", "docker/http_engine.cpp"};
  EXPECT_EQ(wrong_arrows({{"specs/a.cpp", "#include \"reconciler/b.hpp\"\n"}}, http).size(), 1U);
  EXPECT_EQ(wrong_arrows({{"reconciler/a.cpp", "#include \"docker/http_engine.hpp\"\n"}}, http).size(), 1U);
  EXPECT_EQ(wrong_arrows({{"docker/types.hpp", "  # include \"docker/http_engine.hpp\"\n"}}, http).size(), 1U);
  EXPECT_EQ(wrong_arrows({{"metrics/a.cpp", "#include \"specs/b.hpp\"\n"}}, http).size(), 1U);
  EXPECT_THAT(wrong_arrows({{"reconciler/a.cpp", "#include \"docker/types.hpp\"\n#include \"specs/b.hpp\"\n"}}, http), IsEmpty());
}

TEST(HouseRules, CatchAThirdPartyOutOfItsRoom) {
  const std::set<std::string> http{"docker/http_engine.cpp"};
  EXPECT_EQ(wrong_third_parties({{"specs/parse.cpp", "#include <yaml-cpp/yaml.h>\n"}}, http).size(), 1U);
  EXPECT_EQ(wrong_third_parties({{"reconciler/a.cpp", "#include <boost/system/result.hpp>\n"}}, http).size(), 1U);
  EXPECT_EQ(wrong_third_parties({{"reconciler/a.cpp", "#include <nlohmann/json.hpp>\n"}}, http).size(), 1U);
  EXPECT_EQ(wrong_third_parties({{"controller/a.cpp", "#include <prometheus/counter.h>\n"}}, http).size(), 1U);
  EXPECT_EQ(wrong_third_parties({{"metrics/a.cpp", "#include <curl/curl.h>\n"}}, http).size(), 1U);
  EXPECT_THAT(wrong_third_parties({{"docker/http_engine.cpp", "#include <boost/beast/http.hpp>\n"}}, http), IsEmpty());
}

TEST(HouseRules, CatchImpurity) {
  const std::array<std::string, 9> impure{"#include <thread>\n",
                                          "#include <fstream>\n",
                                          "#include <unistd.h>\n",
                                          "auto t = steady_clock::now();",
                                          "std::this_thread::sleep_for(1s);",
                                          "auto t = std::chrono::system_clock::now();",
                                          "std::random_device device;",
                                          "const char* home = getenv(\"HOME\");",
                                          "auto t = time(nullptr);"};
  for (const auto& text : impure) EXPECT_THAT(impurities("specs/a.cpp", text), Not(IsEmpty())) << text;
  EXPECT_THAT(impurities("specs/a.cpp", "#include <string>\n// sleep_for(1s) is said, not done\nconst char* a = \"getenv(\";\n"),
              IsEmpty());
}

TEST(HouseRules, CatchALongFileWithoutAReason) {
  const std::string lines(451, '\n');
  EXPECT_TRUE(too_long(lines));
  EXPECT_FALSE(too_long("// Over 450 lines because it is one table.\n" + lines));
  EXPECT_FALSE(too_long(std::string(450, '\n')));
}

/// All that `pattern`'s first group finds in a text.
std::set<std::string> found_in(const std::string& text, const std::string& pattern) {
  const std::regex expression(pattern);
  std::set<std::string> found;
  for (std::sregex_iterator it(text.begin(), text.end(), expression), end; it != end; ++it) found.insert((*it)[1]);
  return found;
}

TEST(Examples, AlertsSpeakOfMetricsThatExist) {
  const std::string table = read(root / "metrics/table.cpp");
  const auto names = found_in(read(root / "examples/prometheus/alerts.yml"), R"re(\b(cofferdam_[a-z_]+))re");
  EXPECT_GT(names.size(), 5U);
  for (const auto& name : names) EXPECT_THAT(table, HasSubstr('"' + name + '"'));
}

TEST(Documents, LinkToFilesThatExist) {
  std::vector<fs::path> documents{root / "README.md"};
  for (const auto& entry : fs::directory_iterator(root / "docs")) documents.push_back(entry.path());
  std::size_t links = 0;
  for (const auto& document : documents) {
    for (const auto& link : found_in(read(document), R"re(\]\(([^)#:]+)(#[^)]*)?\))re")) {
      EXPECT_TRUE(fs::exists(document.parent_path() / link)) << document << " links to " << link;
      ++links;
    }
  }
  EXPECT_GT(links, 10U);
}

TEST(Build, HasEveryPreset) {
  const std::string presets = read(root / "CMakePresets.json");
  for (const auto* name : {"dev", "release", "asan", "ubsan", "tsan", "coverage"}) {
    EXPECT_THAT(presets, HasSubstr("\"name\": \"" + std::string(name) + "\", \"inherits\"")) << name;
  }
  EXPECT_THAT(presets, HasSubstr("${sourceDir}/build/${presetName}"));
}

TEST(Build, RefusesGcc12AndSaysWhy) {
  const fs::path tree =
      fs::temp_directory_path() / ("cofferdam-gcc12-" + std::to_string(::testing::UnitTest::GetInstance()->random_seed()) + "-" +
                                   std::to_string(std::hash<std::string>{}(root.string())));
  fs::remove_all(tree);
  const std::string command = "env -u CXX " COFFERDAM_CMAKE " -S '" + root.string() + "' -B '" + tree.string() +
                              "' -G Ninja -DCMAKE_CXX_COMPILER=g++-12 2>&1";
  std::FILE* pipe = ::popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string output;
  std::array<char, 4096> piece{};
  while (std::fgets(piece.data(), piece.size(), pipe) != nullptr) output += piece.data();
  EXPECT_NE(::pclose(pipe), 0);
  EXPECT_THAT(output, HasSubstr("Cofferdam does not build with g++ 12"));
  EXPECT_THAT(output, HasSubstr("miscompiles"));
  EXPECT_THAT(output, HasSubstr("clang-19"));
  fs::remove_all(tree);
}

}  // namespace
