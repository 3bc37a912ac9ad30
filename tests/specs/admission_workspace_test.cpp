#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "specs/admission.hpp"
#include "tests/specs/admission_support.hpp"

namespace cofferdam::specs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Workspace, as text

struct PathCase {
  const char* path;
  const char* root;
  std::vector<std::string> rules;
};
void PrintTo(const PathCase& c, std::ostream* out) {
  *out << c.path;
}
class WorkspacePathTest : public ::testing::TestWithParam<PathCase> {};

TEST_P(WorkspacePathTest, IsJudgedAsText) {
  AgentSpec spec = plain();
  spec.workspace_path = GetParam().path;
  Configuration configuration = configured();
  configuration.policy.workspace_roots = {GetParam().root};
  EXPECT_EQ(refused(spec, configuration), GetParam().rules) << GetParam().path;
}

const char* const srv = "/srv/cofferdam/workspaces";
INSTANTIATE_TEST_SUITE_P(
    Paths, WorkspacePathTest,
    ::testing::Values(
        PathCase{"/srv/cofferdam/workspaces/bot", srv, {}}, PathCase{"/srv/cofferdam/workspaces/a/b c", srv, {}},
        PathCase{"/tmp/ws/bot", "/tmp/ws", {}}, PathCase{"/tmp/bot", "/tmp", {}},
        PathCase{"/var/lib/agents/bot", "/var/lib/agents", {}}, PathCase{"/data/bot", "/", {}},
        PathCase{"/libretto/bot", "/libretto", {"workspace-forbidden"}}, PathCase{"srv/bot", srv, {"workspace-path"}},
        PathCase{"", srv, {"workspace-path"}}, PathCase{"/srv/cofferdam/workspaces/../../../etc", srv, {"workspace-path"}},
        PathCase{"/srv/cofferdam/workspaces/./bot", srv, {"workspace-path"}},
        PathCase{"/srv/cofferdam/workspaces//bot", srv, {"workspace-path"}},
        PathCase{"/srv/cofferdam/workspaces/bot/", srv, {"workspace-path"}},
        PathCase{"/srv/cofferdam/workspaces/b\not", srv, {"workspace-path"}},
        PathCase{"/srv/cofferdam/workspaces/b\x7fot", srv, {"workspace-path"}},
        PathCase{"/srv/cofferdam/workspaces", srv, {"workspace-roots"}},
        PathCase{"/srv/cofferdam/workspaces-2/bot", srv, {"workspace-roots"}}, PathCase{"/data/bot", srv, {"workspace-roots"}},
        PathCase{"/",
                 "/",
                 {"workspace-controller", "workspace-controller", "workspace-controller", "workspace-controller",
                  "workspace-forbidden", "workspace-roots"}},
        PathCase{"/tmp", "/", {"workspace-forbidden"}}, PathCase{"/etc", "/", {"workspace-controller", "workspace-forbidden"}},
        PathCase{"/etc/ssh", "/", {"workspace-forbidden"}}, PathCase{"/root/x", "/root", {"workspace-forbidden"}},
        PathCase{"/home/alice", "/home", {"workspace-forbidden"}}, PathCase{"/proc/1", "/", {"workspace-forbidden"}},
        PathCase{"/sys/x", "/", {"workspace-forbidden"}}, PathCase{"/dev/shm", "/", {"workspace-forbidden"}},
        PathCase{"/boot/x", "/", {"workspace-forbidden"}}, PathCase{"/usr/local/x", "/", {"workspace-forbidden"}},
        PathCase{"/lib64/x", "/", {"workspace-forbidden"}}, PathCase{"/lib", "/", {"workspace-forbidden"}},
        PathCase{"/bin", "/", {"workspace-forbidden"}}, PathCase{"/sbin", "/", {"workspace-forbidden"}},
        PathCase{"/run/agents", "/run", {"workspace-forbidden"}}, PathCase{"/var/run/agents", "/var", {"workspace-forbidden"}},
        PathCase{"/var/lib/docker/volumes/x", "/var/lib", {"workspace-forbidden"}},
        PathCase{"/var/lib/containerd", "/var/lib", {"workspace-forbidden"}},
        PathCase{"/var/lib/kubelet/x", "/var/lib", {"workspace-forbidden"}},
        PathCase{"/var/lib/containers/x", "/var/lib", {"workspace-forbidden"}},
        PathCase{"/var/log/agents", "/var", {"workspace-forbidden"}},
        PathCase{"/var/lib", "/var", {"workspace-controller", "workspace-forbidden"}},
        PathCase{"/srv/engine", "/srv", {"workspace-controller"}},
        PathCase{"/srv/engine/docker.sock", "/srv", {"workspace-controller"}}, PathCase{"/srv/engine/docker.sock.d", "/srv", {}},
        PathCase{"/var/lib/cofferdam/bot", "/var/lib", {"workspace-controller"}},
        PathCase{"/var/lib/cofferdam-data/bot", "/var/lib", {}}));

TEST(Admission, WorkspaceRefusalsNameTheRootsAndThePlace) {
  AgentSpec spec = plain();
  spec.workspace_path = "/data/bot";
  spec.places["spec.workspacePath"] = {"bot.yaml", 7, 18};
  Configuration configuration = configured();
  configuration.policy.workspace_roots = {"/srv/a", "/srv/b"};
  const Problems problems = admit(spec, configuration, {}, {});
  ASSERT_THAT(problems, SizeIs(1));
  EXPECT_EQ(to_string(problems[0]),
            "bot.yaml:7:18: spec.workspacePath: /data/bot lies under none of the workspace roots; put it under one of "
            "policy.workspaceRoots: /srv/a, /srv/b [workspace-roots]");
}

TEST(Admission, PathsOverlapWhereOneIsOrHoldsTheOther) {
  EXPECT_TRUE(paths_overlap("/a", "/a"));
  EXPECT_TRUE(paths_overlap("/a", "/a/b"));
  EXPECT_TRUE(paths_overlap("/a/b", "/a"));
  EXPECT_TRUE(paths_overlap("/", "/a"));
  EXPECT_FALSE(paths_overlap("/a", "/ab"));
  EXPECT_FALSE(paths_overlap("/a/b", "/a/c"));
}

// The directory as found

WorkspaceFacts found() {
  WorkspaceFacts facts;
  facts.kind = WorkspaceFacts::Kind::directory;
  facts.uid = 1000;
  facts.gid = 1000;
  facts.mode = 0750;
  facts.free_mb = 1000;
  return facts;
}

TEST(AdmitWorkspace, AdmitsTheAgentsOwnDirectory) {
  EXPECT_THAT(admit_workspace(plain(), configured(), found(), 1000, 1000), IsEmpty());
}

TEST(AdmitWorkspace, RefusesWhatIsNoDirectoryOfItsOwn) {
  using Kind = WorkspaceFacts::Kind;
  const std::vector<std::pair<Kind, std::string>> kinds{{Kind::missing, "workspace-missing"},
                                                        {Kind::not_a_directory, "workspace-directory"},
                                                        {Kind::symlink_in_path, "workspace-symlink"},
                                                        {Kind::unreadable, "workspace-unreadable"}};
  for (const auto& [kind, rule] : kinds) {
    WorkspaceFacts facts = found();
    facts.kind = kind;
    facts.mode = 0;
    facts.detail = "at /srv/cofferdam";
    const Problems problems = admit_workspace(plain(), configured(), facts, 1000, 1000);
    EXPECT_THAT(rules(problems), ElementsAre(rule));
    EXPECT_THAT(problems.at(0).what, HasSubstr("(at /srv/cofferdam)"));
    EXPECT_EQ(problems.at(0).place.file, "bot.yaml");
  }
}

TEST(AdmitWorkspace, MissingOneIsMendedByOneCommand) {
  WorkspaceFacts facts = found();
  facts.kind = WorkspaceFacts::Kind::missing;
  EXPECT_EQ(admit_workspace(plain(), configured(), facts, 1000, 1001).at(0).mend,
            "make it: install -d -o 1000 -g 1001 -m 0750 /srv/cofferdam/workspaces/bot");
}

struct AccessCase {
  std::uint32_t uid;
  std::uint32_t gid;
  std::uint32_t mode;
  bool read_only;
  const char* command;  ///< that mends it; empty: admitted
};
class WorkspaceAccessTest : public ::testing::TestWithParam<AccessCase> {};

TEST_P(WorkspaceAccessTest, IsWritableForTheAgentOrMendedByTheCommand) {
  const AccessCase& c = GetParam();
  WorkspaceFacts facts = found();  // of 1000:1000
  facts.mode = c.mode;
  AgentSpec spec = plain();
  spec.workspace_path = "/srv/w";
  spec.workspace_read_only = c.read_only;
  const Problems problems = admit_workspace(spec, configured(), facts, c.uid, c.gid);
  if (*c.command == '\0') {
    EXPECT_THAT(problems, IsEmpty());
  } else {
    EXPECT_THAT(rules(problems), ElementsAre(c.read_only ? "workspace-readable" : "workspace-writable"));
    EXPECT_EQ(problems.at(0).mend, std::string("run: ") + c.command);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Modes, WorkspaceAccessTest,
    ::testing::Values(AccessCase{1000, 1000, 0700, false, ""}, AccessCase{1000, 5, 0700, false, ""},
                      AccessCase{1000, 1000, 0577, false, "chmod u+rwx /srv/w"},
                      AccessCase{1000, 1000, 0677, false, "chmod u+rwx /srv/w"}, AccessCase{1001, 1000, 0770, false, ""},
                      AccessCase{1001, 1000, 0750, false, "chown 1001:1000 /srv/w"},
                      AccessCase{1001, 1000, 0707, false, "chown 1001:1000 /srv/w"}, AccessCase{1001, 1001, 0707, false, ""},
                      AccessCase{1001, 1001, 0770, false, "chown 1001:1001 /srv/w"},
                      AccessCase{1001, 1001, 0070, false, "chown 1001:1001 /srv/w && chmod u+rwx /srv/w"},
                      AccessCase{0, 0, 0770, false, "chown 0:0 /srv/w"}, AccessCase{1001, 1001, 0705, true, ""},
                      AccessCase{1001, 1001, 0704, true, "chown 1001:1001 /srv/w"}, AccessCase{1000, 1000, 0500, true, ""},
                      AccessCase{1000, 1000, 0400, true, "chmod u+rx /srv/w"}));

TEST(AdmitWorkspace, AccessRefusalTellsOwnerModeAndUserAndQuotesThePath) {
  AgentSpec spec = plain();
  spec.workspace_path = "/srv/w/it's mine";
  const Problems problems = admit_workspace(spec, configured(), found(), 1001, 1002);
  ASSERT_THAT(problems, SizeIs(1));
  EXPECT_EQ(problems[0].what,
            "the workspace /srv/w/it's mine is not writable for the agent's user 1001:1002 (owner 1000:1000, mode 0750)");
  EXPECT_EQ(problems[0].mend, "run: chown 1001:1002 '/srv/w/it'\\''s mine'");
}

TEST(AdmitWorkspace, FreeSpaceIsHeldToTheFloor) {
  Configuration configuration = configured();
  configuration.policy.min_workspace_free_mb = 1000;
  EXPECT_THAT(admit_workspace(plain(), configuration, found(), 1000, 1000), IsEmpty());
  WorkspaceFacts facts = found();
  facts.free_mb = 999;
  EXPECT_THAT(rules(admit_workspace(plain(), configuration, facts, 1000, 1000)), ElementsAre("workspace-free-space"));
  facts.free_mb = -1;
  EXPECT_THAT(admit_workspace(plain(), configuration, facts, 1000, 1000), IsEmpty()) << "not known";
  facts.free_mb = 0;
  EXPECT_THAT(admit_workspace(plain(), configured(), facts, 1000, 1000), IsEmpty()) << "no floor";
}

TEST(AdmitUser, RootNeedsPolicy) {
  EXPECT_THAT(admit_user(plain(), configured(), {1000, 1000}), IsEmpty());
  for (const NumericUser user : {NumericUser{0, 0}, NumericUser{0, 5}, NumericUser{5, 0}}) {
    const Problems problems = admit_user(plain(), configured(), user);
    EXPECT_THAT(rules(problems), ElementsAre("root-user"));
    EXPECT_THAT(problems.at(0).what, HasSubstr("user 'node:node' is " + to_string(user) + " in this image"));
    Configuration configuration = configured();
    configuration.policy.allow_root = true;
    EXPECT_THAT(admit_user(plain(), configuration, user), IsEmpty());
  }
}

// Overlap

OverlapLoss loss(const char* agent, const char* winner, const char* workspace) {
  return {agent, winner, workspace};
}

TEST(AdmitOverlap, NeighboursDoNotOverlap) {
  EXPECT_THAT(admit_overlap({}), IsEmpty());
  EXPECT_THAT(admit_overlap({{"a", "/w/a"}, {"b", "/w/ab"}, {"c", "/w/a-b"}, {"d", "/w/b/a"}}), IsEmpty());
}

TEST(AdmitOverlap, LowerNameWinsAmongNewOnes) {
  EXPECT_THAT(admit_overlap({{"b", "/w/x"}, {"a", "/w/x"}}), ElementsAre(loss("b", "a", "/w/x")));
  EXPECT_THAT(admit_overlap({{"b", "/w/x"}, {"a", "/w/x/in"}}), ElementsAre(loss("b", "a", "/w/x/in")));
  EXPECT_THAT(admit_overlap({{"b", "/w/x/in/side"}, {"a", "/w/x"}}), ElementsAre(loss("b", "a", "/w/x")));
}

TEST(AdmitOverlap, WhoHadItAdmittedWinsOverTheLowerName) {
  EXPECT_THAT(admit_overlap({{"a", "/w/x"}, {"b", "/w/x", true}}), ElementsAre(loss("a", "b", "/w/x")));
}

TEST(AdmitOverlap, WhoWonStaysTheWinner) {
  EXPECT_THAT(admit_overlap({{"a", "/w/x", true}, {"b", "/w/x", false, true}}), ElementsAre(loss("a", "b", "/w/x")));
}

TEST(AdmitOverlap, LoserStandsInNobodysWay) {
  // b loses to c; z lies inside b only.
  EXPECT_THAT(admit_overlap({{"z", "/w/b/a"}, {"b", "/w/b"}, {"c", "/w/b/c", true}}), ElementsAre(loss("b", "c", "/w/b/c")));
}

TEST(AdmitOverlap, OneThatHoldsSeveralLosesOnceOrBeatsThemAll) {
  EXPECT_THAT(admit_overlap({{"z", "/w"}, {"a", "/w/a"}, {"b", "/w/b"}}), ElementsAre(loss("z", "a", "/w/a")));
  EXPECT_THAT(admit_overlap({{"z", "/w", true}, {"a", "/w/a"}, {"b", "/w/b"}}),
              ElementsAre(loss("a", "z", "/w"), loss("b", "z", "/w")));
}

TEST(AdmitOverlap, RootOverlapsEverything) {
  EXPECT_THAT(admit_overlap({{"a", "/"}, {"b", "/w/b"}}), ElementsAre(loss("b", "a", "/")));
  EXPECT_THAT(admit_overlap({{"b", "/"}, {"a", "/w/b"}}), ElementsAre(loss("b", "a", "/w/b")));
}

TEST(AdmitOverlap, AgentWithoutAWorkspaceClaimsNothing) {
  EXPECT_THAT(admit_overlap({{"a", ""}, {"b", ""}}), IsEmpty());
}

TEST(AdmitOverlap, TenThousandAgentsAreJudgedAtOnce) {
  std::vector<WorkspaceClaim> claims;
  for (int i = 0; i < 10000; ++i) {
    const std::string number = std::to_string(100000 + i);
    claims.push_back({"agent-" + number, "/srv/cofferdam/workspaces/team-" + std::to_string(i % 100) + "/" + number});
  }
  claims.push_back({"zz", claims[5000].workspace + "/inside"});
  EXPECT_THAT(admit_overlap(claims), ElementsAre(loss("zz", "agent-105000", claims[5000].workspace.c_str())));
}

TEST(AdmitOverlap, RefusalNamesTheWinnerAndTheRelation) {
  AgentSpec spec = plain();
  const Problem same = overlap_problem(spec, loss("bot", "other", "/srv/cofferdam/workspaces/bot"));
  EXPECT_EQ(same.rule, "workspace-overlap");
  EXPECT_EQ(reason_of(same), "WorkspaceOverlap");
  EXPECT_EQ(same.what, "/srv/cofferdam/workspaces/bot is the workspace of agent other");
  EXPECT_THAT(overlap_problem(spec, loss("bot", "other", "/srv/cofferdam")).what,
              HasSubstr("lies inside the workspace /srv/cofferdam of agent other"));
  EXPECT_THAT(overlap_problem(spec, loss("bot", "other", "/srv/cofferdam/workspaces/bot/x")).what,
              HasSubstr("holds the workspace /srv/cofferdam/workspaces/bot/x of agent other"));
}

}  // namespace
}  // namespace cofferdam::specs
