#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "specs/admission.hpp"
#include "tests/specs/admission_support.hpp"

namespace cofferdam::specs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class AdmissionOfVariablesTest : public ::testing::TestWithParam<SpecCase> {};
TEST_P(AdmissionOfVariablesTest, HoldsTheSpecToThePolicy) {
  expect_rules(GetParam());
}

INSTANTIATE_TEST_SUITE_P(
    Environment, AdmissionOfVariablesTest,
    ::testing::Values(
        SpecCase{"what is filtered is not judged", [](Spec& s) { s.env = {{"LD_PRELOAD", "x\n"}, {"1X", "y"}}; }, as_is, {}},
        SpecCase{"the agent's own names are not judged", [](Spec& s) { s.env = {{"AGENT_ID", "a\nb"}}; }, as_is, {}},
        SpecCase{"safe options", [](Spec& s) { s.env = {{"NODE_OPTIONS", "--max-old-space-size=256"}}; }, as_is, {}},
        SpecCase{"an option that loads code",
                 [](Spec& s) { s.env = {{"NODE_OPTIONS", "--require=./x"}}; },
                 as_is,
                 {"env-node-options"}},
        SpecCase{"an option that loads code, second switch or not",
                 [](Spec& s) { s.env = {{"NODE_OPTIONS", "--import=x"}}; },
                 [](Conf& c) { c.policy.allow_code_environment = true; },
                 {"env-node-options"}},
        SpecCase{"a name that changes code, on the allow-list alone",
                 [](Spec& s) { s.env = {{"LD_PRELOAD", "x.so"}}; },
                 [](Conf& c) { c.sandbox.env_whitelist_add = {"LD_PRELOAD"}; },
                 {"env-code"}},
        SpecCase{"a name that changes code, with the second switch",
                 [](Spec& s) { s.env = {{"https_proxy", "http://p"}}; },
                 [](Conf& c) {
                   c.sandbox.env_whitelist_add = {"https_proxy"};
                   c.policy.allow_code_environment = true;
                 },
                 {}},
        SpecCase{"a line break in a value", [](Spec& s) { s.env = {{"LOG_LEVEL", "a\nb"}}; }, as_is, {"env-value"}},
        SpecCase{"a NUL in a value", [](Spec& s) { s.env = {{"LOG_LEVEL", std::string("a\0b", 3)}}; }, as_is, {"env-value"}},
        SpecCase{"a name that is none",
                 [](Spec& s) { s.env = {{"A-B", "x"}}; },
                 [](Conf& c) { c.sandbox.env_whitelist_add = {"A-B"}; },
                 {"env-name"}},
        SpecCase{"too much of it", [](Spec& s) { s.env = {{"LOG_LEVEL", std::string(128 * 1024, 'x')}}; }, as_is, {"env-size"}}));

TEST(Admission, NoValueOfAVariableIsEverTold) {
  AgentSpec spec = plain();
  spec.env = {{"NODE_OPTIONS", "--require=s3cret"}, {"LOG_LEVEL", "s3cret\n"}, {"LD_PRELOAD", "s3cret"}};
  Configuration configuration = configured();
  configuration.sandbox.env_whitelist_add = {"LD_PRELOAD"};
  for (const Problem& problem : admit(spec, configuration, {}, {})) EXPECT_THAT(to_string(problem), Not(HasSubstr("s3cret")));
}

TEST(Admission, ImagesVariablesThatInjectCodeAreUnset) {
  ImageFacts image;
  image.env_names = {"PATH", "NODE_OPTIONS", "LD_PRELOAD", "NODE_VERSION", "BASH_ENV", "BASH_ENV"};
  EXPECT_THAT(variables_to_unset(image, {}), ElementsAre("BASH_ENV", "LD_PRELOAD", "NODE_OPTIONS"));
}

TEST(Admission, VariableThatTheSpecSetsItselfIsNotUnset) {
  ImageFacts image;
  image.env_names = {"NODE_OPTIONS", "LD_PRELOAD"};
  EffectiveContainer container;
  container.env = {{"NODE_OPTIONS", "--no-warnings"}};
  EXPECT_THAT(variables_to_unset(image, container), ElementsAre("LD_PRELOAD"));
}

}  // namespace
}  // namespace cofferdam::specs
