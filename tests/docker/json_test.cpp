// The codecs, by golden bodies: what engines of 1.41 and 1.52 write, and what none should.

#include "docker/json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include <nlohmann/json.hpp>

#include "docker/json_scanner.hpp"

namespace cofferdam::docker {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;

template <class T>
T good(Decoded<T> decoded) {
  if (const auto* wrong = std::get_if<std::string>(&decoded)) {
    ADD_FAILURE() << *wrong;
    return {};
  }
  return std::get<T>(std::move(decoded));
}
template <class T>
std::string wrong(const Decoded<T>& decoded) {
  const auto* text = std::get_if<std::string>(&decoded);
  return text != nullptr ? *text : "nothing wrong";
}

const std::string kRow =
    R"([{"Id":"4f1","Names":["/web/alias","/cofferdam-default-bot-1"],"Image":"node:20-alpine","ImageID":"sha256:aa",
"Command":"docker-init -- sh","Created":1767323045,"Ports":[{"PrivatePort":80,"Type":"tcp"}],
"Labels":{"cofferdam.agent":"bot","z":"","a":"ü\n"},"State":"exited","Status":"Exited (0) 2 days ago",
"HostConfig":{"NetworkMode":"none"},"NetworkSettings":{"Networks":{"none":{"IPAMConfig":null,"Links":null,"Aliases":["x"],"MacAddress":""}}},
"Mounts":[{"Type":"bind","Source":"/srv/ws","Destination":"/workspace","Mode":"","RW":true,"Propagation":"rprivate"},
{"Type":"volume","Name":"v","Source":"","Destination":"/data","Driver":"local","RW":false,"Propagation":""}],"Unknown":{"deep":[[{}],null]}}])";

TEST(DecodeContainers, KeepsWhatIsRead) {
  const auto rows = good(decode_containers(kRow));
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0],
            (ContainerSummary{.id = "4f1",
                              .name = "cofferdam-default-bot-1",
                              .image = "node:20-alpine",
                              .image_id = "sha256:aa",
                              .state = ContainerState::exited,
                              .status = "Exited (0) 2 days ago",
                              .labels = {{"cofferdam.agent", "bot"}, {"z", ""}, {"a", "ü\n"}},
                              .mounts = {{"bind", "/srv/ws", "/workspace", true, "rprivate"}, {"volume", "", "/data", false, ""}},
                              .created = 1767323045}));
}

TEST(DecodeContainers, ToleratesWhatIsAbsentOrNull) {
  const auto rows = good(
      decode_containers(R"([{"Id":"a","State":"created","Names":null,"Labels":null,"Mounts":null},{"State":"dead","Id":"b"}])"));
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[1].state, ContainerState::dead);
  EXPECT_THAT(good(decode_containers("[]")), IsEmpty());
}

TEST(DecodeContainers, RefusesWhatNoEngineWrites) {
  EXPECT_EQ(wrong(decode_containers("")), "not JSON");
  EXPECT_EQ(wrong(decode_containers("[{\"Id\":\"a\"")), "not JSON");
  EXPECT_EQ(wrong(decode_containers("[] []")), "not JSON");
  EXPECT_EQ(wrong(decode_containers("{}")), "the document: an array was expected");
  EXPECT_EQ(wrong(decode_containers("null")), "the document: an array was expected");
  EXPECT_EQ(wrong(decode_containers(R"([{"Id":7,"State":"created"}])")), "[0].Id: a string was expected");
  EXPECT_EQ(wrong(decode_containers(R"([{"Id":"a","State":"created"},{"Id":"b","State":"flying"}])")),
            "[1].State: \"flying\" is no state that is known here");
  EXPECT_EQ(wrong(decode_containers(R"([{"State":"created"}])")), "[0]: Id or State is missing");
  EXPECT_EQ(wrong(decode_containers(R"([{"Id":"a"}])")), "[0]: Id or State is missing");
  EXPECT_EQ(wrong(decode_containers(R"([{"Id":"a","State":"created","Labels":["x"]}])")), "[0].Labels: an object was expected");
  EXPECT_EQ(wrong(decode_containers(R"([{"Id":"a","State":"created","Labels":{"x":1}}])")), "[0].Labels: a string was expected");
  EXPECT_EQ(wrong(decode_containers(R"([{"Id":"a","State":"created","Mounts":[{"RW":"yes"}]}])")),
            "[0].Mounts.RW: true or false was expected");
}

TEST(DecodeContainers, ReadsEscapesAndUtf8) {
  const auto rows =
      good(decode_containers(R"([{"Id":"a\u00e4\ud83d\ude00\/\"\\","State":"cr\u0065ated","Labels":{"\u006bey":"tab\tü€😀"}}])"));
  EXPECT_EQ(rows.at(0).id, "aä😀/\"\\");
  EXPECT_THAT(rows.at(0).labels, ElementsAre(Pair("key", "tab\tü€😀")));
  for (const auto* const text :
       {R"("\ud83d")", R"("\ude00")", R"("\ud83d\u0041")", R"("\x")", R"("\u12")", "\"\x01\"", "\"\xff\"", "\"\xc0\x80\"",
        "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xe2\x82\"", "\"open"}) {
    EXPECT_EQ(wrong(decode_containers(R"([{"State":"created","Id":)" + std::string(text) + "}]")), "not JSON") << text;
  }
}

/// Whether the list's scanner takes a text for JSON.
bool scanned(std::string_view text) {
  JsonScanner scanner(text);
  scanner.skip();
  return scanner.at_end();
}

TEST(JsonScanner, TakesForJsonExactlyWhatIs) {
  const std::string seed =
      R"( {"a" : [1, -0, 0.5, -1.25e+1, 7E2, true,false , null],"b":{},"c":[ ],"d":{"e":[[],{"f":"\u00e4\n\\\"€😀"}]}} )";
  ASSERT_TRUE(scanned(seed));
  int taken = 0;
  const auto compare = [&](const std::string& text) {
    const bool expected = nlohmann::json::accept(text);
    ASSERT_EQ(scanned(text), expected) << text;
    taken += expected ? 1 : 0;
  };
  for (std::size_t at = 0; at < seed.size(); ++at) {
    compare(seed.substr(0, at));
    compare(std::string(seed).erase(at, 1));
    for (const char c : std::string("{}[]\",:\\ue019.-+tn \n\x01\x80\xff")) {
      compare(std::string(seed).insert(at, 1, c));
      compare(std::string(seed).replace(at, 1, 1, c));
    }
  }
  EXPECT_GT(taken, 100) << "some of them are";
}

TEST(DecodeContainers, ReadsAnyDepthOfWhatItSkips) {
  const std::string deep = R"([{"Id":"a","State":"running","X":)" + std::string(100'000, '[') + std::string(100'000, ']') + "}]";
  EXPECT_EQ(good(decode_containers(deep)).size(), 1U);
}

// As 20.10 writes it, cut to what matters.
const std::string kInspect = R"({"Id":"4f1","Created":"2026-01-02T03:04:05.123456789Z","Path":"sh","Args":[],"Name":"/bot-1",
"State":{"Status":"exited","Running":false,"Paused":false,"Restarting":false,"OOMKilled":true,"Dead":false,"Pid":0,"ExitCode":137,
"Error":"","StartedAt":"2026-01-02T03:04:06Z","FinishedAt":"2026-01-02T04:04:07.5+01:00"},"Image":"sha256:aa","RestartCount":2,
"AppArmorProfile":"docker-default","HostConfig":{"Binds":null,"CapAdd":null,"CapDrop":["ALL"],"CgroupnsMode":"private","Memory":536870912,
"MemorySwap":-1,"NanoCpus":1000000000,"PidsLimit":100,"Ulimits":[{"Name":"nofile","Hard":65536,"Soft":1024}],"OomScoreAdj":500,
"LogConfig":{"Type":"local","Config":{"max-size":"10m"}},"NetworkMode":"none","PortBindings":{"80/tcp":[{}]},"RestartPolicy":{"Name":"","MaximumRetryCount":0},
"Devices":[{"PathOnHost":"/dev/kvm","PathInContainer":"/dev/kvm","CgroupPermissions":"rwm"}],"DeviceRequests":[{}],"DeviceCgroupRules":["c 1:3 rwm"],
"Init":true,"ShmSize":67108864,"Tmpfs":{"/tmp":"rw"},"Mounts":[{"Type":"bind","Source":"/ws","Target":"/workspace","BindOptions":{"Propagation":"rprivate","NonRecursive":true}}],
"MaskedPaths":["/proc/kcore"],"ReadonlyPaths":null,"Sysctls":{"a":"b"},"Privileged":false,"ReadonlyRootfs":true},
"Mounts":[{"Type":"bind","Source":"/ws","Destination":"/workspace","Mode":"","RW":true,"Propagation":"rprivate"}],
"Config":{"Hostname":"bot","User":"1000:1000","Env":["A=b"],"Cmd":["sh"],"Image":"node:20-alpine","WorkingDir":"/workspace","Entrypoint":null,
"Labels":{"k":"v"},"StopSignal":"SIGTERM","StopTimeout":10,"Healthcheck":{"Test":["NONE"]}},
"NetworkSettings":{"Networks":{"none":{"NetworkID":"n1"}}}})";

TEST(DecodeContainer, ReadsWhatAnEngineWrites) {
  const auto details = good(decode_container(kInspect));
  EXPECT_EQ(details.name, "bot-1");
  EXPECT_EQ(details.state, ContainerState::exited);
  EXPECT_TRUE(details.oom_killed);
  EXPECT_EQ(details.exit_code, 137);
  EXPECT_EQ(details.restart_count, 2);
  EXPECT_EQ(details.created.value() - details.started_at.value(), -(1s - 123456789ns));
  EXPECT_EQ(details.finished_at.value() - details.started_at.value(), 1500ms) << "an offset is reckoned in";
  EXPECT_THAT(details.networks, ElementsAre(Pair("none", "n1")));
  EXPECT_EQ(details.config.entrypoint, std::nullopt);
  EXPECT_EQ(details.config.stop_timeout, 10);
  EXPECT_EQ(details.host_config.memory_swap, -1);
  EXPECT_EQ(details.host_config.pids_limit, 100);
  EXPECT_THAT(details.host_config.devices, ElementsAre("/dev/kvm"));
  EXPECT_EQ(details.host_config.device_requests, 1U);
  EXPECT_EQ(details.host_config.device_cgroup_rules, 1U);
  EXPECT_EQ(details.host_config.port_bindings, 1U);
  EXPECT_EQ(details.host_config.restart_policy, "no");
  EXPECT_EQ(details.host_config.masked_paths, std::vector<std::string>{"/proc/kcore"});
  EXPECT_EQ(details.host_config.readonly_paths, std::nullopt);
  EXPECT_TRUE(details.host_config.mounts.at(0).non_recursive);
  EXPECT_TRUE(details.host_config.init);
}

TEST(DecodeContainer, ZeroTimesAreNone) {
  const auto details = good(decode_container(
      R"({"Id":"a","State":{"Status":"created","StartedAt":"0001-01-01T00:00:00Z","FinishedAt":"0001-01-01T00:00:00Z"}})"));
  EXPECT_EQ(details.started_at, std::nullopt);
  EXPECT_EQ(details.finished_at, std::nullopt);
  EXPECT_EQ(details.created, std::nullopt);
}

TEST(DecodeContainer, NamesWhatIsWrong) {
  EXPECT_EQ(wrong(decode_container("{")), "not JSON");
  EXPECT_EQ(wrong(decode_container("[]")), "the document: an object was expected, found array");
  EXPECT_EQ(wrong(decode_container(R"({"State":{"Status":"created"}})")), "Id: missing");
  EXPECT_EQ(wrong(decode_container(R"({"Id":"a","State":{"Status":"flying"}})")),
            "State.Status: \"flying\" is no state that is known here");
  EXPECT_EQ(wrong(decode_container(R"({"Id":"a","State":{"Status":"exited","ExitCode":"0"}})")),
            "State.ExitCode: a whole number of 64 bits was expected, found string");
  EXPECT_EQ(wrong(decode_container(R"({"Id":"a","State":{"Status":"exited","ExitCode":1.5}})")),
            "State.ExitCode: a whole number of 64 bits was expected, found number");
  EXPECT_EQ(wrong(decode_container(R"({"Id":"a","State":{"Status":"exited","Pid":9223372036854775808}})")),
            "State.Pid: a whole number of 64 bits was expected, found number");
  EXPECT_EQ(wrong(decode_container(R"({"Id":"a","State":{"Status":"exited","StartedAt":"yesterday"}})")),
            "State.StartedAt: \"yesterday\" is not a time (RFC 3339)");
  EXPECT_EQ(wrong(decode_container(R"({"Id":"a","State":{"Status":"exited"},"HostConfig":{"Mounts":[7]}})")),
            "HostConfig.Mounts[0]: an object was expected, found number");
  EXPECT_EQ(wrong(decode_container(R"({"Id":"a","State":{"Status":"exited"},"HostConfig":{"Privileged":"no"}})")),
            "HostConfig.Privileged: true or false was expected, found string");
}

TEST(DecodeImage, ReadsOldAndNewBodies) {
  const auto old = good(decode_image(
      R"({"Id":"sha256:aa","RepoTags":["node:20"],"RepoDigests":["node@sha256:bb"],"Config":{"User":"node","Env":["A=b"],"Labels":{"k":"v"},"Volumes":{"/data":{}}},"Architecture":"amd64","Os":"linux"})"));
  EXPECT_EQ(old, (ImageDetails{.id = "sha256:aa",
                               .repo_tags = {"node:20"},
                               .repo_digests = {"node@sha256:bb"},
                               .env = {"A=b"},
                               .labels = {{"k", "v"}},
                               .volumes = {"/data"},
                               .user = "node",
                               .architecture = "amd64",
                               .os = "linux"}));
  EXPECT_EQ(good(decode_image(R"({"Id":"sha256:aa"})")).id, "sha256:aa") << "1.52 leaves out what is empty";
  EXPECT_EQ(wrong(decode_image("{}")), "Id: missing");
}

TEST(DecodeSystem, ReadsVersionInfoNetworkAndReplies) {
  const auto version = good(decode_version(
      R"({"Platform":{"Name":"Docker Engine - Community"},"Version":"29.0.1","ApiVersion":"1.52","MinAPIVersion":"1.44","Os":"linux","Arch":"amd64","KernelVersion":"6.1"})"));
  EXPECT_EQ(version.min_api_version, "1.44");
  EXPECT_EQ(version.platform, "Docker Engine - Community");
  EXPECT_EQ(
      good(decode_version(
               R"({"Platform":{"Name":"linux/amd64/debian-12"},"Components":[{"Name":"Podman Engine"}],"ApiVersion":"1.41"})"))
          .platform,
      "Podman Engine");
  EXPECT_EQ(wrong(decode_version("{}")), "ApiVersion: missing");
  const auto info = good(decode_info(
      R"({"ID":"X","Name":"host","NCPU":2,"MemTotal":8000000000,"SystemTime":"2026-01-02T03:04:05.5+02:00","SecurityOptions":["name=seccomp,profile=default"],"Runtimes":{"runc":{"path":"runc"},"crun":{}},"DefaultRuntime":"runc","CgroupVersion":"2","Plugins":{"Log":["local"]},"SwapLimit":true,"CpuCfsQuota":true,"Warnings":null})"));
  EXPECT_EQ(info.processors, 2);
  EXPECT_THAT(info.runtimes, ElementsAre("crun", "runc"));
  EXPECT_TRUE(info.swap_limit && info.cpu_cfs_quota);
  EXPECT_FALSE(info.memory_limit);
  EXPECT_TRUE(info.system_time);
  EXPECT_EQ(
      good(decode_network(R"({"Id":"n","Name":"cofferdam0","Driver":"bridge","Internal":true,"Options":{"icc":"false"}})")),
      (NetworkDetails{.id = "n", .name = "cofferdam0", .driver = "bridge", .internal = true, .options = {{"icc", "false"}}}));
  EXPECT_EQ(good(decode_created(R"({"Id":"a","Warnings":null})")), (ContainerCreated{.id = "a", .warnings = {}}));
  EXPECT_EQ(good(decode_created(R"({"Id":"a","Warnings":["w"]})")), (ContainerCreated{.id = "a", .warnings = {"w"}}));
  EXPECT_EQ(wrong(decode_created("{}")), "Id: missing");
  EXPECT_EQ(good(decode_waited(R"({"StatusCode":137})")).exit_code, 137);
  EXPECT_EQ(wrong(decode_waited("{}")), "StatusCode: missing");
}

TEST(DecodeEvent, ReadsOldAndNewBodies) {
  const auto old = good(decode_event(
      R"({"status":"die","id":"c1","from":"node","Type":"container","Action":"die","Actor":{"ID":"c1","Attributes":{"name":"x"}},"scope":"local","time":1767323045,"timeNano":1767323045123456789})"));
  EXPECT_EQ(
      old,
      (Event{
          .type = "container", .action = "die", .actor = "c1", .attributes = {{"name", "x"}}, .time_ns = 1767323045123456789}));
  const auto reduced = good(decode_event(R"({"Type":"container","Action":"die","Actor":{"ID":"c1"},"time":5})"));
  EXPECT_EQ(reduced.time_ns, 5'000'000'000);
}

TEST(DecodeEvent, CutsACommandLineOff) {
  const auto event =
      good(decode_event(R"({"Type":"container","Action":"exec_create: sh -c 'token: x'","Actor":{"ID":"c"},"timeNano":1})"));
  EXPECT_EQ(event.action, "exec_create");
}

TEST(DecodeEvent, RefusesWhatIsNone) {
  EXPECT_EQ(wrong(decode_event("{}")), "Type: missing");
  EXPECT_EQ(wrong(decode_event(R"({"Type":"container"})")), "Action: missing");
  EXPECT_EQ(wrong(decode_event(R"({"Type":"container","Action":"die","timeNano":1e300})")),
            "timeNano: a whole number of 64 bits was expected, found number");
  EXPECT_EQ(wrong(decode_event("die")), "not JSON");
}

TEST(DecodePullLine, ReadsBothFormsOfAnError) {
  EXPECT_EQ(good(decode_pull_line(R"({"errorDetail":{"code":401,"message":"no"},"error":"older"})")),
            (PullLine{.id = {}, .status = {}, .error = "no", .error_code = 401}));
  EXPECT_EQ(good(decode_pull_line(R"({"error":"older"})")).error, "older");
  EXPECT_EQ(good(decode_pull_line(R"({"errorDetail":{"message":"newer"}})")).error, "newer");
  EXPECT_EQ(
      good(decode_pull_line(R"({"status":"Downloading","progressDetail":{"current":1,"total":2},"progress":"[>]","id":"aa"})")),
      (PullLine{.id = "aa", .status = "Downloading", .current = 1, .total = 2, .error = {}}));
}

TEST(DecodeErrorMessage, TakesTheEnginesWords) {
  EXPECT_EQ(decode_error_message(R"({"message":"No such container: x"})"), "No such container: x");
  EXPECT_EQ(decode_error_message("plain\ntext \n"), "plain text");
  EXPECT_EQ(decode_error_message(""), "");
  EXPECT_EQ(decode_error_message(R"({"message":7})"), R"({"message":7})");
  EXPECT_EQ(decode_error_message(std::string(100'000, 'x')).size(), 4096U);
}

// A registry's words come through the engine's, and an agent's command is in what a start failed with.
TEST(Decode, LeavesNoControlCharacterInWhatPeopleRead) {
  EXPECT_EQ(decode_error_message(R"({"message":"\u001b[31mred"})"), "[31mred");
  EXPECT_EQ(decode_error_message("{\"message\":\"a\xC2\x9B\xC3\xA9\"}"), "a  \xC3\xA9") << "U+009B begins what \\e[ does";
  EXPECT_EQ(good(decode_pull_line(R"({"status":"Pulling a\nb","id":"1"})")).status, "Pulling a b");
  EXPECT_EQ(good(decode_pull_line(R"({"errorDetail":{"message":"no\r\nway"}})")).error, "no  way");
  EXPECT_EQ(good(decode_pull_line(R"({"error":"no\u0000way"})")).error, "no way");
  EXPECT_EQ(good(decode_created(R"({"Id":"c1","Warnings":["a\tb"]})")).warnings, std::vector<std::string>{"a b"});
  EXPECT_EQ(
      good(decode_container(R"({"Id":"c1","State":{"Status":"created","Error":"exec: \"a\u001b[2J\": not found\n"}})")).error,
      R"(exec: "a [2J": not found)");
}

TEST(Decode, CutsWhatPeopleReadBetweenTwoCharacters) {
  const std::string message = decode_error_message("x" + std::string(4094, 'x') + "\xE2\x82\xAC and more");
  EXPECT_EQ(message, std::string(4095, 'x'));
}

TEST(EncodeCreate, WritesMobysNames) {
  ContainerConfig config;
  config.image = "node:20";
  config.user = "1000:1000";
  config.entrypoint = std::vector<std::string>{};
  config.cmd = std::vector<std::string>{"sh"};
  config.env = {"A=b", "LD_PRELOAD"};
  config.labels = {{"Privileged", "true"}};
  config.stop_timeout = 10;
  config.healthcheck_test = {"NONE"};
  HostConfig host;
  host.cap_drop = {"ALL"};
  host.mounts = {
      {.type = "bind", .source = "/s", .target = "/t", .read_only = true, .propagation = "rprivate", .non_recursive = true},
      {.type = "tmpfs", .source = {}, .target = "/x", .propagation = {}}};
  host.ulimits = {{.name = "core", .soft = 0, .hard = 0}};
  host.log_type = "local";
  EXPECT_EQ(
      encode_create(config, host).value(),
      R"({"Cmd":["sh"],"Entrypoint":[],"Env":["A=b","LD_PRELOAD"],"Healthcheck":{"Test":["NONE"]},"HostConfig":{"AutoRemove":false,)"
      R"("CapAdd":[],"CapDrop":["ALL"],"Init":false,"LogConfig":{"Config":{},"Type":"local"},"Memory":0,"MemorySwap":0,"Mounts":[)"
      R"({"BindOptions":{"NonRecursive":true,"Propagation":"rprivate"},"ReadOnly":true,"Source":"/s","Target":"/t","Type":"bind"},)"
      R"({"ReadOnly":false,"Source":"","Target":"/x","Type":"tmpfs"}],"NanoCpus":0,"OomScoreAdj":0,"Privileged":false,)"
      R"("PublishAllPorts":false,"ReadonlyRootfs":false,"RestartPolicy":{"Name":"no"},"SecurityOpt":[],"ShmSize":0,)"
      R"("Ulimits":[{"Hard":0,"Name":"core","Soft":0}]},"Image":"node:20","Labels":{"Privileged":"true"},"OpenStdin":false,)"
      R"("StopTimeout":10,"Tty":false,"User":"1000:1000"})");
}

TEST(EncodeCreate, NeverUnmasksAPath) {
  HostConfig host;
  host.masked_paths = std::vector<std::string>{};
  host.readonly_paths = std::vector<std::string>{};
  host.binds = {"/:/host"};
  host.devices = {"/dev/kvm"};
  const auto body = encode_create({}, host).value();
  for (const auto* const name : {"MaskedPaths", "ReadonlyPaths", "Binds", "Devices"}) {
    EXPECT_THAT(body, Not(HasSubstr(name)));
  }
}

TEST(EncodeCreate, RefusesWhatIsNotUtf8) {
  ContainerConfig config;
  config.labels = {{"k", "\xc3\x28"}};
  EXPECT_EQ(encode_create(config, {}), std::nullopt);
}

TEST(EncodeCreate, ReadsBackAsItWasWritten) {
  ContainerConfig config;
  config.hostname = "h";
  config.image = "i";
  config.env = {"A=\"\\\n"};
  config.labels = {{"a", "b"}};
  HostConfig host;
  host.tmpfs = {{"/tmp", "rw"}};
  host.pids_limit = 5;
  host.memory_swap = -1;
  host.ipc_mode = "private";
  host.log_type = "local";
  host.log_options = {{"max-file", "3"}};
  const auto body = encode_create(config, host).value();
  const auto details = good(decode_container(
      R"({"Id":"x","State":{"Status":"created"},"Config":)" + body + R"(,"HostConfig":)" +
      body.substr(body.find("\"HostConfig\":") + 13, body.find(",\"Hostname\"") - body.find("\"HostConfig\":") - 13) + "}"));
  EXPECT_EQ(details.config, config);
  EXPECT_EQ(details.host_config, host);
}

TEST(EncodeFilters, AreJson) {
  EXPECT_EQ(encode_list_filters({"a", "b=\"c"}), R"({"label":["a","b=\"c"]})");
  EXPECT_EQ(encode_event_filters(), R"({"type":["container","image","network","daemon"]})");
}

}  // namespace
}  // namespace cofferdam::docker
