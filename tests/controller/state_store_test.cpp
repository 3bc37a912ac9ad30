#include "controller/state_store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "tests/controller/loop_until.hpp"
#include "tests/controller/temp_directory.hpp"

namespace cofferdam::controller {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::loop_until;
using testing::read_file;
using testing::TempDirectory;
using testing::write_file;

class StateStoreTest : public ::testing::Test {
 protected:
  StateStore::Loaded load(StateStore::Access access = StateStore::Access::take_over) {
    StateStore store(pool_, directory());
    std::optional<StateStore::Loaded> result;
    store.load(access, [&](StateStore::Loaded loaded) { result = std::move(loaded); });
    EXPECT_TRUE(loop_until(io_, [&] { return result.has_value(); }));
    return result.value_or(StateStore::Loaded{});
  }
  std::map<std::string, std::string> records() {
    std::map<std::string, std::string> all;
    for (const auto& record : load().state.records) all[record.key] = record.bytes;
    return all;
  }
  reconciler::SaveDone save(const std::string& key, const std::string& bytes, std::uint64_t version = 1) {
    StateStore store(pool_, directory());
    std::optional<reconciler::SaveDone> result;
    store.save({key, version, bytes}, [&](reconciler::SaveDone done) { result = std::move(done); });
    EXPECT_TRUE(loop_until(io_, [&] { return result.has_value(); }));
    return result.value_or(reconciler::SaveDone{});
  }
  [[nodiscard]] std::string directory() const { return temp_.at("state"); }

  TempDirectory temp_;
  boost::asio::io_context io_;
  PathPool pool_{io_};
};

TEST_F(StateStoreTest, AMissingDirectoryIsEmptyWithAWarningAndIsMade) {
  const auto loaded = load();
  EXPECT_TRUE(loaded.state.known);
  EXPECT_TRUE(loaded.state.records.empty());
  EXPECT_THAT(loaded.warning, HasSubstr(directory()));
  struct stat info{};
  ASSERT_EQ(stat(directory().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0700U);
  EXPECT_EQ(load().warning, "");
}

TEST_F(StateStoreTest, GivesBackWhatWasSaved) {
  load();
  const std::string binary("\0\x01\xff\n", 4);
  const auto done = save("agents/refactor-bot", binary, 7);
  EXPECT_TRUE(done.ok) << done.error;
  EXPECT_EQ(done.key, "agents/refactor-bot");
  EXPECT_EQ(done.version, 7U);
  save("stops/0123abcd", "cause");
  save("files/odd name%2F.yaml", "spec");
  save("engine", "contact");
  EXPECT_EQ(records(), (std::map<std::string, std::string>{{"agents/refactor-bot", binary},
                                                           {"stops/0123abcd", "cause"},
                                                           {"files/odd name%2F.yaml", "spec"},
                                                           {"engine", "contact"}}));
  struct stat info{};
  ASSERT_EQ(stat((directory() + "/agents/refactor-bot").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0600U);
}

TEST_F(StateStoreTest, NoKeyLeadsOutOfTheDirectory) {
  for (const auto* const key : {"files/../../evil.yaml", "files/..", "files/.hidden", "files/a\nb.yaml", "files/%41.yaml"}) {
    const auto file = state_file_of(key);
    EXPECT_EQ(std::count(file.begin(), file.end(), '/'), 1) << file;
    EXPECT_EQ(file.find("/."), std::string::npos) << file;
    EXPECT_EQ(state_key_of(file), key);
  }
}

TEST_F(StateStoreTest, EmptyBytesEndARecord) {
  save("agents/a", "x");
  EXPECT_TRUE(save("agents/a", "").ok);
  EXPECT_TRUE(records().empty());
  EXPECT_TRUE(save("agents/a", "").ok) << "what is gone is gone";
  EXPECT_TRUE(save("stops/never", "").ok);
}

TEST_F(StateStoreTest, KeepsTheOrderOfOneKeysVersions) {
  StateStore store(pool_, directory());
  std::vector<std::uint64_t> order;
  for (std::uint64_t version = 1; version <= 40; ++version) {
    store.save({"agents/a", version, "version " + std::to_string(version)},
               [&](const reconciler::SaveDone& done) { order.push_back(done.version); });
  }
  EXPECT_EQ(store.outstanding(), 40U);
  ASSERT_TRUE(loop_until(io_, [&] { return order.size() == 40; }));
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  EXPECT_EQ(records().at("agents/a"), "version 40");
  EXPECT_EQ(store.outstanding(), 0U);
}

TEST_F(StateStoreTest, ToleratesGarbageAndDropsDrafts) {
  save("agents/a", "good");
  write_file(directory() + "/agents/zero", "");
  write_file(directory() + "/agents/.new-123-4", "half");
  write_file(directory() + "/agents/bad%escape", "?");
  fs::create_directory(directory() + "/agents/directory");
  fs::create_directory(directory() + "/lost+found");
  const auto all = records();
  EXPECT_EQ(all, (std::map<std::string, std::string>{{"agents/a", "good"}, {"agents/zero", ""}}));
  EXPECT_FALSE(fs::exists(directory() + "/agents/.new-123-4"));
}

TEST_F(StateStoreTest, WhoOnlyLooksChangesNothing) {
  const auto missing = load(StateStore::Access::look);
  EXPECT_TRUE(missing.state.known);
  EXPECT_THAT(missing.warning, HasSubstr(directory() + " was missing"));
  EXPECT_FALSE(fs::exists(directory()));
  save("agents/a", "good");
  write_file(directory() + "/agents/.new-123-4", "being written by its owner");
  const auto loaded = load(StateStore::Access::look);
  ASSERT_EQ(loaded.state.records.size(), 1U);
  EXPECT_EQ(loaded.state.records[0].bytes, "good");
  EXPECT_TRUE(fs::exists(directory() + "/agents/.new-123-4"));
}

TEST_F(StateStoreTest, AnUnreadableDirectoryIsNotAnEmptyOne) {
  write_file(directory(), "a file where the directory should be");
  const auto loaded = load();
  EXPECT_FALSE(loaded.state.known);
  EXPECT_THAT(loaded.state.error, HasSubstr("Not a directory"));
  EXPECT_THAT(loaded.state.error, HasSubstr(directory()));
}

TEST_F(StateStoreTest, OneUnreadableRecordMakesTheWholeUnknown) {
  save("agents/a", "x");
  fs::remove(directory() + "/agents/a");
  // A link is nothing that we wrote: it is not followed.
  fs::create_symlink("/etc/passwd", directory() + "/agents/a");
  const auto loaded = load();
  EXPECT_FALSE(loaded.state.known);
  EXPECT_THAT(loaded.state.error, HasSubstr("agents/a"));
}

TEST_F(StateStoreTest, AFailedSaveSaysWhyAndLeavesTheVersionBefore) {
  save("agents/a", "before");
  const std::string too_long(300, 'a');
  const auto done = save("agents/" + too_long, "x");
  EXPECT_FALSE(done.ok);
  EXPECT_THAT(done.error, HasSubstr("File name too long"));
  EXPECT_EQ(records(), (std::map<std::string, std::string>{{"agents/a", "before"}}));
  for (const auto& entry : fs::directory_iterator(directory() + "/agents")) {
    EXPECT_EQ(entry.path().filename(), "a") << "no draft is left behind";
  }
}

/// A full disk is a small tmpfs of our own, in a mount namespace that ends with the child.
TEST_F(StateStoreTest, AFullDiskFailsTheSaveAndKeepsTheRecord) {
  fs::create_directory(directory());
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (unshare(geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) != 0 ||
        mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
      _exit(3);
    if (mount("tmpfs", directory().c_str(), "tmpfs", 0, "size=64k") != 0) _exit(4);
    const bool first = save("agents/a", "before").ok;
    const auto done = save("agents/a", std::string(200000, 'x'));
    const bool refused = !done.ok && done.error.find("No space left on device") != std::string::npos;
    const bool kept = records() == std::map<std::string, std::string>{{"agents/a", "before"}};
    _exit(first && refused && kept ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace cofferdam::controller
