// The examples that are shipped: the good ones are good, and each mistake of the broken ones is named at its place.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "specs/admission.hpp"
#include "specs/agent_spec.hpp"
#include "specs/configuration.hpp"
#include "specs/fields.hpp"

namespace cofferdam::specs {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

const std::filesystem::path examples = std::filesystem::path(COFFERDAM_SOURCE_DIR) / "examples";

std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.is_open()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

std::set<std::string> names_in(const std::string& folder) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(examples / folder)) names.insert(entry.path().filename().string());
  return names;
}

TEST(Examples, OfAgentsAreGoodAndAdmittedByTheDefaultPolicy) {
  const Configuration configuration = std::get<LoadedConfiguration>(parse_configuration("", "", {})).configuration;
  std::set<std::string> agents;
  for (const std::string& name : names_in("agents")) {
    const AgentFile file = parse_agents(bytes_of(examples / "agents" / name), name);
    for (const Problem& problem : file.problems) ADD_FAILURE() << to_string(problem);
    EXPECT_FALSE(file.agents.empty()) << name;
    for (const AgentSpec& spec : file.agents) {
      EXPECT_TRUE(agents.insert(spec.name).second) << spec.name << " is named twice";
      EXPECT_THAT(spec.workspace_path, StartsWith("/srv/cofferdam/workspaces/"));
      for (const Problem& problem : admit(spec, configuration, {}, {})) ADD_FAILURE() << to_string(problem);
    }
  }
  EXPECT_THAT(names_in("agents"), testing::IsSupersetOf({"smallest.yaml", "full.yaml", "run-once.yaml", "network-none.yaml"}));
}

TEST(Examples, ShowEveryFieldInTheFullOne) {
  const AgentFile file = parse_agents(bytes_of(examples / "agents/full.yaml"), "full.yaml");
  ASSERT_EQ(file.agents.size(), 1U);
  for (const Field& field : agent_fields()) {
    if (field.path.find('*') == std::string_view::npos)
      EXPECT_TRUE(file.agents[0].places.contains(std::string(field.path))) << field.path << " is not shown";
  }
}

TEST(Examples, ShowEveryKeyOfTheConfigurationAtItsDefault) {
  const auto read = parse_configuration(bytes_of(examples / "cofferdam.yaml"), "cofferdam.yaml", {});
  if (const auto* problems = std::get_if<Problems>(&read)) FAIL() << to_string(problems->front());
  const auto& shown = std::get<LoadedConfiguration>(read);
  EXPECT_EQ(shown.configuration, std::get<LoadedConfiguration>(parse_configuration("", "", {})).configuration);
  for (const auto& [path, origin] : shown.origins) EXPECT_THAT(origin, StartsWith("cofferdam.yaml:")) << path << " is not shown";
}

struct Mistake {
  std::string place;  ///< "line:column: path" or its beginning
  std::string gist;
};

// Exactly these, in this order.
const std::map<std::string, std::vector<Mistake>> broken{
    {"ambiguous-text.yaml",
     {{"8:11: spec.taskId", "is \"1:30\" without quotes, which YAML readers may take for a number in "},
      {"9:29: spec.command[2]", "is \"on\" without quotes, which YAML readers may take for a boolean"},
      {"9:33: spec.command[3]", "is \"1.10\" without quotes, which YAML readers may take for a number"},
      {"11:12: spec.env.DEBUG", "is null (~), where a text is wanted"},
      {"12:15: spec.env.NODE_ENV", "is a text (not shown) without quotes, which YAML readers may take for a boolean"}}},
    {"anchor-and-alias.yaml", {{"8:8: spec.env", "has an anchor"}, {"10:10: spec.args[0]", "is an alias"}}},
    {"bad-environment.yaml",
     {{"9:5: spec.env.LOG-LEVEL", "the key is \"LOG-LEVEL\", which is no name of a variable"},
      {"10:12: spec.env.DEBUG", "is a text of several lines (not shown)"},
      {"13:9: spec.env.TZ", "is a mapping, where a text is wanted"}}},
    {"bad-names.yaml",
     {{"5:9: metadata.name", "is \"Bad_Name\", which is no DNS label"},
      {"6:12: metadata.labels.-team", "the key is \"-team\", which is no label key"},
      {"8:11: spec.taskId", "is \"fix it\", which is no name"},
      {"10:9: spec.user", "\"00:00\" has a user that is no canonical decimal number"},
      {"11:16: spec.networkMode", "is \"my network\", which is no name of a network"},
      {"13:14: spec.security.capAdd[0]", "did you mean NET_BIND_SERVICE?"},
      {"13:24: spec.security.capAdd[1]", "did you mean SYS_ADMIN?"},
      {"14:21: spec.security.seccompProfile", "is \"../strict.json\", which is no name"},
      {"15:18: spec.restartPolicy", "is \"Sometimes\""}}},
    {"bad-paths.yaml",
     {{"7:18: spec.workspacePath", "is \"workspaces/../bad-paths/\", which is no absolute path"},
      {"9:5: spec.tmpfs./etc/secrets", "the key is \"/etc/secrets\", which lies over or in /etc"},
      {"10:5: spec.tmpfs./tmp/", "the key is \"/tmp/\", which is not in its shortest form"},
      {"11:5: spec.tmpfs./dev/shm", "the key is \"/dev/shm\", which lies over or in /dev"}}},
    {"byte-order-mark.yaml", {{"1:1", "the file is UTF-8 with a byte order mark"}}},
    {"directive.yaml", {{"2:1", "a directive"}, {"11:1", "is \"nonsense\", where an agent spec is wanted"}}},
    {"duplicate-key.yaml", {{"10:3: spec.memoryMB", "is written twice, first in line 8"}}},
    {"empty-fields.yaml",
     {{"8:3: spec.command", "is an empty list"},
      {"9:3: spec.args", "is empty, where a list is wanted"},
      {"10:3: spec.env", "is empty, where a mapping is wanted"},
      {"11:10: spec.image", "is empty"}}},
    {"empty.yaml", {{"1:1", "the file is empty"}}},
    {"image-references.yaml",
     {{"8:10: spec.image", "\"node:\" has an empty tag behind ':'"},
      {"16:10: spec.image", "\"Node:20\" has upper case in its repository"},
      {"24:10: spec.image", "\"node:20 alpine\" has a space in it, which no image reference may have"},
      {"32:10: spec.image", "\"registry.example.com:port/node\" has the port 'port', which is not a number"},
      {"40:10: spec.image", "\"node@sha256:abc\" has a digest of 3 hex digits, where sha256 has 64"},
      {"48:10: spec.image", "\"3f7a2c\" could be an image id, which names no image that another host could pull"},
      {"56:10: spec.image", "\"node:20;reboot\" has ';' in it, which no image reference may have"},
      {"64:10: spec.image", "\"library//node\" has an empty part between its slashes"},
      {"72:10: spec.image", "\"-node\" has the part '-node', which begins or ends with a separator"},
      {"80:10: spec.image", "has a tag of 129 characters"}}},
    {"indentation.yaml", {{"8:12", "': ' makes a key where none may stand"}}},
    {"latin-1.yaml", {{"8:14", "the byte 0xE9 is not UTF-8"}}},
    {"many-mistakes.yaml",
     {{"8:10: spec.image", "\"node:\" has an empty tag behind ':'"},
      {"9:3: spec.memoryMb", "did you mean memoryMB?"},
      {"10:13: spec.cpuLimit", "is the quoted text \"1\", where a number is wanted"},
      {"11:12: spec.suspend", "is \"no\", where a boolean is wanted"},
      {"19:18: spec.restartPolicy", "is \"onfailure oops\""}}},
    {"missing-fields.yaml", {{"4:1: metadata.name", "is missing"}, {"6:1: spec.workspacePath", "is missing"}}},
    {"not-a-number.yaml",
     {{"8:13: spec.cpuLimit", "is .nan, which is not a number"},
      {"9:13: spec.memoryMB", "is .inf, which is infinite"},
      {"10:14: spec.shmSizeMB", "is \"64.5\", where an integer is wanted"},
      {"11:16: spec.maxRestarts", "is 1e3, which has an exponent"},
      {"12:28: spec.ttlSecondsAfterFinished", "is \"one day\", where an integer is wanted"}}},
    {"nul.yaml", {{"8:12", "a NUL byte stands in the text"}}},
    {"octal.yaml",
     {{"8:13: spec.memoryMB", "is 0512, which begins with a zero, as octal numbers do"},
      {"9:23: spec.stopTimeoutSeconds", "is 0x1F, which is not in decimals"},
      {"10:11: spec.taskId", "is \"007\" without quotes, which YAML readers may take for an octal number"},
      {"12:16: spec.security.pidsLimit", "is 1_000, which has a '_' between its digits"}}},
    {"only-comments.yaml", {{"1:1", "the file holds no document, only comments or separators"}}},
    {"out-of-range.yaml",
     {{"8:13: spec.memoryMB", "is 4, which is too small"},
      {"9:14: spec.shmSizeMB", "is 99999999999999999999999, which is too large"},
      {"10:13: spec.cpuLimit", "is 0.001, which is too small"},
      {"11:23: spec.stopTimeoutSeconds", "is 301, which is too large"},
      {"12:26: spec.activeDeadlineSeconds", "is 0, which is too small"},
      {"13:16: spec.maxRestarts", "is -1, which is too small"}}},
    {"quoted-number.yaml",
     {{"8:13: spec.memoryMB", "is the quoted text \"512\", where an integer is wanted"},
      {"9:13: spec.cpuLimit", "is the quoted text \"1.5\", where a number is wanted"}}},
    {"tab.yaml", {{"7:1", "a tab stands in the indentation"}}},
    {"tag.yaml",
     {{"8:13: spec.memoryMB", "has the tag \"!!int\""},
      {"9:12: spec.command", "has the tag \"!shell\""},
      {"9:12: spec.command", "is \"node agent.js\", where a list is wanted"}}},
    {"two-documents-one-agent.yaml", {{"12:9: metadata.name", "names refactor-twin, as line 5 does"}}},
    {"unclosed-bracket.yaml", {{"8:12", "'[' is never closed, or a comma is missing in it"}}},
    {"unclosed-quote.yaml", {{"8:11: spec.taskId", "is a quote that is never closed"}}},
    {"unknown-key.yaml",
     {{"8:3: spec.comand", "did you mean command?"},
      {"9:3: spec.memoryMb", "did you mean memoryMB?"},
      {"10:3: spec.pidsLimit", "did you mean spec.security.pidsLimit?"},
      {"11:3: spec.volumes", "is no known key"},
      {"13:5: spec.security.readOnlyRootfs", "did you mean readonlyRootfs?"}}},
    {"utf-16.yaml", {{"1:1", "the file is UTF-16, little-endian"}}},
    {"wrong-envelope.yaml",
     {{"2:1: metadata", "is missing"},
      {"2:13: apiVersion", "is \"v1\""},
      {"3:7: kind", "is \"agent\""},
      {"4:1: name", "did you mean metadata.name?"}}},
    {"wrong-type.yaml",
     {{"8:12: spec.command", "is \"node agent.js\", where a list is wanted"},
      {"9:3: spec.env", "is a list, where a mapping is wanted"},
      {"10:13: spec.memoryMB", "is a list, where an integer is wanted"},
      {"11:10: spec.tmpfs", "is \"/tmp\", where a mapping is wanted"},
      {"12:9: spec.user", "is a mapping, where a text is wanted"}}},
    {"yes-as-boolean.yaml",
     {{"8:12: spec.suspend", "is \"yes\", where a boolean is wanted"},
      {"9:22: spec.workspaceReadOnly", "is the quoted text \"true\", where a boolean is wanted"},
      {"11:22: spec.security.noNewPrivileges", "is \"1\", where a boolean is wanted"}}},
};

TEST(Examples, OfMistakesAreAllExpectedHere) {
  std::set<std::string> expected;
  for (const auto& [name, mistakes] : broken) expected.insert(name);
  EXPECT_EQ(names_in("broken"), expected);
}

TEST(Examples, OfMistakesHaveEachOneNamedAtItsPlace) {
  for (const auto& [name, mistakes] : broken) {
    const AgentFile file = parse_agents(bytes_of(examples / "broken" / name), name);
    EXPECT_FALSE(file.good()) << name;
    std::vector<testing::Matcher<const std::string&>> wanted;
    for (const Mistake& mistake : mistakes)
      wanted.push_back(AllOf(StartsWith(name + ':' + mistake.place + ": "), HasSubstr(mistake.gist)));
    std::vector<std::string> told;
    for (const Problem& problem : file.problems) {
      told.push_back(to_string(problem));
      EXPECT_FALSE(problem.mend.empty()) << told.back();
    }
    EXPECT_THAT(told, testing::ElementsAreArray(wanted)) << name;
  }
}

}  // namespace
}  // namespace cofferdam::specs
