// The process's own metrics, by the names that Prometheus's client libraries share.

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <system_error>

#include "metrics/metrics.hpp"

namespace cofferdam::metrics {

namespace {

std::optional<std::string> content_of(const char* path) {
  std::ifstream file(path);
  if (!file) {
    return std::nullopt;
  }
  return std::string(std::istreambuf_iterator<char>(file), {});
}

/// Fields of /proc/self/stat from the third on (proc(5)): the second, the name, may hold spaces and parentheses.
std::vector<std::string> stat_fields() {
  const auto stat = content_of("/proc/self/stat");
  const auto close = stat ? stat->rfind(')') : std::string::npos;
  if (close == std::string::npos) {
    return {};
  }
  std::istringstream words(stat->substr(close + 1));
  return {std::istream_iterator<std::string>(words), {}};
}

std::optional<double> boot_time() {
  const auto stat = content_of("/proc/stat");
  const auto at = stat ? stat->find("btime ") : std::string::npos;
  if (at == std::string::npos) {
    return std::nullopt;
  }
  return std::stod(stat->substr(at + 6));
}

std::optional<double> open_descriptors() {
  std::error_code failed;
  std::filesystem::directory_iterator entries("/proc/self/fd", failed);
  double count = 0;
  while (!failed && entries != std::filesystem::directory_iterator()) {
    ++count;
    entries.increment(failed);
  }
  if (failed || count == 0) {
    return std::nullopt;
  }
  return count - 1;  // the listing's own
}

}  // namespace

void record_process(Registry& registry) {
  constexpr std::size_t utime = 11;  // counted from the third field
  constexpr std::size_t stime = 12;
  constexpr std::size_t threads = 17;
  constexpr std::size_t starttime = 19;
  constexpr std::size_t vsize = 20;
  constexpr std::size_t rss = 21;
  const std::vector<std::string> fields = stat_fields();
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  if (fields.size() > rss && ticks > 0) {
    registry.raise_to("process_cpu_seconds_total", {}, (std::stod(fields[utime]) + std::stod(fields[stime])) / ticks);
    registry.record("process_threads", {}, std::stod(fields[threads]));
    registry.record("process_virtual_memory_bytes", {}, std::stod(fields[vsize]));
    registry.record("process_resident_memory_bytes", {}, std::stod(fields[rss]) * static_cast<double>(sysconf(_SC_PAGESIZE)));
    if (const auto boot = boot_time()) {
      registry.record("process_start_time_seconds", {}, *boot + std::stod(fields[starttime]) / ticks);
    }
  }
  if (const auto open = open_descriptors()) {
    registry.record("process_open_fds", {}, *open);
  }
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    registry.record("process_max_fds", {}, static_cast<double>(limit.rlim_cur));
  }
}

}  // namespace cofferdam::metrics
