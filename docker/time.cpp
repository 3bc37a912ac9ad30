#include "docker/time.hpp"

#include <chrono>
#include <cstdio>

namespace cofferdam::docker {

namespace {

/// Reads the text from the left; any failure sticks.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  int digits(std::size_t count) {
    int value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (at_ >= text_.size() || text_[at_] < '0' || text_[at_] > '9') {
        good_ = false;
        return 0;
      }
      value = value * 10 + (text_[at_++] - '0');
    }
    return value;
  }
  bool next_is(std::string_view choices) const {
    return at_ < text_.size() && choices.find(text_[at_]) != std::string_view::npos;
  }
  char take(std::string_view choices) {
    if (!next_is(choices)) {
      good_ = false;
      return '\0';
    }
    return text_[at_++];
  }
  /// ".123" as nanoseconds. The engine writes up to nine digits; more are cut.
  std::int64_t fraction() {
    std::int64_t value = 0;
    std::int64_t unit = 100'000'000;
    bool any = false;
    while (next_is("0123456789")) {
      value += unit * (text_[at_++] - '0');
      unit /= 10;
      any = true;
    }
    good_ = good_ && any;
    return value;
  }
  bool good() const { return good_; }
  bool finished() const { return good_ && at_ == text_.size(); }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  bool good_ = true;
};

}  // namespace

std::variant<std::optional<Time>, std::string> parse_time(std::string_view text) {
  using namespace std::chrono;
  if (text.empty()) {
    return std::optional<Time>{};
  }
  Scanner scan(text);
  const int year_number = scan.digits(4);
  scan.take("-");
  const auto month_number = static_cast<unsigned>(scan.digits(2));
  scan.take("-");
  const auto day_number = static_cast<unsigned>(scan.digits(2));
  scan.take("Tt ");
  const int hour = scan.digits(2);
  scan.take(":");
  const int minute = scan.digits(2);
  scan.take(":");
  const int second = scan.digits(2);
  std::int64_t nanoseconds_part = 0;
  if (scan.next_is(".")) {
    scan.take(".");
    nanoseconds_part = scan.fraction();
  }
  minutes offset{0};
  const char zone = scan.take("Zz+-");
  if (zone == '+' || zone == '-') {
    const int hours_part = scan.digits(2);
    scan.take(":");
    const int minutes_part = scan.digits(2);
    offset = minutes{(zone == '-' ? -1 : 1) * (hours_part * 60 + minutes_part)};
  }
  const year_month_day date{year{year_number}, month{month_number}, day{day_number}};
  // Second 60 is a leap second: the engine's library never writes one, others may.
  if (!scan.finished() || !date.ok() || hour > 23 || minute > 59 || second > 60) {
    return "\"" + std::string(text.substr(0, 64)) + "\" is not a time (RFC 3339)";
  }
  constexpr int kFirstYear = 1678;
  constexpr int kLastYear = 2261;
  if (year_number < kFirstYear || year_number > kLastYear) {
    return std::optional<Time>{};
  }
  const auto whole = sys_days{date} + hours{hour} + minutes{minute} + seconds{second} - offset;
  return std::optional<Time>{Time{whole} + nanoseconds{nanoseconds_part}};
}

std::string format_time(Time time) {
  using namespace std::chrono;
  const auto day_start = floor<days>(time);
  const year_month_day date{day_start};
  const hh_mm_ss clock{time - day_start};
  char buffer[64];
  const int length = std::snprintf(buffer, sizeof buffer, "%04d-%02u-%02uT%02d:%02d:%02d.%09lldZ", static_cast<int>(date.year()),
                                   static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                                   static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                                   static_cast<int>(clock.seconds().count()), static_cast<long long>(clock.subseconds().count()));
  return {buffer, static_cast<std::size_t>(length)};
}

std::string format_unix_time(Time time) {
  using namespace std::chrono;
  const auto whole = floor<seconds>(time);
  char buffer[64];
  const int length = std::snprintf(buffer, sizeof buffer, "%lld.%09lld", static_cast<long long>(whole.time_since_epoch().count()),
                                   static_cast<long long>((time - whole).count()));
  return {buffer, static_cast<std::size_t>(length)};
}

}  // namespace cofferdam::docker
