#pragma once

// A pull as its stream tells it: layers, bytes, the digest, the failure.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "docker/error.hpp"
#include "docker/json.hpp"

namespace cofferdam::docker {

class PullProgress {
 public:
  void add(const PullLine& line);

  /// "3 of 5 layers, 12.4 of 45.0 MB", or the last status where no layer was named yet.
  std::string text() const;
  const std::string& digest() const { return digest_; }
  /// The last error of the stream: the pull failed, in spite of the 200.
  const std::optional<PullLine>& failure() const { return failure_; }

 private:
  struct Layer {
    std::int64_t current = 0;
    std::int64_t total = 0;
    bool complete = false;
  };
  std::map<std::string, Layer> layers_;
  std::string last_status_;
  std::string digest_;
  std::optional<PullLine> failure_;
};

}  // namespace cofferdam::docker
