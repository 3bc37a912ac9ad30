#pragma once

// Text for a terminal: aligned tables, colours, ages; and nothing in it that could drive the terminal.

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "reconciler/time.hpp"

namespace cofferdam::controller {

/// Control characters (C0, DEL, C1) become '?': what an image or an engine wrote must not move a cursor.
std::string clean(const std::string& text);
/// Characters of UTF-8 text, roughly its width.
std::size_t width(const std::string& text);

enum class Colour { none, good, busy, bad, bold };
std::string coloured(const std::string& text, Colour colour, bool on);
/// By the phase's name: Running and Succeeded are good, Failed and the like bad, what is under way busy.
Colour colour_of_phase(const std::string& phase);

/// "5s", "3m12s", "2h5m", "4d2h": two units at most. Negative counts as none.
std::string age(std::chrono::seconds span);
/// Of "2026-01-02T03:04:05.678Z", before `now`; "-" where it is no such time.
std::string age_of(const std::string& time, reconciler::WallTime now);

/// Columns as wide as their widest cell, two blanks between; the last is not padded.
class Table {
 public:
  explicit Table(std::vector<std::string> headers);
  void add(std::vector<std::string> cells);
  /// `phase_column`: coloured by phase.
  [[nodiscard]] std::string text(bool colour, std::size_t phase_column) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace cofferdam::controller
