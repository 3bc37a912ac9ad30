#pragma once

// What an allocation that fails comes to: the process says so and ends at once, before anything is decided or done on half
// a thought. All that matters is in the state directory and in the engine; the service manager starts the next process, and
// what runs is left as it is. See docs/cli.md for the exit code.

namespace cofferdam::controller {

/// For the whole process; main() calls it first.
void end_on_exhausted_memory();

}  // namespace cofferdam::controller
