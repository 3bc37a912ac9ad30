#include "specs/fields.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "specs/configuration_slots.hpp"
#include "specs/field_reader.hpp"
#include "specs/forms.hpp"
#include "specs/scalars.hpp"
#include "specs/slot.hpp"
#include "specs/wording.hpp"
#include "specs/yaml_tree.hpp"

namespace cofferdam::specs {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

YamlNode value_of(const std::string& text) {
  return read_yaml("a: " + text + "\n", "a.yaml").documents.at(0).root.find("a")->value;
}

template <typename T>
std::string told(const std::variant<T, Refusal>& value) {
  if (const auto* refusal = std::get_if<Refusal>(&value)) return refusal->what + "; " + refusal->mend;
  if constexpr (std::is_same_v<T, std::string>) {
    return "taken: " + std::get<T>(value);
  } else {
    return "taken: " + number_text(static_cast<double>(std::get<T>(value)));
  }
}

std::string boolean(const std::string& text) {
  return told(boolean_of(value_of(text)));
}
std::string integer(const std::string& text) {
  return told(integer_of(value_of(text), {-5, 1000}));
}
std::string number(const std::string& text) {
  return told(number_of(value_of(text), {-5, 1000}));
}
std::string text(const std::string& yaml) {
  return told(text_of(value_of(yaml)));
}

TEST(Scalars, TakeOnlyTrueAndFalseForBooleans) {
  EXPECT_EQ(boolean("true"), "taken: 1");
  EXPECT_EQ(boolean("false"), "taken: 0");
  for (const char* const yes : {"yes", "Yes", "on", "ON", "y", "True", "TRUE"})
    EXPECT_THAT(boolean(yes), HasSubstr("; write true")) << yes;
  for (const char* const no : {"no", "off", "Off", "n", "False"}) EXPECT_THAT(boolean(no), HasSubstr("; write false")) << no;
  EXPECT_EQ(boolean("\"true\""), "is the quoted text \"true\", where a boolean is wanted; write true or false, without quotes");
  EXPECT_EQ(boolean("1"), "is \"1\", where a boolean is wanted; write true or false");
  EXPECT_EQ(boolean("[true]"), "is a list, where a boolean is wanted; write true or false");
  EXPECT_EQ(boolean("~"), "is null (~), where a boolean is wanted; write true or false");
  EXPECT_EQ(boolean(""), "is empty, where a boolean is wanted; write true or false");
}

TEST(Scalars, TakeCanonicalDecimalsForIntegers) {
  EXPECT_EQ(integer("0"), "taken: 0");
  EXPECT_EQ(integer("1000"), "taken: 1000");
  EXPECT_EQ(integer("-5"), "taken: -5");
  EXPECT_EQ(integer("1001"), "is 1001, which is too large; write an integer from -5 to 1000");
  EXPECT_EQ(integer("-6"), "is -6, which is too small; write an integer from -5 to 1000");
  EXPECT_THAT(integer(std::string(400, '9')), HasSubstr("which is too large"));
  EXPECT_THAT(integer("-" + std::string(400, '9')), HasSubstr("which is too small"));
}

TEST(Scalars, RefuseEveryOtherWayToWriteAnInteger) {
  EXPECT_THAT(integer("010"), HasSubstr("begins with a zero"));
  EXPECT_THAT(integer("+1"), HasSubstr("has a '+'"));
  EXPECT_THAT(integer("0x1F"), HasSubstr("is not in decimals"));
  EXPECT_THAT(integer("0o17"), HasSubstr("is not in decimals"));
  EXPECT_THAT(integer("0b11"), HasSubstr("is not in decimals"));
  EXPECT_THAT(integer("1_000"), HasSubstr("has a '_'"));
  EXPECT_THAT(integer("1e3"), HasSubstr("has an exponent"));
  EXPECT_THAT(integer("1:30"), HasSubstr("is in base 60"));
  EXPECT_THAT(integer(".nan"), HasSubstr("is not a number"));
  EXPECT_THAT(integer("NaN"), HasSubstr("is not a number"));
  EXPECT_THAT(integer("-.INF"), HasSubstr("is infinite"));
  for (const char* const other :
       {"1.0", "-0", "'5'", "\"5\"", "five", "5 MB", "512Mi", "[5]", "{a: 5}", "~", "true", "|\n  5", "--5"}) {
    EXPECT_THAT(integer(other), HasSubstr("where an integer is wanted")) << other;
  }
}

TEST(Scalars, TakeFiniteDecimalsForNumbers) {
  EXPECT_EQ(number("1"), "taken: 1");
  EXPECT_EQ(number("1.0"), "taken: 1");
  EXPECT_EQ(number("0.25"), "taken: 0.25");
  EXPECT_EQ(number("-0.5"), "taken: -0.5");
  for (const char* const other :
       {".5", "5.", "01.5", "1.5e3", "1e3", ".inf", ".nan", "\"1.5\"", "1,5", "1.2.3", "+1.5", "1_0.5", "0x1p3", ""}) {
    EXPECT_THAT(number(other), testing::Not(HasSubstr("taken"))) << other;
  }
  EXPECT_THAT(number("1000.5"), HasSubstr("too large"));
}

TEST(Scalars, KeepATextThatAllReadersReadTheSame) {
  for (const char* const same :
       {"node",  "12",      "-3",        "0",   "1.5",         "true",  "false",       "2026-01-31", "1.2.3",
        "v1.10", "node:20", "1000:1000", "a1",  "nullable",    "10 MB", "192.168.0.1", "-x",         "--port=1",
        "0xyz",  "12ab",    "1:75",      "a:1", "http://x:1/", "e3",    "_1",          "yesterday",  "1-2"}) {
    EXPECT_EQ(text(same), std::string("taken: ") + same);
  }
}

TEST(Scalars, RefuseATextThatSomeReaderReadsOtherwise) {
  for (const char* const other : {"yes",
                                  "No",
                                  "ON",
                                  "off",
                                  "y",
                                  "N",
                                  "True",
                                  "FALSE",
                                  "010",
                                  "0777",
                                  "0x1F",
                                  "0o17",
                                  "0b1",
                                  "1_000",
                                  "1e3",
                                  "1E3",
                                  "1.0",
                                  "1.10",
                                  ".5",
                                  "5.",
                                  "+1",
                                  "-0",
                                  "1e-3",
                                  ".inf",
                                  "-.Inf",
                                  ".NaN",
                                  "1:30",
                                  "190:20:30",
                                  "1:30.5",
                                  "=",
                                  "<<",
                                  "2026-01-31T12:00:00Z",
                                  "2026-1-31 12:00:00",
                                  "-0.5e1",
                                  "0.50",
                                  "+.inf"}) {
    EXPECT_THAT(text(other), HasSubstr("quote it if the text is meant")) << other;
    EXPECT_EQ(text(std::string("'") + other + "'"), std::string("taken: ") + other);
  }
  EXPECT_EQ(text("on"),
            "is \"on\" without quotes, which YAML readers may take for a boolean; quote it if the text is meant: \"on\"");
}

TEST(Scalars, RefuseWhatIsNoText) {
  EXPECT_THAT(text("~"), HasSubstr("is null (~)"));
  EXPECT_THAT(text(""), HasSubstr("\"\" for an empty one"));
  EXPECT_THAT(text("[a]"), HasSubstr("is a list"));
  EXPECT_THAT(text("{a: b}"), HasSubstr("is a mapping"));
  EXPECT_EQ(text("\"\""), "taken: ");
}

TEST(Scalars, NeverShowASecret) {
  const std::string told_text = told(text_of(value_of("0123456"), true));
  EXPECT_THAT(told_text, HasSubstr("not shown"));
  EXPECT_THAT(told_text, testing::Not(HasSubstr("0123456")));
}

std::string form(Form wanted, std::string value) {
  const auto refusal = check_form(wanted, value);
  return refusal ? refusal->what + "; " + refusal->mend : "taken: " + value;
}

TEST(Forms, TakeNamesByTheirRules) {
  EXPECT_EQ(form(Form::dns_label, "a-1"), "taken: a-1");
  EXPECT_EQ(form(Form::dns_label, std::string(63, 'a')), "taken: " + std::string(63, 'a'));
  for (const std::string& bad : {std::string(), std::string("-a"), std::string("a-"), std::string("A"), std::string("a.b"),
                                 std::string("a_b"), std::string(64, 'a')}) {
    EXPECT_THAT(form(Form::dns_label, bad), HasSubstr("is no DNS label")) << bad;
  }
  EXPECT_EQ(form(Form::task_id, "PAY-1432.x_y"), "taken: PAY-1432.x_y");
  for (const std::string& bad : {std::string(), std::string(".a"), std::string("a b"), std::string(129, 'a')}) {
    EXPECT_THAT(form(Form::task_id, bad), HasSubstr("is no name")) << bad;
  }
  EXPECT_EQ(form(Form::label_key, "example.org/team_a-1"), "taken: example.org/team_a-1");
  EXPECT_THAT(form(Form::label_key, "a/"), HasSubstr("is no label key"));
  EXPECT_EQ(form(Form::label_value, "any text: é"), "taken: any text: é");
  EXPECT_THAT(form(Form::label_value, "a\nb"), HasSubstr("\"a\\nb\""));
  EXPECT_THAT(form(Form::line, std::string(257, 'a')), HasSubstr("256 bytes"));
  EXPECT_EQ(form(Form::text, "a\nb"), "taken: a\nb");
  EXPECT_EQ(form(Form::network, "container:abc"), "taken: container:abc") << "policy judges it, with its rule";
  EXPECT_THAT(form(Form::network, "my net"), HasSubstr("is no name of a network"));
  EXPECT_EQ(form(Form::variable, "_A1"), "taken: _A1");
  for (const std::string& bad :
       {std::string(), std::string("1A"), std::string("A-B"), std::string("A=B"), std::string(256, 'A')}) {
    EXPECT_THAT(form(Form::variable, bad), HasSubstr("is no name of a variable")) << bad;
  }
  EXPECT_THAT(form(Form::variable_value, "a\r"), HasSubstr("several lines"));
  EXPECT_EQ(form(Form::allowed_image, "ghcr.io/acme/*"), "taken: ghcr.io/acme/*");
  EXPECT_THAT(form(Form::allowed_image, "ghcr.io//acme"), HasSubstr("whole path segments"));
}

TEST(Forms, TakePathsInTheirShortestAbsoluteForm) {
  EXPECT_EQ(form(Form::absolute_path, "/"), "taken: /");
  EXPECT_EQ(form(Form::absolute_path, "/srv/a b/..c/.d"), "taken: /srv/a b/..c/.d");
  EXPECT_THAT(form(Form::absolute_path, ""), HasSubstr("empty path"));
  EXPECT_THAT(form(Form::absolute_path, "srv"), HasSubstr("no absolute path"));
  EXPECT_THAT(form(Form::absolute_path, "/srv/"), HasSubstr("write /srv"));
  EXPECT_THAT(form(Form::absolute_path, "//srv/./a"), HasSubstr("write /srv/a"));
  EXPECT_THAT(form(Form::absolute_path, "//"), HasSubstr("write /"));
  EXPECT_THAT(form(Form::absolute_path, "/srv/../etc"), HasSubstr("has '..' in it"));
  EXPECT_THAT(form(Form::absolute_path, "/srv/a\nb"), HasSubstr("control characters"));
  EXPECT_THAT(form(Form::absolute_path, "/" + std::string(256, 'a')), HasSubstr("255 bytes"));
  std::string deep;
  for (int i = 0; i < 2100; ++i) deep += "/a";
  EXPECT_THAT(form(Form::absolute_path, deep), HasSubstr("4095 bytes"));
  EXPECT_EQ(form(Form::optional_path, ""), "taken: ");
  EXPECT_THAT(form(Form::optional_path, "a"), HasSubstr("no absolute path"));
}

TEST(Forms, KeepTmpfsClearOfTheSystem) {
  EXPECT_EQ(form(Form::tmpfs_target, "/var/cache"), "taken: /var/cache");
  EXPECT_EQ(form(Form::tmpfs_target, "/etcetera"), "taken: /etcetera");
  for (const char* const bad : {"/", "/proc", "/proc/x", "/sys", "/sys/fs", "/dev", "/dev/shm", "/etc", "/etc/ssl", "/workspace",
                                "/workspace/x", "tmp", "/tmp/"}) {
    EXPECT_THAT(form(Form::tmpfs_target, bad), testing::Not(HasSubstr("taken"))) << bad;
  }
}

TEST(Forms, KeepWorkspaceRootsOutOfTheSystem) {
  EXPECT_EQ(form(Form::workspace_root, "/srv/ws"), "taken: /srv/ws");
  EXPECT_EQ(form(Form::workspace_root, "/home/agents"), "taken: /home/agents");
  for (const char* const bad : {"/", "/etc", "/etc/x", "/proc/1", "/sys", "/dev/shm", "/usr/share", "/lib64", "/boot", "/root/x",
                                "/var/lib/docker/x", "ws"}) {
    EXPECT_THAT(form(Form::workspace_root, bad), testing::Not(HasSubstr("taken"))) << bad;
  }
}

TEST(Forms, NormaliseCapabilities) {
  EXPECT_EQ(form(Form::capability, "cap_net_raw"), "taken: NET_RAW");
  EXPECT_EQ(form(Form::capability, "all"), "taken: ALL");
  EXPECT_THAT(form(Form::capability, "NET_RAWW"), HasSubstr("did you mean NET_RAW?"));
  EXPECT_THAT(form(Form::capability, "ROOT_OF_ALL_EVIL"), HasSubstr("capabilities(7)"));
}

TEST(Forms, TakeAddresses) {
  for (const char* const good :
       {"unix:///var/run/docker.sock", "tcp://10.0.0.1:2376", "tcp://build.example", "tcp://[::1]:2376", "tcp://[fe80::1]"}) {
    EXPECT_EQ(form(Form::engine_host, good), std::string("taken: ") + good);
  }
  for (const std::string& bad :
       {std::string(), std::string("/var/run/docker.sock"), std::string("unix://"), std::string("unix://run/x"),
        std::string("unix:///"), std::string("tcp://"), std::string("tcp://:1"), std::string("tcp://a:x"),
        std::string("tcp://a:99999"), std::string("tcp://a/b:1"), std::string("ssh://a"), std::string("npipe:////./pipe/docker"),
        "unix:///" + std::string(107, 'a')}) {
    EXPECT_THAT(form(Form::engine_host, bad), HasSubstr("unix:///var/run/docker.sock")) << bad;
  }
  for (const char* const good : {"", "127.0.0.1:9476", "localhost:0", "[::1]:9476", "0.0.0.0:65535"}) {
    EXPECT_EQ(form(Form::listen_address, good), std::string("taken: ") + good);
  }
  for (const char* const bad : {"9476", ":9476", "localhost", "localhost:", "localhost:x", "localhost:65536", "localhost:09",
                                "[]:1", "a b:1", "::1:9476"}) {
    EXPECT_THAT(form(Form::listen_address, bad), HasSubstr("is no host:port")) << bad;
  }
}

TEST(Forms, HaveTheImagesAndUsersGrammar) {
  EXPECT_EQ(form(Form::image, "node:20"), "taken: node:20");
  EXPECT_THAT(form(Form::image, "node:"), HasSubstr("\"node:\" has an empty tag"));
  EXPECT_EQ(form(Form::image, ""), "is empty; write it as [registry/]repository[:tag][@digest], for example node:20-alpine");
  for (const char* const good : {"node", "node:node", "1000", "1000:1000", "0", "node:1000", "1000:staff"}) {
    EXPECT_EQ(form(Form::user, good), std::string("taken: ") + good);
  }
  for (const char* const bad : {"", "00", "+0", "node:", ":node", "1000:00", "a b", "a:b:c", "-1", "4294967296"}) {
    EXPECT_THAT(form(Form::user, bad), HasSubstr("for example 1000:1000")) << bad;
  }
}

TEST(Wording, FindsTheWordThatWasMeant) {
  const std::vector<std::string_view> known{"memoryMB", "command", "restartPolicy", "NET_BIND_SERVICE"};
  EXPECT_EQ(nearest("memoryMb", known), "memoryMB");
  EXPECT_EQ(nearest("mmeoryMB", known), "memoryMB");
  EXPECT_EQ(nearest("memory", known), "memoryMB");
  EXPECT_EQ(nearest("comand", known), "command");
  EXPECT_EQ(nearest("restart_policy", known), "restartPolicy");
  EXPECT_EQ(nearest("NET_BIND", known), "NET_BIND_SERVICE");
  EXPECT_EQ(nearest("volumes", known), "");
  EXPECT_EQ(nearest("", known), "");
  EXPECT_EQ(nearest(std::string(1000, 'a'), known), "");
}

TEST(Wording, ShowsTextsSafelyAndShort) {
  EXPECT_EQ(quoted_for_people("a\tb\n\x1b\x7f"), "\"a\\tb\\n\\x1b\\x7f\"");
  EXPECT_EQ(quoted_for_people("\xC2\x9B"
                              "31m"),
            "\"\\x9b31m\"");
  EXPECT_EQ(quoted_for_people(std::string(61, 'a')), '"' + std::string(60, 'a') + "…\"");
  EXPECT_EQ(quoted_for_people(std::string(59, 'a') + "äb"), '"' + std::string(59, 'a') + "ä…\"");
  EXPECT_EQ(join_path("spec.env", ""), "spec.env.\"\"");
  EXPECT_EQ(one_of({"a", "b", "c"}), "a, b or c");
}

void expect_sound(std::span<const Field> fields) {
  std::set<std::string_view> paths;
  for (const Field& field : fields) {
    EXPECT_TRUE(paths.insert(field.path).second) << field.path << " stands twice";
    const std::size_t dot = field.path.rfind('.');
    if (dot != std::string_view::npos) {
      const Field* parent = find_field(fields, field.path.substr(0, dot));
      ASSERT_NE(parent, nullptr) << field.path;
      EXPECT_EQ(parent->type, FieldType::mapping) << field.path;
      EXPECT_LT(parent, &field) << field.path << " stands before its parent";
    }
    EXPECT_FALSE(field.help.empty()) << field.path;
    EXPECT_EQ(field.help.find('\n'), std::string_view::npos) << field.path;
    if (field.type == FieldType::integer || field.type == FieldType::number || field.type == FieldType::list)
      EXPECT_LT(field.min, field.max) << field.path;
    EXPECT_LE(field.max, 9007199254740992.0) << field.path << " is more than a double holds exactly";
  }
}

TEST(Fields, AreSoundTables) {
  expect_sound(agent_fields());
  expect_sound(configuration_fields());
}

TEST(Fields, HaveDefaultsThatTheyTakeThemselves) {
  for (const Field& field : configuration_fields()) {
    if (!is_value(configuration_fields(), field)) continue;
    Configuration defaults;
    defaults.sandbox.env_whitelist = default_env_whitelist();
    const auto slot = configuration_slot(defaults, field.path);
    ASSERT_TRUE(slot) << field.path << " has no member";
    const std::string shown = slot_text(*slot, field);
    const YamlNode written = value_of(std::string(field.fallback));
    const YamlNode held = value_of(shown);
    EXPECT_EQ(held.kind, written.kind) << field.path;
    const std::string fallback = field.type == FieldType::number ? number_text(std::stod(written.text)) : written.text;
    EXPECT_EQ(held.text, fallback) << field.path << ": the table says " << field.fallback << ", the struct " << shown;
    EXPECT_EQ(held.items.size(), written.items.size()) << field.path;
    if (held.is_scalar()) EXPECT_TRUE(std::holds_alternative<FieldValue>(read_scalar(field, written.text))) << field.path;
  }
}

TEST(Fields, OfAFreeMappingHaveMembersToo) {
  Configuration configuration;
  for (const char* const path : {"sandbox.tmpfs.*.sizeMB", "sandbox.tmpfs.*.exec", "policy.seccompProfiles.*"}) {
    EXPECT_NE(find_field(configuration_fields(), path), nullptr) << path;
    EXPECT_TRUE(configuration_slot(configuration, path, "key")) << path;
  }
  EXPECT_FALSE(configuration_slot(configuration, "sandbox"));
  EXPECT_FALSE(configuration_slot(configuration, "no.such.field"));
}

TEST(Fields, KnowTheirChildren) {
  const std::vector<const Field*> top = children_of(agent_fields(), "");
  ASSERT_EQ(top.size(), 4U);
  EXPECT_EQ(top[0]->path, "apiVersion");
  EXPECT_EQ(last_step("spec.security.capAdd"), "capAdd");
  EXPECT_EQ(last_step("spec"), "spec");
  EXPECT_THAT(words_of("Never OnFailure Always"), ElementsAre("Never", "OnFailure", "Always"));
  EXPECT_THAT(words_of(""), IsEmpty());
  EXPECT_FALSE(is_value(agent_fields(), *find_field(agent_fields(), "spec")));
  EXPECT_TRUE(is_value(agent_fields(), *find_field(agent_fields(), "spec.env")));
  EXPECT_FALSE(is_value(agent_fields(), *find_field(agent_fields(), "spec.env.*")));
}

TEST(Slots, WriteYamlThatReadsBackTheSame) {
  for (const std::string& value :
       {std::string(), std::string("node"), std::string("010"), std::string("yes"), std::string("a b"), std::string("-x"),
        std::string("a: b"), std::string("a:b"), std::string("a#b"), std::string("\"q\"\\\n\x01"), std::string("ä"),
        std::string("/srv/x"), std::string("~"), std::string("*"), std::string("x:"), std::string("127.0.0.1:9476")}) {
    const std::string written = yaml_text(value);
    EXPECT_EQ(written.find('\n'), std::string::npos);
    for (const YamlNode& read : {value_of(written), value_of("[" + written + "]").items.at(0)}) {
      const auto back = text_of(read);
      ASSERT_TRUE(std::holds_alternative<std::string>(back)) << written;
      EXPECT_EQ(std::get<std::string>(back), value);
    }
  }
}

TEST(Slots, ShowAnUnsetValueAsNothing) {
  AgentSpec spec;
  const Field& image = *find_field(agent_fields(), "spec.image");
  EXPECT_EQ(slot_text(&spec.image, image), "");
  assign(&spec.image, image, FieldValue(std::string("node:20")));
  EXPECT_EQ(spec.image, "node:20");
  EXPECT_EQ(slot_text(&spec.image, image), "node:20");
  const Field& policy = *find_field(agent_fields(), "spec.restartPolicy");
  assign(&spec.restart_policy, policy, FieldValue(std::string("Always")));
  EXPECT_EQ(spec.restart_policy, RestartPolicy::always);
  EXPECT_EQ(slot_text(&spec.restart_policy, policy), "Always");
}

}  // namespace
}  // namespace cofferdam::specs
