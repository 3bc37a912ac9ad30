// A spec cut off at every byte, and one byte of it spoilt, at every few: by itself, and as the controller finds it at its
// start. Either it still is a good spec of the same agent, or it is an error with file, line and column and the agent's
// container runs on as it was.

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "hands.hpp"
#include "rig.hpp"
#include "tally.hpp"

namespace cofferdam::torture {
namespace {

const std::string examples = std::string(COFFERDAM_SOURCE_DIR) + "/examples/agents/";

bool only_comments(const std::string& text) {
  bool comment = false;
  for (const char byte : text) {
    if (byte == '\n') {
      comment = false;
    } else if (byte == '#') {
      comment = true;
    } else if (!comment && byte != ' ') {
      return false;
    }
  }
  return true;
}

/// One agent's file among healthy ones, hurt again and again.
class HurtFile {
 public:
  HurtFile(std::string agent, std::string good) : agent_(std::move(agent)), good_(std::move(good)) { renew(); }

  void hurt(const std::string& text) {
    ++hurts_;
    rig_->take_down_healthy();
    if (hurts_ % 2 == 0) {
      put(rig_->at("victim.yaml"), text);
    } else {
      put(rig_->at(".victim.yaml.part"), text);
      rename(rig_->at(".victim.yaml.part"), rig_->at("victim.yaml"));
    }
    rig_->settle();
    check(text);
    if (hurts_ % 16 == 0) {
      rig_->restart();
      rig_->pass(milliseconds{300});
      check(text);
    }
    mend();
  }

  int good_ones = 0;
  int errors = 0;

 private:
  void check(const std::string& text) {
    const specs::FileView* const view = rig_->file("victim.yaml");
    ASSERT_NE(view, nullptr);
    if (view->state == specs::FileState::good) {
      ++good_ones;
      EXPECT_EQ(view->names, std::vector<std::string>{agent_});
      EXPECT_NE(rig_->phase(agent_), "Removed");
    } else {
      ++errors;
      EXPECT_EQ(view->state, specs::FileState::last_good);
      rig_->expect_named("victim.yaml", !only_comments(text));
      rig_->expect_victim_untouched();
    }
    rig_->expect_healthy_undisturbed();
    was_good_ = view->state == specs::FileState::good;
  }

  /// The good version is back, and runs: in a new world where a limit that was cut short has ended the agent.
  void mend() {
    if (!was_good_) return;
    put(rig_->at("victim.yaml"), good_);
    rig_->pass(seconds{70});  // the bound on calls for one agent in a minute is not what is hurt here
    if (rig_->container(agent_).empty()) renew();
  }

  void renew() {
    Rig::Options options;
    options.victim = agent_;
    options.victim_text = good_;
    rig_.reset();
    rig_ = std::make_unique<Rig>(options);
  }

  const std::string agent_;
  const std::string good_;
  std::unique_ptr<Rig> rig_;
  int hurts_ = 0;
  bool was_good_ = false;
};

void cut_at_every_byte(const std::string& agent, const std::string& file) {
  const std::string good = get(examples + file);
  ASSERT_FALSE(good.empty());
  HurtFile hurt(agent, good);
  for (std::size_t length = 0; length < good.size(); ++length) {
    const Case one("cut off at a byte", file + " at byte " + std::to_string(length));
    hurt.hurt(good.substr(0, length));
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_GT(hurt.good_ones, 0);
  EXPECT_GT(hurt.errors, 0);
}

TEST(Torture, TheFullSpecCutOffAtEveryByteDisturbsNobody) {
  cut_at_every_byte("refactor-bot", "full.yaml");
}

TEST(Torture, TheSmallestSpecCutOffAtEveryByteDisturbsNobody) {
  cut_at_every_byte("smallest", "smallest.yaml");
}

TEST(Torture, AByteSpoiltDisturbsNobody) {
  const std::string good = get(examples + "full.yaml");
  HurtFile hurt("refactor-bot", good);
  const std::string spoilers{'\0', '\xff', '\t', '"', ':'};
  std::size_t turn = 0;
  for (std::size_t at = 0; at < good.size(); at += 3) {
    const char spoiler = spoilers[turn++ % spoilers.size()];
    const Case one("a byte spoilt", "byte " + std::to_string(at) + " is " + std::to_string(static_cast<unsigned char>(spoiler)));
    std::string text = good;
    text[at] = spoiler;
    hurt.hurt(text);
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_GT(hurt.errors, 0);
}

}  // namespace
}  // namespace cofferdam::torture
