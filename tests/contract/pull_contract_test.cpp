// Pulls from a real registry with TLS and passwords.

#include <gmock/gmock.h>
#include <signal.h>

#include <string>

#include "tests/contract/transport_contract.hpp"

namespace cofferdam::docker {
namespace {

using namespace std::chrono_literals;
using test::auth_file;
using test::EngineClient;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const std::string& kImage = test::offered_image;

class PullContract : public test::TransportContract {
 protected:
  ~PullContract() override { raw.call("DELETE", "/images/" + kImage); }

  EngineClient& with_auth_file(const std::string& text) {
    HttpEngineOptions options;
    options.registry_auth_file = directory.write("config.json", text, 0600);
    other = std::make_unique<EngineClient>(test::private_engine().socket(), options);
    return *other;
  }

  test::TemporaryDirectory directory;
  std::unique_ptr<EngineClient> other;
};

TEST_F(PullContract, WithTheRightPassword) {
  EXPECT_EQ(client.failing(ImageInspect{kImage}).status, 404);
  std::vector<std::string> progress;
  const auto pulled =
      with_auth_file(auth_file("robot:s3cret"))
          .good<ImagePulled>(ImagePull{kImage}, {.on_progress = [&](const std::string& text) { progress.push_back(text); }});
  EXPECT_THAT(pulled.digest, StartsWith("sha256:"));
  EXPECT_FALSE(progress.empty());
  const auto image = client.good<ImageDetails>(ImageInspect{kImage});
  EXPECT_THAT(image.repo_digests, ::testing::Contains("registry.test:5000/agents/busybox@" + pulled.digest));
  EXPECT_EQ(with_auth_file(auth_file("robot:s3cret")).good<ImagePulled>(ImagePull{kImage}).digest, pulled.digest) << "again";
  const auto by_digest = "registry.test:5000/agents/busybox@" + pulled.digest;
  with_auth_file(auth_file("robot:s3cret")).good<ImagePulled>(ImagePull{by_digest});
}

TEST_F(PullContract, WithAHelpersPassword) {
  directory.write("docker-credential-contract",
                  "#!/bin/sh\nread key\n[ \"$1 $key\" = \"get registry.test:5000\" ] || exit 1\n"
                  "echo '{\"ServerURL\":\"registry.test:5000\",\"Username\":\"robot\",\"Secret\":\"s3cret\"}'\n",
                  0755);
  const std::string path = ::getenv("PATH");
  ::setenv("PATH", (directory.path() + ":" + path).c_str(), 1);
  with_auth_file(R"({"credHelpers":{"registry.test:5000":"contract"}})").good<ImagePulled>(ImagePull{kImage});
  ::setenv("PATH", path.c_str(), 1);
}

TEST_F(PullContract, WithTheWrongPasswordFails) {
  const auto error = with_auth_file(auth_file("robot:wrong")).failing(ImagePull{kImage});
  EXPECT_THAT(error.error_class, AnyOf(ErrorClass::status, ErrorClass::in_stream));
  EXPECT_THAT(error.message, AnyOf(HasSubstr("unauthorized"), HasSubstr("no basic auth"), HasSubstr("authentication")));
  EXPECT_THAT(to_string(error), Not(HasSubstr("wrong")));
}

TEST_F(PullContract, WithoutAPasswordFails) {
  const auto error = client.failing(ImagePull{kImage});
  EXPECT_THAT(error.error_class, AnyOf(ErrorClass::status, ErrorClass::in_stream));
  EXPECT_THAT(error.message, AnyOf(HasSubstr("no basic auth credentials"), HasSubstr("unauthorized")));
}

TEST_F(PullContract, OfAnAbsentTagFails) {
  const auto error = with_auth_file(auth_file("robot:s3cret")).failing(ImagePull{"registry.test:5000/agents/busybox:absent"});
  EXPECT_THAT(error.error_class, AnyOf(ErrorClass::status, ErrorClass::in_stream));
  EXPECT_THAT(error.message, AnyOf(HasSubstr("not found"), HasSubstr("manifest unknown")));
}

TEST_F(PullContract, FromARegistryThatIsDownFails) {
  test::private_engine().registry_stop();
  const auto error = with_auth_file(auth_file("robot:s3cret")).failing(ImagePull{kImage});
  test::private_engine().registry_start();
  EXPECT_THAT(error.error_class, AnyOf(ErrorClass::status, ErrorClass::in_stream));
  EXPECT_THAT(error.message, HasSubstr("connection refused"));
}

TEST_F(PullContract, FromARegistryThatHangsEndsAtTheIdleDeadlineAndMayBeWithdrawn) {
  ASSERT_EQ(::kill(test::private_engine().registry_pid(), SIGSTOP), 0);
  auto& puller = with_auth_file(auth_file("robot:s3cret"));
  EXPECT_EQ(puller.failing(ImagePull{kImage}, {.deadline = 60s, .idle_deadline = 200ms}).error_class, ErrorClass::timeout);
  std::optional<Result> result;
  puller.engine->start(1001, ImagePull{kImage}, {}, [&](Result answer) { result = std::move(answer); });
  puller.engine->cancel(1001);
  puller.run_until([&] { return result.has_value(); });
  EXPECT_EQ(std::get<Error>(*result).error_class, ErrorClass::cancelled);
  ASSERT_EQ(::kill(test::private_engine().registry_pid(), SIGCONT), 0);
}

TEST_F(PullContract, FromARegistryThatDiesInTheMiddleFails) {
  // Halted with the engine's request in hand, then killed: the answer never comes whole.
  const int registry = test::private_engine().registry_pid();
  ASSERT_EQ(::kill(registry, SIGSTOP), 0);
  auto& puller = with_auth_file(auth_file("robot:s3cret"));
  std::optional<Result> result;
  puller.engine->start(1001, ImagePull{kImage}, {}, [&](Result answer) { result = std::move(answer); });
  puller.io.restart();
  puller.io.run_for(200ms);
  EXPECT_FALSE(result.has_value());
  ASSERT_EQ(::kill(registry, SIGKILL), 0);
  puller.run_until([&] { return result.has_value(); });
  test::private_engine().registry_start();
  ASSERT_TRUE(std::holds_alternative<Error>(*result));
  EXPECT_THAT(std::get<Error>(*result).error_class, AnyOf(ErrorClass::status, ErrorClass::in_stream));
  EXPECT_EQ(client.failing(ImageInspect{kImage}).status, 404) << "nothing of it is there";
  puller.good<ImagePulled>(ImagePull{kImage});
}

}  // namespace
}  // namespace cofferdam::docker
