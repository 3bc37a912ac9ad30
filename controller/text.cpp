#include "controller/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <set>

namespace cofferdam::controller {

std::string clean(const std::string& text) {
  std::string safe;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0U;
    if (c < 0x20 || c == 0x7F) {
      safe += '?';
    } else if (c == 0xC2 && next >= 0x80 && next <= 0x9F) {
      safe += '?';
      ++i;
    } else {
      safe += text[i];
    }
  }
  return safe;
}

std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string coloured(const std::string& text, Colour colour, bool on) {
  if (!on || colour == Colour::none || text.empty()) {
    return text;
  }
  const char* code = "";
  switch (colour) {
    case Colour::good: code = "\x1b[32m"; break;
    case Colour::busy: code = "\x1b[33m"; break;
    case Colour::bad: code = "\x1b[31m"; break;
    case Colour::bold: code = "\x1b[1m"; break;
    case Colour::none: break;
  }
  return code + text + "\x1b[0m";
}

Colour colour_of_phase(const std::string& phase) {
  static const std::set<std::string> good{"Running", "Succeeded"};
  static const std::set<std::string> bad{"Failed", "Denied", "Invalid", "Stuck"};
  static const std::set<std::string> busy{"Pending", "Pulling", "Creating", "Starting", "BackOff", "Stopping"};
  if (good.contains(phase)) {
    return Colour::good;
  }
  if (bad.contains(phase)) {
    return Colour::bad;
  }
  return busy.contains(phase) ? Colour::busy : Colour::none;
}

std::string age(std::chrono::seconds span) {
  const auto s = std::max<std::chrono::seconds::rep>(span.count(), 0);
  const auto two = [](auto large, const char* large_unit, auto small, const char* small_unit) {
    return small == 0 ? fmt::format("{}{}", large, large_unit) : fmt::format("{}{}{}{}", large, large_unit, small, small_unit);
  };
  if (s < 60) {
    return fmt::format("{}s", s);
  }
  if (s < 3600) {
    return two(s / 60, "m", s % 60, "s");
  }
  if (s < 86400) {
    return two(s / 3600, "h", s % 3600 / 60, "m");
  }
  return two(s / 86400, "d", s % 86400 / 3600, "h");
}

std::string age_of(const std::string& time, reconciler::WallTime now) {
  std::tm parts{};
  const char* end = strptime(time.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (end == nullptr) {
    return "-";
  }
  const auto then = std::chrono::sys_seconds(std::chrono::seconds(timegm(&parts)));
  return age(std::chrono::floor<std::chrono::seconds>(now) - then);
}

Table::Table(std::vector<std::string> headers) {
  rows_.push_back(std::move(headers));
}

void Table::add(std::vector<std::string> cells) {
  cells.resize(rows_.front().size());
  for (std::string& cell : cells) {
    cell = cell.empty() ? "-" : clean(cell);
  }
  rows_.push_back(std::move(cells));
}

std::string Table::text(bool colour, std::size_t phase_column) const {
  const std::size_t columns = rows_.front().size();
  std::vector<std::size_t> widths(columns, 0);
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < columns; ++i) {
      widths[i] = std::max(widths[i], width(row[i]));
    }
  }
  std::string text;
  for (std::size_t r = 0; r < rows_.size(); ++r) {
    for (std::size_t i = 0; i < columns; ++i) {
      const std::string& cell = rows_[r][i];
      const Colour tint = r == 0 ? Colour::bold : i == phase_column ? colour_of_phase(cell) : Colour::none;
      text += coloured(cell, tint, colour);
      text += i + 1 == columns ? std::string() : std::string(widths[i] - width(cell) + 2, ' ');
    }
    text += '\n';
  }
  return text;
}

}  // namespace cofferdam::controller
