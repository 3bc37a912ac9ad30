#pragma once

// The grammars of texts: what a name, a path, an image or a user may look like. Each form has its rule in words, so that
// a refusal says what is allowed.

#include <optional>
#include <string>
#include <string_view>

#include "specs/scalars.hpp"

namespace cofferdam::specs {

enum class Form {
  text,            ///< anything but NUL
  line,            ///< no control characters; may be empty
  dns_label,       ///< [a-z0-9]([-a-z0-9]*[a-z0-9])?, at most 63
  task_id,         ///< [A-Za-z0-9][A-Za-z0-9._-]*, at most 128
  name,            ///< as a task id; profiles, runtimes
  label_key,       ///< letters and digits with . _ - / inside, at most 128
  label_value,     ///< no control characters, at most 256 bytes
  image,           ///< an OCI reference
  allowed_image,   ///< a registry and whole path segments
  user,            ///< name[:group] or canonical decimals
  network,         ///< a network's name, or container:<name>: policy judges it
  absolute_path,   ///< absolute and normalised
  optional_path,   ///< the same, or empty
  tmpfs_target,    ///< absolute, normalised, clear of /proc /sys /dev /etc /workspace
  workspace_root,  ///< absolute, normalised, no part of the system
  capability,      ///< a Linux capability, or ALL; normalised: upper case, no CAP_
  variable,        ///< [A-Za-z_][A-Za-z0-9_]*
  variable_value,  ///< no line feed or carriage return
  engine_host,     ///< unix:///path or tcp://host:port
  listen_address,  ///< host:port, or empty
};

/// Nothing where the text has the form (and is now written in its normal way); else why not. A secret's text is not shown.
std::optional<Refusal> check_form(Form form, std::string& text, bool secret = false);

}  // namespace cofferdam::specs
