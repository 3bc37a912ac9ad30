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
using ::testing::SizeIs;

class AdmissionOfImagesTest : public ::testing::TestWithParam<SpecCase> {};
TEST_P(AdmissionOfImagesTest, HoldsTheSpecToThePolicy) {
  expect_rules(GetParam());
}

const std::string digest = "@sha256:" + std::string(64, 'a');

INSTANTIATE_TEST_SUITE_P(
    Images, AdmissionOfImagesTest,
    ::testing::Values(
        SpecCase{"any, where no list is", [](Spec& s) { s.image = "ghcr.io/acme/agent:1"; }, as_is, {}},
        SpecCase{"an image id", [](Spec& s) { s.image = "sha256:" + std::string(64, 'a'); }, as_is, {"image-reference"}},
        SpecCase{"bare hex", [](Spec& s) { s.image = "0038"; }, as_is, {"image-reference"}},
        SpecCase{"no reference by default", unchanged, [](Conf& c) { c.sandbox.default_image = "A B"; }, {"image-reference"}},
        SpecCase{"of an allowed registry",
                 [](Spec& s) { s.image = "ghcr.io/acme/agent:1"; },
                 [](Conf& c) { c.policy.allowed_images = {"ghcr.io"}; },
                 {}},
        SpecCase{"of a registry with its port",
                 [](Spec& s) { s.image = "localhost:5000/agent"; },
                 [](Conf& c) { c.policy.allowed_images = {"localhost:5000"}; },
                 {}},
        SpecCase{"of another port",
                 [](Spec& s) { s.image = "localhost:5001/agent"; },
                 [](Conf& c) { c.policy.allowed_images = {"localhost:5000"}; },
                 {"image-allowed"}},
        SpecCase{"of an allowed repository",
                 [](Spec& s) { s.image = "ghcr.io/acme/agent:1"; },
                 [](Conf& c) { c.policy.allowed_images = {"node", "ghcr.io/acme"}; },
                 {}},
        SpecCase{"written with a slash at the end",
                 [](Spec& s) { s.image = "ghcr.io/acme/agent:1"; },
                 [](Conf& c) { c.policy.allowed_images = {"ghcr.io/acme/"}; },
                 {}},
        SpecCase{"written with a star",
                 [](Spec& s) { s.image = "ghcr.io/acme/agent:1"; },
                 [](Conf& c) { c.policy.allowed_images = {"ghcr.io/acme/*"}; },
                 {}},
        SpecCase{"segments are whole",
                 [](Spec& s) { s.image = "ghcr.io/acme-evil/agent:1"; },
                 [](Conf& c) { c.policy.allowed_images = {"ghcr.io/acme"}; },
                 {"image-allowed"}},
        SpecCase{"registries are whole",
                 [](Spec& s) { s.image = "ghcr.io.evil.example/acme"; },
                 [](Conf& c) { c.policy.allowed_images = {"ghcr.io"}; },
                 {"image-allowed"}},
        SpecCase{"the repository itself",
                 [](Spec& s) { s.image = "node:22"; },
                 [](Conf& c) { c.policy.allowed_images = {"node"}; },
                 {}},
        SpecCase{"the official one, not a namesake",
                 [](Spec& s) { s.image = "evil/node"; },
                 [](Conf& c) { c.policy.allowed_images = {"node"}; },
                 {"image-allowed"}},
        SpecCase{"all of the hub",
                 [](Spec& s) { s.image = "acme/agent"; },
                 [](Conf& c) { c.policy.allowed_images = {"docker.io"}; },
                 {}},
        SpecCase{"all of the hub by its other name",
                 [](Spec& s) { s.image = "acme/agent"; },
                 [](Conf& c) { c.policy.allowed_images = {"index.docker.io"}; },
                 {}},
        SpecCase{"a user of the hub",
                 [](Spec& s) { s.image = "acme/agent"; },
                 [](Conf& c) { c.policy.allowed_images = {"acme/"}; },
                 {}},
        SpecCase{"one tag",
                 [](Spec& s) { s.image = "node:22-alpine"; },
                 [](Conf& c) { c.policy.allowed_images = {"node:22-alpine"}; },
                 {}},
        SpecCase{"another tag",
                 [](Spec& s) { s.image = "node:22"; },
                 [](Conf& c) { c.policy.allowed_images = {"node:20-alpine"}; },
                 {"image-allowed"}},
        SpecCase{"the default image is held to the list",
                 unchanged,
                 [](Conf& c) { c.policy.allowed_images = {"ghcr.io"}; },
                 {"image-allowed"}},
        SpecCase{
            "no digest", [](Spec& s) { s.image = "node:22"; }, [](Conf& c) { c.policy.require_digest = true; }, {"image-digest"}},
        SpecCase{
            "a digest", [](Spec& s) { s.image = "node:22" + digest; }, [](Conf& c) { c.policy.require_digest = true; }, {}}));

TEST(Admission, RefusedImageNamesItsFullNameAndTheList) {
  Configuration configuration = configured();
  configuration.policy.allowed_images = {"ghcr.io/acme"};
  const Problems problems = admit(plain(), configuration, {}, {});
  ASSERT_THAT(problems, SizeIs(1));
  EXPECT_THAT(problems[0].what, HasSubstr("image 'node:20-alpine' (the configuration's default) (docker.io/library/node)"));
  EXPECT_THAT(problems[0].mend, HasSubstr("ghcr.io/acme"));
}

TEST(Admission, PlainImageIsAdmitted) {
  ImageFacts image;
  image.labels = {{"maintainer", "x"}, {"org.opencontainers.image.title", "x"}, {"exitcode", "x"}, {"com.dockerish", "x"}};
  EXPECT_THAT(admit_image(plain(), configured(), image), IsEmpty());
}

TEST(Admission, ImageWithVolumesNeedsPolicy) {
  ImageFacts image;
  image.volumes = {"/var/lib/data", "/data"};
  const Problems problems = admit_image(plain(), configured(), image);
  EXPECT_THAT(rules(problems), ElementsAre("image-volumes"));
  EXPECT_THAT(problems.at(0).what, HasSubstr("(/data, /var/lib/data)"));
  Configuration configuration = configured();
  configuration.policy.allow_image_volumes = true;
  EXPECT_THAT(admit_image(plain(), configuration, image), IsEmpty());
}

TEST(Admission, ImageWithReservedLabelsIsRefused) {
  for (const char* label : {"exitCode", "signal", "execDuration", "com.docker.compose.project", "cofferdam.managed-by"}) {
    EXPECT_TRUE(is_reserved_label(label)) << label;
    ImageFacts image;
    image.labels = {{label, "0"}, {"team", "x"}};
    const Problems problems = admit_image(plain(), configured(), image);
    EXPECT_THAT(rules(problems), ElementsAre("image-labels"));
    EXPECT_THAT(problems.at(0).what, HasSubstr(label));
  }
  for (const char* label : {"cofferdam", "exitCode2", "signals", "com.docker"}) EXPECT_FALSE(is_reserved_label(label)) << label;
}

TEST(Admission, ImageIsToldBothThatItHasVolumesAndLabels) {
  ImageFacts image;
  image.volumes = {"/data"};
  image.labels = {{"exitCode", "0"}};
  EXPECT_THAT(rules(admit_image(plain(), configured(), image)), ElementsAre("image-labels", "image-volumes"));
}

}  // namespace
}  // namespace cofferdam::specs
