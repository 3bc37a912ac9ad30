#include "docker/pull_progress.hpp"

#include <algorithm>
#include <cstdio>

namespace cofferdam::docker {

namespace {

constexpr std::size_t kMostLayers = 1024;  // an engine's own bound is 127; a stream cannot make us keep more

bool is_layer_status(std::string_view status) {
  for (const std::string_view words : {"Pulling fs layer", "Waiting", "Downloading", "Verifying", "Download complete",
                                       "Extracting", "Pull complete", "Already exists"}) {
    if (status.starts_with(words)) {
      return true;
    }
  }
  return false;
}

}  // namespace

void PullProgress::add(const PullLine& line) {
  if (!line.error.empty()) {
    failure_ = line;
    return;
  }
  constexpr std::string_view kDigest = "Digest: ";
  if (line.status.starts_with(kDigest)) {
    digest_ = line.status.substr(kDigest.size());
  }
  if (line.id.empty() || !is_layer_status(line.status)) {
    last_status_ = line.status;
    return;
  }
  if (layers_.size() >= kMostLayers && !layers_.contains(line.id)) {
    return;
  }
  auto& layer = layers_[line.id];
  if (line.status == "Downloading") {
    layer.current = line.current;
    layer.total = std::max(line.total, line.current);
  } else if (line.status == "Pull complete" || line.status == "Already exists") {
    layer.complete = true;
    layer.current = layer.total;
  } else if (line.status == "Download complete" || line.status == "Extracting") {
    layer.current = layer.total;
  }
}

std::string PullProgress::text() const {
  if (layers_.empty()) {
    return last_status_;
  }
  std::int64_t current = 0;
  std::int64_t total = 0;
  for (const auto& [id, layer] : layers_) {
    current += layer.current;
    total += layer.total;
  }
  const auto complete = std::count_if(layers_.begin(), layers_.end(), [](const auto& entry) { return entry.second.complete; });
  std::string text = std::to_string(complete) + " of " + std::to_string(layers_.size()) + " layers";
  if (total > 0) {
    constexpr double kMegabyte = 1e6;
    char bytes[96];
    const int length = std::snprintf(bytes, sizeof bytes, ", %.1f of %.1f MB", static_cast<double>(current) / kMegabyte,
                                     static_cast<double>(total) / kMegabyte);
    text.append(bytes, static_cast<std::size_t>(std::max(length, 0)));
  }
  return text;
}

}  // namespace cofferdam::docker
