#include "specs/admission.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/specs/admission_support.hpp"

namespace cofferdam::specs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(Admission, AdmitsTheSmallestSpecByDefault) {
  EXPECT_THAT(refused(plain()), IsEmpty());
  EXPECT_THAT(refused(plain(), configured(), {}), IsEmpty()) << "of a host nothing is known of";
}

// One field at a time

class AdmissionTest : public ::testing::TestWithParam<SpecCase> {};
TEST_P(AdmissionTest, HoldsTheSpecToThePolicy) {
  expect_rules(GetParam());
}

INSTANTIATE_TEST_SUITE_P(
    Capabilities, AdmissionTest,
    ::testing::Values(
        SpecCase{"none added", [](Spec& s) { s.security.cap_add = Strings{}; }, as_is, {}},
        SpecCase{"one that is not allowed", [](Spec& s) { s.security.cap_add = Strings{"KILL"}; }, as_is, {"capabilities"}},
        SpecCase{"one that is allowed, written otherwise",
                 [](Spec& s) { s.security.cap_add = Strings{"KILL"}; },
                 [](Conf& c) { c.policy.allowed_capabilities = {"cap_kill"}; },
                 {}},
        SpecCase{"ALL, even allowed",
                 [](Spec& s) { s.security.cap_add = Strings{"ALL"}; },
                 [](Conf& c) {
                   c.policy.allowed_capabilities = {"ALL"};
                   c.policy.allow_root_equivalent_capabilities = true;
                 },
                 {"capabilities-all"}},
        SpecCase{"root-equivalent, allowed without its switch",
                 [](Spec& s) { s.security.cap_add = Strings{"SYS_ADMIN"}; },
                 [](Conf& c) { c.policy.allowed_capabilities = {"SYS_ADMIN"}; },
                 {"capabilities-root-equivalent"}},
        SpecCase{"root-equivalent with its switch, not allowed",
                 [](Spec& s) { s.security.cap_add = Strings{"SYS_ADMIN"}; },
                 [](Conf& c) { c.policy.allow_root_equivalent_capabilities = true; },
                 {"capabilities"}},
        SpecCase{"root-equivalent with both",
                 [](Spec& s) { s.security.cap_add = Strings{"SYS_ADMIN"}; },
                 [](Conf& c) {
                   c.policy.allowed_capabilities = {"SYS_ADMIN"};
                   c.policy.allow_root_equivalent_capabilities = true;
                 },
                 {}},
        SpecCase{"dropping nothing keeps the engine's defaults",
                 [](Spec& s) { s.security.cap_drop = Strings{}; },
                 as_is,
                 {"capabilities-kept", "capabilities-root-equivalent"}},
        SpecCase{"dropping all but one by one keeps the rest",
                 [](Spec& s) {
                   s.security.cap_drop =
                       Strings{"AUDIT_WRITE",      "CHOWN",   "DAC_OVERRIDE", "FOWNER",  "FSETID", "KILL",      "MKNOD",
                               "NET_BIND_SERVICE", "SETFCAP", "SETGID",       "SETPCAP", "SETUID", "SYS_CHROOT"};
                 },
                 as_is,
                 {"capabilities-kept"}},
        SpecCase{"what is kept may be allowed",
                 [](Spec& s) {
                   s.security.cap_drop =
                       Strings{"AUDIT_WRITE",      "CHOWN",   "DAC_OVERRIDE", "FOWNER",  "FSETID", "KILL",      "MKNOD",
                               "NET_BIND_SERVICE", "SETFCAP", "SETGID",       "SETPCAP", "SETUID", "SYS_CHROOT"};
                 },
                 [](Conf& c) { c.policy.allowed_capabilities = {"NET_RAW"}; },
                 {}},
        SpecCase{"the configured default is the operator's word",
                 unchanged,
                 [](Conf& c) { c.sandbox.security.cap_add = {"KILL"}; },
                 {}},
        SpecCase{"and the spec may repeat it",
                 [](Spec& s) { s.security.cap_add = Strings{"KILL"}; },
                 [](Conf& c) { c.sandbox.security.cap_add = {"KILL"}; },
                 {}},
        SpecCase{"but not add to it",
                 [](Spec& s) { s.security.cap_add = Strings{"CHOWN", "KILL"}; },
                 [](Conf& c) { c.sandbox.security.cap_add = {"KILL"}; },
                 {"capabilities"}},
        SpecCase{"a root-equivalent default needs the switch",
                 unchanged,
                 [](Conf& c) { c.sandbox.security.cap_add = {"SYS_ADMIN"}; },
                 {"capabilities-root-equivalent"}},
        SpecCase{"a default that drops nothing is the operator's word",
                 unchanged,
                 [](Conf& c) { c.sandbox.security.cap_drop = {}; },
                 {}}));

INSTANTIATE_TEST_SUITE_P(
    Networks, AdmissionTest,
    ::testing::Values(
        SpecCase{"none", [](Spec& s) { s.network_mode = "none"; }, as_is, {}},
        SpecCase{"another", [](Spec& s) { s.network_mode = "cofferdam0"; }, as_is, {"network"}},
        SpecCase{"another that is allowed",
                 [](Spec& s) { s.network_mode = "cofferdam0"; },
                 [](Conf& c) { c.policy.allowed_networks = {"cofferdam0"}; },
                 {}},
        SpecCase{"default is no name on the list", [](Spec& s) { s.network_mode = "default"; }, as_is, {"network"}},
        SpecCase{"host, even allowed",
                 [](Spec& s) { s.network_mode = "host"; },
                 [](Conf& c) { c.policy.allowed_networks = {"host"}; },
                 {"network-never"}},
        SpecCase{"another container's, even allowed",
                 [](Spec& s) { s.network_mode = "container:x"; },
                 [](Conf& c) { c.policy.allowed_networks = {"container:x"}; },
                 {"network-never"}},
        SpecCase{"an empty one", [](Spec& s) { s.network_mode = ""; }, as_is, {"network-never"}},
        SpecCase{"a default off the list", unchanged, [](Conf& c) { c.policy.allowed_networks = {"none"}; }, {"network"}}));

INSTANTIATE_TEST_SUITE_P(
    Security, AdmissionTest,
    ::testing::Values(
        SpecCase{"writable root", [](Spec& s) { s.security.readonly_rootfs = false; }, as_is, {"writable-rootfs"}},
        SpecCase{"writable root, allowed",
                 [](Spec& s) { s.security.readonly_rootfs = false; },
                 [](Conf& c) { c.policy.allow_writable_rootfs = true; },
                 {}},
        SpecCase{"writable root by default", unchanged, [](Conf& c) { c.sandbox.security.readonly_rootfs = false; }, {}},
        SpecCase{"new privileges", [](Spec& s) { s.security.no_new_privileges = false; }, as_is, {"new-privileges"}},
        SpecCase{"new privileges, allowed",
                 [](Spec& s) { s.security.no_new_privileges = false; },
                 [](Conf& c) { c.policy.allow_new_privileges = true; },
                 {}},
        SpecCase{"new privileges by default", unchanged, [](Conf& c) { c.sandbox.security.no_new_privileges = false; }, {}},
        SpecCase{"no limit on processes", [](Spec& s) { s.security.pids_limit = 0; }, as_is, {"unlimited-pids"}},
        SpecCase{"no limit on processes, allowed",
                 [](Spec& s) { s.security.pids_limit = 0; },
                 [](Conf& c) { c.policy.allow_unlimited_pids = true; },
                 {}},
        SpecCase{"no limit on processes by default", unchanged, [](Conf& c) { c.sandbox.security.pids_limit = 0; }, {}},
        SpecCase{
            "a seccomp profile nobody offers", [](Spec& s) { s.security.seccomp_profile = "unconfined"; }, as_is, {"seccomp"}},
        SpecCase{"a seccomp profile that is offered",
                 [](Spec& s) { s.security.seccomp_profile = "strict"; },
                 [](Conf& c) {
                   c.policy.seccomp_profiles = {{"strict", "/etc/strict.json"}};
                   c.policy.seccomp_profile_contents = {{"strict", "{}"}};
                 },
                 {}},
        SpecCase{"a seccomp profile whose file is not there",
                 [](Spec& s) { s.security.seccomp_profile = "strict"; },
                 [](Conf& c) { c.policy.seccomp_profiles = {{"strict", "/etc/strict.json"}}; },
                 {"seccomp"}},
        SpecCase{"another runtime", [](Spec& s) { s.security.runtime = "runsc"; }, as_is, {"runtime"}},
        SpecCase{"another runtime, allowed",
                 [](Spec& s) { s.security.runtime = "runsc"; },
                 [](Conf& c) { c.policy.allowed_runtimes = {"default", "runsc"}; },
                 {}},
        SpecCase{
            "the default runtime, not allowed", unchanged, [](Conf& c) { c.policy.allowed_runtimes = {"runsc"}; }, {"runtime"}}));

INSTANTIATE_TEST_SUITE_P(
    Resources, AdmissionTest,
    ::testing::Values(
        SpecCase{"the least memory", [](Spec& s) { s.memory_mb = 6; }, as_is, {}},
        SpecCase{"less than the least", [](Spec& s) { s.memory_mb = 5; }, as_is, {"memory-minimum"}},
        SpecCase{"memory at the ceiling", [](Spec& s) { s.memory_mb = 64; }, [](Conf& c) { c.policy.max_memory_mb = 64; }, {}},
        SpecCase{"memory over the ceiling",
                 [](Spec& s) { s.memory_mb = 65; },
                 [](Conf& c) { c.policy.max_memory_mb = 64; },
                 {"memory-ceiling"}},
        SpecCase{"the default over the ceiling", unchanged, [](Conf& c) { c.policy.max_memory_mb = 511; }, {"memory-ceiling"}},
        SpecCase{"memory over the total",
                 [](Spec& s) { s.memory_mb = 65; },
                 [](Conf& c) { c.policy.total_memory_mb = 64; },
                 {"memory-total"}},
        SpecCase{"memory at the total", [](Spec& s) { s.memory_mb = 64; }, [](Conf& c) { c.policy.total_memory_mb = 64; }, {}},
        SpecCase{"all of the host's memory", [](Spec& s) { s.memory_mb = 8192; }, as_is, {}},
        SpecCase{"more than the host's memory", [](Spec& s) { s.memory_mb = 8193; }, as_is, {"memory-host"}},
        SpecCase{"the least processor", [](Spec& s) { s.cpu_limit = 0.01; }, as_is, {}},
        SpecCase{"less than the least processor", [](Spec& s) { s.cpu_limit = 0.009; }, as_is, {"cpu-minimum"}},
        SpecCase{"all processors", [](Spec& s) { s.cpu_limit = 2.0; }, as_is, {}},
        SpecCase{"more than all processors", [](Spec& s) { s.cpu_limit = 2.01; }, as_is, {"cpu-host"}},
        SpecCase{
            "processors at the ceiling", [](Spec& s) { s.cpu_limit = 1.5; }, [](Conf& c) { c.policy.max_cpu_limit = 1.5; }, {}},
        SpecCase{"processors over the ceiling",
                 [](Spec& s) { s.cpu_limit = 1.6; },
                 [](Conf& c) { c.policy.max_cpu_limit = 1.5; },
                 {"cpu-ceiling"}},
        SpecCase{"processors over the total",
                 [](Spec& s) { s.cpu_limit = 1.6; },
                 [](Conf& c) { c.policy.total_cpu_limit = 1.5; },
                 {"cpu-total"}},
        SpecCase{"processes at the ceiling",
                 [](Spec& s) { s.security.pids_limit = 200; },
                 [](Conf& c) { c.policy.max_pids = 200; },
                 {}},
        SpecCase{"processes over the ceiling",
                 [](Spec& s) { s.security.pids_limit = 201; },
                 [](Conf& c) { c.policy.max_pids = 200; },
                 {"pids-ceiling"}},
        SpecCase{"no limit on processes over the ceiling",
                 [](Spec& s) { s.security.pids_limit = 0; },
                 [](Conf& c) {
                   c.policy.max_pids = 200;
                   c.policy.allow_unlimited_pids = true;
                 },
                 {"pids-ceiling"}},
        SpecCase{"tmpfs at the ceiling, the defaults included",
                 [](Spec& s) { s.tmpfs["/cache"].size_mb = 28; },
                 [](Conf& c) { c.policy.max_tmpfs_mb = 300; },
                 {}},
        SpecCase{"tmpfs over the ceiling",
                 [](Spec& s) { s.tmpfs["/cache"].size_mb = 29; },
                 [](Conf& c) { c.policy.max_tmpfs_mb = 300; },
                 {"tmpfs-ceiling"}},
        SpecCase{"tmpfs sizes that no number holds",
                 [](Spec& s) {
                   s.tmpfs["/a"].size_mb = INT64_MAX;
                   s.tmpfs["/b"].size_mb = INT64_MAX;
                 },
                 [](Conf& c) { c.policy.max_tmpfs_mb = 300; },
                 {"tmpfs-ceiling"}}));

INSTANTIATE_TEST_SUITE_P(
    Tmpfs, AdmissionTest,
    ::testing::Values(SpecCase{"elsewhere", [](Spec& s) { s.tmpfs["/var/cache/x"]; }, as_is, {}},
                      SpecCase{"beside, not inside", [](Spec& s) { s.tmpfs["/workspaces"], s.tmpfs["/etcetera"]; }, as_is, {}},
                      SpecCase{"/", [](Spec& s) { s.tmpfs["/"]; }, as_is, {"tmpfs-target"}},
                      SpecCase{"/proc", [](Spec& s) { s.tmpfs["/proc"]; }, as_is, {"tmpfs-target"}},
                      SpecCase{"inside /sys", [](Spec& s) { s.tmpfs["/sys/fs/cgroup"]; }, as_is, {"tmpfs-target"}},
                      SpecCase{"inside /dev", [](Spec& s) { s.tmpfs["/dev/shm"]; }, as_is, {"tmpfs-target"}},
                      SpecCase{"/etc", [](Spec& s) { s.tmpfs["/etc"]; }, as_is, {"tmpfs-target"}},
                      SpecCase{"/workspace", [](Spec& s) { s.tmpfs["/workspace"]; }, as_is, {"tmpfs-target"}},
                      SpecCase{"inside /workspace", [](Spec& s) { s.tmpfs["/workspace/node_modules"]; }, as_is, {"tmpfs-target"}},
                      SpecCase{"relative", [](Spec& s) { s.tmpfs["cache"]; }, as_is, {"tmpfs-target"}},
                      SpecCase{"around the corner", [](Spec& s) { s.tmpfs["/tmp/../sys"]; }, as_is, {"tmpfs-target"}},
                      SpecCase{"with a slash at the end", [](Spec& s) { s.tmpfs["/cache/"]; }, as_is, {"tmpfs-target"}}));

INSTANTIATE_TEST_SUITE_P(
    Users, AdmissionTest,
    ::testing::Values(
        SpecCase{"a name", [](Spec& s) { s.user = "app"; }, as_is, {}},
        SpecCase{"root", [](Spec& s) { s.user = "root"; }, as_is, {"root-user"}},
        SpecCase{"0", [](Spec& s) { s.user = "0"; }, as_is, {"root-user"}},
        SpecCase{"root's group", [](Spec& s) { s.user = "1000:0"; }, as_is, {"root-user"}},
        SpecCase{"root's group by name", [](Spec& s) { s.user = "node:root"; }, as_is, {"root-user"}},
        SpecCase{"root, allowed", [](Spec& s) { s.user = "0:0"; }, [](Conf& c) { c.policy.allow_root = true; }, {}},
        SpecCase{"zero in disguise", [](Spec& s) { s.user = "00"; }, [](Conf& c) { c.policy.allow_root = true; }, {"user-form"}},
        SpecCase{"zero with a sign", [](Spec& s) { s.user = "+0:1"; }, as_is, {"user-form"}},
        SpecCase{"root by default", unchanged, [](Conf& c) { c.sandbox.user = "root"; }, {"root-user"}}));

TEST(Admission, TellsAllRefusalsSortedByPlace) {
  const AgentFile file = parse_agents(
      "apiVersion: cofferdam/v1\n"
      "kind: Agent\n"
      "metadata: {name: bot}\n"
      "spec:\n"
      "  networkMode: host\n"
      "  workspacePath: /data/bot\n"
      "  command: [x]\n"
      "  security: {readonlyRootfs: false, capAdd: [SYS_ADMIN]}\n"
      "  memoryMB: 1024\n",
      "bot.yaml");
  ASSERT_THAT(file.problems, IsEmpty());
  Configuration configuration = configured();
  configuration.policy.max_memory_mb = 512;
  const Problems problems = admit(file.agents.at(0), configuration, {}, {});
  std::vector<int> lines;
  for (const Problem& problem : problems) lines.push_back(problem.place.line);
  EXPECT_THAT(lines, ElementsAre(5, 6, 8, 8, 8, 9));
  EXPECT_THAT(rules(problems), ElementsAre("network-never", "workspace-roots", "writable-rootfs", "capabilities",
                                           "capabilities-root-equivalent", "memory-ceiling"));
  EXPECT_EQ(problems[0].place.file, "bot.yaml");
}

TEST(Admission, DefaultsThatAreRefusedAreToldAsSuch) {
  Configuration configuration = configured();
  configuration.policy.allowed_networks = {"none"};
  const Problems problems = admit(plain(), configuration, {}, {});
  ASSERT_THAT(problems, SizeIs(1));
  EXPECT_THAT(problems[0].what, HasSubstr("network 'bridge' (the configuration's default)"));
  EXPECT_EQ(problems[0].place.line, 1) << "the document's place";
}

TEST(Admission, RulesBecomeReasons) {
  EXPECT_EQ(reason_of({{}, "", "", "", "workspace-overlap"}), "WorkspaceOverlap");
  EXPECT_EQ(reason_of({{}, "", "", "", "network"}), "Network");
  EXPECT_EQ(reason_of({{}, "", "", "", ""}), "");
}

}  // namespace
}  // namespace cofferdam::specs
