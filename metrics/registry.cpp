// The registry over prometheus-cpp's core. The library's traps are kept in this file: a reference from Add dangles after Remove
// (so the series map below owns the knowledge of what is there), HELP is not escaped and UTF-8 is not validated.

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <map>
#include <optional>
#include <utility>
#include <variant>

#include "metrics/metrics.hpp"

namespace cofferdam::metrics {

namespace {

using Labels = std::vector<std::string>;

/// One metric's series. `fresh` is false between clear() and the next record(): then the series is dropped when told.
template <typename Metric>
class Series {
 public:
  explicit Series(const Definition& definition)
      : definition_(definition), family_(std::string(definition.name), std::string(definition.help), {}) {}

  Metric* at(const Labels& labels) {
    const auto found = entries_.find(labels);
    if (found != entries_.end()) {
      found->second.fresh = true;
      return found->second.metric;
    }
    if (entries_.size() >= Registry::most_series) {
      return nullptr;
    }
    prometheus::Labels named;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      named.emplace(std::string(definition_.labels[i]), labels[i]);
    }
    Metric& metric = add(named);
    entries_.emplace(labels, Entry{&metric, true});
    return &metric;
  }

  void clear() {
    for (auto& [labels, entry] : entries_) {
      entry.fresh = false;
    }
  }

  template <typename Keep>
  void drop_unless(const Keep& keep) {
    for (auto entry = entries_.begin(); entry != entries_.end();) {
      if (keep(entry->first, entry->second.fresh)) {
        ++entry;
      } else {
        family_.Remove(entry->second.metric);
        entry = entries_.erase(entry);
      }
    }
  }

  std::vector<prometheus::MetricFamily> collect() {
    drop_unless([](const Labels&, bool fresh) { return fresh; });
    return family_.Collect();
  }

  [[nodiscard]] const Definition& definition() const { return definition_; }

 private:
  struct Entry {
    Metric* metric = nullptr;
    bool fresh = false;
  };

  Metric& add(const prometheus::Labels& named) {
    if constexpr (std::is_same_v<Metric, prometheus::Histogram>) {
      return family_.Add(named, definition_.buckets);
    } else {
      return family_.Add(named);
    }
  }

  const Definition& definition_;
  prometheus::Family<Metric> family_;
  std::map<Labels, Entry> entries_;
};

using AnySeries = std::variant<std::unique_ptr<Series<prometheus::Counter>>, std::unique_ptr<Series<prometheus::Gauge>>,
                               std::unique_ptr<Series<prometheus::Histogram>>>;

AnySeries make_series(const Definition& definition) {
  switch (definition.type) {
    case Type::counter: return std::make_unique<Series<prometheus::Counter>>(definition);
    case Type::gauge: return std::make_unique<Series<prometheus::Gauge>>(definition);
    case Type::histogram: return std::make_unique<Series<prometheus::Histogram>>(definition);
  }
  return std::make_unique<Series<prometheus::Gauge>>(definition);
}

bool same_labels_less(const prometheus::ClientMetric& a, const prometheus::ClientMetric& b) {
  return std::lexicographical_compare(
      a.label.begin(), a.label.end(), b.label.begin(), b.label.end(),
      [](const auto& x, const auto& y) { return std::tie(x.name, x.value) < std::tie(y.name, y.value); });
}

}  // namespace

class Registry::Families {
 public:
  Families() {
    for (const Definition& definition : definitions()) {
      AnySeries series = make_series(definition);
      // A counter or histogram without labels is there from the start: rate() needs the first value to be 0.
      if (definition.labels.empty() && definition.type != Type::gauge) {
        std::visit([](auto& s) { s->at({}); }, series);
      }
      series_.emplace(definition.name, std::move(series));
    }
  }

  /// The series' home, or null (and counted) where name or labels are not the table's.
  AnySeries* checked(std::string_view name, std::size_t labels) {
    const auto found = series_.find(name);
    if (found == series_.end() ||
        std::visit([](const auto& s) { return s->definition().labels.size(); }, found->second) != labels) {
      defect();
      return nullptr;
    }
    return &found->second;
  }

  AnySeries* named(std::string_view name) {
    const auto found = series_.find(name);
    if (found == series_.end()) {
      defect();
      return nullptr;
    }
    return &found->second;
  }

  void defect() {
    auto& counter = std::get<0>(series_.at("cofferdam_internal_errors_total"));
    counter->at({})->Increment();
  }

  std::map<std::string_view, AnySeries>& all() { return series_; }

 private:
  std::map<std::string_view, AnySeries> series_;
};

namespace {

/// Applies a value to one series; false: not a value that this type takes.
bool apply(prometheus::Counter& counter, double value) {
  if (!(value >= 0) || std::isinf(value)) {
    return false;
  }
  counter.Increment(value);
  return true;
}
bool apply(prometheus::Gauge& gauge, double value) {
  gauge.Set(value);
  return true;
}
bool apply(prometheus::Histogram& histogram, double value) {
  if (std::isnan(value)) {
    return false;
  }
  histogram.Observe(value);
  return true;
}

Labels exposed(const Labels& labels) {
  Labels clean;
  clean.reserve(labels.size());
  for (const std::string& label : labels) {
    clean.push_back(label_value(label));
  }
  return clean;
}

}  // namespace

Registry::Registry() : families_(std::make_unique<Families>()) {}
Registry::~Registry() = default;

void Registry::record(std::string_view name, const std::vector<std::string>& labels, double value) {
  AnySeries* series = families_->checked(name, labels.size());
  if (series == nullptr) {
    return;
  }
  const bool good = std::visit(
      [&](auto& s) {
        auto* metric = s->at(exposed(labels));
        return metric != nullptr && apply(*metric, value);
      },
      *series);
  if (!good) {
    families_->defect();
  }
}

void Registry::raise_to(std::string_view name, const std::vector<std::string>& labels, double total) {
  AnySeries* series = families_->checked(name, labels.size());
  if (series == nullptr) {
    return;
  }
  auto* counters = std::get_if<0>(series);
  prometheus::Counter* counter = counters == nullptr ? nullptr : (*counters)->at(exposed(labels));
  if (counter == nullptr) {
    families_->defect();
    return;
  }
  const double more = total - counter->Value();
  if (more > 0) {
    apply(*counter, more);
  }
}

void Registry::clear(std::string_view name) {
  if (AnySeries* series = families_->named(name)) {
    std::visit([](auto& s) { s->clear(); }, *series);
  }
}

void Registry::keep_agents(const std::set<std::string>& agents) {
  for (auto& [name, series] : families_->all()) {
    std::visit(
        [&](auto& s) {
          const auto& labels = s->definition().labels;
          const auto where = std::find(labels.begin(), labels.end(), "agent");
          if (where == labels.end()) {
            return;
          }
          const auto index = static_cast<std::size_t>(where - labels.begin());
          s->drop_unless([&](const Labels& values, bool) { return agents.contains(values[index]); });
        },
        series);
  }
}

std::string Registry::exposition() const {
  std::vector<prometheus::MetricFamily> families;
  for (const Definition& definition : definitions()) {
    AnySeries& series = families_->all().at(definition.name);
    for (auto& family : std::visit([](auto& s) { return s->collect(); }, series)) {
      std::sort(family.metric.begin(), family.metric.end(), same_labels_less);
      families.push_back(std::move(family));
    }
  }
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace cofferdam::metrics
