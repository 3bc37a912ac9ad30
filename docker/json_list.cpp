// GET /containers/json, in one pass: of a row of some two kilobytes only the fields of ContainerSummary are kept. With
// ten thousand rows a general parser would hold the loop for a third of a second; this takes a tenth of that.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "docker/json.hpp"
#include "docker/json_scanner.hpp"

namespace cofferdam::docker {

namespace {

using Kind = JsonScanner::Kind;

class ListReader {
 public:
  explicit ListReader(std::string_view text) : scanner_(text) {}

  Decoded<std::vector<ContainerSummary>> read() {
    if (scanner_.next_kind() != Kind::array) {
      // Garbage and the wrong document are told apart by reading it to its end.
      scanner_.skip();
      return scanner_.at_end() ? "the document: an array was expected" : "not JSON";
    }
    scanner_.enter();
    for (bool first = true; problem_.empty() && scanner_.next_item(first);) {
      rows_.emplace_back();
      if (is(Kind::object, "", "an object")) {
        read_row(rows_.back());
      }
    }
    if (!problem_.empty()) {
      return problem_;
    }
    if (!scanner_.at_end()) {
      return "not JSON";
    }
    return std::move(rows_);
  }

 private:
  void note(const char* field, const std::string& what) {
    if (problem_.empty()) {
      problem_ = "[" + std::to_string(rows_.size() - 1) + "]" + field + ": " + what;
    }
  }

  /// Whether a value of this kind comes next. Null is the same as absent and is consumed; another kind is a problem.
  bool is(Kind kind, const char* field, const char* in_words) {
    if (scanner_.failed() || scanner_.take_null()) {
      return false;
    }
    const auto found = scanner_.next_kind();
    if (found != kind) {
      if (found != Kind::nothing) {
        note(field, std::string(in_words) + " was expected");
      }
      scanner_.skip();
      return false;
    }
    return true;
  }
  void text(std::string& value, const char* field) {
    if (is(Kind::string, field, "a string")) {
      scanner_.read(value);
    }
  }

  void read_row(ContainerSummary& row) {
    scanner_.enter();
    bool state_seen = false;
    for (bool first = true; problem_.empty() && scanner_.next_member(first, key_);) {
      if (key_ == "Id") {
        text(row.id, ".Id");
      } else if (key_ == "Names") {
        read_names(row);
      } else if (key_ == "Image") {
        text(row.image, ".Image");
      } else if (key_ == "ImageID") {
        text(row.image_id, ".ImageID");
      } else if (key_ == "State") {
        state_seen = read_state(row) || state_seen;
      } else if (key_ == "Status") {
        text(row.status, ".Status");
      } else if (key_ == "Labels") {
        read_labels(row);
      } else if (key_ == "Mounts") {
        read_mounts(row);
      } else if (key_ == "Created") {
        if (is(Kind::number, ".Created", "a number")) {
          scanner_.read(row.created);
        }
      } else {
        scanner_.skip();
      }
    }
    if (!scanner_.failed() && (row.id.empty() || !state_seen)) {
      note("", "Id or State is missing");
    }
  }

  bool read_state(ContainerSummary& row) {
    value_.clear();
    text(value_, ".State");
    const auto state = container_state_of(value_);
    if (!state && !value_.empty()) {
      note(".State", "\"" + value_.substr(0, 64) + "\" is no state that is known here");
    }
    row.state = state.value_or(ContainerState::created);
    return state.has_value();
  }

  /// "/web/db" is another container's link to this one; "/db" is its name.
  void read_names(ContainerSummary& row) {
    if (!is(Kind::array, ".Names", "an array")) {
      return;
    }
    scanner_.enter();
    for (bool first = true; scanner_.next_item(first);) {
      value_.clear();
      text(value_, ".Names");
      value_.erase(0, value_.starts_with('/') ? 1 : 0);
      if (row.name.empty() && value_.find('/') == std::string::npos) {
        row.name = value_;
      }
    }
  }

  void read_labels(ContainerSummary& row) {
    if (!is(Kind::object, ".Labels", "an object")) {
      return;
    }
    scanner_.enter();
    std::string key;
    for (bool first = true; scanner_.next_member(first, key);) {
      std::string value;
      text(value, ".Labels");
      // The engine writes them sorted: the end is the place.
      row.labels.insert_or_assign(row.labels.end(), key, std::move(value));
    }
  }

  void read_mounts(ContainerSummary& row) {
    if (!is(Kind::array, ".Mounts", "an array")) {
      return;
    }
    scanner_.enter();
    for (bool first = true; scanner_.next_item(first);) {
      auto& mount = row.mounts.emplace_back();
      if (is(Kind::object, ".Mounts", "an object")) {
        read_mount(mount);
      }
    }
  }

  void read_mount(MountPoint& mount) {
    scanner_.enter();
    for (bool first = true; scanner_.next_member(first, key_);) {
      if (key_ == "Type") {
        text(mount.type, ".Mounts.Type");
      } else if (key_ == "Source") {
        text(mount.source, ".Mounts.Source");
      } else if (key_ == "Destination") {
        text(mount.destination, ".Mounts.Destination");
      } else if (key_ == "Propagation") {
        text(mount.propagation, ".Mounts.Propagation");
      } else if (key_ == "RW") {
        if (is(Kind::literal, ".Mounts.RW", "true or false")) {
          scanner_.read(mount.read_write);
        }
      } else {
        scanner_.skip();
      }
    }
  }

  JsonScanner scanner_;
  std::vector<ContainerSummary> rows_;
  std::string problem_;
  std::string key_;
  std::string value_;
};

}  // namespace

Decoded<std::vector<ContainerSummary>> decode_containers(std::string_view text) {
  return ListReader(text).read();
}

}  // namespace cofferdam::docker
