#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "specs/agent_spec.hpp"
#include "specs/fields.hpp"
#include "specs/run_hash.hpp"
#include "specs/yaml_tree.hpp"

namespace cofferdam::specs {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

const std::string envelope =
    "apiVersion: cofferdam/v1\nkind: Agent\nmetadata: {name: bot}\nspec:\n  workspacePath: /srv/ws/bot\n";  // spec goes on at
                                                                                                            // line 6

std::vector<std::string> problems(const std::string& bytes) {
  std::vector<std::string> texts;
  for (const Problem& problem : parse_agents(bytes, "a.yaml").problems) texts.push_back(to_string(problem));
  return texts;
}

AgentSpec agent(const std::string& bytes) {
  const AgentFile file = parse_agents(bytes, "a.yaml");
  for (const Problem& problem : file.problems) ADD_FAILURE() << to_string(problem);
  return file.agents.size() == 1 ? file.agents.front() : AgentSpec{};
}

std::string run_hash(const std::string& more) {
  return agent(envelope + more).run_hash;
}

testing::Matcher<const std::string&> at(const std::string& place, const std::string& what) {
  return testing::AllOf(StartsWith("a.yaml:" + place + ": "), HasSubstr(what));
}

TEST(ParseAgent, LeavesUnsetWhatIsNotWritten) {
  AgentSpec wanted;
  wanted.name = "bot";
  wanted.workspace_path = "/srv/ws/bot";
  const AgentSpec spec = agent(envelope);
  wanted.run_hash = spec.run_hash;
  wanted.place = spec.place;
  wanted.places = spec.places;
  EXPECT_EQ(spec, wanted);
  EXPECT_EQ(spec.restart_policy, RestartPolicy::on_failure);
  EXPECT_EQ(spec.image_pull_policy, ImagePullPolicy::if_not_present);
  EXPECT_EQ(spec.stop_timeout, std::chrono::seconds(10));
}

TEST(ParseAgent, ReadsEveryField) {
  const AgentSpec spec = agent(R"(apiVersion: cofferdam/v1
kind: Agent
metadata:
  name: refactor-bot
  labels: {team: payments, tier: "1"}
  revision: 17
spec:
  taskId: PAY-1432
  image: node:20-alpine
  imagePullPolicy: Always
  command: [node, agent.js]
  args: ["", 60, --x]
  env: {LOG_LEVEL: debug, DEBUG: "", PORT: 8080}
  workspacePath: /srv/ws/refactor-bot
  workspaceReadOnly: true
  user: "1000:1000"
  memoryMB: 256
  cpuLimit: 0.5
  networkMode: none
  tmpfs: {/tmp: {sizeMB: 128, exec: false}, /cache: {}}
  shmSizeMB: 32
  security:
    capDrop: [all]
    capAdd: [cap_net_raw]
    readonlyRootfs: false
    pidsLimit: 0
    noNewPrivileges: false
    seccompProfile: strict
    runtime: runsc
  restartPolicy: Never
  maxRestarts: 0
  activeDeadlineSeconds: 3600
  stopTimeoutSeconds: 0
  ttlSecondsAfterFinished: 86400
  suspend: true
  remove: true
)");
  AgentSpec wanted;
  wanted.name = "refactor-bot";
  wanted.labels = {{"team", "payments"}, {"tier", "1"}};
  wanted.revision = "17";
  wanted.task_id = "PAY-1432";
  wanted.image = "node:20-alpine";
  wanted.image_pull_policy = ImagePullPolicy::always;
  wanted.command = {"node", "agent.js"};
  wanted.args = {"", "60", "--x"};
  wanted.env = {{"LOG_LEVEL", "debug"}, {"DEBUG", ""}, {"PORT", "8080"}};
  wanted.workspace_path = "/srv/ws/refactor-bot";
  wanted.workspace_read_only = true;
  wanted.user = "1000:1000";
  wanted.memory_mb = 256;
  wanted.cpu_limit = 0.5;
  wanted.network_mode = "none";
  wanted.tmpfs = {{"/tmp", {128, false}}, {"/cache", {}}};
  wanted.shm_size_mb = 32;
  wanted.security = {{{"ALL"}}, {{"NET_RAW"}}, false, 0, false, "strict", "runsc"};
  wanted.restart_policy = RestartPolicy::never;
  wanted.max_restarts = 0;
  wanted.active_deadline = std::chrono::seconds(3600);
  wanted.stop_timeout = std::chrono::seconds(0);
  wanted.ttl_after_finished = std::chrono::seconds(86400);
  wanted.suspend = true;
  wanted.remove = true;
  wanted.run_hash = spec.run_hash;
  wanted.place = spec.place;
  wanted.places = spec.places;
  EXPECT_EQ(spec, wanted);
  for (const Field& field : agent_fields()) {
    if (field.path.find('*') == std::string_view::npos)
      EXPECT_TRUE(spec.places.contains(std::string(field.path))) << field.path << " is not tried here";
  }
}

TEST(ParseAgent, TakesJson) {
  const AgentSpec spec = agent(R"({"apiVersion": "cofferdam/v1", "kind": "Agent", "metadata": {"name": "bot"},
    "spec": {"workspacePath": "/srv/ws/bot", "memoryMB": 64, "suspend": true}})");
  EXPECT_EQ(spec.memory_mb, 64);
  EXPECT_TRUE(spec.suspend);
}

TEST(ParseAgent, RemembersWhereEachFieldStands) {
  const AgentSpec spec = agent("# c\n" + envelope + "  env:\n    LOG_LEVEL: debug\n  security: {capAdd: [NET_RAW, KILL]}\n");
  EXPECT_EQ(to_string(spec.place), "a.yaml:2:1");
  EXPECT_EQ(to_string(spec.place_of("spec.workspacePath")), "a.yaml:6:18");
  EXPECT_EQ(to_string(spec.place_of("spec.env")), "a.yaml:7:3");
  EXPECT_EQ(to_string(spec.place_of("spec.env.LOG_LEVEL")), "a.yaml:8:16");
  EXPECT_EQ(to_string(spec.place_of("spec.env.OTHER")), "a.yaml:7:3");
  EXPECT_EQ(to_string(spec.place_of("spec.security.capAdd[1]")), "a.yaml:9:32");
  EXPECT_EQ(to_string(spec.place_of("spec.security.capAdd[7]")), "a.yaml:9:14");
  EXPECT_EQ(to_string(spec.place_of("spec.networkMode")), "a.yaml:5:1");
  EXPECT_EQ(to_string(spec.place_of("status")), "a.yaml:2:1");
}

TEST(ParseAgent, ReadsSeveralDocumentsInTheirOrder) {
  std::string second = envelope;
  second.replace(second.find("bot"), 3, "cat");
  const AgentFile file = parse_agents(envelope + "---\n" + second + "---\n", "a.yaml");
  EXPECT_TRUE(file.good());
  ASSERT_EQ(file.agents.size(), 2U);
  EXPECT_EQ(file.agents[1].name, "cat");
  EXPECT_EQ(file.agents[1].place.line, 7);
  EXPECT_THAT(file.names, ElementsAre("bot", "cat"));
}

TEST(ParseAgent, RefusesTwoDocumentsThatNameOneAgent) {
  const AgentFile file = parse_agents(envelope + "---\n" + envelope, "a.yaml");
  ASSERT_EQ(file.problems.size(), 1U);
  EXPECT_THAT(to_string(file.problems[0]), at("9:18", "metadata.name: names bot, as line 3 does"));
  EXPECT_THAT(file.names, ElementsAre("bot"));
}

TEST(ParseAgent, ReadsTheNamesOfBrokenDocumentsToo) {
  const std::string broken = "apiVersion: cofferdam/v1\nkind: Agent\nmetadata:\n  name: cat\nspec:\n  command: [a\n";
  const AgentFile file =
      parse_agents(broken + "---\n" + envelope +
                       "  memoryMB: lots\n---\nmetadata: {name: Not_A_Name}\n---\nmetadata: {name: on}\n---\njust text\n",
                   "a.yaml");
  EXPECT_FALSE(file.good());
  EXPECT_THAT(file.names, ElementsAre("cat", "bot"));
  EXPECT_THAT(file.agents, IsEmpty());
}

TEST(ParseAgent, SaysOnceThatNothingCouldBeRead) {
  EXPECT_THAT(problems("]\n"), ElementsAre(at("1:1", "this bracket closes nothing")));
  EXPECT_THAT(problems(envelope + "---\n\n}\n"), ElementsAre(at("8:1", "this bracket closes nothing")));
}

TEST(ParseAgent, SaysNothingOfWhatABrokenDocumentMayStillHold) {
  EXPECT_THAT(problems("apiVersion: cofferdam/v1\nkind: Agnt\nspec:\n  memoryMB: 1 2\n   x: 3\n"),
              ElementsAre(at("2:7", "kind: is \"Agnt\""), at("5:5", "makes a key where none may stand")));
}

TEST(ParseAgent, TellsAllProblemsSortedByPlace) {
  EXPECT_THAT(
      problems(
          "kind: Pod\nspec:\n  suspend: yes\n  memoryMb: 1\n  image: 'node:'\n  env: {A-B: x}\n  cpuLimit: 1\n  cpuLimit: 2\n"),
      ElementsAre(at("1:1", "apiVersion: is missing; write apiVersion: cofferdam/v1"), at("1:1", "metadata: is missing"),
                  at("1:7", "kind: is \"Pod\"; write Agent"), at("2:1", "spec.workspacePath: is missing"),
                  at("3:12", "spec.suspend: is \"yes\", where a boolean is wanted; write true"),
                  at("4:3", "spec.memoryMb: is no known key; did you mean memoryMB?"),
                  at("5:10", "spec.image: \"node:\" has an empty tag"), at("6:9", "spec.env.A-B: the key is \"A-B\""),
                  at("8:3", "spec.cpuLimit: is written twice")));
}

TEST(ParseAgent, RefusesWhatIsNoAgentAtAll) {
  EXPECT_THAT(problems(""), ElementsAre(at("1:1", "the file is empty")));
  EXPECT_THAT(problems(" \n\n"), ElementsAre(at("1:1", "the file is empty")));
  EXPECT_THAT(problems("# c\n---\n"), ElementsAre(at("1:1", "no document, only comments")));
  EXPECT_THAT(problems("- a\n"), ElementsAre(at("1:1", "is a list, where an agent spec is wanted")));
  EXPECT_THAT(problems("hello\n"), ElementsAre(at("1:1", "is \"hello\"")));
  EXPECT_THAT(problems("kind:Agent\n"), ElementsAre(at("1:1", "is a space missing behind ':'?")));
  EXPECT_THAT(problems("~\n"), ElementsAre(at("1:1", "is null (~)")));
}

TEST(ParseAgent, SaysWhereAMisplacedKeyBelongs) {
  EXPECT_THAT(problems(envelope + "  pidsLimit: 5\n"), ElementsAre(at("6:3", "did you mean spec.security.pidsLimit?")));
  EXPECT_THAT(problems(envelope + "memoryMB: 5\n"),
              ElementsAre(at("6:1", "allowed at the top: apiVersion, kind, metadata, spec; did you mean spec.memoryMB?")));
  EXPECT_THAT(problems(envelope + "  ports: []\n"), ElementsAre(at("6:3", "allowed in spec: taskId, image")));
  EXPECT_THAT(problems(envelope + "  tmpfs: {/tmp: {exec:true}}\n"), ElementsAre(at("6:18", "is a space missing behind ':'?")));
}

TEST(ParseAgent, RefusesWrongTypes) {
  EXPECT_THAT(problems(envelope + "  command: node agent.js\n"),
              ElementsAre(at("6:12", "where a list is wanted; write [first, second]")));
  EXPECT_THAT(problems(envelope + "  args:\n"), ElementsAre(at("6:3", "is empty, where a list is wanted; write []")));
  EXPECT_THAT(problems(envelope + "  security:\n"), ElementsAre(at("6:3", "is empty, where a mapping is wanted; write {}")));
  EXPECT_THAT(problems(envelope + "  command: []\n"), ElementsAre(at("6:3", "is an empty list")));
  EXPECT_THAT(problems(envelope + "  command: [\"\"]\n"), ElementsAre(at("6:13", "spec.command[0]: is empty")));
  EXPECT_THAT(problems(envelope + "  command: [a, [b], ~]\n"),
              ElementsAre(at("6:16", "spec.command[1]: is a list"), at("6:21", "spec.command[2]: is null")));
  EXPECT_THAT(problems(envelope + "  user: {uid: 1}\n"),
              ElementsAre(at("6:9", "spec.user: is a mapping, where a text is wanted")));
  EXPECT_THAT(problems("apiVersion: cofferdam/v1\nkind: [Agent]\nmetadata: bot\nspec: []\n"),
              ElementsAre(at("2:7", "kind: is a list"), at("3:11", "metadata: is \"bot\", where a mapping is wanted"),
                          at("4:1", "spec: is a list, where a mapping is wanted")));
}

TEST(ParseAgent, NamesTheAllowedWords) {
  EXPECT_THAT(problems(envelope + "  restartPolicy: onfailure\n"),
              ElementsAre(at("6:18", "write Never, OnFailure or Always; did you mean OnFailure?")));
  EXPECT_THAT(problems(envelope + "  imagePullPolicy: no\n"), ElementsAre(at("6:20", "write Always, IfNotPresent or Never")));
}

TEST(ParseAgent, HoldsTheBoundsOfItsNumbers) {
  for (const char* const good :
       {"memoryMB: 6", "cpuLimit: 0.01", "maxRestarts: 1000000", "activeDeadlineSeconds: 31536000", "stopTimeoutSeconds: 300",
        "ttlSecondsAfterFinished: 1", "security: {pidsLimit: 0}", "shmSizeMB: 1"}) {
    EXPECT_THAT(problems(envelope + "  " + good + "\n"), IsEmpty()) << good;
  }
  for (const char* const bad :
       {"memoryMB: 5", "cpuLimit: 0.009", "maxRestarts: 1000001", "maxRestarts: -1", "activeDeadlineSeconds: 0",
        "activeDeadlineSeconds: 31536001", "stopTimeoutSeconds: 301", "ttlSecondsAfterFinished: 0", "security: {pidsLimit: -1}",
        "shmSizeMB: 0", "tmpfs: {/t: {sizeMB: 0}}"}) {
    EXPECT_THAT(problems(envelope + "  " + bad + "\n"), ElementsAre(HasSubstr("write a"))) << bad;
  }
  EXPECT_THAT(problems(envelope + "  memoryMB: 4\n"),
              ElementsAre(HasSubstr("write an integer from 6 to 16777216 (memory, in MiB; swap is none)")));
}

TEST(ParseAgent, NeverShowsAVariablesValue) {
  for (const char* const env : {"{TOKEN: 0777}", "{TOKEN: [s3cret]}", "{TOKEN: \"s3cret\\nx\"}", "{TOKEN: on}", "TOKEN=s3cret",
                                "{TOKEN: &a s3cret}", "{TOKEN: !x s3cret}"}) {
    const std::vector<std::string> found = problems(envelope + "  env: " + env + "\n");
    EXPECT_THAT(found, testing::SizeIs(1)) << env;
    for (const std::string& text : found) {
      EXPECT_THAT(text, testing::Not(HasSubstr("s3cret")));
      EXPECT_THAT(text, testing::Not(HasSubstr("0777")));
    }
  }
}

TEST(ParseAgent, BoundsTheSizeOfWholeGroups) {
  const std::string big(70000, 'x');
  EXPECT_THAT(problems(envelope + "  env: {A: " + big + ", B: " + big + "}\n"),
              ElementsAre(at("6:3", "spec.env: has 140006 bytes in all")));
  EXPECT_THAT(problems(envelope + "  args: [" + big + ", " + big + "]\n"),
              ElementsAre(at("6:3", "spec.args: has 140002 bytes in all")));
  EXPECT_THAT(problems(envelope + "  env: {A: " + std::string(131073, 'x') + "}\n"),
              ElementsAre(HasSubstr("is a text of 131073 bytes")));
  std::string labels;
  std::string args;
  for (int i = 0; i < 1100; ++i) {
    if (i < 65) labels += "L" + std::to_string(i) + ": x, ";
    args += "x, ";
  }
  EXPECT_THAT(problems(envelope + "  args: [" + args + "]\n"), ElementsAre(at("6:3", "has 1100 items, more than 1024")));
  std::string many = envelope;
  many.replace(many.find("{name: bot}"), 11, "{name: bot, labels: {" + labels + "}}");
  EXPECT_THAT(problems(many), ElementsAre(at("3:23", "metadata.labels: has 65 entries, more than 64")));
}

TEST(ParseAgent, AcceptsTheControllersOwnVariables) {
  EXPECT_THAT(problems(envelope + "  env: {AGENT_ID: me, TASK_ID: mine}\n"), IsEmpty());
}

TEST(RunHash, CountsWhatTheAuthorWroteNotHow) {
  const std::string hash = run_hash("  memoryMB: 512\n  env: {A: x, B: z}\n");
  EXPECT_EQ(hash.size(), 64U);
  EXPECT_EQ(run_hash("  # a comment\n  env:\n    B: \"z\"\n    A: 'x'\n  memoryMB: 512\n"), hash);
  EXPECT_NE(run_hash("  memoryMB: 513\n  env: {A: x, B: z}\n"), hash);
  EXPECT_NE(run_hash("  memoryMB: 512\n  env: {A: z, B: x}\n"), hash);
  EXPECT_NE(run_hash("  memoryMB: 512\n  env: {A: x, B: z}\n  cpuLimit: 1.0\n"), hash);
  EXPECT_NE(run_hash("  args: [a, b]\n"), run_hash("  args: [b, a]\n"));
}

TEST(RunHash, LeavesOutWhatOnlyTheControllerUses) {
  EXPECT_EQ(run_hash("  restartPolicy: Always\n  maxRestarts: 3\n  activeDeadlineSeconds: 5\n  stopTimeoutSeconds: 1\n  "
                     "ttlSecondsAfterFinished: 9\n"
                     "  suspend: true\n  remove: true\n"),
            run_hash(""));
  std::string labelled = envelope;
  labelled.replace(labelled.find("{name: bot}"), 11, "{name: bot, revision: \"2\", labels: {a: b}}");
  EXPECT_EQ(agent(labelled).run_hash, run_hash(""));
  EXPECT_NE(run_hash("  env: {suspend: x}\n"), run_hash("  env: {}\n"))
      << "a variable of that name is no field of the controller's";
}

TEST(RunHash, TellsApartTreesOfTheSameCharacters) {
  const auto hash_of = [](const std::string& yaml) { return run_hash_of(read_yaml(yaml, "a.yaml").documents.at(0).root); };
  const std::vector<std::string> trees{"{args: [ab]}",    "{args: [a, b]}",   "{args: [[a], b]}", "{args: {a: b}}",
                                       "{args: a, b: c}", "{args: ['a: b']}", "{args: ~}",        "{args: ''}",
                                       "{args: []}",      "{args: {}}",       "{args: 's1:a'}",   "{args: n}"};
  for (std::size_t i = 0; i < trees.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) EXPECT_NE(hash_of(trees[i]), hash_of(trees[j])) << trees[i] << " and " << trees[j];
  }
}

// Containers carry these numbers: another value would replace every running agent at the next upgrade.
TEST(RunHash, IsFrozenForVersionOne) {
  EXPECT_EQ(run_hash(""), "e83c69bc3224afb03673ac8e16c590b4ca1d53f2373a3ed198c98fda6c3707b8");
  EXPECT_EQ(run_hash("  image: node:20-alpine\n  command: [node, agent.js]\n  env: {LOG_LEVEL: debug, DEBUG: \"\"}\n  memoryMB: "
                     "512\n  cpuLimit: 1.0\n"
                     "  tmpfs: {/tmp: {sizeMB: 64, exec: true}}\n  security: {capDrop: [ALL], readonlyRootfs: true}\n  "
                     "restartPolicy: Never\n"),
            "81f55549a0cab80a6b1091bc741e1dabf29d5d0d3152b13a03b1e404a6a53097");
}

}  // namespace
}  // namespace cofferdam::specs
