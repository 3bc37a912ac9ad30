#include "controller/http_message.hpp"

#include <gtest/gtest.h>

namespace cofferdam::controller {
namespace {

TEST(Target, IsParsedAndDecoded) {
  const auto target = parse_target("/v1/agents/a%2Db/logs?tail=10&follow&names=A%2CB+C");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/v1/agents/a-b/logs");
  EXPECT_EQ(target->query.at("tail"), "10");
  EXPECT_EQ(target->query.at("follow"), "");
  EXPECT_EQ(target->query.at("names"), "A,B C");
}

TEST(Target, IsRefusedWhereItIsNoPath) {
  for (const char* bad :
       {"", "v1", "http://other/v1/agents", "*", "/a%", "/a%2", "/a%zz", "/a%00b", "/a%0Ab", "/a?x=1&x=2", "/a?%G0"}) {
    EXPECT_FALSE(parse_target(bad)) << bad;
  }
}

TEST(Host, IsOursByLoopbackNameOrAddress) {
  for (const char* ours : {"localhost", "localhost:9476", "LOCALHOST", "127.0.0.1", "127.0.0.1:9476", "[::1]", "[::1]:9476"}) {
    EXPECT_TRUE(is_our_host(ours, "127.0.0.1")) << ours;
  }
}

TEST(Host, IsNotOursByAnotherNameOrAWrongForm) {
  for (const char* bad : {"", "evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "localhost:80x",
                          "localhost:", "10.0.0.1", "[::1", "[::1]x", "localhost:1234567", "@localhost", "localhost:80:80"}) {
    EXPECT_EQ(is_our_host(bad, "127.0.0.1"), std::string(bad) == "localhost:") << bad;
  }
}

TEST(Host, IsOursByTheConfiguredOne) {
  EXPECT_TRUE(is_our_host("metrics.lan:9476", "metrics.lan"));
  EXPECT_TRUE(is_our_host("192.0.2.7:9476", "192.0.2.7"));
  EXPECT_FALSE(is_our_host("192.0.2.8:9476", "192.0.2.7"));
}

TEST(Host, IsOursByAnyAddressWhereWeListenEverywhere) {
  EXPECT_TRUE(is_our_host("192.0.2.8:9476", "0.0.0.0"));
  EXPECT_TRUE(is_our_host("[2001:db8::1]:9476", "::"));
  EXPECT_FALSE(is_our_host("evil.example", "0.0.0.0")) << "a name may be led here; an address may not";
}

}  // namespace
}  // namespace cofferdam::controller
