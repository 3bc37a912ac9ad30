#include "reconciler/records.hpp"

#include <charconv>
#include <limits>
#include <map>
#include <utility>

namespace cofferdam::reconciler {
namespace {

constexpr std::string_view first_line = "cofferdam record 1 ";
constexpr std::string_view last_line = "end";

std::string escaped(std::string_view value) {
  std::string text;
  text.reserve(value.size());
  for (const char c : value) {
    switch (c) {
      case '\n': text += "\\n"; break;
      case '\r': text += "\\r"; break;
      case '\\': text += "\\\\"; break;
      default: text += c;
    }
  }
  return text;
}

std::optional<std::string> unescaped(std::string_view text) {
  std::string value;
  value.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      value += text[i];
      continue;
    }
    if (++i == text.size()) return std::nullopt;
    switch (text[i]) {
      case 'n': value += '\n'; break;
      case 'r': value += '\r'; break;
      case '\\': value += '\\'; break;
      default: return std::nullopt;
    }
  }
  return value;
}

class Writer {
 public:
  explicit Writer(std::string_view kind) : text_(std::string(first_line) + std::string(kind) + "\n") {}
  void put(std::string_view key, std::string_view value) {
    if (value.empty()) return;
    text_ += std::string(key) + " " + escaped(value) + "\n";
  }
  void put(std::string_view key, std::int64_t value) { put(key, std::string_view(std::to_string(value))); }
  void put(std::string_view key, bool value) {
    if (value) put(key, std::string_view("yes"));
  }
  void put(std::string_view key, const std::optional<WallTime>& value) {
    if (value) put(key, static_cast<std::int64_t>(value->time_since_epoch().count()));
  }
  std::string done() { return text_ + std::string(last_line) + "\n"; }

 private:
  std::string text_;
};

class Reader {
 public:
  Reader(const std::string& bytes, std::string_view kind) {
    std::string_view rest = bytes;
    bool begun = false;
    while (!rest.empty()) {
      const std::size_t end = rest.find('\n');
      if (end == std::string_view::npos) return;  // torn
      const std::string_view line = rest.substr(0, end);
      rest.remove_prefix(end + 1);
      if (!begun) {
        if (line != std::string(first_line) + std::string(kind)) return;
        begun = true;
      } else if (line == last_line) {
        good_ = rest.empty();
        return;
      } else {
        const std::size_t space = line.find(' ');
        if (space == std::string_view::npos) return;
        auto value = unescaped(line.substr(space + 1));
        if (!value) return;
        fields_[std::string(line.substr(0, space))] = std::move(*value);
      }
    }
  }

  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] bool has(const std::string& key) const { return fields_.contains(key); }
  [[nodiscard]] std::string text(const std::string& key) const {
    const auto found = fields_.find(key);
    return found == fields_.end() ? std::string() : found->second;
  }
  [[nodiscard]] bool flag(const std::string& key) const { return text(key) == "yes"; }
  /// A field that is there and is no number spoils the record.
  std::optional<std::int64_t> number(const std::string& key) {
    const auto found = fields_.find(key);
    if (found == fields_.end()) return std::nullopt;
    const std::string& value = found->second;
    std::int64_t result = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), result);
    if (value.empty() || error != std::errc{} || end != value.data() + value.size()) {
      good_ = false;
      return std::nullopt;
    }
    return result;
  }
  std::optional<WallTime> time(const std::string& key) {
    const auto value = number(key);
    if (!value) return std::nullopt;
    return WallTime(std::chrono::nanoseconds(*value));
  }

 private:
  std::map<std::string, std::string> fields_;
  bool good_ = false;
};

void put(Writer& out, const Outcome& outcome) {
  out.put("attempt", outcome.attempt);
  out.put("container", outcome.container_id);
  out.put("run-hash", outcome.run_hash);
  out.put("config-hash", outcome.config_hash);
  out.put("schema", static_cast<std::int64_t>(outcome.schema));
  if (outcome.stopped) out.put("stopped", name_of(*outcome.stopped));
  out.put("interrupted", outcome.interrupted);
  out.put("start-failed", outcome.start_failed);
  if (outcome.exit_code) out.put("exit", *outcome.exit_code);
  out.put("oom", outcome.oom_killed);
  out.put("started", outcome.started_at);
  out.put("finished", outcome.finished_at);
  if (outcome.ran_at_most) out.put("ran-at-most", outcome.ran_at_most->count());
  out.put("restarts", outcome.restarts);
  out.put("failures", outcome.failures);
  out.put("released", outcome.released);
}

std::optional<Outcome> outcome_from(Reader& in) {
  Outcome outcome;
  const auto attempt = in.number("attempt");
  const auto schema = in.number("schema").value_or(0);
  outcome.restarts = in.number("restarts").value_or(0);
  outcome.failures = in.number("failures").value_or(0);
  const auto counts = [](std::int64_t number) { return number >= 0 && number <= highest_count; };
  if (!attempt || *attempt < 1 || !counts(*attempt) || !counts(outcome.restarts) || !counts(outcome.failures))
    return std::nullopt;
  if (schema < 0 || schema > std::numeric_limits<int>::max()) return std::nullopt;
  outcome.attempt = *attempt;
  outcome.container_id = in.text("container");
  outcome.run_hash = in.text("run-hash");
  outcome.config_hash = in.text("config-hash");
  outcome.schema = static_cast<int>(schema);
  if (in.has("stopped")) {
    outcome.stopped = stop_cause_from(in.text("stopped"));
    if (!outcome.stopped) outcome.interrupted = true;  // a cause that we do not know: not the agent's own end
  }
  outcome.interrupted = outcome.interrupted || in.flag("interrupted");
  outcome.start_failed = in.flag("start-failed");
  outcome.exit_code = in.number("exit");
  outcome.oom_killed = in.flag("oom");
  outcome.started_at = in.time("started");
  outcome.finished_at = in.time("finished");
  if (const auto most = in.number("ran-at-most")) outcome.ran_at_most = std::chrono::nanoseconds{*most};
  outcome.released = in.flag("released");
  return outcome;
}

}  // namespace

std::string to_bytes(const AgentRecord& record) {
  Writer out("agent");
  if (record.outcome) put(out, *record.outcome);
  if (!record.accepted_run_hash.empty()) {
    out.put("accepted", record.accepted_run_hash);
    out.put("accepted-attempt", record.accepted_attempt);
  }
  out.put("admitted-file", record.admitted_file);
  out.put("admitted-bytes", record.admitted_bytes);
  out.put("lost-workspace", record.lost_workspace);
  return out.done();
}

std::optional<AgentRecord> agent_record_from(const std::string& bytes) {
  Reader in(bytes, "agent");
  if (!in.good()) return std::nullopt;
  AgentRecord record;
  if (in.has("attempt")) {
    record.outcome = outcome_from(in);
    if (!record.outcome) return std::nullopt;
  }
  record.accepted_run_hash = in.text("accepted");
  const auto accepted_attempt = in.number("accepted-attempt");
  if (!record.accepted_run_hash.empty()) record.accepted_attempt = accepted_attempt.value_or(0);
  record.admitted_file = in.text("admitted-file");
  record.admitted_bytes = in.text("admitted-bytes");
  record.lost_workspace = in.text("lost-workspace");
  if (!in.good()) return std::nullopt;
  return record;
}

std::string to_bytes(const StopRecord& record) {
  Writer out("stop");
  out.put("agent", record.agent);
  out.put("cause", name_of(record.cause));
  return out.done();
}

std::optional<StopRecord> stop_record_from(const std::string& bytes) {
  Reader in(bytes, "stop");
  const auto cause = stop_cause_from(in.text("cause"));
  if (!in.good() || !cause) return std::nullopt;
  return StopRecord{in.text("agent"), *cause};
}

std::string to_bytes(const ContactRecord& record) {
  Writer out("contact");
  out.put("contact", static_cast<std::int64_t>(record.contact.time_since_epoch().count()));
  out.put("boot-id", record.boot_id);
  if (record.boot != WallTime{}) out.put("boot", static_cast<std::int64_t>(record.boot.time_since_epoch().count()));
  if (record.directory) {
    if (record.directory->device) out.put("directory-device", static_cast<std::int64_t>(*record.directory->device));
    out.put("directory-inode", static_cast<std::int64_t>(record.directory->inode));
  }
  return out.done();
}

std::optional<ContactRecord> contact_record_from(const std::string& bytes) {
  Reader in(bytes, "contact");
  const auto contact = in.time("contact");
  const auto boot = in.time("boot");
  const auto device = in.number("directory-device");
  const auto inode = in.number("directory-inode");
  if (!in.good() || !contact || (device && !inode)) return std::nullopt;
  ContactRecord record{*contact, in.text("boot-id"), boot.value_or(WallTime{}), std::nullopt};
  if (inode) record.directory = DirectoryId{std::nullopt, static_cast<std::uint64_t>(*inode)};
  if (device) record.directory->device = static_cast<std::uint64_t>(*device);
  return record;
}

}  // namespace cofferdam::reconciler
