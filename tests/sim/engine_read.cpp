// The simulated engine's answers to calls that only look, and what images and networks it has.

#include <algorithm>
#include <utility>

#include "tests/sim/engine.hpp"

namespace cofferdam::sim {

using docker::ContainerState;

namespace {

constexpr std::string_view untagged = "untagged@";  ///< before the id of an image whose tag moved

bool has_label(const std::map<std::string, std::string>& labels, const std::string& wanted) {
  const auto equals = wanted.find('=');
  const auto found = labels.find(wanted.substr(0, equals));
  return found != labels.end() && (equals == std::string::npos || found->second == wanted.substr(equals + 1));
}

}  // namespace

std::shared_ptr<Container> Engine::find(const std::string& id_or_name) const {
  if (const auto found = containers_.find(id_or_name); found != containers_.end()) return found->second;
  if (const auto named = names_.find(id_or_name); named != names_.end()) return containers_.at(named->second);
  if (id_or_name.empty()) return nullptr;
  const auto prefixed = containers_.lower_bound(id_or_name);
  if (prefixed == containers_.end() || !prefixed->first.starts_with(id_or_name)) return nullptr;
  const auto following = std::next(prefixed);
  const bool ambiguous = following != containers_.end() && following->first.starts_with(id_or_name);
  return ambiguous ? nullptr : prefixed->second;
}

const Image* Engine::image_of(const std::string& reference) const {
  if (const auto found = images_.find(reference); found != images_.end()) return &found->second;
  for (const auto& [name, image] : images_) {
    if (image.details.id == reference) return &image;
  }
  // Anything that may be the beginning of an id is taken for one.
  const std::string_view hex = std::string_view(reference).substr(reference.starts_with("sha256:") ? 7 : 0);
  if (hex.empty() || hex.find_first_not_of("0123456789abcdef") != std::string_view::npos) return nullptr;
  const Image* only = nullptr;
  for (const auto& [name, image] : images_) {
    if (!std::string_view(image.details.id).substr(7).starts_with(hex)) continue;
    if (only != nullptr && only->details.id != image.details.id) return nullptr;
    only = &image;
  }
  return only;
}

std::string Engine::listed_image(const docker::ContainerDetails& shown) const {
  if (shown.config.image == shown.image_id) return shown.image_id;
  const Image* meant = image_of(shown.config.image);
  return meant != nullptr && meant->details.id == shown.image_id ? shown.config.image : shown.image_id;
}

docker::Result Engine::list(const docker::ContainerList& request) const {
  std::vector<docker::ContainerSummary> rows;
  for (const auto& [id, container] : containers_) {
    const docker::ContainerDetails& shown = container->shown;
    const bool wanted = std::all_of(request.labels.begin(), request.labels.end(),
                                    [&](const std::string& label) { return has_label(shown.config.labels, label); });
    if (!wanted) continue;
    docker::ContainerSummary row;
    row.id = id;
    row.name = shown.name;
    row.image = listed_image(shown);
    row.image_id = shown.image_id;
    row.state = listed_state(*container);
    row.labels = shown.config.labels;
    row.mounts = shown.mounts;
    row.created = std::chrono::duration_cast<std::chrono::seconds>(shown.created->time_since_epoch()).count();
    rows.push_back(std::move(row));
  }
  return docker::Reply{std::move(rows)};
}

void Engine::inspect(const docker::ContainerInspect& request, Done done) {
  const auto container = find(request.id);
  if (!container) return done(status_error(404, "No such container: " + request.id));
  if (container->inspect_hangs) return;  // it never answers: the caller's deadline ends it
  if (container->busy) {
    when_free(container, [this, request, done] { inspect(request, done); });
    return;
  }
  done(docker::Reply{container->shown});
}

docker::Result Engine::archive(const docker::ContainerArchive& request) const {
  const auto container = find(request.id);
  if (!container) return status_error(404, "No such container: " + request.id);
  const Image* image = image_of(container->shown.image_id);
  const std::string* content = nullptr;
  if (image != nullptr && request.path == "/etc/passwd") content = &image->passwd;
  if (image != nullptr && request.path == "/etc/group") content = &image->group;
  if (content == nullptr || content->empty()) {
    return status_error(404, "Could not find the file " + request.path + " in container " + request.id);
  }
  return docker::Reply{docker::ArchiveFile{request.path.substr(request.path.rfind('/') + 1), *content}};
}

docker::Result Engine::inspect_image(const docker::ImageInspect& request) const {
  const Image* image = image_of(request.reference);
  if (image == nullptr) return status_error(404, "No such image: " + request.reference);
  docker::ImageDetails details = image->details;
  details.repo_tags.clear();
  for (const auto& [name, other] : images_) {
    if (other.details.id == details.id && !name.starts_with(untagged)) details.repo_tags.push_back(name);
  }
  return docker::Reply{std::move(details)};
}

docker::Result Engine::pull(const docker::ImagePull& request) {
  const auto offered = registry_.find(request.reference);
  if (offered == registry_.end()) {
    docker::Error error;
    error.error_class = docker::ErrorClass::in_stream;
    error.message = "manifest for " + request.reference + " not found: manifest unknown: manifest unknown";
    return error;
  }
  load(request.reference, offered->second);
  return docker::Reply{docker::ImagePulled{offered->second.details.id}};
}

void Engine::load(const std::string& reference, const Image& image) {
  const auto before = images_.find(reference);
  if (before != images_.end() && before->second.details.id != image.details.id) {
    images_[std::string(untagged) + before->second.details.id] = before->second;  // the tag moved; the image stays
  }
  images_[reference] = image;
  emit("image", "pull", reference, {{"name", reference}});
}

bool Engine::drop_image(const std::string& reference) {
  const auto found = images_.find(reference);
  if (found == images_.end()) return false;
  const std::string id = found->second.details.id;
  const auto named = std::count_if(images_.begin(), images_.end(), [&](const auto& entry) {
    return entry.second.details.id == id && !entry.first.starts_with(untagged);
  });
  const bool used =
      std::any_of(containers_.begin(), containers_.end(), [&](const auto& entry) { return entry.second->shown.image_id == id; });
  if (used && named == 1) return false;
  images_.erase(found);
  emit("image", "untag", id, {{"name", id}});
  if (named == 1) emit("image", "delete", id, {{"name", id}});
  return true;
}

void Engine::set_network(const std::string& name, bool there) {
  if (there) {
    networks_.insert(name);
  } else {
    networks_.erase(name);
  }
}

docker::EngineVersion Engine::version() const {
  docker::EngineVersion version;
  version.version = "20.10.24";
  version.api_version = "1.41";
  version.min_api_version = "1.12";
  version.os = "linux";
  version.arch = "amd64";
  version.platform = "Docker Engine - Community";
  return version;
}

docker::EngineInfo Engine::info() const {
  docker::EngineInfo info;
  info.id = "SIMU:LATE:D000";
  info.name = "host";
  info.processors = 2;
  info.memory_bytes = 8LL << 30;
  info.system_time = wall();
  info.security_options = {"name=seccomp,profile=default"};
  info.runtimes = {"runc"};
  info.default_runtime = "runc";
  info.cgroup_version = "1";
  info.log_drivers = {"json-file", "local"};
  info.live_restore = traits_.live_restore;
  info.memory_limit = info.cpu_cfs_quota = info.oom_kill_disable = true;
  info.swap_limit = !traits_.drops_swap;
  info.pids_limit = !traits_.drops_pids;
  info.docker_root_dir = "/var/lib/docker";
  return info;
}

}  // namespace cofferdam::sim
