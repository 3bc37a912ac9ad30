// Where the engine is looked for, and whom its registries are shown.

#include "docker/endpoint.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "docker/base64.hpp"
#include "docker/client_config.hpp"

namespace cofferdam::docker {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

struct World {
  EndpointInputs inputs;
  std::map<std::string, std::string> files;

  World() { inputs.home = "/home/u"; }
  std::variant<Endpoint, std::string> resolve() const {
    return resolve_endpoint(inputs, [this](const std::string& path) -> std::optional<std::string> {
      const auto found = files.find(path);
      // A context's directory is named by a digest: any will do here.
      if (found == files.end() && path.find("/contexts/") != std::string::npos) {
        const auto tail = path.substr(path.rfind('/') + 1);
        const auto context = files.find("context:" + tail);
        return context == files.end() ? std::nullopt : std::optional(context->second);
      }
      return found == files.end() ? std::nullopt : std::optional(found->second);
    });
  }
  Endpoint endpoint() const {
    auto result = resolve();
    if (const auto* text = std::get_if<std::string>(&result)) {
      ADD_FAILURE() << *text;
      return {};
    }
    return std::get<Endpoint>(result);
  }
  std::string refusal() const {
    auto result = resolve();
    return std::holds_alternative<std::string>(result) ? std::get<std::string>(result) : "not refused";
  }
};

TEST(Endpoint, FollowsTheOrderOfPrecedence) {
  World world;
  EXPECT_EQ(address_of(world.endpoint()), "unix:///var/run/docker.sock");
  EXPECT_EQ(world.endpoint().origin, "the default");
  world.files["/home/u/.docker/config.json"] = R"({"currentContext":"lab"})";
  world.files["context:meta.json"] = R"({"Name":"lab","Endpoints":{"docker":{"Host":"unix:///lab.sock"}}})";
  EXPECT_EQ(address_of(world.endpoint()), "unix:///lab.sock");
  EXPECT_THAT(world.endpoint().origin, HasSubstr("the context lab (named by /home/u/.docker/config.json)"));
  world.inputs.environment["DOCKER_CONTEXT"] = "other";
  EXPECT_THAT(world.endpoint().origin, HasSubstr("the context other (named by DOCKER_CONTEXT)"));
  world.inputs.configured = "unix:///configured.sock";
  EXPECT_EQ(address_of(world.endpoint()), "unix:///configured.sock");
  world.inputs.environment["DOCKER_HOST"] = "unix:///environment.sock";
  EXPECT_EQ(address_of(world.endpoint()), "unix:///environment.sock");
  world.inputs.flag = "unix:///flag.sock";
  EXPECT_EQ(address_of(world.endpoint()), "unix:///flag.sock");
  EXPECT_EQ(world.endpoint().origin, "--host");
}

TEST(Endpoint, TheDefaultContextIsTheDefaultSocket) {
  World world;
  world.inputs.environment["DOCKER_CONTEXT"] = "default";
  EXPECT_EQ(address_of(world.endpoint()), "unix:///var/run/docker.sock");
  world.inputs.home.clear();
  world.inputs.environment.clear();
  EXPECT_EQ(address_of(world.endpoint()), "unix:///var/run/docker.sock");
}

TEST(Endpoint, AContextIsNamedByTheDigestOfItsName) {
  World world;
  world.inputs.environment = {{"DOCKER_CONTEXT", "abc"}, {"DOCKER_CONFIG", "/cfg"}};
  world.files["/cfg/contexts/meta/ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad/meta.json"] =
      R"({"Endpoints":{"docker":{"Host":"unix:///abc.sock"}}})";
  EXPECT_EQ(world.endpoint().path, "/abc.sock");
}

TEST(Endpoint, AContextThatIsNotThereIsRefused) {
  World world;
  world.inputs.environment["DOCKER_CONTEXT"] = "gone";
  EXPECT_THAT(world.refusal(), AllOf(HasSubstr("the context gone"), HasSubstr("does not exist"), HasSubstr("docker context ls")));
  world.files["context:meta.json"] = "{";
  EXPECT_THAT(world.refusal(), HasSubstr("cannot be understood: not JSON"));
  world.files["context:meta.json"] = "{}";
  EXPECT_THAT(world.refusal(), HasSubstr("names no Docker endpoint"));
}

TEST(Endpoint, AClientFileThatCannotBeReadIsSaid) {
  World world;
  world.files["/home/u/.docker/config.json"] = "{";
  EXPECT_THAT(world.refusal(), HasSubstr("/home/u/.docker/config.json cannot be understood"));
  world.inputs.configured = "unix:///x.sock";
  EXPECT_EQ(world.endpoint().path, "/x.sock") << "and does not matter where something else decides";
}

TEST(Endpoint, PlainTcpIsRefused) {
  World world;
  world.inputs.flag = "tcp://build.example:2375";
  EXPECT_THAT(world.refusal(), AllOf(HasSubstr("--host: tcp://build.example:2375 without TLS is refused"),
                                     HasSubstr("DOCKER_TLS_VERIFY=1"), Not(HasSubstr("allowInsecureLoopback"))));
  world.inputs.allow_insecure_loopback = true;
  EXPECT_THAT(world.refusal(), HasSubstr("is refused")) << "not a loopback address";
  for (const auto* const host : {"127.evil.example", "localhost.evil.example", "0.0.0.0", "[::]"}) {
    world.inputs.flag = "tcp://" + std::string(host) + ":2375";
    EXPECT_THAT(world.refusal(), HasSubstr("is refused")) << host;
  }
}

TEST(Endpoint, PlainTcpToLoopbackIsAllowedWhereTheConfigurationSaysSo) {
  World world;
  world.inputs.flag = "tcp://127.0.0.1:2375";
  EXPECT_THAT(world.refusal(), HasSubstr("engine.allowInsecureLoopback: true"));
  world.inputs.allow_insecure_loopback = true;
  for (const auto& [address, host, port] : {std::tuple{"tcp://127.0.0.1:2375", "127.0.0.1", 2375},
                                            {"tcp://localhost", "localhost", 2375},
                                            {"tcp://[::1]:99/", "::1", 99}}) {
    world.inputs.flag = address;
    const auto endpoint = world.endpoint();
    EXPECT_EQ(endpoint.host, host);
    EXPECT_EQ(endpoint.port, port);
    EXPECT_EQ(endpoint.tls, TlsMode::none);
    EXPECT_FALSE(is_local(endpoint)) << "a port may be forwarded";
  }
}

TEST(Endpoint, TcpWithVerifiedTls) {
  World world;
  world.inputs.environment = {{"DOCKER_HOST", "tcp://build.example"}, {"DOCKER_TLS_VERIFY", "1"}, {"DOCKER_CERT_PATH", "/certs"}};
  EXPECT_THAT(world.refusal(), HasSubstr("/certs/ca.pem cannot be read"));
  world.files["/certs/ca.pem"] = "pem";
  auto endpoint = world.endpoint();
  EXPECT_EQ(endpoint.tls, TlsMode::verified);
  EXPECT_EQ(endpoint.port, 2376);
  EXPECT_EQ(endpoint.files, (TlsFiles{"/certs/ca.pem", "", ""}));
  world.files["/certs/cert.pem"] = "pem";
  EXPECT_THAT(world.refusal(), HasSubstr("of cert.pem and key.pem in /certs only one can be read"));
  world.files["/certs/key.pem"] = "pem";
  EXPECT_EQ(world.endpoint().files, (TlsFiles{"/certs/ca.pem", "/certs/cert.pem", "/certs/key.pem"}));
}

TEST(Endpoint, TheCertificatesOfTheHomeAreTheDefault) {
  World world;
  world.inputs.environment = {{"DOCKER_HOST", "tcp://build.example"}, {"DOCKER_TLS_VERIFY", "1"}};
  EXPECT_EQ(world.endpoint().files, TlsFiles{}) << "the system's authorities";
  world.files["/home/u/.docker/ca.pem"] = "pem";
  EXPECT_EQ(world.endpoint().files.ca, "/home/u/.docker/ca.pem");
}

TEST(Endpoint, TlsThatIsNotVerifiedIsRefused) {
  World world;
  world.inputs.environment = {{"DOCKER_HOST", "tcp://build.example:2376"}, {"DOCKER_CERT_PATH", "/certs"}};
  world.files["/certs/ca.pem"] = "pem";
  EXPECT_THAT(world.refusal(), HasSubstr("is refused"));
  World context;
  context.inputs.environment["DOCKER_CONTEXT"] = "lab";
  context.files["context:meta.json"] = R"({"Endpoints":{"docker":{"Host":"tcp://lab:2376","SkipTLSVerify":true}}})";
  EXPECT_THAT(context.refusal(), HasSubstr("with TLS that is not verified is refused"));
}

TEST(Endpoint, AContextBringsItsOwnCertificates) {
  World world;
  world.inputs.environment = {{"DOCKER_CONTEXT", "lab"}, {"DOCKER_CERT_PATH", "/certs"}};
  world.files["context:meta.json"] = R"({"Endpoints":{"docker":{"Host":"tcp://lab:2376"}}})";
  EXPECT_THAT(world.refusal(), HasSubstr("without TLS is refused"));
  world.files["context:ca.pem"] = "pem";
  const auto endpoint = world.endpoint();
  EXPECT_EQ(endpoint.tls, TlsMode::verified);
  EXPECT_THAT(endpoint.files.ca, AllOf(HasSubstr("/home/u/.docker/contexts/tls/"), HasSubstr("/docker/ca.pem")));
}

TEST(Endpoint, OtherSchemesAreRefusedWithTheMend) {
  World world;
  const auto refused = [&](const std::string& address) {
    world.inputs.flag = address;
    return world.refusal();
  };
  EXPECT_THAT(refused("ssh://me@host"), HasSubstr("ssh is not spoken here; forward the socket"));
  EXPECT_THAT(refused("npipe:////./pipe/docker_engine"), HasSubstr("is a Windows pipe"));
  EXPECT_THAT(refused("/var/run/docker.sock"), HasSubstr("is no engine address; unix:///path"));
  EXPECT_THAT(refused("unix://docker.sock"), HasSubstr("names no absolute path"));
  EXPECT_THAT(refused("unix:///" + std::string(120, 'x')), HasSubstr("longer than a socket's may be"));
  world.inputs.allow_insecure_loopback = true;
  for (const auto* const address : {"tcp://", "tcp://localhost:0", "tcp://localhost:70000", "tcp://localhost:x", "tcp://[::1",
                                    "tcp://localhost/path", "tcp://user@localhost"}) {
    EXPECT_THAT(refused(address), HasSubstr("is no address; tcp://host:port is")) << address;
  }
}

// Credentials.

ClientConfig config_of(const std::string& text) {
  auto decoded = decode_client_config(text);
  if (const auto* wrong = std::get_if<std::string>(&decoded)) {
    ADD_FAILURE() << *wrong;
    return {};
  }
  return std::get<ClientConfig>(decoded);
}

TEST(Credentials, AreFoundByTheRegistry) {
  EXPECT_EQ(registry_of("busybox"), "docker.io");
  EXPECT_EQ(registry_of("library/busybox:1"), "docker.io");
  EXPECT_EQ(registry_of("docker.io/library/busybox"), "docker.io");
  EXPECT_EQ(registry_of("host:5000/a"), "host:5000");
  EXPECT_EQ(registry_of("localhost/a"), "localhost");
  EXPECT_EQ(registry_of("ghcr.io/a/b@sha256:1"), "ghcr.io");
  EXPECT_EQ(registry_key("docker.io"), "https://index.docker.io/v1/");
  EXPECT_EQ(registry_key("ghcr.io"), "ghcr.io");
}

TEST(Credentials, StandInTheFile) {
  const auto config = config_of(
      R"({"auths":{"https://index.docker.io/v1/":{"auth":")" + base64url_encode("me:pass:word") +
      R"("},"https://ghcr.io":{"identitytoken":"tok"},"plain.example":{"username":"u","password":"p"},"empty.example":{}}})");
  EXPECT_EQ(credential_source(config, "docker.io").credentials, (Credentials{"me", "pass:word", ""}));
  EXPECT_EQ(credential_source(config, "ghcr.io").credentials, (Credentials{"", "", "tok"}));
  EXPECT_EQ(credential_source(config, "plain.example").credentials, (Credentials{"u", "p", ""}));
  EXPECT_EQ(credential_source(config, "empty.example").credentials, std::nullopt);
  EXPECT_EQ(credential_source(config, "other.example").credentials, std::nullopt);
}

TEST(Credentials, MayComeFromAHelper) {
  const auto config =
      config_of(R"({"credHelpers":{"ghcr.io":"gh","docker.io":"hub"},"credsStore":"store","auths":{"ghcr.io":{}}})");
  EXPECT_EQ(credential_source(config, "ghcr.io").helper, "docker-credential-gh");
  EXPECT_EQ(credential_source(config, "docker.io").helper, "docker-credential-hub");
  EXPECT_EQ(credential_source(config, "docker.io").key, "https://index.docker.io/v1/");
  EXPECT_EQ(credential_source(config, "other.example").helper, "docker-credential-store");
}

TEST(Credentials, OfAHelper) {
  EXPECT_EQ(std::get<Credentials>(decode_helper_reply(R"({"ServerURL":"x","Username":"u","Secret":"s"})")),
            (Credentials{"u", "s", ""}));
  EXPECT_EQ(std::get<Credentials>(decode_helper_reply(R"({"Username":"<token>","Secret":"s"})")), (Credentials{"", "", "s"}));
  EXPECT_EQ(std::get<std::string>(decode_helper_reply("{}")), "Secret: missing");
}

TEST(Credentials, AProblemNamesTheFieldAndNeverTheValue) {
  const auto decoded = decode_client_config(R"({"auths":{"ghcr.io":{"auth":"s3cret!"}}})");
  EXPECT_EQ(std::get<std::string>(decoded), "auths.ghcr.io.auth: not base64 of user:password");
}

TEST(Credentials, AreShownAsBase64OfJson) {
  EXPECT_EQ(base64_decode(encode_registry_auth({"u", "p", ""}, "ghcr.io")),
            R"({"password":"p","serveraddress":"ghcr.io","username":"u"})");
  EXPECT_EQ(base64_decode(encode_registry_auth({"", "", "t"}, "ghcr.io")), R"({"identitytoken":"t","serveraddress":"ghcr.io"})");
}

}  // namespace
}  // namespace cofferdam::docker
