#pragma once

// Where something stands in a file, and what is wrong there: the one shape of every message about a file.

#include <string>
#include <vector>

namespace cofferdam::specs {

/// A position in a spec or configuration file. Lines and columns count from 1 (columns in bytes);
/// 0 means that the whole file is meant.
struct Place {
  std::string file;
  int line = 0;
  int column = 0;

  bool operator==(const Place&) const = default;
};

/// "file:line:column", "file:line" or "file", as far as known.
std::string to_string(const Place& place);

/// One thing wrong with a file, complete for a person: what, where, why and the mend.
struct Problem {
  Place place;
  std::string path;  ///< of the field, "spec.memoryMB"; empty where the file as a whole is meant
  std::string what;  ///< what was found, and why it is refused
  std::string mend;  ///< what is allowed, or what to do
  std::string rule;  ///< stable name of the policy rule for a refusal ("workspace-roots"); empty for an error of form

  bool operator==(const Problem&) const = default;
};

using Problems = std::vector<Problem>;

/// "file:line:column: path: what; mend", and " [rule]" behind it where policy refused.
std::string to_string(const Problem& problem);

/// Sorted by place, without repetitions; beyond the first 1000 only their number is told.
void tidy(Problems& problems);

}  // namespace cofferdam::specs
