#pragma once

// The comparison at the end: what the files say, and what is.

#include <string>

#include "tests/engine/chaos/fleet.hpp"
#include "tests/engine/chaos/stage.hpp"

namespace cofferdam::test::chaos {

/// What is not as the files say: a line for each; empty where all is.
std::string lacking(Stage& stage, Fleet& fleet);

/// Confirms the removals that are held.
void confirm_held(Stage& stage, Timeline& timeline);

}  // namespace cofferdam::test::chaos
