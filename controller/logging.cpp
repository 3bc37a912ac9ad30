#include "controller/logging.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <mutex>
#include <utility>
#include <vector>

#include "controller/clock.hpp"

namespace cofferdam::controller {

using reconciler::Audit;
using reconciler::Severity;

namespace {

/// A line is written whole or not at all as far as the system allows; a reader that is gone ends nothing.
class DescriptorSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit DescriptorSink(int descriptor) : descriptor_(descriptor) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    std::string line(message.payload.data(), message.payload.size());
    line += '\n';
    std::size_t written = 0;
    while (written < line.size()) {
      const ssize_t length = ::write(descriptor_, line.data() + written, line.size() - written);
      if (length < 0 && errno == EINTR) continue;
      if (length <= 0) return;
      written += static_cast<std::size_t>(length);
    }
  }
  void flush_() override {}

 private:
  const int descriptor_;
};

spdlog::level::level_enum spdlog_level(Severity severity) {
  switch (severity) {
    case Severity::debug: return spdlog::level::debug;
    case Severity::info:
    case Severity::notice: return spdlog::level::info;
    case Severity::warning: return spdlog::level::warn;
    case Severity::error: return spdlog::level::err;
  }
  return spdlog::level::info;
}

int syslog_priority(Severity severity) {
  switch (severity) {
    case Severity::debug: return LOG_DEBUG;
    case Severity::info: return LOG_INFO;
    case Severity::notice: return LOG_NOTICE;
    case Severity::warning: return LOG_WARNING;
    case Severity::error: return LOG_ERR;
  }
  return LOG_INFO;
}

std::string_view colour_of(Severity severity) {
  switch (severity) {
    case Severity::debug: return "\033[2m";
    case Severity::info: return "\033[32m";
    case Severity::notice: return "\033[36m";
    case Severity::warning: return "\033[33m";
    case Severity::error: return "\033[31m";
  }
  return "";
}

/// Control characters as \xNN: neither a new line nor a terminal's command comes out of a message.
std::string printable(const std::string& text) {
  std::string safe;
  safe.reserve(text.size());
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte < 0x20 || byte == 0x7f) {
      safe += fmt::format("\\x{:02x}", byte);
    } else {
      safe += character;
    }
  }
  return safe;
}

/// The length of the UTF-8 sequence that begins here; 0: none does.
std::size_t sequence_length(const std::string& text, std::size_t at) {
  const auto byte = static_cast<unsigned char>(text[at]);
  const std::size_t length = byte < 0x80 ? 1 : (byte >> 5U) == 6 ? 2 : (byte >> 4U) == 14 ? 3 : (byte >> 3U) == 30 ? 4 : 0;
  if (length == 0 || at + length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((static_cast<unsigned char>(text[at + i]) >> 6U) != 2) return 0;
  }
  return length;
}

std::string json_text(const std::string& text) {
  std::string out = "\"";
  for (std::size_t at = 0; at < text.size();) {
    const char character = text[at];
    const std::size_t length = sequence_length(text, at);
    if (length == 0) {
      out += "\\ufffd";
      ++at;
      continue;
    }
    if (character == '"' || character == '\\') {
      out += '\\';
      out += character;
    } else if (static_cast<unsigned char>(character) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(character));
    } else {
      out.append(text, at, length);
    }
    at += length;
  }
  return out + '"';
}

std::string time_text(reconciler::WallTime time, char between) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(time - seconds).count();
  const std::time_t whole = seconds.time_since_epoch().count();
  std::tm parts{};
  gmtime_r(&whole, &parts);
  return fmt::format("{:%Y-%m-%d}{}{:%H:%M:%S}.{:03}Z", parts, between, parts, millis);
}

std::string journal_name(const std::string& name) {
  std::string field = "COFFERDAM_";
  for (const char character : name) {
    const auto byte = static_cast<unsigned char>(character);
    field += std::isalnum(byte) != 0 ? static_cast<char>(std::toupper(byte)) : '_';
  }
  return field;
}

void send_to_journal(const Audit& record) {
  std::vector<std::string> fields{
      "MESSAGE=" + (record.agent.empty() ? record.message : record.agent + ": " + record.message),
      fmt::format("PRIORITY={}", syslog_priority(record.severity)),
      "SYSLOG_IDENTIFIER=cofferdam",
      "COFFERDAM_EVENT=" + record.event,
  };
  if (!record.agent.empty()) fields.push_back("COFFERDAM_AGENT=" + record.agent);
  for (const auto& [name, value] : record.fields) fields.push_back(journal_name(name) + '=' + value);
  std::vector<iovec> pieces;
  pieces.reserve(fields.size());
  for (auto& field : fields) pieces.push_back({field.data(), field.size()});
  sd_journal_sendv(pieces.data(), static_cast<int>(pieces.size()));
}

}  // namespace

std::string_view name_of(Severity severity) {
  switch (severity) {
    case Severity::debug: return "debug";
    case Severity::info: return "info";
    case Severity::notice: return "notice";
    case Severity::warning: return "warning";
    case Severity::error: return "error";
  }
  return "info";
}

Severity severity_from(const std::string& level) {
  for (const auto severity : {Severity::debug, Severity::info, Severity::notice, Severity::warning, Severity::error}) {
    if (level == name_of(severity)) return severity;
  }
  if (level == "trace") return Severity::debug;  // there is nothing below
  return level == "warn" ? Severity::warning : Severity::info;
}

LogFormat choose_log_format(const std::string& configured, int descriptor, const char* journal_stream) {
  if (configured == "text") return LogFormat::text;
  if (configured == "json") return LogFormat::json;
  if (configured == "journald") return LogFormat::journald;
  if (isatty(descriptor) != 0) return LogFormat::text;
  // JOURNAL_STREAM is inherited by children too: it counts only where our descriptor is that very stream.
  struct stat info{};
  if (journal_stream != nullptr && fstat(descriptor, &info) == 0 &&
      fmt::format("{}:{}", info.st_dev, info.st_ino) == journal_stream) {
    return LogFormat::journald;
  }
  return LogFormat::json;
}

std::string text_line(const Audit& record, reconciler::WallTime time, bool colour) {
  std::string line = time_text(time, ' ');
  line += fmt::format(" {}{:<7}{} ", colour ? colour_of(record.severity) : "", name_of(record.severity), colour ? "\033[0m" : "");
  line += record.event;
  if (!record.agent.empty()) line += ' ' + record.agent;
  line += ": " + printable(record.message);
  for (const auto& [name, value] : record.fields) line += ' ' + name + '=' + printable(value);
  return line;
}

std::string json_line(const Audit& record, reconciler::WallTime time) {
  std::string line = R"({"time":")" + time_text(time, 'T') + R"(","level":")" + std::string(name_of(record.severity)) +
                     R"(","event":)" + json_text(record.event);
  if (!record.agent.empty()) line += R"(,"agent":)" + json_text(record.agent);
  line += R"(,"message":)" + json_text(record.message);
  for (const auto& [name, value] : record.fields) line += ',' + json_text(name) + ':' + json_text(value);
  return line + '}';
}

class Log::Impl {
 public:
  explicit Impl(Options options) : options_(options), logger_("cofferdam", std::make_shared<DescriptorSink>(options.descriptor)) {
    logger_.set_level(spdlog::level::trace);
  }

  void write(const Audit& record) {
    if (record.severity < options_.least) return;
    switch (options_.format) {
      case LogFormat::journald: send_to_journal(record); return;
      case LogFormat::text: emit(record, text_line(record, host_wall_time(), options_.colour)); return;
      case LogFormat::json: emit(record, json_line(record, host_wall_time())); return;
    }
  }
  void change(const Options& options) { options_ = options; }

 private:
  void emit(const Audit& record, const std::string& line) {
    logger_.log(spdlog_level(record.severity), spdlog::string_view_t(line.data(), line.size()));
  }

  Options options_;
  spdlog::logger logger_;
};

Log::Log(Options options) : impl_(std::make_unique<Impl>(options)) {}
Log::~Log() = default;
void Log::write(const Audit& record) {
  impl_->write(record);
}
void Log::change(const Options& options) {
  impl_->change(options);
}

Log::Options log_options(const std::string& level, const std::string& format) {
  Log::Options options;
  options.format = choose_log_format(format, options.descriptor, std::getenv("JOURNAL_STREAM"));
  options.least = severity_from(level);
  options.colour = options.format == LogFormat::text && isatty(options.descriptor) != 0 && std::getenv("NO_COLOR") == nullptr;
  return options;
}

}  // namespace cofferdam::controller
