#include "controller/service_manager.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>

#include "controller/file_descriptor.hpp"
#include "tests/controller/temp_directory.hpp"

namespace cofferdam::controller {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;
using testing::TempDirectory;

/// The service manager's end of the notify socket.
class Manager {
 public:
  Manager() : socket_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    temp_.at("notify").copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
    EXPECT_EQ(bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    setenv("NOTIFY_SOCKET", temp_.at("notify").c_str(), 1);
  }
  ~Manager() {
    for (const auto* const name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) unsetenv(name);
  }
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  /// A datagram is there as soon as it was sent. Empty: none.
  std::string heard() {
    std::array<char, 4096> buffer{};
    const ssize_t length = recv(socket_.get(), buffer.data(), buffer.size(), 0);
    return {buffer.data(), length > 0 ? static_cast<std::size_t>(length) : 0};
  }

 private:
  TempDirectory temp_;
  FileDescriptor socket_;
};

TEST(ServiceManager, TellsTheLifeOfTheService) {
  Manager manager;
  ServiceManager service;
  service.ready("engine up");
  EXPECT_EQ(manager.heard(), "READY=1\nSTATUS=engine up");
  service.reloading();
  EXPECT_THAT(manager.heard(), MatchesRegex("RELOADING=1\nMONOTONIC_USEC=[0-9]+"));
  service.ready("engine up");
  EXPECT_THAT(manager.heard(), StartsWith("READY=1"));
  service.stopping();
  EXPECT_THAT(manager.heard(), StartsWith("STOPPING=1"));
}

TEST(ServiceManager, SendsAStatusOnceAndOnOneLine) {
  Manager manager;
  ServiceManager service;
  service.status("two\nREADY=1");
  EXPECT_EQ(manager.heard(), "STATUS=two READY=1");
  service.status("two\nREADY=1");
  EXPECT_EQ(manager.heard(), "");
}

TEST(ServiceManager, FeedsTheWatchdogThreeTimesInItsPatience) {
  Manager manager;
  setenv("WATCHDOG_USEC", "3000000", 1);
  setenv("WATCHDOG_PID", std::to_string(getpid()).c_str(), 1);
  ServiceManager service;
  ASSERT_TRUE(service.watchdog_interval().has_value());
  EXPECT_EQ(*service.watchdog_interval(), std::chrono::seconds{1});
  service.feed_watchdog();
  EXPECT_EQ(manager.heard(), "WATCHDOG=1");
}

TEST(ServiceManager, AWatchdogOfAnotherProcessIsNotOurs) {
  Manager manager;
  setenv("WATCHDOG_USEC", "3000000", 1);
  setenv("WATCHDOG_PID", "1", 1);
  EXPECT_FALSE(ServiceManager().watchdog_interval().has_value());
}

TEST(ServiceManager, SaysNothingWhereNobodyListens) {
  unsetenv("NOTIFY_SOCKET");
  ServiceManager service;
  service.ready("x");
  service.feed_watchdog();
  EXPECT_FALSE(service.watchdog_interval().has_value());
}

}  // namespace
}  // namespace cofferdam::controller
