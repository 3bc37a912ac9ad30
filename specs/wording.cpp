#include "specs/wording.hpp"

#include <algorithm>

namespace cofferdam::specs {
namespace {

constexpr std::size_t longest_shown = 60;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Characters cut off, control characters escaped.
std::string shown(std::string_view text) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string result;
  std::size_t i = 0;
  for (; i < text.size() && (i < longest_shown || (static_cast<unsigned char>(text[i]) & 0xC0U) == 0x80); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool c1 = byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (c1) ++i;
    const auto code = c1 ? static_cast<unsigned char>(text[i]) : byte;
    if (code == '\n' && !c1) {
      result += "\\n";
    } else if (code == '\t' && !c1) {
      result += "\\t";
    } else if (c1 || code < 0x20 || code == 0x7F) {
      result += "\\x";
      result += digits[code >> 4U];
      result += digits[code & 15U];
    } else {
      result += text[i];
    }
  }
  if (i < text.size()) result += "…";
  return result;
}

/// Edits (insert, delete, change, swap of neighbours) between two short words, case counted as nothing.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower(a[i - 1]) == lower(b[j - 1]);
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + (same ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]);
      if (swapped) cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[a.size()][b.size()];
}

bool begins_alike(std::string_view whole, std::string_view beginning) {
  return whole.size() > beginning.size() &&
         std::equal(beginning.begin(), beginning.end(), whole.begin(), [](char a, char b) { return lower(a) == lower(b); });
}

}  // namespace

std::string join_path(const std::string& parent, std::string_view key) {
  const std::string name = key.empty() ? "\"\"" : shown(key);
  return parent.empty() ? name : parent + '.' + name;
}

std::string join_path(const std::string& parent, std::size_t index) {
  return parent + '[' + std::to_string(index) + ']';
}

std::string quoted_for_people(std::string_view text) {
  return '"' + shown(text) + '"';
}

std::string one_of(const std::vector<std::string_view>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " or " : ", ";
    text += words[i];
  }
  return text;
}

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known) {
  constexpr std::size_t longest_word = 64;  // a longer one is no typing mistake, and would cost time
  if (word.empty() || word.size() > longest_word) return {};
  constexpr std::size_t shortest_beginning = 3;
  std::string_view best;
  std::size_t least = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string_view candidate : known) {
    const std::size_t edits = distance(word, candidate);
    if (edits < least && edits < candidate.size()) {
      least = edits;
      best = candidate;
    }
  }
  if (!best.empty() || word.size() < shortest_beginning) return best;
  const auto begun = std::find_if(known.begin(), known.end(), [&](std::string_view k) { return begins_alike(k, word); });
  return begun == known.end() ? std::string_view{} : *begun;
}

}  // namespace cofferdam::specs
