#pragma once

// A known bug: one defect, as a small patch to one source of the product, with a header that says which promise must catch
// it. Production sources stay clean; a copy of the one source is patched and linked into a variant of cofferdam-sim.
//
//   title: the older of two live ones is kept
//   promise: S1 L1              those that may be broken first; "abort": the machine dies
//   stands-for: decide Surplus; reliability 8
//   within: 300                 seeds, from 0
//   file: reconciler/decide_surplus.cpp
//   @@
//    what is before
//   -what is there
//   +what the defect makes of it
//
// Stricter than patch(1): what a hunk shows of the source must be there exactly once, wherever that is.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace cofferdam::sim {

struct Hunk {
  std::string before;
  std::string after;
};

struct Defect {
  std::string name;  ///< of its file: "04-older-kept"
  std::string title;
  std::vector<std::string> promises;
  std::string stands_for;
  std::uint64_t within = 0;
  std::string file;
  std::vector<Hunk> hunks;
};

/// Nothing, and why in `error`, where the text is no such patch.
std::optional<Defect> defect_from(const std::string& name, const std::string& text, std::string& error);
/// The source with the defect in it; nothing, and why in `error`, where it does not fit any more.
std::optional<std::string> with_defect(const Defect& defect, std::string source, std::string& error);

}  // namespace cofferdam::sim
