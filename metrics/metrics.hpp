#pragma once

// Every metric of the product, by name; the table (table.cpp) gives type, help, labels and buckets. One thread.

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace cofferdam::metrics {

enum class Type { counter, gauge, histogram };

struct Definition {
  std::string_view name;
  Type type = Type::counter;
  std::string_view help;  ///< one line, no backslash
  std::vector<std::string_view> labels;
  std::vector<double> buckets;  ///< upper bounds, for histograms
};

const std::vector<Definition>& definitions();
const Definition* find(std::string_view name);

/// A label's value as it is exposed: invalid UTF-8 is replaced by U+FFFD, at most `longest_label` bytes.
inline constexpr std::size_t longest_label = 128;
std::string label_value(std::string_view text);

class Registry {
 public:
  /// Series of one metric, at most: beyond it a new series is a defect, counted and dropped.
  static constexpr std::size_t most_series = 40000;

  Registry();
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  /// Adds to a counter, observes in a histogram, sets a gauge. `labels` are values in the table's order. A name that is not in
  /// the table, or another number of labels, is a defect of the caller: counted in cofferdam_internal_errors_total, never thrown.
  void record(std::string_view name, const std::vector<std::string>& labels, double value);
  /// For a counter that somebody else keeps (processor time): raises it to `total`, never lowers it.
  void raise_to(std::string_view name, const std::vector<std::string>& labels, double total);
  /// Drops every series of a gauge, so that it can be set anew from the machine's view at scrape time.
  void clear(std::string_view name);
  /// Drops every series with a label `agent` whose value is not one of these: what is gone must not be told for ever.
  void keep_agents(const std::set<std::string>& agents);
  /// Text exposition format 0.0.4, sorted.
  [[nodiscard]] std::string exposition() const;

 private:
  class Families;
  std::unique_ptr<Families> families_;
};

/// Sets the process_* metrics from /proc/self. What cannot be read is left out.
void record_process(Registry& registry);

}  // namespace cofferdam::metrics
