#pragma once

// The state directory: records survive the controller; a full disk refuses new ones, a lost one is empty at the next start.

#include <map>
#include <string>
#include <vector>

#include "reconciler/inputs.hpp"

namespace cofferdam::sim {

class StateStore {
 public:
  bool full = false;       ///< no record can be written; one can still be ended
  bool read_only = false;  ///< neither
  bool unknown = false;    ///< it is there and cannot be read

  bool save(const std::string& key, const std::string& bytes) {
    if (read_only || (full && !bytes.empty())) return false;
    if (bytes.empty()) {
      records_.erase(key);
    } else {
      records_[key] = bytes;
    }
    return true;
  }
  void lose() { records_.clear(); }

  [[nodiscard]] reconciler::StateLoaded load() const {
    reconciler::StateLoaded loaded;
    loaded.known = !unknown;
    if (unknown) {
      loaded.error = "/state: Input/output error";
      return loaded;
    }
    for (const auto& [key, bytes] : records_) loaded.records.push_back({key, bytes});
    return loaded;
  }
  [[nodiscard]] const std::string* find(const std::string& key) const {
    const auto found = records_.find(key);
    return found == records_.end() ? nullptr : &found->second;
  }
  [[nodiscard]] const std::map<std::string, std::string>& records() const { return records_; }

 private:
  std::map<std::string, std::string> records_;
};

}  // namespace cofferdam::sim
