// Splitters, the archive reader, times, texts: the model without JSON.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "docker/base64.hpp"
#include "docker/line_splitter.hpp"
#include "docker/log_frames.hpp"
#include "docker/pull_progress.hpp"
#include "docker/requests.hpp"
#include "docker/tar.hpp"
#include "docker/time.hpp"
#include "docker/wire.hpp"

namespace cofferdam::docker {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Feeds a text cut at each pair of places in turn.
template <class Feed>
void at_every_cut(const std::string& text, const Feed& feed) {
  for (std::size_t first = 0; first <= text.size(); ++first) {
    for (std::size_t second = first; second <= text.size(); ++second) {
      feed(std::vector<std::string>{text.substr(0, first), text.substr(first, second - first), text.substr(second)});
    }
  }
}

TEST(LineSplitter, FindsLinesAtEveryCut) {
  at_every_cut("ab\n\r\n\nc\r\nde", [](const std::vector<std::string>& pieces) {
    LineSplitter splitter;
    std::vector<std::string> lines;
    const auto note = [&](std::string_view line) { lines.emplace_back(line); };
    for (const auto& piece : pieces) {
      ASSERT_TRUE(splitter.feed(piece, note));
    }
    splitter.finish(note);
    ASSERT_THAT(lines, ElementsAre("ab", "c", "de"));
  });
}

TEST(LineSplitter, EndsAtALineThatIsTooLong) {
  LineSplitter splitter(8);
  int lines = 0;
  const auto count = [&](std::string_view) { ++lines; };
  EXPECT_TRUE(splitter.feed("12345678", count));
  EXPECT_TRUE(splitter.feed("\n1234", count));
  EXPECT_FALSE(splitter.feed("56789", count));
  EXPECT_FALSE(splitter.feed("\nok\n", count)) << "for good";
  splitter.finish(count);
  EXPECT_EQ(lines, 1);
}

std::string frame(char stream, const std::string& bytes) {
  return std::string{stream, 0, 0, 0, 0, 0, 0, static_cast<char>(bytes.size())} + bytes;
}

TEST(LogFrames, FindsFramesAtEveryCut) {
  at_every_cut(frame(1, "out") + frame(2, "") + frame(2, "err") + frame(1, "!"), [](const std::vector<std::string>& pieces) {
    LogFrames frames;
    std::string out;
    std::string err;
    for (const auto& piece : pieces) {
      ASSERT_TRUE(frames.feed(
          piece, [&](LogStream stream, std::string_view bytes) { (stream == LogStream::standard_error ? err : out) += bytes; }));
    }
    ASSERT_EQ(out, "out!");
    ASSERT_EQ(err, "err");
    ASSERT_TRUE(frames.at_boundary());
  });
}

TEST(LogFrames, NoticesWhatIsNoFrame) {
  const auto ignore = [](LogStream, std::string_view) {};
  EXPECT_FALSE(LogFrames{}.feed("plain text", ignore));
  EXPECT_FALSE(LogFrames{}.feed(std::string("\3\0\0\0\0\0\0\1x", 9), ignore));
  LogFrames broken;
  EXPECT_FALSE(broken.feed("plain text", ignore));
  EXPECT_FALSE(broken.feed(frame(1, "x"), ignore)) << "for good";
  LogFrames half;
  EXPECT_TRUE(half.feed(frame(1, "xyz").substr(0, 9), ignore));
  EXPECT_FALSE(half.at_boundary());
}

// Archives.

std::string tar_entry(const std::string& name, char type, const std::string& content, const std::string& link = "") {
  std::string head(512, '\0');
  head.replace(0, name.size(), name);
  char size[16];
  std::snprintf(size, sizeof size, "%011zo", content.size());
  head.replace(124, 11, size);
  head[156] = type;
  head.replace(157, link.size(), link);
  head.replace(257, 5, "ustar");
  head.replace(148, 8, 8, ' ');
  unsigned sum = 0;
  for (const char c : head) {
    sum += static_cast<unsigned char>(c);
  }
  char text[16];
  std::snprintf(text, sizeof text, "%06o", sum);
  head.replace(148, 7, std::string(text, 6) + '\0');
  const auto padding = (512 - content.size() % 512) % 512;
  return head + content + std::string(padding, '\0');
}

TEST(FirstFile, ReadsARegularFile) {
  const auto archive = tar_entry("passwd", '0', "root:x:0:0\n") + std::string(1024, '\0');
  EXPECT_EQ(std::get<ArchiveFile>(first_file(archive)), (ArchiveFile{"passwd", "root:x:0:0\n"}));
  EXPECT_EQ(std::get<ArchiveFile>(first_file(tar_entry("empty", '0', ""))).content, "");
}

TEST(FirstFile, SkipsHeadsOfOtherFormats) {
  const auto archive =
      tar_entry("pax", 'x', "11 mtime=1\n") + tar_entry("long", 'L', std::string(600, 'n')) + tar_entry("f", '0', "x");
  EXPECT_EQ(std::get<ArchiveFile>(first_file(archive)).content, "x");
}

TEST(FirstFile, SaysWhatItFoundInstead) {
  EXPECT_EQ(std::get<std::string>(first_file(tar_entry("etc/", '5', ""))), "etc/ is a directory, not a regular file");
  EXPECT_EQ(std::get<std::string>(first_file(tar_entry("sh", '2', "", "busybox"))),
            "sh is a link to busybox, not a regular file");
  EXPECT_EQ(std::get<std::string>(first_file(tar_entry("pipe", '6', ""))), "pipe is not a regular file");
  EXPECT_EQ(std::get<std::string>(first_file(std::string(1024, '\0'))), "the archive is empty");
  EXPECT_EQ(std::get<std::string>(first_file("")), "the archive is truncated");
  EXPECT_EQ(std::get<std::string>(first_file(tar_entry("big", '0', std::string(100, 'x')), 99)),
            "big has 100 bytes; at most 99 are read");
  EXPECT_THAT(std::get<std::string>(first_file(std::string(512, 'x'))), HasSubstr("broken"));
}

TEST(FirstFile, NoticesATruncatedArchiveAtEveryCut) {
  const auto archive = tar_entry("pax", 'x', "11 mtime=1\n") + tar_entry("f", '0', std::string(700, 'x'));
  const auto needed = 512U + 512U + 512U + 700U;
  for (std::size_t length = 0; length < archive.size(); ++length) {
    EXPECT_EQ(std::holds_alternative<ArchiveFile>(first_file(std::string_view(archive).substr(0, length))), length >= needed)
        << length;
  }
}

// Times.

Time time_of(std::string_view text) {
  return std::get<std::optional<Time>>(parse_time(text)).value();
}

TEST(ParseTime, ReadsNanosecondsAndOffsets) {
  EXPECT_EQ(time_of("1970-01-01T00:00:00Z").time_since_epoch(), 0ns);
  EXPECT_EQ(time_of("2026-01-02T03:04:05.123456789Z").time_since_epoch(), 1767323045123456789ns);
  EXPECT_EQ(time_of("2026-01-02T03:04:05.1Z").time_since_epoch(), 1767323045100000000ns);
  EXPECT_EQ(time_of("2026-01-02T05:34:05+02:30"), time_of("2026-01-02T03:04:05Z"));
  EXPECT_EQ(time_of("2026-01-01T23:04:05-04:00"), time_of("2026-01-02T03:04:05Z"));
  EXPECT_EQ(time_of("1969-12-31T23:59:59.5Z").time_since_epoch(), -500ms);
  EXPECT_EQ(time_of("2024-02-29T00:00:00Z") - time_of("2024-02-28T00:00:00Z"), 24h);
}

TEST(ParseTime, TheEnginesZeroIsNone) {
  for (const auto* const text : {"0001-01-01T00:00:00Z", "", "9999-12-31T23:59:59Z"}) {
    EXPECT_EQ(std::get<std::optional<Time>>(parse_time(text)), std::nullopt) << text;
  }
}

TEST(ParseTime, RefusesWhatIsNone) {
  for (const auto* const text :
       {"yesterday", "2026-01-02", "2026-13-02T03:04:05Z", "2026-02-30T03:04:05Z", "2026-01-02T24:04:05Z", "2026-01-02T03:04:05",
        "2026-01-02T03:04:05.Z", "2026-01-02T03:04:05Zx", "2026-01-02T03:04:05+0200"}) {
    EXPECT_TRUE(std::holds_alternative<std::string>(parse_time(text))) << text;
  }
}

TEST(FormatTime, ReadsBack) {
  EXPECT_EQ(format_time(time_of("2026-01-02T03:04:05.000000006Z")), "2026-01-02T03:04:05.000000006Z");
  EXPECT_EQ(format_time(time_of("1969-12-31T23:59:59.5Z")), "1969-12-31T23:59:59.500000000Z");
  EXPECT_EQ(format_unix_time(time_of("2026-01-02T03:04:05.000000006Z")), "1767323045.000000006");
}

// Base64.

TEST(Base64, ReadsBackEveryLength) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(base64_decode(base64url_encode(bytes)), bytes);
    bytes += static_cast<char>(i * 7);
  }
  EXPECT_EQ(base64url_encode("\xfb\xff?"), "-_8_");
  EXPECT_EQ(base64_decode("+/8/"), "\xfb\xff?");
  EXPECT_EQ(base64_decode("dXNlcjpwYXNz"), "user:pass");
  EXPECT_EQ(base64_decode("dXNl*"), std::nullopt);
  EXPECT_EQ(base64_decode("A"), std::nullopt);
}

// moby's texts.

Error error_with(int status, const std::string& operation, const std::string& message) {
  return {ErrorClass::status, status, operation, "x", message};
}

TEST(ConflictKind, IsReadFromMobysWords) {
  const auto kind = [](const std::string& text) { return conflict_kind(error_with(409, "container remove", text)); };
  EXPECT_EQ(kind("Conflict. The container name \"/x\" is already in use by container \"4f\". You have to remove (or rename) that "
                 "container"),
            ConflictKind::name_in_use);
  EXPECT_EQ(kind("Cannot kill container: x: Container 4f is not running"), ConflictKind::not_running);
  EXPECT_EQ(kind("cannot kill container: x: container 4f is not running"), ConflictKind::not_running);
  EXPECT_EQ(kind("You cannot remove a running container 4f. Stop the container before attempting removal or force remove"),
            ConflictKind::running);
  EXPECT_EQ(kind("cannot remove container \"x\": container is running: stop the container before removing or force remove"),
            ConflictKind::running);
  EXPECT_EQ(kind("cannot remove container \"x\": container is restarting: stop the container before removing or force remove"),
            ConflictKind::running);
  EXPECT_EQ(kind("You cannot remove a paused container 4f. Unpause and then stop the container before attempting removal or "
                 "force remove"),
            ConflictKind::paused);
  EXPECT_EQ(kind("cannot remove container \"x\": container is paused and must be unpaused first"), ConflictKind::paused);
  EXPECT_EQ(kind("removal of container x is already in progress"), ConflictKind::removal_in_progress);
  EXPECT_EQ(kind("container is marked for removal and cannot be started"), ConflictKind::marked_for_removal);
  EXPECT_EQ(kind("cannot start a paused container, try unpause instead"), ConflictKind::other);
  EXPECT_EQ(conflict_kind(error_with(404, "container remove", "is not running")), ConflictKind::none);
  EXPECT_EQ(conflict_kind(error_with(500, "container create", "the container name \"x\" is already in use by 4f")),
            ConflictKind::name_in_use)
      << "Podman's";
  EXPECT_EQ(conflict_kind({ErrorClass::timeout, 0, "", "", "is not running"}), ConflictKind::none);
}

TEST(NotFound, IsToldApart) {
  EXPECT_TRUE(is_no_such_image(error_with(404, "container create", "No such image: node:21")));
  EXPECT_TRUE(is_no_such_image(error_with(404, "container create", "node:21: image not known")));
  EXPECT_FALSE(is_no_such_image(error_with(404, "container start", "No such image: node:21")));
  EXPECT_FALSE(is_no_such_image(error_with(404, "container create", "network x not found")));
  EXPECT_TRUE(is_no_such_network(error_with(404, "container start", "network x not found")));
  EXPECT_TRUE(
      is_no_such_network(error_with(404, "container start", "failed to set up container networking: network x not found")));
  EXPECT_FALSE(is_no_such_network(error_with(404, "container start", "No such container: network")));
  EXPECT_FALSE(is_no_such_network(error_with(500, "container start", "network x not found")));
}

TEST(StartExitCode, IsTheCommandsOwnOnly) {
  const auto code = [](const std::string& text) { return start_exit_code(error_with(400, "container start", text)); };
  EXPECT_EQ(code("OCI runtime create failed: container_linux.go:380: starting container process caused: exec: \"nope\": "
                 "executable file not found in $PATH: unknown"),
            127);
  EXPECT_EQ(code("failed to create task: OCI runtime create failed: runc create failed: exec: \"/x\": stat /x: no such file or "
                 "directory: unknown"),
            127);
  EXPECT_EQ(code("OCI runtime create failed: exec: \"/etc/passwd\": permission denied: unknown"), 126);
  EXPECT_EQ(code("crun: executable file `nope` not found in $PATH: No such file or directory"), 127);
  EXPECT_EQ(code("error mounting \"/ws\" to rootfs: exec: \"x\": mounting: no such file or directory"), 0);
  EXPECT_EQ(code("chdir to cwd (\"/workspace\") set in config.json failed: permission denied"), 0);
  EXPECT_EQ(start_exit_code(error_with(500, "container start", "exec: \"nope\": executable file not found")), 0);
}

TEST(DiscardedLimit, KnowsEveryWarningOfMoby) {
  const std::string kernel = "Your kernel does not support ";
  const std::string cgroup = " or the cgroup is not mounted. ";
  const std::vector<std::pair<std::string, LimitKind>> warnings{
      {kernel + "memory limit capabilities" + cgroup + "Limitation discarded.", LimitKind::memory},
      {kernel + "swap limit capabilities" + cgroup + "Memory limited without swap.", LimitKind::swap},
      {kernel + "memory swappiness capabilities" + cgroup + "Memory swappiness discarded.", LimitKind::swap},
      {kernel + "memory soft limit capabilities" + cgroup + "Limitation discarded.", LimitKind::memory},
      {kernel + "kernel memory limit capabilities" + cgroup + "Limitation discarded.", LimitKind::memory},
      {kernel + "OomKillDisable. OomKillDisable discarded.", LimitKind::oom_kill_disable},
      {kernel + "PIDs limit capabilities" + cgroup + "PIDs limit discarded.", LimitKind::pids},
      {kernel + "CPU shares" + cgroup + "Shares discarded.", LimitKind::cpu},
      {kernel + "CPU CFS scheduler" + cgroup + "Period discarded.", LimitKind::cpu},
      {kernel + "CPU CFS scheduler" + cgroup + "Quota discarded.", LimitKind::cpu},
      {kernel + "cpuset" + cgroup + "Cpuset discarded.", LimitKind::cpu},
      {kernel + "Block I/O weight" + cgroup + "Weight discarded.", LimitKind::blkio},
      {kernel + "BPS Block I/O read limit" + cgroup + "Block I/O BPS read limit discarded.", LimitKind::blkio},
      {kernel + "IOPS Block write limit" + cgroup + "IOPS Block write limit discarded.", LimitKind::blkio},
      {"a limit of tomorrow is not supported. Discarded.", LimitKind::other},
  };
  for (const auto& [text, kind] : warnings) {
    EXPECT_EQ(discarded_limit(text), kind) << text;
  }
  for (const auto* const text :
       {"IPv4 forwarding is disabled. Networking will not work.", "Published ports are discarded when using host network mode",
        "OOM killer is disabled for the container, but no memory limit is set",
        "The requested image's platform (linux/arm64) does not match the detected host platform"}) {
    EXPECT_EQ(discarded_limit(text), std::nullopt) << text;
  }
}

// Errors and the wire.

TEST(ErrorText, SaysWhatWhereAndWhy) {
  EXPECT_EQ(to_string(error_with(409, "container create", "Conflict.")), "container create x: 409: Conflict.");
  EXPECT_EQ(to_string(Error{ErrorClass::timeout, 0, "container list", "", "no whole answer within 30 s"}),
            "container list: timeout: no whole answer within 30 s");
}

TEST(Wire, EncodesWhatItSends) {
  const auto target = [](const Request& request) { return std::get<WireRequest>(wire_request(request, "1.41")).target; };
  EXPECT_EQ(target(ContainerList{}), "/v1.41/containers/json?all=1");
  EXPECT_EQ(target(ContainerList{{"a=b c"}}), "/v1.41/containers/json?all=1&filters=%7B%22label%22%3A%5B%22a%3Db%20c%22%5D%7D");
  EXPECT_EQ(target(ContainerInspect{"a/../b?x"}), "/v1.41/containers/a%2F..%2Fb%3Fx/json");
  EXPECT_EQ(target(ContainerKill{"c", "TERM"}), "/v1.41/containers/c/kill?signal=TERM");
  EXPECT_EQ(target(ContainerStop{"c", 10s}), "/v1.41/containers/c/stop?t=10");
  EXPECT_EQ(target(ContainerRemove{"c", true}), "/v1.41/containers/c?force=1&v=1");
  EXPECT_EQ(target(ContainerRemove{"c", false}), "/v1.41/containers/c?v=1");
  EXPECT_EQ(target(ContainerArchive{"c", "/etc/passwd"}), "/v1.41/containers/c/archive?path=%2Fetc%2Fpasswd");
  EXPECT_EQ(target(ImageInspect{"host:5000/a/b:1@sha256:x"}), "/v1.41/images/host:5000/a/b:1@sha256:x/json");
  EXPECT_EQ(target(NetworkInspect{"n"}), "/v1.41/networks/n");
  EXPECT_EQ(target(SystemPing{}), "/_ping");
}

TEST(Wire, ComparesVersionsByNumbers) {
  EXPECT_TRUE(older_version("1.9", "1.41"));
  EXPECT_FALSE(older_version("1.52", "1.41"));
  EXPECT_FALSE(older_version("1.41", "1.41"));
  EXPECT_TRUE(older_version("", "1.41"));
  EXPECT_FALSE(older_version("2.0", "1.52"));
}

TEST(PullProgressText, CountsLayersAndBytes) {
  PullProgress progress;
  progress.add({.id = "1", .status = "Pulling from library/node", .error = {}});
  EXPECT_EQ(progress.text(), "Pulling from library/node");
  progress.add({.id = "a", .status = "Pulling fs layer", .error = {}});
  progress.add({.id = "b", .status = "Already exists", .error = {}});
  progress.add({.id = "a", .status = "Downloading", .current = 1'500'000, .total = 3'000'000, .error = {}});
  EXPECT_EQ(progress.text(), "1 of 2 layers, 1.5 of 3.0 MB");
  progress.add({.id = "a", .status = "Pull complete", .error = {}});
  EXPECT_EQ(progress.text(), "2 of 2 layers, 3.0 of 3.0 MB");
  EXPECT_FALSE(progress.failure());
}

}  // namespace
}  // namespace cofferdam::docker
