// GET /containers/json, in one pass: of a row of some two kilobytes only the fields of ContainerSummary are kept.

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "docker/json.hpp"

namespace cofferdam::docker {

namespace {

using Json = nlohmann::json;

enum class Field { other, id, names, image, image_id, state, status, labels, mounts, created };
enum class MountField { other, type, source, destination, read_write, propagation };
enum class Place { outside, list, row, names, labels, mounts, mount };

constexpr std::array<std::pair<std::string_view, Field>, 9> kFields{{
    {"Id", Field::id},
    {"Names", Field::names},
    {"Image", Field::image},
    {"ImageID", Field::image_id},
    {"State", Field::state},
    {"Status", Field::status},
    {"Labels", Field::labels},
    {"Mounts", Field::mounts},
    {"Created", Field::created},
}};
constexpr std::array<std::pair<std::string_view, MountField>, 5> kMountFields{{
    {"Type", MountField::type},
    {"Source", MountField::source},
    {"Destination", MountField::destination},
    {"RW", MountField::read_write},
    {"Propagation", MountField::propagation},
}};

template <class F, std::size_t N>
F look_up(const std::array<std::pair<std::string_view, F>, N>& table, std::string_view key) {
  for (const auto& [name, field] : table) {
    if (name == key) {
      return field;
    }
  }
  return F::other;
}

/// The parser's events, told apart by the place they come from. A value inside something of no interest is skipped by
/// its depth alone.
class ListReader final : public nlohmann::json_sax<Json> {
 public:
  std::vector<ContainerSummary> rows;
  std::string problem;

  bool null() override { return skipped_ > 0 || place_ != Place::outside || wrong("an array"); }

  bool boolean(bool value) override {
    if (skipped_ == 0 && place_ == Place::mount && mount_field_ == MountField::read_write) {
      rows.back().mounts.back().read_write = value;
      return true;
    }
    return is_ignored() || wrong("another type than true or false");
  }

  bool number_integer(number_integer_t value) override { return number(value, true); }
  bool number_unsigned(number_unsigned_t value) override {
    const bool fits = value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    return number(static_cast<std::int64_t>(value), fits);
  }
  bool number_float(number_float_t /*value*/, const string_t& /*text*/) override {
    return is_ignored() || wrong("another type than a number");
  }
  bool binary(binary_t& /*value*/) override { return wrong("text"); }

  bool string(string_t& value) override {
    if (skipped_ > 0) {
      return true;
    }
    switch (place_) {
      case Place::row: return row_text(value);
      case Place::names: return name(std::move(value));
      case Place::labels:
        rows.back().labels.insert_or_assign(rows.back().labels.end(), std::move(label_), std::move(value));
        return true;
      case Place::mount: return mount_text(value);
      case Place::outside:
      case Place::list:
      case Place::mounts: return wrong("another type than a string");
    }
    return true;
  }

  bool key(string_t& value) override {
    if (skipped_ > 0) {
      return true;
    }
    if (place_ == Place::row) {
      field_ = look_up(kFields, value);
    } else if (place_ == Place::labels) {
      label_ = std::move(value);
    } else if (place_ == Place::mount) {
      mount_field_ = look_up(kMountFields, value);
    }
    return true;
  }

  bool start_object(std::size_t /*size*/) override {
    if (skipped_ > 0) {
      ++skipped_;
    } else if (place_ == Place::list) {
      place_ = Place::row;
      field_ = Field::other;
      state_seen_ = false;
      rows.emplace_back();
    } else if (place_ == Place::row && field_ == Field::labels) {
      place_ = Place::labels;
    } else if (place_ == Place::mounts) {
      place_ = Place::mount;
      mount_field_ = MountField::other;
      rows.back().mounts.emplace_back();
    } else if (is_ignored()) {
      skipped_ = 1;
    } else {
      return wrong("another type than an object");
    }
    return true;
  }

  bool end_object() override {
    if (skipped_ > 0) {
      --skipped_;
    } else if (place_ == Place::row) {
      place_ = Place::list;
      if (rows.back().id.empty() || !state_seen_) {
        return fail("[" + std::to_string(rows.size() - 1) + "]: Id or State is missing");
      }
    } else {
      place_ = place_ == Place::mount ? Place::mounts : Place::row;
      field_ = Field::other;
    }
    return true;
  }

  bool start_array(std::size_t /*size*/) override {
    if (skipped_ > 0) {
      ++skipped_;
    } else if (place_ == Place::outside) {
      place_ = Place::list;
    } else if (place_ == Place::row && field_ == Field::names) {
      place_ = Place::names;
    } else if (place_ == Place::row && field_ == Field::mounts) {
      place_ = Place::mounts;
    } else if (is_ignored()) {
      skipped_ = 1;
    } else {
      return wrong("another type than an array");
    }
    return true;
  }

  bool end_array() override {
    if (skipped_ > 0) {
      --skipped_;
    } else {
      place_ = place_ == Place::list ? Place::outside : Place::row;
      field_ = Field::other;
    }
    return true;
  }

  bool parse_error(std::size_t /*position*/, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*error*/) override {
    return fail("not JSON");
  }

 private:
  bool fail(std::string what) {
    if (problem.empty()) {
      problem = std::move(what);
    }
    return false;
  }
  bool wrong(std::string_view expected) {
    return fail(rows.empty() ? "the document: an array was expected"
                             : "[" + std::to_string(rows.size() - 1) + "]: " + std::string(expected) + " was expected");
  }
  /// Whether a value here is none that we read.
  bool is_ignored() const {
    return skipped_ > 0 || (place_ == Place::row && field_ == Field::other) ||
           (place_ == Place::mount && mount_field_ == MountField::other);
  }

  bool number(std::int64_t value, bool fits) {
    if (skipped_ == 0 && place_ == Place::row && field_ == Field::created && fits) {
      rows.back().created = value;
      return true;
    }
    return is_ignored() || wrong("another type than a number");
  }

  bool row_text(std::string& value) {
    auto& row = rows.back();
    switch (field_) {
      case Field::other: return true;
      case Field::id: row.id = std::move(value); return true;
      case Field::image: row.image = std::move(value); return true;
      case Field::image_id: row.image_id = std::move(value); return true;
      case Field::status: row.status = std::move(value); return true;
      case Field::state: {
        const auto state = container_state_of(value);
        row.state = state.value_or(ContainerState::created);
        state_seen_ = state.has_value();
        return state_seen_ || fail("[" + std::to_string(rows.size() - 1) + "].State: \"" + value.substr(0, 64) +
                                   "\" is no state that is known here");
      }
      case Field::names:
      case Field::labels:
      case Field::mounts:
      case Field::created: return wrong("another type than a string");
    }
    return true;
  }

  /// "/web/db" is another container's link to this one; "/db" is its name.
  bool name(std::string value) {
    value.erase(0, value.starts_with('/') ? 1 : 0);
    auto& own = rows.back().name;
    const bool is_link = value.find('/') != std::string::npos;
    if (own.empty() && !is_link) {
      own = std::move(value);
    }
    return true;
  }

  bool mount_text(std::string& value) {
    auto& mount = rows.back().mounts.back();
    switch (mount_field_) {
      case MountField::other: return true;
      case MountField::type: mount.type = std::move(value); return true;
      case MountField::source: mount.source = std::move(value); return true;
      case MountField::destination: mount.destination = std::move(value); return true;
      case MountField::propagation: mount.propagation = std::move(value); return true;
      case MountField::read_write: return wrong("true or false");
    }
    return true;
  }

  Place place_ = Place::outside;
  Field field_ = Field::other;
  MountField mount_field_ = MountField::other;
  std::size_t skipped_ = 0;
  std::string label_;
  bool state_seen_ = false;
};

}  // namespace

Decoded<std::vector<ContainerSummary>> decode_containers(std::string_view text) {
  ListReader reader;
  if (!Json::sax_parse(text.begin(), text.end(), &reader)) {
    return reader.problem.empty() ? std::string("not JSON") : reader.problem;
  }
  return std::move(reader.rows);
}

}  // namespace cofferdam::docker
