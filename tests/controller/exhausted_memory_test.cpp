// Out of memory, the process ends with its own exit code, and a turn that throws is never gone on from.

#include "controller/exhausted_memory.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <memory>
#include <new>

#include "controller/api.hpp"
#include "controller/machine_loop.hpp"

namespace cofferdam::controller {
namespace {

TEST(ExhaustedMemoryDeathTest, EndsTheProcessWithAWordAndAnExitCodeThatTheServiceManagerRestartsOn) {
  EXPECT_EXIT(
      {
        end_on_exhausted_memory();
        std::get_new_handler()();  // what operator new calls where there is nothing left
      },
      testing::ExitedWithCode(exit_memory), "memory is exhausted: this process ends");
  EXPECT_NE(exit_memory, exit_configuration);  // the one that the service unit does not restart on
}

TEST(ExhaustedMemoryDeathTest, EndsTheProcessInsteadOfGoingOnFromAHalfDoneTurn) {
  EXPECT_EXIT(
      {
        metrics::Registry metrics;
        const auto fails = [] { throw std::bad_alloc(); };
        MachineLoop loop({"default", "cofferdam", "test"}, metrics, {[&](const reconciler::Effect&) { fails(); }, fails});
        try {
          loop.dispatch(reconciler::ConfigRead{std::make_shared<const specs::Configuration>(), {}});
        } catch (const std::bad_alloc&) {
          std::_Exit(0);  // somebody up the stack would have gone on
        }
      },
      testing::KilledBySignal(SIGABRT), "");
}

}  // namespace
}  // namespace cofferdam::controller
