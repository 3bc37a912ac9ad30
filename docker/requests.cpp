#include "docker/requests.hpp"

#include <type_traits>

namespace cofferdam::docker {

namespace {

struct OperationOf {
  std::string_view operator()(const ContainerList&) const { return "container list"; }
  std::string_view operator()(const ContainerInspect&) const { return "container inspect"; }
  std::string_view operator()(const ContainerCreate&) const { return "container create"; }
  std::string_view operator()(const ContainerStart&) const { return "container start"; }
  std::string_view operator()(const ContainerKill&) const { return "container kill"; }
  std::string_view operator()(const ContainerStop&) const { return "container stop"; }
  std::string_view operator()(const ContainerRemove&) const { return "container remove"; }
  std::string_view operator()(const ContainerWait&) const { return "container wait"; }
  std::string_view operator()(const ContainerArchive&) const { return "container archive"; }
  std::string_view operator()(const ImageInspect&) const { return "image inspect"; }
  std::string_view operator()(const ImagePull&) const { return "image pull"; }
  std::string_view operator()(const NetworkInspect&) const { return "network inspect"; }
  std::string_view operator()(const SystemPing&) const { return "system ping"; }
  std::string_view operator()(const SystemVersion&) const { return "system version"; }
  std::string_view operator()(const SystemInfo&) const { return "system info"; }
};

}  // namespace

std::string_view operation_of(const Request& request) {
  return std::visit(OperationOf{}, request);
}

std::string object_of(const Request& request) {
  return std::visit(
      [](const auto& what) -> std::string {
        using What = std::decay_t<decltype(what)>;
        if constexpr (std::is_same_v<What, ContainerCreate> || std::is_same_v<What, NetworkInspect>) {
          return what.name;
        } else if constexpr (std::is_same_v<What, ImageInspect> || std::is_same_v<What, ImagePull>) {
          return what.reference;
        } else if constexpr (std::is_same_v<What, ContainerList> || std::is_same_v<What, SystemPing> ||
                             std::is_same_v<What, SystemVersion> || std::is_same_v<What, SystemInfo>) {
          return {};
        } else {
          return what.id;
        }
      },
      request);
}

}  // namespace cofferdam::docker
