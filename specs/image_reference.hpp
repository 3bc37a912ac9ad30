#pragma once

// Image references: the full grammar of OCI references as Docker's tools read it, and the normalised form in which
// the controller speaks of an image everywhere.
//
//   reference = name [":" tag] ["@" digest]      at most 256 characters as written
//   name      = [registry "/"] segment {"/" segment}     at most 255 characters when normalised
//   segment   = [a-z0-9]+ joined by ".", "_", "__" or dashes
//   tag       = [A-Za-z0-9_][A-Za-z0-9_.-]{0,127}
//   digest    = sha256 | sha384 | sha512 ":" lower-case hex digits of exactly that length
//
// Stricter than the engine where the engine guesses: bare hex and "sha256:…" are refused, since the engine might take
// them for an image id, and upper case makes no registry of a first segment without a dot or port.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cofferdam::specs {

struct ImageReference {
  std::string registry;               ///< lower case, with its port: "docker.io", "localhost:5000", "[::1]:5000"
  std::vector<std::string> segments;  ///< of the repository: {"library", "node"}
  std::string tag;                    ///< "20-alpine"; "latest" where neither tag nor digest was written; else may be empty
  std::string digest;                 ///< "sha256:…", or empty

  /// "docker.io/library/node": registry and repository.
  [[nodiscard]] std::string name() const;
  /// The repository alone: "library/node".
  [[nodiscard]] std::string repository() const;
  /// "docker.io/library/node:20-alpine", with the digest behind it where one was written.
  [[nodiscard]] std::string normalised() const;

  bool operator==(const ImageReference&) const = default;
};

/// A reference, or why it is none: words that follow "…", such as "has an empty tag behind ':'", and what to write.
struct ParsedImageReference {
  std::optional<ImageReference> reference;
  std::string error;
  std::string mend;

  explicit operator bool() const { return reference.has_value(); }
};

ParsedImageReference parse_image_reference(std::string_view text);

}  // namespace cofferdam::specs
