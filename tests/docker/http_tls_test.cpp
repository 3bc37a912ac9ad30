// TCP with TLS, against certificates made for the test; and credential helpers as programs.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <future>
#include <string>

#include "docker/base64.hpp"
#include "engine_client.hpp"
#include "scripted_server.hpp"

namespace cofferdam::docker {
namespace {

using namespace std::chrono_literals;
using test::answer;
using test::EngineClient;
using test::Peer;
using test::ScriptedServer;
using test::TemporaryDirectory;
using test::TlsIdentity;
using ::testing::HasSubstr;
using ::testing::Not;

/// An authority, a server's certificate for localhost and 127.0.0.1, a client's, and another authority.
class Certificates {
 public:
  Certificates() {
    make_authority("ca");
    make_authority("other");
    make_signed("server", "DNS:localhost,IP:127.0.0.1");
    make_signed("stranger", "DNS:elsewhere.example");
    make_signed("client", "DNS:client");
  }
  std::string path(const std::string& name) const { return directory_.path() + "/" + name; }
  TlsIdentity identity(const std::string& name) const { return {path(name + ".pem"), path(name + ".key"), ""}; }

 private:
  void run(const std::string& command) const {
    ASSERT_EQ(std::system(("cd " + directory_.path() + " && " + command + " >log 2>&1").c_str()), 0) << command;
  }
  void make_authority(const std::string& name) const {
    run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj '/CN=" + name + "' -keyout " +
        name + ".key -out " + name + ".pem");
  }
  void make_signed(const std::string& name, const std::string& alternatives) const {
    run("openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj '/CN=" + name + "' -keyout " + name +
        ".key -out " + name + ".csr");
    run("printf 'subjectAltName=" + alternatives + "' >ext && openssl x509 -req -days 2 -in " + name +
        ".csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile ext -out " + name + ".pem");
  }
  TemporaryDirectory directory_;
};

const Certificates& certificates() {
  static const Certificates made;
  return made;
}

Endpoint tls_endpoint(int port, const std::string& ca, const std::string& host = "localhost") {
  Endpoint endpoint;
  endpoint.transport = Transport::tcp;
  endpoint.host = host;
  endpoint.port = static_cast<std::uint16_t>(port);
  endpoint.tls = TlsMode::verified;
  endpoint.files.ca = ca;
  return endpoint;
}

const auto kEmptyList = ScriptedServer::answering([](const std::string&) { return answer(200, "[]"); });

TEST(Tls, TalksToAServerThatItsAuthorityVouchesFor) {
  ScriptedServer server(kEmptyList, certificates().identity("server"));
  for (const auto* const host : {"localhost", "127.0.0.1"}) {
    EngineClient client(tls_endpoint(server.port(), certificates().path("ca.pem"), host));
    client.good<std::vector<ContainerSummary>>(ContainerList{});
    client.good<std::vector<ContainerSummary>>(ContainerList{});
    EXPECT_EQ(client.engine->idle_connections(), 1U) << "kept alive";
  }
  EXPECT_EQ(server.connections(), 2);
}

TEST(Tls, RefusesAServerOfAnotherAuthority) {
  ScriptedServer server(kEmptyList, certificates().identity("server"));
  EngineClient client(tls_endpoint(server.port(), certificates().path("other.pem")));
  const auto error = client.failing(ContainerList{});
  EXPECT_EQ(error.error_class, ErrorClass::tls);
  EXPECT_THAT(error.message, HasSubstr("its certificate is not accepted"));
  EXPECT_FALSE(may_have_been_applied(error));
}

TEST(Tls, RefusesAServerOfAnotherName) {
  ScriptedServer server(kEmptyList, certificates().identity("stranger"));
  EngineClient client(tls_endpoint(server.port(), certificates().path("ca.pem")));
  const auto error = client.failing(ContainerList{});
  EXPECT_EQ(error.error_class, ErrorClass::tls);
  EXPECT_THAT(error.message, HasSubstr("its certificate is not made out to localhost"));
}

TEST(Tls, ShowsItsOwnCertificateWhereOneIsAsked) {
  auto identity = certificates().identity("server");
  identity.client_ca = certificates().path("ca.pem");
  ScriptedServer server(kEmptyList, identity);
  auto endpoint = tls_endpoint(server.port(), certificates().path("ca.pem"));
  EngineClient without(endpoint);
  EXPECT_THAT(name_of(without.failing(ContainerList{}).error_class), ::testing::AnyOf("tls", "reset"));
  endpoint.files.certificate = certificates().path("client.pem");
  endpoint.files.key = certificates().path("client.key");
  EngineClient with(endpoint);
  with.good<std::vector<ContainerSummary>>(ContainerList{});
}

TEST(Tls, SaysWhichFileCannotBeUsed) {
  auto endpoint = tls_endpoint(1, "/nonexistent/ca.pem");
  EngineClient client(endpoint);
  const auto error = client.failing(ContainerList{});
  EXPECT_EQ(error.error_class, ErrorClass::tls);
  EXPECT_THAT(error.message, HasSubstr("/nonexistent/ca.pem cannot be used"));
}

TEST(Tls, RefusesAServerThatDoesNotSpeakIt) {
  ScriptedServer server([](Peer& peer) { peer.send("HTTP/1.1 400 Bad Request\r\n\r\n"); }, TlsIdentity{});
  EngineClient client(tls_endpoint(server.port(), certificates().path("ca.pem")));
  EXPECT_EQ(client.failing(ContainerList{}).error_class, ErrorClass::tls);
}

TEST(Tls, EndsAtTheDeadlineWhereTheHandshakeHangs) {
  ScriptedServer server([](Peer& peer) { peer.wait_until_closed(); }, TlsIdentity{});
  EngineClient client(tls_endpoint(server.port(), certificates().path("ca.pem")));
  EXPECT_EQ(client.failing(ContainerList{}, {.deadline = 20ms}).error_class, ErrorClass::timeout);
}

TEST(Tcp, TalksPlainlyWhereThatWasAllowed) {
  ScriptedServer server(kEmptyList, TlsIdentity{});
  auto endpoint = tls_endpoint(server.port(), "", "127.0.0.1");
  endpoint.tls = TlsMode::none;
  EngineClient client(endpoint);
  client.good<std::vector<ContainerSummary>>(ContainerList{});
}

TEST(Tcp, SaysThatNobodyListens) {
  int port = 0;
  {
    port = ScriptedServer(kEmptyList, TlsIdentity{}).port();
  }
  auto endpoint = tls_endpoint(port, "", "127.0.0.1");
  endpoint.tls = TlsMode::none;
  EngineClient client(endpoint);
  EXPECT_EQ(client.failing(ContainerList{}).error_class, ErrorClass::refused);
}

// Credential helpers.

class Helper : public ::testing::Test {
 protected:
  Helper() : path_(std::getenv("PATH")) { ::setenv("PATH", (directory_.path() + ":" + path_).c_str(), 1); }
  ~Helper() override { ::setenv("PATH", path_.c_str(), 1); }

  void install(const std::string& script) { directory_.write("docker-credential-it", "#!/bin/sh\n" + script, 0755); }

  /// Pulls with a config.json that names the helper; the header that the engine saw, or the error's text.
  std::string pull(std::chrono::milliseconds deadline = 30s) {
    std::promise<std::string> seen;
    ScriptedServer server([&seen](Peer& peer) {
      seen.set_value(peer.read_request());
      peer.send(answer(200, "{\"status\":\"ok\"}"));
    });
    HttpEngineOptions options;
    options.registry_auth_file = directory_.write("config.json", R"({"credsStore":"it"})");
    options.credential_helper_deadline = deadline;
    EngineClient client(server.path(), options);
    auto result = client.call(ImagePull{"registry.example/a:1"});
    client.close();
    if (const auto* error = std::get_if<Error>(&result)) {
      EXPECT_EQ(server.connections(), 0);
      return error->message;
    }
    const auto request = seen.get_future().get();
    const auto at = request.find("X-Registry-Auth: ");
    if (at == std::string::npos) {
      return "no header";
    }
    const auto start = at + 17;
    return base64_decode(request.substr(start, request.find("\r\n", start) - start)).value_or("not base64");
  }

 private:
  TemporaryDirectory directory_;
  std::string path_;
};

TEST_F(Helper, IsAskedForTheRegistry) {
  install("read key; echo '{\"Username\":\"'$1'\",\"Secret\":\"'$key'\"}'");
  EXPECT_EQ(pull(), R"({"password":"registry.example","serveraddress":"registry.example","username":"get"})");
}

TEST_F(Helper, InheritsNoConnection) {
  install("for fd in /proc/$$/fd/*; do case $(readlink $fd) in socket:*) exit 9;; esac; done; echo '{\"Secret\":\"s\"}'");
  std::vector<int> sockets;
  for (int i = 0; i < 4; ++i) {
    sockets.push_back(::socket(AF_UNIX, SOCK_STREAM, 0));  // of those that a library leaves open to children
  }
  EXPECT_THAT(pull(), HasSubstr("\"password\":\"s\""));
  for (const int socket : sockets) {
    ::close(socket);
  }
}

TEST_F(Helper, MayKnowNothing) {
  install("echo 'credentials not found in native keychain'; exit 1");
  EXPECT_EQ(pull(), "no header");
}

TEST_F(Helper, ThatFailsIsNamedAndNotQuoted) {
  install("echo s3cret; exit 3");
  const auto message = pull();
  EXPECT_THAT(message,
              HasSubstr("docker-credential-it ended with 3; try it by hand: echo registry.example | docker-credential-it get"));
  EXPECT_THAT(message, Not(HasSubstr("s3cret")));
}

TEST_F(Helper, ThatIsNotThereIsNamed) {
  EXPECT_THAT(pull(), HasSubstr("docker-credential-it: cannot be run: No such file or directory"));
}

TEST_F(Helper, ThatHangsIsEnded) {
  install("sleep 1000 & wait");
  EXPECT_THAT(pull(50ms), HasSubstr("did not answer within 50 ms"));
}

TEST_F(Helper, ThatTalksTooMuchIsEnded) {
  install("while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done");
  EXPECT_THAT(pull(), HasSubstr("answered more than 65536 bytes"));
}

TEST_F(Helper, ThatAnswersGarbageIsNotQuoted) {
  install("echo 's3cret'");
  const auto message = pull();
  EXPECT_THAT(message, HasSubstr("answered what cannot be understood: not JSON"));
  EXPECT_THAT(message, Not(HasSubstr("s3cret")));
}

TEST_F(Helper, IsEndedWithItsCall) {
  install("sleep 1000");
  TemporaryDirectory directory;
  HttpEngineOptions options;
  options.registry_auth_file = directory.write("config.json", R"({"credsStore":"it"})");
  EngineClient client(std::string("/nonexistent"), options);
  bool cancelled = false;
  client.engine->start(1, ImagePull{"registry.example/a:1"}, {},
                       [&](const Result& result) { cancelled = std::get<Error>(result).error_class == ErrorClass::cancelled; });
  client.close();  // returns when the program is gone
  EXPECT_TRUE(cancelled);
}

TEST(AuthFile, ThatCannotBeReadIsMissedOnlyWhereAPullFails) {
  for (const auto* const path : {"/nonexistent/config.json", "/dev"}) {
    std::atomic<bool> refuse = false;
    ScriptedServer server([&refuse](Peer& peer) {
      peer.read_request();
      peer.send(refuse ? answer(404, R"({"message":"pull access denied"})") : answer(200, R"({"status":"ok"})"));
    });
    HttpEngineOptions options;
    options.registry_auth_file = path;
    EngineClient client(server.path(), options);
    client.good<ImagePulled>(ImagePull{"a:1"});
    refuse = true;
    EXPECT_THAT(client.failing(ImagePull{"a:1"}).message,
                HasSubstr("pull access denied; no credentials were shown, since " + std::string(path) + " cannot be read: "));
  }
}

TEST(AuthFile, ThatCannotBeUnderstoodIsNamed) {
  const TemporaryDirectory directory;
  HttpEngineOptions options;
  options.registry_auth_file = directory.write("config.json", R"({"auths":[]})");
  EngineClient client(std::string("/nonexistent"), options);
  EXPECT_EQ(client.failing(ImagePull{"a:1"}).message, "not sent: the registry credentials in " + options.registry_auth_file +
                                                          " cannot be understood: auths: an object was expected, found array");
}

}  // namespace
}  // namespace cofferdam::docker
