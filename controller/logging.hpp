#pragma once

// The log: text on a terminal, the journal's own fields where standard error is the journal, JSON lines otherwise.
// One record a line: what an agent or an engine wrote cannot begin a new one.

#include <memory>
#include <string>

#include "reconciler/effects.hpp"

namespace cofferdam::controller {

enum class LogFormat { text, json, journald };

/// log.format as configured ("auto", "text", "json", "journald") and what `descriptor` is.
LogFormat choose_log_format(const std::string& configured, int descriptor, const char* journal_stream);
/// log.level as configured; what is not known counts as info.
reconciler::Severity severity_from(const std::string& level);
std::string_view name_of(reconciler::Severity severity);

class Log {
 public:
  struct Options {
    LogFormat format = LogFormat::text;
    reconciler::Severity least = reconciler::Severity::info;
    int descriptor = 2;  ///< stays the caller's
    bool colour = false;
  };
  explicit Log(Options options);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void write(const reconciler::Audit& record);
  /// From the next record on. The descriptor stays the first one.
  void change(const Options& options);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// For standard error, by log.level and log.format as configured.
Log::Options log_options(const std::string& level, const std::string& format);

/// One record as one line, without its end. `time` is UTC.
std::string text_line(const reconciler::Audit& record, reconciler::WallTime time, bool colour);
std::string json_line(const reconciler::Audit& record, reconciler::WallTime time);

}  // namespace cofferdam::controller
