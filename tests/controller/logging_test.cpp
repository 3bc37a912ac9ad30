#include "controller/logging.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include <nlohmann/json.hpp>

#include "controller/file_descriptor.hpp"
#include "tests/controller/temp_directory.hpp"

namespace cofferdam::controller {
namespace {

using reconciler::Audit;
using reconciler::Severity;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::read_file;
using testing::TempDirectory;

constexpr reconciler::WallTime a_time{std::chrono::seconds{1'700'000'000} + std::chrono::milliseconds{42}};

Audit record() {
  Audit audit;
  audit.severity = Severity::warning;
  audit.event = "EnvFiltered";
  audit.agent = "refactor-bot";
  audit.message = "2 variables are outside the allow-list";
  audit.fields = {{"names", "AWS_KEY, HOME"}};
  return audit;
}

TEST(Logging, WritesTextForPeople) {
  EXPECT_EQ(text_line(record(), a_time, false),
            "2023-11-14 22:13:20.042Z warning EnvFiltered refactor-bot: 2 variables are outside the allow-list "
            "names=AWS_KEY, HOME");
  EXPECT_THAT(text_line(record(), a_time, true), HasSubstr("\033[33mwarning\033[0m"));
}

TEST(Logging, WritesOneJsonObjectALine) {
  const auto line = json_line(record(), a_time);
  const auto parsed = nlohmann::json::parse(line);
  EXPECT_EQ(parsed.at("time"), "2023-11-14T22:13:20.042Z");
  EXPECT_EQ(parsed.at("level"), "warning");
  EXPECT_EQ(parsed.at("event"), "EnvFiltered");
  EXPECT_EQ(parsed.at("agent"), "refactor-bot");
  EXPECT_EQ(parsed.at("names"), "AWS_KEY, HOME");
}

TEST(Logging, NothingThatWasLoggedBeginsALine) {
  auto audit = record();
  audit.message = "engine says: \"x\"\n2023-11-14 error Forged \033[2J\xff";
  EXPECT_EQ(text_line(audit, a_time, false).find_first_of("\n\033"), std::string::npos);
  const auto line = json_line(audit, a_time);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(line).at("message"), "engine says: \"x\"\n2023-11-14 error Forged \033[2J\uFFFD");
}

TEST(Logging, KeepsBackWhatIsBelowItsLevel) {
  TempDirectory temp;
  const FileDescriptor file(open(temp.at("log").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  Log log({LogFormat::json, Severity::warning, file.get(), false});
  auto audit = record();
  audit.severity = Severity::info;
  log.write(audit);
  EXPECT_EQ(read_file(temp.at("log")), "");
  log.change({LogFormat::json, Severity::debug, file.get(), false});
  log.write(audit);
  log.write(audit);
  const auto text = read_file(temp.at("log"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
}

TEST(Logging, ChangesItsFormatWithoutANewStart) {
  TempDirectory temp;
  const FileDescriptor file(open(temp.at("log").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  Log log({LogFormat::json, Severity::info, file.get(), false});
  log.write(record());
  const auto before = read_file(temp.at("log"));
  log.change({LogFormat::text, Severity::info, file.get(), false});
  log.write(record());
  ASSERT_EQ(before.substr(0, 1), "{");
  EXPECT_THAT(read_file(temp.at("log")).substr(before.size()), HasSubstr(" warning EnvFiltered refactor-bot: "));
}

TEST(Logging, ChoosesByWhatListens) {
  TempDirectory temp;
  const FileDescriptor file(open(temp.at("log").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  struct stat info{};
  ASSERT_EQ(fstat(file.get(), &info), 0);
  const auto stream = std::to_string(info.st_dev) + ':' + std::to_string(info.st_ino);
  EXPECT_EQ(choose_log_format("auto", file.get(), nullptr), LogFormat::json);
  EXPECT_EQ(choose_log_format("auto", file.get(), stream.c_str()), LogFormat::journald);
  EXPECT_EQ(choose_log_format("auto", file.get(), "1:2"), LogFormat::json) << "inherited, and not our stream";
  EXPECT_EQ(choose_log_format("text", file.get(), stream.c_str()), LogFormat::text);
  const FileDescriptor terminal(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_TRUE(terminal);
  EXPECT_EQ(choose_log_format("auto", terminal.get(), nullptr), LogFormat::text);
}

TEST(Logging, KnowsTheConfiguredLevels) {
  for (const auto severity : {Severity::debug, Severity::info, Severity::notice, Severity::warning, Severity::error}) {
    EXPECT_EQ(severity_from(std::string(name_of(severity))), severity);
  }
  EXPECT_EQ(severity_from("warn"), Severity::warning);
  EXPECT_EQ(severity_from("trace"), Severity::debug) << "asking for more than there is gives all there is";
}

}  // namespace
}  // namespace cofferdam::controller
