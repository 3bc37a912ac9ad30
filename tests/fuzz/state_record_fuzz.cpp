// State records: what is taken reads back the same, what is written reads back as it was, and a cut record is none.

#include <string>
#include <string_view>

#include "reconciler/records.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace cofferdam::fuzz {
namespace {

using namespace reconciler;

/// Bytes from a disk.
template <class Record, class From>
void check_bytes(const std::string& bytes, const From& from) {
  const auto record = from(bytes);
  if (!record) return;
  const std::string written = to_bytes(*record);
  const auto again = from(written);
  require(again.has_value() && *again == *record, "a record that was taken reads back the same", written);
  require(to_bytes(*again) == written, "and is written the same again", written);
}

/// A record of the machine's.
template <class Record, class From>
void check_record(const Record& record, const From& from, std::size_t cut) {
  const std::string written = to_bytes(record);
  const auto again = from(written);
  require(again.has_value() && *again == record, "a record that was written reads back as it was", written);
  const std::string torn = written.substr(0, cut % written.size());
  require(!from(torn).has_value(), "a record that was cut is none", torn);
  require(!from(written + "x").has_value(), "a record with something behind it is none", written);
}

std::string text(Input& input) {
  return std::string(input.piece(input.below(24)));
}

std::optional<WallTime> time(Input& input) {
  if (!input.flag()) return std::nullopt;
  return WallTime(std::chrono::nanoseconds(input.number()));
}

std::int64_t counted(Input& input) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(input.number()) % highest_count);
}

void check_made(Input& input) {
  AgentRecord record;
  if (input.flag()) {
    Outcome& outcome = record.outcome.emplace();
    outcome.attempt = 1 + counted(input);
    outcome.container_id = text(input);
    outcome.run_hash = text(input);
    outcome.config_hash = text(input);
    outcome.schema = input.byte();
    if (input.flag()) outcome.stopped = static_cast<StopCause>(input.below(9));
    outcome.interrupted = input.flag();
    outcome.start_failed = input.flag();
    if (input.flag()) outcome.exit_code = input.number();
    outcome.oom_killed = input.flag();
    outcome.started_at = time(input);
    outcome.finished_at = time(input);
    outcome.restarts = counted(input);
    outcome.failures = counted(input);
    outcome.released = input.flag();
  }
  record.accepted_run_hash = text(input);
  if (!record.accepted_run_hash.empty()) record.accepted_attempt = input.number();
  record.admitted_file = text(input);
  record.admitted_bytes = text(input);
  record.lost_workspace = text(input);
  const std::size_t cut = input.byte();
  check_record(record, agent_record_from, cut);
  check_record(StopRecord{text(input), static_cast<StopCause>(input.below(9))}, stop_record_from, cut);
  ContactRecord contact;
  contact.contact = WallTime(std::chrono::nanoseconds(input.number()));
  contact.boot_id = text(input);
  contact.boot = time(input).value_or(WallTime{});
  check_record(contact, contact_record_from, cut);
}

void check(Input input) {
  if (input.byte() == '!') return check_made(input);
  const std::string bytes(input.rest());
  check_bytes<AgentRecord>(bytes, agent_record_from);
  check_bytes<StopRecord>(bytes, stop_record_from);
  check_bytes<ContactRecord>(bytes, contact_record_from);
}

}  // namespace
}  // namespace cofferdam::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  cofferdam::fuzz::check({data, size});
  return 0;
}
