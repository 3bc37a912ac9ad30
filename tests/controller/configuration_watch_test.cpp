#include "controller/configuration_watch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "tests/controller/loop_until.hpp"
#include "tests/controller/temp_directory.hpp"

namespace cofferdam::controller {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::loop_until;
using testing::rename_into;
using testing::TempDirectory;
using testing::write_file;

class ConfigurationWatchTest : public ::testing::Test {
 protected:
  void SetUp() override { write_file(file(), "instance: a\n"); }
  [[nodiscard]] std::string file() const { return temp_.at("cofferdam.yaml"); }
  void watch() {
    ConfigurationWatch::Handlers handlers;
    handlers.changed = [this] { ++changes_; };
    handlers.watch_trouble = [this](const std::string& trouble) { troubles_.push_back(trouble); };
    watch_ = std::make_unique<ConfigurationWatch>(io_, pool_, file(), std::move(handlers));
    settle();
  }
  /// Until what was asked of the pool is done.
  void settle() {
    EXPECT_TRUE(loop_until(io_, [&] { return pool_.outstanding() == 0; }));
  }
  void look() {
    watch_->look();
    settle();
  }

  TempDirectory temp_;
  boost::asio::io_context io_;
  PathPool pool_{io_};
  std::unique_ptr<ConfigurationWatch> watch_;
  int changes_ = 0;
  std::vector<std::string> troubles_;
};

TEST_F(ConfigurationWatchTest, TellsOfAFileThatIsRenamedIntoPlaceAndOnce) {
  watch();
  rename_into(file(), "instance: b\n");
  EXPECT_TRUE(loop_until(io_, [&] { return changes_ > 0; }));
  settle();
  look();
  EXPECT_EQ(changes_, 1) << "a look has nothing to add";
}

TEST_F(ConfigurationWatchTest, ALookShowsWhatInotifyDoesNotTell) {
  fs::create_directory(temp_.at("elsewhere"));
  write_file(temp_.at("elsewhere/real.yaml"), "instance: a\n");
  fs::remove(file());
  fs::create_symlink("elsewhere/real.yaml", file());
  watch();
  look();
  EXPECT_EQ(changes_, 0);
  rename_into(temp_.at("elsewhere/real.yaml"), "instance: b\n");
  look();
  EXPECT_EQ(changes_, 1);
  look();
  EXPECT_EQ(changes_, 1);
}

TEST_F(ConfigurationWatchTest, SaysOnceThatItCannotWatchAndLooksAllTheSame) {
  pool_.run<bool>("any", std::chrono::seconds{10}, [] { return true; }, [](std::optional<bool>) {});
  settle();  // the loop has its descriptors
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const int next = dup(STDERR_FILENO);
  ASSERT_GE(next, 0);
  close(next);
  const rlimit none{static_cast<rlim_t>(next), before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  watch();
  look();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_THAT(troubles_, ElementsAre(HasSubstr("no inotify instance is left")));
  rename_into(file(), "instance: b\n");
  look();
  EXPECT_EQ(changes_, 1);
  EXPECT_EQ(troubles_.back(), "") << "it watches again";
  rename_into(file(), "instance: c\n");
  EXPECT_TRUE(loop_until(io_, [&] { return changes_ == 2; }));
}

TEST_F(ConfigurationWatchTest, AFileThatGoesAndComesIsAChangeEachTime) {
  watch();
  fs::remove(file());
  EXPECT_TRUE(loop_until(io_, [&] { return changes_ == 1; }));
  write_file(file(), "instance: b\n");
  EXPECT_TRUE(loop_until(io_, [&] { return changes_ == 2; }));
}

}  // namespace
}  // namespace cofferdam::controller
