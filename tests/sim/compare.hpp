#pragma once

// D1 and D2: where a run ends is where a world without faults, and without a past, would have ended.

#include <string>
#include <vector>

namespace cofferdam::sim {

class World;

/// What differs between the end of this run and that of a fresh, calm one with the same last specs; empty: nothing.
/// Agents that end by themselves are left out: how often they did is part of their past.
std::vector<std::string> differs_from_fresh(const World& world);

}  // namespace cofferdam::sim
