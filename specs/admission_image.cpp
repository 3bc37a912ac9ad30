// Images: which references may be asked for, and what an image may bring once it is here.

#include <algorithm>
#include <string>
#include <string_view>

#include "specs/admission_rules.hpp"
#include "specs/image_reference.hpp"

namespace cofferdam::specs {
namespace {

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// An entry of policy.allowedImages, read as Docker reads names: a registry ("ghcr.io", "localhost:5000"), a repository or a
/// part of one in whole segments ("node", "acme/", "ghcr.io/acme/tools"), perhaps with a tag
/// ("node:20-alpine"). One name and digits alone are a registry and its port ("registry:5000").
struct AllowedImage {
  std::string name;
  std::string tag;  ///< empty: any
};

AllowedImage read_allowed(std::string entry) {
  bool prefix = false;
  for (const std::string_view end : {std::string_view("/*"), std::string_view("/")}) {
    if (!entry.ends_with(end)) continue;
    entry.erase(entry.size() - end.size());
    prefix = true;
  }
  AllowedImage allowed;
  const std::size_t slash = entry.rfind('/');
  const std::size_t colon = entry.rfind(':');
  const bool has_colon = colon != std::string::npos && (slash == std::string::npos || colon > slash) && !entry.ends_with(']');
  if (has_colon && !(slash == std::string::npos && all_digits(std::string_view(entry).substr(colon + 1)))) {
    allowed.tag = entry.substr(colon + 1);
    entry.erase(colon);
  }
  const std::string first = entry.substr(0, entry.find('/'));
  const bool registry = first.find_first_of(".:") != std::string::npos || first == "localhost";
  if (first == "index.docker.io") {
    entry.erase(0, std::string_view("index.").size());
  } else if (!registry) {
    entry.insert(0, entry == first && !prefix ? "docker.io/library/" : "docker.io/");
  }
  allowed.name = entry;
  return allowed;
}

bool allows(const AllowedImage& allowed, const ImageReference& image) {
  const std::string name = image.name();
  if (!allowed.tag.empty() && (name != allowed.name || image.tag != allowed.tag)) return false;
  return name == allowed.name || (name.starts_with(allowed.name) && name[allowed.name.size()] == '/');
}

}  // namespace

void judge_image(Judgement& judgement) {
  const std::string field = "spec.image";
  const std::string written = judgement.spec.image.value_or(judgement.configuration.sandbox.default_image);
  const std::string what = "image '" + written + "'" + (judgement.spec.image ? "" : " (the configuration's default)");
  const ParsedImageReference parsed = parse_image_reference(written);
  if (!parsed) {
    judgement.refuse("image-reference", field, what + ' ' + parsed.error, parsed.mend);
    return;
  }
  const Policy& policy = judgement.policy();
  const auto allows_it = [&](const std::string& entry) { return allows(read_allowed(entry), *parsed.reference); };
  if (!policy.allowed_images.empty() && std::none_of(policy.allowed_images.begin(), policy.allowed_images.end(), allows_it)) {
    judgement.refuse("image-allowed", field, what + " (" + parsed.reference->name() + ") is not on the list of allowed images",
                     "use one from policy.allowedImages: " + join(policy.allowed_images));
  }
  if (policy.require_digest && parsed.reference->digest.empty()) {
    judgement.refuse("image-digest", field, what + " has no digest, and policy.requireDigest wants one",
                     "write it as " + parsed.reference->name() + "@sha256:…, as docker image inspect names it in RepoDigests");
  }
}

Problems admit_image(const AgentSpec& spec, const Configuration& configuration, const ImageFacts& image) {
  const std::string field = "spec.image";
  const std::string name = "image " + spec.image.value_or(configuration.sandbox.default_image);
  Problems problems;
  if (!image.volumes.empty() && !configuration.policy.allow_image_volumes) {
    std::vector<std::string> volumes = image.volumes;
    std::sort(volumes.begin(), volumes.end());
    problems.push_back({spec.place_of(field), field,
                        name + " declares volumes (" + join(volumes) +
                            "), which the engine makes writable in spite of a read-only root filesystem",
                        "use an image without VOLUME, or the operator sets policy.allowImageVolumes", "image-volumes"});
  }
  std::vector<std::string> reserved;
  for (const auto& [key, value] : image.labels) {
    if (is_reserved_label(key)) reserved.push_back(key);
  }
  if (!reserved.empty()) {
    problems.push_back(
        {spec.place_of(field), field,
         name + " carries reserved labels (" + join(reserved) + "), which would pass for the engine's or the controller's word",
         "use an image without them: rebuild it, or take the one it was made from", "image-labels"});
  }
  sort_problems(problems);
  return problems;
}

bool is_reserved_label(const std::string& key) {
  return key == "exitCode" || key == "signal" || key == "execDuration" || key.starts_with("com.docker.") ||
         key.starts_with("cofferdam.");
}

}  // namespace cofferdam::specs
