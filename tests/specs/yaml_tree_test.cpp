#include "specs/yaml_tree.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "specs/source_text.hpp"

namespace cofferdam::specs {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;
using namespace std::string_literals;

/// The tree on one line: mappings in {}, lists in [], quoted texts in ", block texts in |, nulls as ~.
std::string shown(const YamlNode& node) {
  std::string text;
  switch (node.kind) {
    case YamlNode::Kind::null: return "~" + node.text;
    case YamlNode::Kind::scalar:
      if (node.style == YamlNode::Style::quoted) return '"' + node.text + '"';
      return node.style == YamlNode::Style::block ? '|' + node.text + '|' : node.text;
    case YamlNode::Kind::sequence:
      for (const YamlNode& item : node.items) text += (text.empty() ? "" : ", ") + shown(item);
      return '[' + text + ']';
    case YamlNode::Kind::mapping:
      for (const YamlEntry& entry : node.entries) text += (text.empty() ? "" : ", ") + entry.key + ": " + shown(entry.value);
      return '{' + text + '}';
  }
  return text;
}

std::string tree(const std::string& bytes) {
  const YamlFile file = read_yaml(bytes, "a.yaml");
  std::string text;
  for (const YamlDocument& document : file.documents) text += (text.empty() ? "" : " / ") + shown(document.root);
  for (const Problem& problem : file.problems) text += " ! " + to_string(problem);
  return text;
}

std::vector<std::string> problems(const std::string& bytes, const YamlBounds& bounds = {}) {
  std::vector<std::string> texts;
  Problems found = read_yaml(bytes, "a.yaml", bounds).problems;
  tidy(found);
  for (const Problem& problem : found) texts.push_back(to_string(problem));
  return texts;
}

testing::Matcher<const std::string&> at(const std::string& place, const std::string& what) {
  return testing::AllOf(StartsWith("a.yaml:" + place + ": "), HasSubstr(what));
}

TEST(YamlTree, KeepsTextAsWrittenAndWhetherItWasQuoted) {
  EXPECT_EQ(tree("a: 010\nb: \"yes\"\nc: 'it''s'\nd: no\n"), "{a: 010, b: \"yes\", c: \"it's\", d: no}");
  EXPECT_EQ(tree("a: |\n  one\n  two\nb: >-\n  three\n  four\n"), "{a: |one\ntwo\n|, b: |three four|}");
  EXPECT_EQ(tree("a: ~\nb:\nc: null\nd: NULL # gone\n"), "{a: ~~, b: ~, c: ~null, d: ~NULL}");
  EXPECT_EQ(tree("a: nullable\nb: ~x\n"), "{a: nullable, b: ~x}");
}

TEST(YamlTree, KeepsTheOrderOfKeysAndItems) {
  EXPECT_EQ(tree("b: [3, 1, 2]\na:\n- x\n- y: {z: 1}\n"), "{b: [3, 1, 2], a: [x, {y: {z: 1}}]}");
}

TEST(YamlTree, TakesJsonWithTabsInIt) {
  EXPECT_EQ(tree("{\n\t\"a\":1,\n\t\"b\":[\n\t\ttrue,\n\t\t\"x\\ty\"\n\t]\n}\n"), "{a: 1, b: [true, \"x\ty\"]}");
}

TEST(YamlTree, CountsLinesAndColumnsFromOneInBytes) {
  const YamlFile file = read_yaml("# c\nä: ö\r\nb:\n  - c: d\n", "a.yaml");
  ASSERT_THAT(file.problems, IsEmpty());
  const YamlNode& root = file.documents.at(0).root;
  EXPECT_EQ(root.entries.at(0).mark, (YamlMark{2, 1}));
  EXPECT_EQ(root.entries.at(0).value.mark, (YamlMark{2, 5}));
  EXPECT_EQ(root.find("b")->mark, (YamlMark{3, 1}));
  EXPECT_EQ(root.find("b")->value.items.at(0).find("c")->value.mark, (YamlMark{4, 8}));
  EXPECT_EQ(root.find("x"), nullptr);
}

TEST(YamlTree, PlacesAnUnwrittenValueAtItsKey) {
  const YamlFile file = read_yaml("a:\n\nnull: 1\n", "a.yaml");
  EXPECT_EQ(file.documents.at(0).root.find("a")->value.mark, (YamlMark{1, 1}));
  EXPECT_EQ(file.documents.at(0).root.find("a")->value.text, "");
}

TEST(YamlTree, PartsDocumentsAndLeavesEmptyOnesOut) {
  EXPECT_EQ(tree("a: 1\n---\nb: 2\n"), "{a: 1} / {b: 2}");
  EXPECT_EQ(tree("---\n# nothing\n---\na: 1\n...\n# c\n---\n"), "{a: 1}");
  EXPECT_EQ(tree("--- a\n---\tb\n"), "a / b");
  EXPECT_EQ(tree("a: 1\r\n---\r\nb: 2\r\n"), "{a: 1} / {b: 2}");
  EXPECT_EQ(tree("a: x---\nb: ---y\n"), "{a: x---, b: ---y}");
  EXPECT_THAT(read_yaml("", "a.yaml").documents, IsEmpty());
  EXPECT_THAT(read_yaml("# only comments\n\n", "a.yaml").documents, IsEmpty());
}

TEST(YamlTree, NumbersTheLinesOfLaterDocumentsFromTheFilesBeginning) {
  const YamlFile file = read_yaml("a: 1\n---\n\nb: 2\n", "a.yaml");
  EXPECT_EQ(file.documents.at(1).root.find("b")->value.mark, (YamlMark{4, 4}));
  EXPECT_EQ(file.documents.at(1).start, (YamlMark{4, 1}));
}

TEST(YamlTree, RefusesAnchorsAndAliases) {
  EXPECT_THAT(problems("a: &x 1\nb: *x\n"), ElementsAre(at("1:4", "a: has an anchor"), at("2:4", "b: is an alias")));
  EXPECT_THAT(problems("a: *x\n"), ElementsAre(at("1:4", "an alias")));
  EXPECT_THAT(problems("a: &x [*x]\n"), testing::Contains(HasSubstr("alias")));
  EXPECT_THAT(problems("a: &x &y 1\n"), ElementsAre(at("1:7", "an anchor")));
  EXPECT_THAT(problems("&k a: 1\n*k : 2\n"), testing::Contains(HasSubstr("alias")));
}

TEST(YamlTree, RefusesTags) {
  EXPECT_THAT(problems("a: !!str 1\nb: !x\nc: ! 2\nd: !<tag:x> {}\n"),
              ElementsAre(at("1:4", "\"!!str\""), at("2:4", "\"!x\""), at("3:4", "\"!\""), at("4:4", "tag")));
  EXPECT_THAT(problems("a: !x !y 1\n"), ElementsAre(at("1:7", "a tag")));
}

TEST(YamlTree, RefusesDuplicateKeysHoweverTheyAreQuoted) {
  EXPECT_THAT(
      problems("a: 1\nb: {c: 1, \"c\": 2}\na: {d: 1}\n"),
      ElementsAre(at("2:11", "b.c: is written twice, first in line 2"), at("3:1", "a: is written twice, first in line 1")));
  EXPECT_THAT(tree("a: 1\na: 2\n"), StartsWith("{a: 1}"));
}

TEST(YamlTree, RefusesKeysThatAreNoText) {
  EXPECT_THAT(problems(": b\n"), ElementsAre(at("1:1", "a key is empty or null")));
  EXPECT_THAT(problems("~: b\n"), ElementsAre(at("1:1", "a key is empty or null")));
  EXPECT_THAT(problems("? [a]\n: b\n"), ElementsAre(at("1:3", "a list or mapping stands as a key")));
  EXPECT_THAT(problems("{a: 1}: b\n"), ElementsAre(at("1:1", "a list or mapping stands as a key")));
}

TEST(YamlTree, RefusesDirectives) {
  EXPECT_THAT(problems("# c\n%YAML 1.1\n---\na: 1\n"), ElementsAre(at("2:1", "a directive")));
  EXPECT_THAT(tree("%TAG ! tag:x,2000:\n---\na: 1\n"), StartsWith("{a: 1}"));
}

TEST(YamlTree, RefusesTabsInTheIndentation) {
  EXPECT_THAT(problems("a:\n\tb: 1\n"), ElementsAre(at("2:1", "a tab stands in the indentation")));
  EXPECT_THAT(problems("a:\n  b: 1\n\tc: 2\n"), ElementsAre(at("3:1", "a tab stands in the indentation")));
  EXPECT_THAT(problems("a:\n \tb\n"), ElementsAre(at("2:2", "a tab stands in the indentation")));
  EXPECT_EQ(tree("a: |\n  \tindented text\n"), "{a: |\tindented text\n|}");
  EXPECT_EQ(tree("a:\t1\n"), "{a: 1}");
}

TEST(YamlTree, RefusesQuotesThatAreNeverClosed) {
  for (const char* const text : {"a: \"b", "a: 'b", "a: \"b\nc: 1\n", "a: 'b''\nc: 1\n", "a: \"b\\\"\n"}) {
    EXPECT_THAT(problems(text), ElementsAre(at("1:4", "quote"))) << text;
  }
  EXPECT_THAT(problems("# it's\na: 'x' # don't\nb: [c, \"d]"), ElementsAre(at("3:8", "a quote is never closed")));
  EXPECT_THAT(problems("a: 'x\n  y'\nb: 'z\n---\nc: 1\n"), ElementsAre(at("3:4", "quote")));
  EXPECT_EQ(tree("a: \"x\n  y\"\nb: ''\nc: \"\"\n"), "{a: \"x y\", b: \"\", c: \"\"}");
}

TEST(YamlTree, TakesAnEscapeThatTheFileEndsInForAQuoteThatIsNeverClosed) {
  for (const char* const text : {"a: \"b\\", "a: \"\\x", "a: \"\\x4", "a: \"\\u12"}) {
    EXPECT_THAT(problems(text), ElementsAre(at("1:4", "a quote is never closed"))) << text;
  }
  EXPECT_THAT(problems("{\"a\":\"\\x"), ElementsAre(at("1:9", "a quote is never closed")));  // at the end: no place behind it
}

TEST(YamlTree, RefusesBracketsThatAreNeverClosedOrNeverOpened) {
  EXPECT_THAT(problems("a: [1, 2"), ElementsAre(at("1:4", "'[' is never closed")));
  EXPECT_THAT(problems("{a: 1"), ElementsAre(at("1:1", "'{' is never closed")));
  EXPECT_THAT(problems("a: {b: [1, 2}\n"), ElementsAre(at("1:13", "closes nothing")));
  EXPECT_THAT(problems("]"), ElementsAre(at("1:1", "closes nothing")));
}

TEST(YamlTree, RefusesWhatStandsBehindTheDocument) {
  EXPECT_THAT(problems("{a: 1} b"), ElementsAre(at("1:8", "behind the document's end")));
  EXPECT_THAT(problems("- a\nb: 1\n"), ElementsAre(at("2:1", "behind the document's end")));
  EXPECT_THAT(problems("\"a\":1\n"), ElementsAre(at("1:4", "behind the document's end")));
  EXPECT_THAT(problems("{a: 1}}"), ElementsAre(at("1:7", "closes nothing")));
}

TEST(YamlTree, EndsOnTheLoneCommaThatTheLibraryLoopsOn) {
  EXPECT_THAT(problems(","), ElementsAre(at("1:1", "behind the document's end")));
  EXPECT_THAT(problems("a: 1\n---\n,\n"), ElementsAre(at("3:1", "behind the document's end")));
}

TEST(YamlTree, SaysInPlainWordsWhatIsNotYaml) {
  EXPECT_THAT(problems("a: b: c\n"), ElementsAre(at("1:5", "makes a key where none may stand")));
  EXPECT_THAT(problems("a: 1\n b: 2\n"), ElementsAre(at("2:3", "makes a key where none may stand")));
  EXPECT_THAT(problems("a: 'x' y\n"), ElementsAre(at("1:8", "belongs to no key")));
  EXPECT_THAT(problems("- 'a' b\n"), ElementsAre(at("1:7", "no item of the list")));
  EXPECT_THAT(problems("a: - b\n"), ElementsAre(at("1:4", "'-' begins an item")));
  EXPECT_THAT(problems("a: ? b\n"), ElementsAre(at("1:4", "'?' begins a key")));
  EXPECT_THAT(problems("a: @b\n"), ElementsAre(at("1:4", "'@' may not begin")));
  EXPECT_THAT(problems("a: \"\\q\"\n"), ElementsAre(at("1:7", "unknown escape")));
  EXPECT_THAT(problems("a: \"\\uD83D\"\n"), ElementsAre(at("1:11", "escape names no character")));
  EXPECT_THAT(problems("a: \"\\xZZ\"\n"), ElementsAre(at("1:9", "too few hex digits")));
  EXPECT_THAT(problems("a: | x\n"), ElementsAre(at("1:6", "behind '|'")));
  EXPECT_THAT(problems("a: |0\n  x\n"), ElementsAre(at("1:6", "no indentation")));
}

TEST(YamlTree, ReadsOnAfterABrokenDocument) {
  const YamlFile file = read_yaml("a: 1\nb: 'x' y\n---\nc: 3\n", "a.yaml");
  ASSERT_EQ(file.documents.size(), 2U);
  EXPECT_FALSE(file.documents[0].complete);
  EXPECT_EQ(file.documents[0].root.find("a")->value.text, "1");
  EXPECT_EQ(file.documents[0].doubtful, (YamlMark{2, 4}));
  EXPECT_TRUE(file.documents[1].complete);
  EXPECT_EQ(shown(file.documents[1].root), "{c: 3}");
}

TEST(YamlTree, RefusesNulAndControlCharactersButReadsTheRest) {
  EXPECT_THAT(problems("a: x\0y\nb: 1\n"s), ElementsAre(at("1:5", "a NUL byte")));
  EXPECT_THAT(problems("a: \"x\\0y\"\n"), ElementsAre(at("1:4", "a: has a NUL in it")));
  EXPECT_THAT(problems("a: \x1b[31m\n"), ElementsAre(at("1:4", "0x1B")));
  EXPECT_THAT(problems("a: \xC2\x9B x\n"), ElementsAre(at("1:4", "control character")));
  EXPECT_THAT(problems("a: \x7f\n"), ElementsAre(at("1:4", "0x7F")));
  EXPECT_THAT(problems("a: 1\rb: 2\r\nc: 3\r"), ElementsAre(at("1:5", "carriage return")));
  EXPECT_THAT(tree("a: x\0y\nb: 1\n"s), StartsWith("{a: x_y, b: 1}"));
}

TEST(YamlTree, RefusesBytesThatAreNotUtf8) {
  for (const std::string& bad : {"\xFF"s, "\xC0\xAF"s, "\xE0\x80\xAF"s, "\xED\xA0\x80"s, "\xF0\x80\x80\x80"s, "\xF4\x90\x80\x80"s,
                                 "\xC3"s, "\xE2\x82"s, "\x80"s}) {
    EXPECT_THAT(problems("# fine: \xE2\x82\xAC \xF0\x9F\x99\x82\na: " + bad + "\n"), ElementsAre(at("2:4", "is not UTF-8")))
        << testing::PrintToString(bad);
  }
  EXPECT_THAT(problems("a: \xE9t\xE9\nb: \xE9\n"), ElementsAre(at("1:4", "0xE9"))) << "told once a file";
}

TEST(YamlTree, NamesOtherEncodings) {
  EXPECT_THAT(problems("\xFF\xFE"
                       "a\0"s),
              ElementsAre(at("1:1", "UTF-16, little-endian")));
  EXPECT_THAT(problems("\xFE\xFF\0a"s), ElementsAre(at("1:1", "UTF-16, big-endian")));
  EXPECT_THAT(problems("\xFF\xFE\0\0"s), ElementsAre(at("1:1", "UTF-32, little-endian")));
  EXPECT_THAT(problems("\0\0\xFE\xFF"s), ElementsAre(at("1:1", "UTF-32, big-endian")));
  EXPECT_THAT(problems("a\0:\0"s), ElementsAre(at("1:1", "UTF-16, little-endian, unmarked")));
  EXPECT_THAT(problems("\0a\0:"s), ElementsAre(at("1:1", "UTF-16, big-endian, unmarked")));
  EXPECT_THAT(problems("\xEF\xBB\xBF"
                       "a: 1\n"),
              ElementsAre(at("1:1", "UTF-8 with a byte order mark")));
  EXPECT_THAT(tree("\xEF\xBB\xBF"
                   "a: 1\n"),
              StartsWith("{a: 1}"));
}

TEST(YamlTree, HoldsItsBoundOfBytes) {
  YamlBounds bounds;
  bounds.bytes = 5;
  EXPECT_THAT(problems("a: 1\n", bounds), IsEmpty());
  EXPECT_THAT(problems("a: 12\n", bounds), ElementsAre(at("1:1", "6 bytes, more than 5")));
  EXPECT_THAT(problems(std::string((1U << 20U) + 1, '#')), ElementsAre(at("1:1", "more than 1048576")));
}

TEST(YamlTree, HoldsItsBoundOfDepth) {
  const auto nested = [](std::size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); };
  EXPECT_THAT(problems(nested(64)), IsEmpty());
  EXPECT_THAT(problems(nested(65)), ElementsAre(at("1:65", "more than 64 levels")));
  EXPECT_THAT(problems(std::string(100000, '[')), testing::Contains(HasSubstr("more than 64 levels")));
  std::string dashes;
  for (int i = 0; i < 5000; ++i) dashes += "- ";
  EXPECT_THAT(problems(dashes + "a"), ElementsAre(HasSubstr("more than 64 levels")));
}

TEST(YamlTree, HoldsItsBoundOfNodesInEachDocument) {
  YamlBounds bounds;
  bounds.nodes = 4;
  EXPECT_THAT(problems("a: 1\n---\nb: [2]\n", bounds), IsEmpty());
  EXPECT_THAT(problems("a: 1\nb: 2\n", bounds), ElementsAre(at("2:4", "more than 4 nodes")));
  std::string list;
  for (int i = 0; i < 20000; ++i) list += "- a\n";
  EXPECT_THAT(problems(list), ElementsAre(HasSubstr("more than 10000 nodes")));
}

TEST(YamlTree, HoldsItsBoundOfDocuments) {
  YamlBounds bounds;
  bounds.documents = 2;
  EXPECT_THAT(problems("a: 1\n---\nb: 1\n", bounds), IsEmpty());
  EXPECT_THAT(problems("a: 1\n---\nb: 1\n---\nc: 1\n", bounds), ElementsAre(at("4:1", "more than 2 documents")));
}

TEST(YamlTree, EndsOnEveryShortTextOfItsSpecialCharacters) {
  const std::string signs = "a:-?[]{},\"'|>&*!%#~ \n\t";
  std::size_t read = 0;
  for (const char a : signs) {
    for (const char b : signs) {
      for (const char c : signs) {
        const std::string text{a, b, c};
        for (const YamlDocument& document : read_yaml(text, "a.yaml").documents) read += shown(document.root).size() > 0 ? 1 : 0;
        for (const YamlDocument& document : read_yaml("k: " + text, "a.yaml").documents) read += document.complete ? 1 : 0;
      }
    }
  }
  EXPECT_GT(read, 1000U);
}

TEST(YamlTree, ReadsEveryBeginningOfAFileWithoutFailing) {
  const std::string whole =
      "a: {b: [1, \"x\\n\", 'y'], c: |\n}\nd:\n  - e: &f g\n    h: !t *f\n---\n\"k\": >-\n  folded\n  text\n...\n? l\n: m\n";
  for (std::size_t length = 0; length <= whole.size(); ++length) {
    const YamlFile file = read_yaml(whole.substr(0, length), "a.yaml");
    for (const Problem& problem : file.problems) {
      EXPECT_GT(problem.place.line, 0) << length;
      EXPECT_FALSE(problem.what.empty()) << length;
    }
  }
}

TEST(YamlTree, CutsALongPathInAMessage) {
  std::string text;
  for (int i = 0; i < 60; ++i) text += "{abcdefgh: ";
  text += "{x: 1, x: 2" + std::string(61, '}');
  const std::vector<std::string> found = problems(text);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_LT(found[0].size(), 400U);
  EXPECT_THAT(found[0], HasSubstr("…: is written twice"));
}

TEST(Problems, AreSortedToldOnceAndBounded) {
  Problems found;
  for (int line = 3000; line > 0; --line) found.push_back({{"a.yaml", line, 1}, "", "wrong", "mend it", ""});
  found.push_back({{"a.yaml", 7, 1}, "", "wrong", "mend it", ""});
  tidy(found);
  ASSERT_EQ(found.size(), 1001U);
  EXPECT_EQ(found.front().place.line, 1);
  EXPECT_EQ(found[999].place.line, 1000);
  EXPECT_THAT(found.back().what, HasSubstr("2000 more problems"));
}

TEST(Problems, ReadAsPlacePathWhatMendAndRule) {
  EXPECT_EQ(to_string(Problem{{"a.yaml", 3, 5}, "spec.user", "is root", "write another", "allow-root"}),
            "a.yaml:3:5: spec.user: is root; write another [allow-root]");
  EXPECT_EQ(to_string(Problem{{"a.yaml", 3, 0}, "", "is odd", "", ""}), "a.yaml:3: is odd");
  EXPECT_EQ(to_string(Problem{{"", 0, 0}, "spec", "is odd", "", ""}), "spec: is odd");
}

}  // namespace
}  // namespace cofferdam::specs
