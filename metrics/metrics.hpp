#pragma once

// Every metric of the product, by name; the table (table.cpp) gives type, help, labels and buckets. One thread.

#include <memory>
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

class Registry {
 public:
  Registry();
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  /// Adds to a counter, observes in a histogram, sets a gauge. `labels` are values in the table's order. A name that is not in the
  /// table, or another number of labels, is a defect of the caller: counted in cofferdam_internal_errors_total, never thrown.
  void record(std::string_view name, const std::vector<std::string>& labels, double value);
  /// Drops every series of a gauge, so that it can be set anew from the machine's view at scrape time.
  void clear(std::string_view name);
  /// Text exposition format 0.0.4.
  [[nodiscard]] std::string exposition() const;

 private:
  class Families;
  std::unique_ptr<Families> families_;
};

}  // namespace cofferdam::metrics
