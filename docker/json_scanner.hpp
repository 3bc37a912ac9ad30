#pragma once

// Reads JSON front to back without building anything: for the one answer that is large, the list of containers. It
// accepts exactly JSON, skipped parts included, at any depth and without recursion; only kept strings are copied.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace cofferdam::docker {

class JsonScanner {
 public:
  explicit JsonScanner(std::string_view text) : text_(text) {}

  enum class Kind { object, array, string, number, literal, nothing };
  /// What comes next.
  Kind next_kind();

  /// Consumes '{' or '['.
  void enter();
  /// In an object or array just entered, or after one of its values: true where another member or item follows (its
  /// key is consumed), false after the closing bracket (consumed) or a failure.
  bool next_member(bool& first, std::string& key);
  bool next_item(bool& first);

  /// Each consumes one value; another kind, or broken text, is a failure.
  void read(std::string& value);
  void read(std::int64_t& value);
  void read(bool& value);
  /// Consumes a null, if that is what comes.
  bool take_null();
  void skip();

  /// Nothing but space is left.
  bool at_end();
  bool failed() const { return failed_; }

 private:
  char peek();
  bool take(char expected);
  bool fail();
  bool string_token(std::string* value);
  bool escape(std::string* value);
  bool hex4(std::uint32_t& unit);
  bool number_token(std::string_view& token);
  bool literal_token(std::string_view word);
  bool key_and_colon();
  bool close_nested(std::string& open);

  std::string_view text_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

}  // namespace cofferdam::docker
