#pragma once

// Work in processes of its own: on several processors at once, and a machine that aborts takes nobody with it.

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>

namespace cofferdam::sim {

struct Worker {
  pid_t pid = 0;
  int from = -1;
};

/// `work` returns what the worker has to tell.
Worker begin_worker(const std::function<std::string()>& work);
/// Waits for it. Nothing: it died.
std::optional<std::string> finish(const Worker& worker);
/// As many as there are processors.
std::size_t processors();

}  // namespace cofferdam::sim
