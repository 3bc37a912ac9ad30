#pragma once

// The run-hash: what the author of a spec wrote, as one number.

#include <string>

#include "specs/yaml_tree.hpp"

namespace cofferdam::specs {

/// 64 hex digits over the tree below `spec`, keys sorted, without the fields that only the controller uses. Order, comments,
/// quotes and layout do not count; every other difference does. Frozen for apiVersion cofferdam/v1: containers carry it in a
/// label, and another value for the same file would replace them all.
///
/// The tree is encoded before it is hashed, each thing with its sort and length, so that no two trees read alike:
///   scalar "s<bytes>:<text>" · nothing "n" · list "l<items>:" and its items · mapping "m<entries>:" and, by key,
///   "s<bytes>:<key>" with its value; all behind "cofferdam/v1\n".
std::string run_hash_of(const YamlNode& spec);

}  // namespace cofferdam::specs
