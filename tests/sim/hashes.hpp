#pragma once

// What of an effect goes into the trace's hash: all that the machine decided, so that two builds which differ in anything
// the machine says differ in the hash.

#include "reconciler/effects.hpp"
#include "tests/sim/trace.hpp"

namespace cofferdam::sim {

void note(Trace& trace, const reconciler::Effect& effect);

}  // namespace cofferdam::sim
