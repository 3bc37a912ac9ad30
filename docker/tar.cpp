#include "docker/tar.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace cofferdam::docker {

namespace {

constexpr std::size_t kBlock = 512;
constexpr std::size_t kNameLength = 100;
constexpr std::size_t kSizeAt = 124;
constexpr std::size_t kSizeLength = 12;
constexpr std::size_t kChecksumAt = 148;
constexpr std::size_t kChecksumLength = 8;
constexpr std::size_t kTypeAt = 156;
constexpr std::size_t kLinkAt = 157;

std::string text_field(std::string_view head, std::size_t at, std::size_t length) {
  const auto field = head.substr(at, length);
  return std::string(field.substr(0, field.find('\0')));
}

std::optional<std::uint64_t> number_field(std::string_view head, std::size_t at, std::size_t length) {
  const auto field = head.substr(at, length);
  std::uint64_t value = 0;
  if ((static_cast<unsigned char>(field.front()) & 0x80U) != 0) {  // GNU: base 256
    for (std::size_t i = length - 8; i < length; ++i) {
      value = (value << 8U) | static_cast<unsigned char>(field[i]);
    }
    return value;
  }
  bool any = false;
  for (const char c : field) {
    if (c >= '0' && c <= '7') {
      value = value * 8 + static_cast<std::uint64_t>(c - '0');
      any = true;
    } else if (any || (c != ' ' && c != '\0')) {
      break;
    }
  }
  return any ? std::optional(value) : std::nullopt;
}

bool checksum_holds(std::string_view head) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < kBlock; ++i) {
    const bool in_checksum = i >= kChecksumAt && i < kChecksumAt + kChecksumLength;
    sum += in_checksum ? std::uint64_t{' '} : static_cast<unsigned char>(head[i]);
  }
  return number_field(head, kChecksumAt, kChecksumLength) == sum;
}

}  // namespace

std::variant<ArchiveFile, std::string> first_file(std::string_view archive, std::size_t max_bytes) {
  while (archive.size() >= kBlock) {
    const auto head = archive.substr(0, kBlock);
    if (std::all_of(head.begin(), head.end(), [](char c) { return c == '\0'; })) {
      return "the archive is empty";
    }
    const auto size = number_field(head, kSizeAt, kSizeLength);
    if (!checksum_holds(head) || !size) {
      return "the archive is broken (a head's checksum does not hold)";
    }
    archive.remove_prefix(kBlock);
    const auto name = text_field(head, 0, kNameLength);
    const char type = head[kTypeAt];
    if (type == '0' || type == '\0') {
      if (*size > max_bytes) {
        return name + " has " + std::to_string(*size) + " bytes; at most " + std::to_string(max_bytes) + " are read";
      }
      if (*size > archive.size()) {
        return "the archive is truncated";
      }
      return ArchiveFile{name, std::string(archive.substr(0, *size))};
    }
    if (type == '2' || type == '1') {
      return name + " is a link to " + text_field(head, kLinkAt, kNameLength) + ", not a regular file";
    }
    if (type == '5') {
      return name + " is a directory, not a regular file";
    }
    if (type != 'x' && type != 'g' && type != 'L' && type != 'K') {
      return name + " is not a regular file";
    }
    // A head about the next entry (pax, GNU): its body is skipped.
    const auto padded = *size > archive.size() ? *size : (*size + kBlock - 1) / kBlock * kBlock;
    if (padded > archive.size()) {
      return "the archive is truncated";
    }
    archive.remove_prefix(padded);
  }
  return "the archive is truncated";
}

}  // namespace cofferdam::docker
