#include "specs/image_reference.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace cofferdam::specs {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string hex64(64, 'a');

std::string normalised(const std::string& text) {
  const ParsedImageReference parsed = parse_image_reference(text);
  return parsed ? parsed.reference->normalised() : "refused: " + parsed.error;
}

std::string refusal(const std::string& text) {
  const ParsedImageReference parsed = parse_image_reference(text);
  EXPECT_FALSE(parsed) << text << " was taken as " << (parsed ? parsed.reference->normalised() : "");
  EXPECT_FALSE(parsed.mend.empty()) << text;
  return parsed.error;
}

TEST(ImageReference, SpellsOutWhatIsLeftOut) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"node", "docker.io/library/node:latest"},           {"node:20-alpine", "docker.io/library/node:20-alpine"},
      {"library/node", "docker.io/library/node:latest"},   {"acme/tool:1", "docker.io/acme/tool:1"},
      {"docker.io/node", "docker.io/library/node:latest"}, {"index.docker.io/node:1", "docker.io/library/node:1"},
      {"docker.io/acme/a/b:1", "docker.io/acme/a/b:1"},    {"ghcr.io/acme/tool", "ghcr.io/acme/tool:latest"},
      {"localhost/tool", "localhost/tool:latest"},         {"localhost:5000/tool:2", "localhost:5000/tool:2"},
      {"registry:5000/tool", "registry:5000/tool:latest"}, {"127.0.0.1:5000/a/b", "127.0.0.1:5000/a/b:latest"},
      {"[::1]:5000/tool", "[::1]:5000/tool:latest"},       {"[2001:DB8::1]/tool", "[2001:db8::1]/tool:latest"},
      {"GHCR.io/acme/tool", "ghcr.io/acme/tool:latest"},
  };
  for (const auto& [text, wanted] : cases) {
    EXPECT_EQ(normalised(text), wanted) << text;
  }
}

TEST(ImageReference, TakesEverySeparatorOfASegment) {
  for (const char* const segment : {"a.b", "a_b", "a__b", "a-b", "a--b", "a---b", "a1.b2_c3"}) {
    EXPECT_EQ(normalised(std::string("acme/") + segment), std::string("docker.io/acme/") + segment + ":latest");
  }
}

TEST(ImageReference, KeepsTagAndDigest) {
  const std::string digest = "sha256:" + hex64;
  EXPECT_EQ(normalised("node@" + digest), "docker.io/library/node@" + digest);
  EXPECT_EQ(normalised("node:20@" + digest), "docker.io/library/node:20@" + digest);
  EXPECT_EQ(normalised("node@sha384:" + std::string(96, '0')), "docker.io/library/node@sha384:" + std::string(96, '0'));
  EXPECT_EQ(normalised("node@sha512:" + std::string(128, 'f')), "docker.io/library/node@sha512:" + std::string(128, 'f'));
}

TEST(ImageReference, IsToldApartIntoItsParts) {
  const ParsedImageReference parsed = parse_image_reference("ghcr.io/acme/tools/agent:v1.2_3-x@sha256:" + hex64);
  ASSERT_TRUE(parsed) << parsed.error;
  EXPECT_EQ(parsed.reference->registry, "ghcr.io");
  EXPECT_THAT(parsed.reference->segments, ElementsAre("acme", "tools", "agent"));
  EXPECT_EQ(parsed.reference->repository(), "acme/tools/agent");
  EXPECT_EQ(parsed.reference->name(), "ghcr.io/acme/tools/agent");
  EXPECT_EQ(parsed.reference->tag, "v1.2_3-x");
  EXPECT_EQ(parsed.reference->digest, "sha256:" + hex64);
}

TEST(ImageReference, NormalisedIsNormalisedAgainToItself) {
  for (const char* const text : {"node", "ghcr.io/acme/tool:1", "localhost:5000/a/b", "[::1]:5000/tool"}) {
    EXPECT_EQ(normalised(normalised(text)), normalised(text));
  }
}

TEST(ImageReference, RefusesWhatCouldBeAnImageId) {
  for (const std::string& text :
       {std::string("0038"), std::string("cafe"), std::string("sha256:0038"), "sha256:" + hex64, hex64, std::string("sha256:")}) {
    EXPECT_THAT(refusal(text), HasSubstr("image id")) << text;
  }
  EXPECT_EQ(parse_image_reference("cafe").mend, "write docker.io/library/cafe if a repository is meant");
  EXPECT_EQ(normalised("docker.io/library/cafe"), "docker.io/library/cafe:latest");
  EXPECT_EQ(normalised("cafe:1"), "docker.io/library/cafe:1");
}

TEST(ImageReference, RefusesEmptyParts) {
  EXPECT_EQ(refusal(""), "is empty");
  EXPECT_THAT(refusal(":20"), HasSubstr("has no name"));
  EXPECT_THAT(refusal("@sha256:" + hex64), HasSubstr("has no name"));
  EXPECT_THAT(refusal("node:"), HasSubstr("empty tag"));
  EXPECT_THAT(refusal("acme//node"), HasSubstr("empty part"));
  EXPECT_THAT(refusal("/node"), HasSubstr("empty part"));
  EXPECT_THAT(refusal("acme/"), HasSubstr("empty part"));
  EXPECT_THAT(refusal("ghcr.io/"), HasSubstr("empty part"));
  EXPECT_THAT(refusal("ghcr.io:/node"), HasSubstr("empty port"));
}

TEST(ImageReference, RefusesShellCharactersSpacesAndBytesByName) {
  EXPECT_THAT(refusal("node;reboot"), HasSubstr("';'"));
  EXPECT_THAT(refusal("node$(id)"), HasSubstr("'$'"));
  EXPECT_THAT(refusal("node 20"), HasSubstr("a space"));
  EXPECT_THAT(refusal("node\n"), HasSubstr("the byte 0x0A"));
  EXPECT_THAT(refusal("nod\xC3\xA9"), HasSubstr("the byte 0xC3"));
  EXPECT_THAT(refusal("https://ghcr.io/acme/tool"), HasSubstr("port"));
}

TEST(ImageReference, RefusesSegmentsThatBreakTheGrammar) {
  EXPECT_THAT(refusal("Node"), HasSubstr("upper case"));
  EXPECT_EQ(parse_image_reference("acme/Node").mend, "write it in lower case: 'node'");
  EXPECT_THAT(refusal("-node"), HasSubstr("begins or ends with a separator"));
  EXPECT_THAT(refusal("node."), HasSubstr("begins or ends with a separator"));
  EXPECT_THAT(refusal("no..de"), HasSubstr("'..' is no separator"));
  EXPECT_THAT(refusal("no___de"), HasSubstr("'___' is no separator"));
  EXPECT_THAT(refusal("no.-de"), HasSubstr("'.-' is no separator"));
  EXPECT_THAT(refusal("acme/a:b/c"), HasSubstr("':', '@' or bracket"));
}

TEST(ImageReference, RefusesBadTags) {
  EXPECT_THAT(refusal("node:.x"), HasSubstr("begins with '.'"));
  EXPECT_THAT(refusal("node:-x"), HasSubstr("begins with '-'"));
  EXPECT_THAT(refusal("node:a[b"), HasSubstr("the tag 'a[b'"));
  EXPECT_EQ(normalised("node:" + std::string(128, 'x')), "docker.io/library/node:" + std::string(128, 'x'));
  EXPECT_THAT(refusal("node:" + std::string(129, 'x')), HasSubstr("129 characters"));
}

TEST(ImageReference, RefusesBadDigests) {
  EXPECT_THAT(refusal("node@"), HasSubstr("unknown algorithm"));
  EXPECT_THAT(refusal("node@md5:" + std::string(32, 'a')), HasSubstr("unknown algorithm 'md5'"));
  EXPECT_THAT(refusal("node@sha256"), HasSubstr("unknown algorithm"));
  EXPECT_THAT(refusal("node@sha256:" + std::string(63, 'a')), HasSubstr("63 hex digits, where sha256 has 64"));
  EXPECT_THAT(refusal("node@sha512:" + hex64), HasSubstr("sha512 has 128"));
  EXPECT_THAT(refusal("node@sha256:" + std::string(64, 'A')), HasSubstr("not lower-case hex"));
}

TEST(ImageReference, RefusesBadRegistries) {
  EXPECT_THAT(refusal("ghcr.io:x/node"), HasSubstr("the port 'x'"));
  EXPECT_THAT(refusal("ghcr.io:0/node"), HasSubstr("between 1 and 65535"));
  EXPECT_THAT(refusal("ghcr.io:65536/node"), HasSubstr("between 1 and 65535"));
  EXPECT_THAT(refusal("ghcr.io:99999999999999/node"), HasSubstr("between 1 and 65535"));
  EXPECT_THAT(refusal("gh_cr.io/node"), HasSubstr("'gh_cr'"));
  EXPECT_THAT(refusal("-ghcr.io/node"), HasSubstr("'-ghcr'"));
  EXPECT_THAT(refusal("ghcr..io/node"), HasSubstr("registry's name"));
  EXPECT_THAT(refusal("[::1/node"), HasSubstr("no IPv6 address"));
  EXPECT_THAT(refusal("[abc]/node"), HasSubstr("no IPv6 address"));
  EXPECT_THAT(refusal("[::1]x/node"), HasSubstr("behind its registry's address"));
}

TEST(ImageReference, HoldsItsBounds) {
  const std::string name = "ghcr.io/" + std::string(247, 'a');  // 255 with its registry
  EXPECT_EQ(normalised(name), name + ":latest");
  EXPECT_THAT(refusal(name + "a"), HasSubstr("has a name of 256 characters"));
  EXPECT_THAT(refusal(std::string(257, 'n')), HasSubstr("is 257 characters long"));
  EXPECT_THAT(refusal(std::string(240, 'n')), HasSubstr("docker.io included"));
}

}  // namespace
}  // namespace cofferdam::specs
