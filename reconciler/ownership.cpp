#include "reconciler/ownership.hpp"

#include <charconv>
#include <limits>
#include <optional>

#include "reconciler/view.hpp"

namespace cofferdam::reconciler {
namespace {

const std::string& value_of(const std::map<std::string, std::string>& labels, std::string_view key) {
  static const std::string none;
  const auto found = labels.find(std::string(key));
  return found == labels.end() ? none : found->second;
}

/// Digits only, so that what we wrote reads back the same and nothing else does.
std::optional<std::int64_t> canonical(const std::string& text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size() || number < 0 || number > highest_count ||
      std::to_string(number) != text) {
    return std::nullopt;
  }
  return number;
}

bool is_agent_name(const std::string& name) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (name.empty() || name.size() > 63 || !plain(name.front()) || !plain(name.back())) return false;
  for (const char c : name) {
    if (!plain(c) && c != '-') return false;
  }
  return true;
}

std::string_view without_algorithm(std::string_view id) {
  constexpr std::string_view prefix = "sha256:";
  return id.substr(0, prefix.size()) == prefix ? id.substr(prefix.size()) : id;
}

Ownership suspect(Ownership ownership, std::string why) {
  ownership.owner = Owner::suspect;
  ownership.why = std::move(why);
  return ownership;
}

}  // namespace

std::int64_t number_of(const std::map<std::string, std::string>& labels, std::string_view key) {
  return canonical(value_of(labels, key)).value_or(0);
}

Ownership owner_of(const std::string& name, const std::string& image_id, const std::map<std::string, std::string>& labels,
                   const Identity& identity) {
  Ownership ownership;
  if (value_of(labels, label::managed_by) != label::manager || value_of(labels, label::instance) != identity.instance) {
    return ownership;
  }
  ownership.image_id = value_of(labels, label::image_id);
  const std::string& agent = value_of(labels, label::agent);
  if (is_agent_name(agent)) ownership.agent = agent;
  ownership.attempt = number_of(labels, label::attempt);
  ownership.restarts = number_of(labels, label::restarts);
  ownership.failures = number_of(labels, label::failures);
  ownership.run_hash = value_of(labels, label::run_hash);
  ownership.config_hash = value_of(labels, label::config_hash);
  const std::int64_t schema = number_of(labels, label::schema);
  if (schema <= std::numeric_limits<int>::max()) ownership.schema = static_cast<int>(schema);

  const std::string& own_name = value_of(labels, label::name);
  if (own_name.empty() || own_name != name) {
    return suspect(ownership, "its label " + std::string(label::name) + " says '" + own_name + "', its name is '" + name + "'");
  }
  if (ownership.image_id.empty() || without_algorithm(ownership.image_id) != without_algorithm(image_id)) {
    return suspect(ownership, "its label " + std::string(label::image_id) + " says '" + ownership.image_id + "', it runs '" +
                                  image_id + "'");
  }
  const std::string& role = value_of(labels, label::role);
  if (role == "probe") {
    if (labels.contains(std::string(label::agent))) return suspect(ownership, "a probe with an agent's label");
    ownership.owner = Owner::probe;
    return ownership;
  }
  if (role != "agent") return suspect(ownership, "its label " + std::string(label::role) + " says '" + role + "'");
  if (ownership.agent.empty()) return suspect(ownership, "its label " + std::string(label::agent) + " is no agent's name");
  if (ownership.attempt < 1) return suspect(ownership, "its label " + std::string(label::attempt) + " is no attempt's number");
  if (ownership.run_hash.empty() || ownership.config_hash.empty() || ownership.schema < 1) {
    return suspect(ownership, "it lacks the labels of its hashes");
  }
  ownership.owner = Owner::agent;
  return ownership;
}

}  // namespace cofferdam::reconciler
