#include "controller/spec_directory.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <string>
#include <thread>
#include <vector>

#include "controller/directory_scan.hpp"
#include "controller/directory_watch.hpp"
#include "controller/file_descriptor.hpp"
#include "tests/controller/loop_until.hpp"
#include "tests/controller/temp_directory.hpp"

namespace cofferdam::controller {
namespace {

namespace fs = std::filesystem;
using reconciler::FileChanged;
using specs::DirEntry;
using specs::DirSnapshot;
using specs::FileType;
using ::testing::HasSubstr;
using namespace std::chrono_literals;
using testing::loop_until;
using testing::rename_into;
using testing::TempDirectory;
using testing::write_file;

const DirEntry* find(const DirSnapshot& snapshot, const std::string& name) {
  const auto found =
      std::find_if(snapshot.entries.begin(), snapshot.entries.end(), [&](const DirEntry& entry) { return entry.name == name; });
  return found == snapshot.entries.end() ? nullptr : &*found;
}

class SpecDirectoryTest : public ::testing::Test {
 protected:
  void watch(const std::string& directory) {
    SpecDirectory::Options options;
    options.directory = directory;
    options.max_file_bytes = 1000;
    directory_ = std::make_unique<SpecDirectory>(
        io_, pool_, options,
        SpecDirectory::Handlers{[this](DirSnapshot one) { snapshots_.push_back(std::move(one)); },
                                [this](FileChanged one) { changes_.push_back(std::move(one)); },
                                [this](std::string one) { troubles_.push_back(std::move(one)); }});
  }

  DirSnapshot scan() {
    const auto number = ++number_;
    const auto before = snapshots_.size();
    directory_->scan(number);
    EXPECT_TRUE(loop_until(io_, [&] { return snapshots_.size() > before; }));
    if (snapshots_.size() == before) return {};
    EXPECT_EQ(snapshots_.back().scan, number);
    return snapshots_.back();
  }

  bool told(const std::string& name, FileChanged::Kind kind) {
    return loop_until(io_, [&] {
      return std::any_of(changes_.begin(), changes_.end(),
                         [&](const FileChanged& change) { return change.name == name && change.kind == kind; });
    });
  }
  bool told_anything() { return told("", FileChanged::Kind::complete); }

  TempDirectory temp_;
  boost::asio::io_context io_;
  PathPool pool_{io_};
  std::unique_ptr<SpecDirectory> directory_;
  std::vector<DirSnapshot> snapshots_;
  std::vector<FileChanged> changes_;
  std::vector<std::string> troubles_;
  std::uint64_t number_ = 0;
};

TEST_F(SpecDirectoryTest, ReadsSpecFilesAndNothingElse) {
  write_file(temp_.at("b.yaml"), "bee");
  write_file(temp_.at("a.yml"), "ay");
  for (const auto* const other : {".hidden.yaml", "a.yaml~", "a.yaml.swp", "notes.txt", "4913"})
    write_file(temp_.at(other), "no");
  watch(temp_.path());
  const auto snapshot = scan();
  ASSERT_TRUE(snapshot.complete) << snapshot.error;
  ASSERT_EQ(snapshot.entries.size(), 2U);
  EXPECT_EQ(snapshot.entries[0].name, "a.yml");
  EXPECT_EQ(*snapshot.entries[0].bytes, "ay");
  EXPECT_EQ(*snapshot.entries[1].bytes, "bee");
  EXPECT_EQ(snapshot.entries[1].size, 3);
  struct stat info{};
  ASSERT_EQ(stat(temp_.path().c_str(), &info), 0);
  EXPECT_EQ(snapshot.inode, info.st_ino);
  EXPECT_EQ(snapshot.device, info.st_dev);
}

TEST_F(SpecDirectoryTest, TellsTypesAndOpensNoneOfThem) {
  fs::create_directory(temp_.at("dir.yaml"));
  ASSERT_EQ(mkfifo(temp_.at("fifo.yaml").c_str(), 0600), 0);
  fs::create_symlink("nowhere", temp_.at("dangling.yaml"));
  fs::create_symlink("/etc/passwd", temp_.at("elsewhere.yaml"));
  write_file(temp_.at("plain.yaml"), "x");
  fs::create_symlink("plain.yaml", temp_.at("beside.yaml"));
  fs::create_symlink("/dev/null", temp_.at("device.yaml"));
  const FileDescriptor listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  temp_.at("socket.yaml").copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
  ASSERT_EQ(bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  watch(temp_.path());
  const auto snapshot = scan();
  ASSERT_TRUE(snapshot.complete);
  const std::vector<std::pair<std::string, FileType>> expected{{"dir.yaml", FileType::directory},
                                                               {"fifo.yaml", FileType::fifo},
                                                               {"dangling.yaml", FileType::symlink_dangling},
                                                               {"elsewhere.yaml", FileType::symlink_elsewhere},
                                                               {"beside.yaml", FileType::symlink_elsewhere},
                                                               {"device.yaml", FileType::symlink_elsewhere},
                                                               {"socket.yaml", FileType::socket}};
  for (const auto& [name, type] : expected) {
    const auto* const entry = find(snapshot, name);
    ASSERT_NE(entry, nullptr) << name;
    EXPECT_EQ(entry->type, type) << name;
    EXPECT_EQ(entry->bytes, nullptr) << name;
  }
}

TEST_F(SpecDirectoryTest, GivesNoBytesOfAFileOverTheBound) {
  write_file(temp_.at("large.yaml"), std::string(1001, 'x'));
  write_file(temp_.at("fits.yaml"), std::string(1000, 'x'));
  watch(temp_.path());
  const auto snapshot = scan();
  EXPECT_EQ(find(snapshot, "large.yaml")->bytes, nullptr);
  EXPECT_EQ(find(snapshot, "large.yaml")->size, 1001);
  EXPECT_EQ(find(snapshot, "fits.yaml")->bytes->size(), 1000U);
}

TEST_F(SpecDirectoryTest, ReadsAnOldFileOnceAndAYoungOneAgain) {
  write_file(temp_.at("old.yaml"), "old");
  write_file(temp_.at("young.yaml"), "young");
  const timespec hour_ago[2] = {{time(nullptr) - 3600, 0}, {time(nullptr) - 3600, 0}};
  ASSERT_EQ(utimensat(AT_FDCWD, temp_.at("old.yaml").c_str(), static_cast<const timespec*>(hour_ago), 0), 0);
  SeenFiles seen;
  const FileDescriptor directory(open(temp_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  auto first = read_directory(directory.get(), seen, 1000);
  // ctime cannot be set back: what is remembered of it is, as if two seconds had passed.
  for (auto& [name, file] : first.seen) file.racy = file.mtime_ns > (time(nullptr) - 1800) * 1'000'000'000LL;
  const auto second = read_directory(directory.get(), first.seen, 1000);
  EXPECT_EQ(*find(first.snapshot, "old.yaml")->bytes, "old");
  EXPECT_EQ(find(second.snapshot, "old.yaml")->bytes, nullptr) << "unchanged since it was read";
  ASSERT_NE(find(second.snapshot, "young.yaml")->bytes, nullptr) << "a change within the same tick would not show in its stat";
  write_file(temp_.at("old.yaml"), "new");
  const auto third = read_directory(directory.get(), second.seen, 1000);
  EXPECT_EQ(*find(third.snapshot, "old.yaml")->bytes, "new");
}

TEST_F(SpecDirectoryTest, MarksAFileAsYoungWhenItWasJustWritten) {
  write_file(temp_.at("a.yaml"), "x");
  const FileDescriptor directory(open(temp_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const auto reading = read_directory(directory.get(), {}, 1000);
  ASSERT_TRUE(reading.seen.contains("a.yaml"));
  EXPECT_TRUE(reading.seen.at("a.yaml").racy);
}

TEST_F(SpecDirectoryTest, FollowsOneDirectoryLevelLink) {
  fs::create_directory(temp_.at("..2026_01"));
  write_file(temp_.at("..2026_01/a.yaml"), "one");
  fs::create_symlink("..2026_01", temp_.at("..data"));
  fs::create_symlink("..data/a.yaml", temp_.at("a.yaml"));
  fs::create_symlink("..data/gone.yaml", temp_.at("gone.yaml"));
  fs::create_symlink("..data/../../etc/passwd", temp_.at("up.yaml"));
  watch(temp_.path());
  auto snapshot = scan();
  EXPECT_EQ(find(snapshot, "a.yaml")->type, FileType::regular);
  EXPECT_EQ(*find(snapshot, "a.yaml")->bytes, "one");
  EXPECT_EQ(find(snapshot, "gone.yaml")->type, FileType::symlink_dangling);
  EXPECT_NE(find(snapshot, "up.yaml")->type, FileType::regular);

  fs::create_directory(temp_.at("..2026_02"));
  write_file(temp_.at("..2026_02/a.yaml"), "two");
  fs::create_symlink("..2026_02", temp_.at("..data_new"));
  fs::rename(temp_.at("..data_new"), temp_.at("..data"));
  ASSERT_TRUE(told_anything()) << "a swapped link may change any file";
  snapshot = scan();
  EXPECT_EQ(*find(snapshot, "a.yaml")->bytes, "two");
}

TEST_F(SpecDirectoryTest, RefusesALayoutThatLeadsOutOfTheDirectory) {
  TempDirectory outside;
  write_file(outside.at("a.yaml"), "secret");
  fs::create_symlink(outside.path(), temp_.at("..data"));
  fs::create_symlink("..data/a.yaml", temp_.at("a.yaml"));
  watch(temp_.path());
  const auto snapshot = scan();
  EXPECT_EQ(find(snapshot, "a.yaml")->type, FileType::symlink_elsewhere);
  EXPECT_EQ(find(snapshot, "a.yaml")->bytes, nullptr);
}

TEST_F(SpecDirectoryTest, NeverMissesAFileThatIsRenamedWhileItReads) {
  write_file(temp_.at("a.yaml"), "x");
  std::atomic<bool> enough{false};
  std::thread renaming([&] {
    for (int turn = 0; !enough; ++turn) {
      const auto name = [&](int number) {
        return temp_.at(number == 0 ? "a.yaml" : "n" + std::to_string(number * 37 % 101) + ".yaml");
      };
      fs::rename(name(turn % 100), name((turn + 1) % 100));
      std::this_thread::sleep_for(10us);  // about as long as one file takes to be read
    }
  });
  const FileDescriptor directory(open(temp_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  int complete = 0;
  int missed = 0;
  for (int reading = 0; reading < 1000; ++reading) {
    const auto snapshot = read_directory(directory.get(), {}, 1000).snapshot;
    if (!snapshot.complete) {
      EXPECT_THAT(snapshot.error, HasSubstr("faster than they can be read"));
      continue;
    }
    ++complete;
    missed += snapshot.entries.empty() ? 1 : 0;
  }
  enough = true;
  renaming.join();
  EXPECT_GT(complete, 0);
  EXPECT_EQ(missed, 0) << "of " << complete << " complete readings";
}

TEST_F(SpecDirectoryTest, TellsWhyAFileCannotBeRead) {
  if (geteuid() == 0) {
    // Root reads everything: a reader without rights is another user, in a process of its own.
    write_file(temp_.at("a.yaml"), "x");
    ASSERT_EQ(chmod(temp_.at("a.yaml").c_str(), 0600), 0);
    ASSERT_EQ(chmod(temp_.path().c_str(), 0755), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      if (setgid(65534) != 0 || setuid(65534) != 0) _exit(3);
      const FileDescriptor directory(open(temp_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
      const auto reading = read_directory(directory.get(), {}, 1000);
      const auto* const entry = find(reading.snapshot, "a.yaml");
      const bool good = entry != nullptr && entry->error == EACCES && entry->owner == "root:root" && entry->mode == 0600;
      _exit(good ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 0);
  } else {
    write_file(temp_.at("a.yaml"), "x");
    ASSERT_EQ(chmod(temp_.at("a.yaml").c_str(), 0), 0);
    watch(temp_.path());
    const auto snapshot = scan();
    EXPECT_EQ(find(snapshot, "a.yaml")->error, EACCES);
    EXPECT_FALSE(find(snapshot, "a.yaml")->owner.empty());
  }
}

TEST_F(SpecDirectoryTest, TellsARenameIntoPlaceAsComplete) {
  watch(temp_.path());
  scan();
  rename_into(temp_.at("a.yaml"), "x");
  EXPECT_TRUE(told("a.yaml", FileChanged::Kind::complete));
  for (const auto& change : changes_) EXPECT_EQ(change.name, "a.yaml") << "drafts are nobody's business";
}

TEST_F(SpecDirectoryTest, TellsWritingAndItsEnd) {
  watch(temp_.path());
  scan();
  std::ofstream file(temp_.at("a.yaml"));
  file << "half" << std::flush;
  ASSERT_TRUE(told("a.yaml", FileChanged::Kind::written));
  for (const auto& change : changes_) EXPECT_NE(change.kind, FileChanged::Kind::complete) << "it is still open";
  file.close();
  EXPECT_TRUE(told("a.yaml", FileChanged::Kind::complete));
}

TEST_F(SpecDirectoryTest, TellsRemovalAndRenameAwayAsGone) {
  write_file(temp_.at("a.yaml"), "x");
  write_file(temp_.at("b.yaml"), "x");
  watch(temp_.path());
  scan();
  fs::remove(temp_.at("a.yaml"));
  fs::rename(temp_.at("b.yaml"), temp_.at("b.yaml~"));
  EXPECT_TRUE(told("a.yaml", FileChanged::Kind::gone));
  EXPECT_TRUE(told("b.yaml", FileChanged::Kind::gone));
}

TEST_F(SpecDirectoryTest, AMissingDirectoryIsNotAnEmptyOne) {
  watch(temp_.at("agents.d"));
  const auto snapshot = scan();
  EXPECT_FALSE(snapshot.complete);
  EXPECT_THAT(snapshot.error, HasSubstr(temp_.at("agents.d")));
  EXPECT_THAT(snapshot.error, HasSubstr("No such file or directory"));
}

TEST_F(SpecDirectoryTest, SeesAMissingDirectoryComeAtOnce) {
  const auto directory = temp_.at("conf/agents.d");
  watch(directory);
  scan();
  fs::create_directory(temp_.at("conf"));
  ASSERT_TRUE(told_anything());
  scan();  // arms the watch one level further down
  changes_.clear();
  fs::create_directory(directory);
  ASSERT_TRUE(told_anything());
  EXPECT_TRUE(scan().complete);
  changes_.clear();
  rename_into(fs::path(directory) / "a.yaml", "x");
  EXPECT_TRUE(told("a.yaml", FileChanged::Kind::complete)) << "and is watched from then on";
}

TEST_F(SpecDirectoryTest, SeesItsReplacementAndWatchesTheNewOne) {
  const auto directory = temp_.at("agents.d");
  fs::create_directory(directory);
  write_file(fs::path(directory) / "a.yaml", "x");
  watch(directory);
  const auto before = scan();
  fs::rename(directory, temp_.at("old"));
  ASSERT_TRUE(told_anything());
  EXPECT_FALSE(scan().complete) << "moved away";
  changes_.clear();
  fs::create_directory(directory);
  ASSERT_TRUE(told_anything());
  const auto after = scan();
  ASSERT_TRUE(after.complete);
  EXPECT_NE(after.inode, before.inode);
  EXPECT_TRUE(after.entries.empty());
  changes_.clear();
  write_file(temp_.at("old/b.yaml"), "x");
  rename_into(fs::path(directory) / "c.yaml", "x");
  ASSERT_TRUE(told("c.yaml", FileChanged::Kind::complete));
  for (const auto& change : changes_) EXPECT_NE(change.name, "b.yaml") << "the one that was moved away is not ours any more";
}

TEST_F(SpecDirectoryTest, SeesItsRemoval) {
  const auto directory = temp_.at("agents.d");
  fs::create_directory(directory);
  watch(directory);
  ASSERT_TRUE(scan().complete);
  fs::remove(directory);
  EXPECT_TRUE(told_anything());
  EXPECT_FALSE(scan().complete);
}

TEST_F(SpecDirectoryTest, AnswersEachScanInOrder) {
  watch(temp_.path());
  for (std::uint64_t number = 1; number <= 5; ++number) directory_->scan(number);
  ASSERT_TRUE(loop_until(io_, [&] { return snapshots_.size() == 5; }));
  for (std::uint64_t number = 1; number <= 5; ++number) EXPECT_EQ(snapshots_[number - 1].scan, number);
}

TEST_F(SpecDirectoryTest, SaysNothingAfterStop) {
  watch(temp_.path());
  scan();
  directory_->scan(99);
  directory_->stop();
  write_file(temp_.at("a.yaml"), "x");
  io_.run_for(20ms);
  EXPECT_EQ(snapshots_.size(), 1U);
  EXPECT_TRUE(changes_.empty());
}

TEST_F(SpecDirectoryTest, FallsBackToScansWhenNoWatchIsLeft) {
  // Instances run out first for a process whose descriptors do: the same words, and the same way on.
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const std::string path = temp_.path();  // a sanitizer that looks at the fixture needs descriptors of its own
  std::vector<FileDescriptor> taken;
  const rlimit few{64, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  while (true) {
    FileDescriptor one(open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!one) break;
    taken.push_back(std::move(one));
  }
  DirectoryWatch watch(path);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  taken.clear();
  EXPECT_EQ(watch.descriptor(), -1);
  const auto armed = watch.arm();
  EXPECT_TRUE(armed.directory) << "it is read all the same";
  EXPECT_THAT(armed.trouble, HasSubstr("fs.inotify.max_user_instances"));
  EXPECT_TRUE(watch.open()) << "tried again, and there is one now";
  EXPECT_TRUE(watch.arm().trouble.empty());
}

TEST(DirectoryWatch, TakesAnOverflowForAnything) {
  TempDirectory temp;
  DirectoryWatch watch(temp.path());
  inotify_event overflow{};
  overflow.wd = -1;
  overflow.mask = IN_Q_OVERFLOW;
  const auto events = watch.decode(reinterpret_cast<const char*>(&overflow), sizeof overflow);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0], (WatchEvent{WatchEvent::Kind::anything, ""}));
}

}  // namespace
}  // namespace cofferdam::controller
