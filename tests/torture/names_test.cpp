// Names and sizes that nobody would give a spec file by intent: each is a good file, or named, and harms nobody.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "controller/status_json.hpp"
#include "hands.hpp"
#include "rig.hpp"
#include "tally.hpp"

namespace cofferdam::torture {
namespace {

struct Name {
  std::string text;
  bool good = true;  ///< a spec file may be called so
};

std::vector<Name> names() {
  const std::string longest(250, 'n');
  return {{longest + ".yaml"},
          {longest.substr(0, 251 - 5) + ".yml"},
          {std::string(250, '%') + ".yaml"},
          {"two words.yaml"},
          {" leads.yaml"},
          {"-rf.yaml"},
          {"--.yaml"},
          {"*.yaml"},
          {"?.yaml"},
          {"$(reboot).yaml"},
          {"`reboot`.yaml"},
          {"'quoted'.yaml"},
          {"\"quoted\".yaml"},
          {"back\\slash.yaml"},
          {"%2e%2e%2f.yaml"},
          {"%00.yaml"},
          {"a:1:2.yaml"},
          {"C:.yaml"},
          {"{a,b}.yaml"},
          {"a=b&c.yaml"},
          {"<b>bold.yaml"},
          {"victim.yaml.yaml"},
          {"VICTIM.yaml"},
          {"victim.yml"},
          {"_files.yaml"},
          {"_controller.yaml"},
          {"größe.yaml"},
          {"grösse-decomposed-o\xcc\x88.yaml"},
          {"\xe6\x97\xa5\xe6\x9c\xac.yaml"},
          {"\xf0\x9f\x9a\xa7.yaml"},
          {"\xe2\x80\xaeslaer.yaml"},
          {"\xff\xfe.yaml", false},
          {"\xc3.yaml", false},
          {"latin-\xe9.yaml", false},
          {"\xed\xa0\x80.yaml", false},
          {"line\nbreak.yaml"},
          {"\x1b[31mred.yaml"},
          {"tab\t.yaml"},
          {"bell\a.yaml"},
          {"\x7f.yaml"},
          {"c1-\xc2\x9b.yaml"}};
}

/// What is printed of it is text, whatever the name is.
void expect_tellable(const Rig& rig) {
  const auto files = nlohmann::json::parse(controller::files_json(rig.machine().files()), nullptr, false);
  EXPECT_FALSE(files.is_discarded());
  const auto agents = nlohmann::json::parse(controller::agents_json(rig.machine().statuses()), nullptr, false);
  EXPECT_FALSE(agents.is_discarded());
}

TEST(TortureNames, AnyNameIsAGoodOneOrNamed) {
  for (const Name& name : names()) {
    Rig rig;
    rig.allow("guest");
    {
      const Case one("strange names", name.text + " with a good spec");
      put(rig.at(name.text), spec_of("guest"));
      rig.pass(seconds{3});
      if (name.good) {
        ASSERT_NE(rig.file(name.text), nullptr);
        EXPECT_EQ(rig.file(name.text)->state, specs::FileState::good);
        EXPECT_EQ(rig.phase("guest"), "Running");
      } else {
        rig.expect_named(name.text);
        EXPECT_EQ(rig.container("guest"), "");
      }
      expect_tellable(rig);
      rig.expect_victim_untouched();
      rig.expect_healthy_undisturbed();
    }
    {
      const Case one("strange names", name.text + " with a broken spec");
      rig.take_down_healthy();
      put(rig.at(name.text), "kind: [\n");
      rig.pass(seconds{3});
      rig.expect_named(name.text);
      if (name.good) EXPECT_EQ(rig.phase("guest"), "Running");
      rig.restart();
      rig.pass(seconds{25});
      rig.expect_named(name.text);
      if (name.good) EXPECT_EQ(rig.phase("guest"), "Running");
      EXPECT_EQ(rig.changes("guest"), 0);
      expect_tellable(rig);
      rig.expect_victim_untouched();
      rig.expect_healthy_undisturbed();
    }
  }
}

struct Size {
  std::string name;
  std::function<std::string()> text;
  bool good = false;
};

std::string repeated(const std::string& piece, std::size_t times) {
  std::string text;
  text.reserve(piece.size() * times);
  for (std::size_t count = 0; count < times; ++count) text += piece;
  return text;
}

std::string padded(std::size_t size) {
  std::string text = spec_of("victim", "two");
  return "#" + std::string(size - text.size() - 2, 'x') + "\n" + text;
}

/// `environment` instead of the victim's.
std::string with_environment(const std::string& environment) {
  std::string text = spec_of("victim", "two");
  const std::string mark = "{LOG_LEVEL: two}";
  return text.replace(text.find(mark), mark.size(), environment);
}

std::vector<Size> sizes() {
  constexpr std::size_t mib = 1U << 20U;
  return {
      {"the largest that may be", [] { return padded(mib); }, true},
      {"one byte too many", [] { return padded(mib + 1); }},
      {"twice too many", [] { return padded(2 * mib); }},
      {"a MiB of NUL", [] { return std::string(mib, '\0'); }},
      {"a MiB of blanks", [] { return std::string(mib, ' '); }},
      {"a MiB of line ends", [] { return std::string(mib, '\n'); }},
      {"a MiB of 0xff", [] { return std::string(mib, '\xff'); }},
      {"a MiB in one key", [] { return std::string(mib - 10, 'k') + ": v\n"; }},
      {"a MiB in one value", [] { return with_environment("{LOG_LEVEL: " + std::string(mib - 1000, 'v') + "}"); }},
      {"brackets", [] { return std::string(mib, '['); }},
      {"braces", [] { return std::string(mib, '{'); }},
      {"braces with keys", [] { return repeated("{a: ", mib / 4); }},
      {"dashes", [] { return repeated("- ", mib / 2); }},
      {"questions", [] { return repeated("? ", mib / 2); }},
      {"quotes", [] { return std::string(mib, '"'); }},
      {"anchors", [] { return repeated("&a ", mib / 3); }},
      {"tags", [] { return repeated("!!a ", mib / 4); }},
      {"documents", [] { return repeated("---\n", mib / 4); }},
      {"ends of documents", [] { return repeated("...\n", mib / 4); }},
      {"directives", [] { return repeated("%YAML 1.2\n", mib / 10); }},
      {"sixty-five levels", [] { return with_environment(std::string(65, '[') + std::string(65, ']')); }},
      {"a thousand levels by indentation",
       [] {
         std::string text;
         for (std::size_t level = 0; level < 1000; ++level) text += std::string(level, ' ') + "a:\n";
         return text;
       }},
      {"a billion laughs",
       [] {
         std::string text = "a: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n";
         for (char level = 'b'; level <= 'j'; ++level) {
           const auto last = static_cast<char>(level - 1);
           text +=
               std::string(1, level) + ": &" + level + " [" + repeated(std::string("*") + last + ", ", 8) + "*" + last + "]\n";
         }
         return text;
       }},
      {"a key that merges", [] { return "base: &b {a: 1}\n<<: *b\n" + spec_of("victim", "two"); }},
      {"more nodes than may be",
       [] {
         std::string list;
         for (int number = 0; number < 10001; ++number) list += "A" + std::to_string(number) + ": b, ";
         return with_environment("{" + list + "}");
       }},
      {"twenty thousand unknown keys",
       [] {
         std::string text = spec_of("victim", "two");
         for (int number = 0; number < 20000; ++number) text += "k" + std::to_string(number) + ": 1\n";
         return text;
       }},
      {"the same key a thousand times", [] { return spec_of("victim", "two") + repeated("kind: Agent\n", 1000); }},
      {"a byte order mark", [] { return "\xef\xbb\xbf" + spec_of("victim", "two"); }},
      {"UTF-16",
       [] {
         std::string text = "\xff\xfe";
         for (const char byte : spec_of("victim", "two")) text += std::string{byte, '\0'};
         return text;
       }},
      {"line ends of another system",
       [] {
         std::string text;
         for (const char byte : spec_of("victim", "two")) text += byte == '\n' ? "\r\n" : std::string(1, byte);
         return text;
       },
       true},
      {"the same agent twice", [] { return spec_of("victim", "two") + "---\n" + spec_of("victim", "three"); }},
      {"a healthy agent besides", [] { return spec_of("victim", "two") + "---\n" + spec_of("ada", "two"); }},
      {"only a healthy agent", [] { return spec_of("ada", "two"); }},
  };
}

TEST(TortureNames, AnySizeAndDepthIsGoodOrNamed) {
  for (const Size& size : sizes()) {
    Rig rig;
    const std::string text = size.text();
    {
      const Case one("huge and deep", size.name);
      put(rig.at("victim.yaml"), text);
      rig.pass(seconds{3});
      if (size.good) {
        EXPECT_EQ(rig.file("victim.yaml")->state, specs::FileState::good) << to_string(rig.file("victim.yaml")->problems.at(0));
        EXPECT_EQ(rig.version("victim"), "two");
      } else {
        rig.expect_named("victim.yaml");
        EXPECT_LE(rig.file("victim.yaml")->problems.size(), 1002U);
        rig.expect_victim_untouched();
      }
      rig.expect_healthy_undisturbed();
    }
    {
      const Case one("huge and deep", size.name + ", at the start");
      rig.take_down_healthy();
      rig.restart();
      rig.pass(seconds{25});
      rig.expect_victim_untouched();
      if (!size.good) rig.expect_named("victim.yaml");
      rig.expect_healthy_undisturbed();
    }
    {
      const Case one("huge and deep", size.name + ", beside");
      rig.take_down_healthy();
      put(rig.at("victim.yaml"), spec_of("victim", size.good ? "two" : "one"));
      put(rig.at("beside.yaml"), text);
      rig.pass(seconds{25});
      rig.expect_named("beside.yaml");
      rig.expect_victim_untouched();
      rig.expect_healthy_undisturbed();
    }
  }
}

TEST(TortureNames, AFileWithoutEndIsNamedAndNotRead) {
  for (const off_t size : {off_t{1} << 21, off_t{1} << 30, off_t{1} << 40}) {
    const Case one("huge and deep", "a hole of " + std::to_string(size) + " bytes");
    Rig rig;
    ASSERT_EQ(::truncate(rig.at("victim.yaml").c_str(), size), 0) << std::strerror(errno);
    rig.pass(seconds{3});
    rig.expect_named("victim.yaml");
    rig.expect_victim_untouched();
    rig.expect_healthy_undisturbed();
  }
}

}  // namespace
}  // namespace cofferdam::torture
