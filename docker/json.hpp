#pragma once

// JSON to and from the engine. What is sent is written field by field with moby's names: nothing a user wrote ever
// passes through (the engine reads keys without regard to case, the last one wins). What is read is strict about types
// and tolerant of absent fields: versions 1.41 to 1.52 leave out different ones.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "docker/requests.hpp"
#include "docker/types.hpp"

namespace cofferdam::docker {

/// The value, or what is wrong with the text ("State.ExitCode: a number was expected, found a string").
template <class T>
using Decoded = std::variant<T, std::string>;

/// The body of POST /containers/create; nullopt where a text is not UTF-8. Fields that are only read back are not sent.
std::optional<std::string> encode_create(const ContainerConfig& config, const HostConfig& host_config);
/// {"label":["a","b=c"]}
std::string encode_list_filters(const std::vector<std::string>& labels);
/// {"type":["container","image","network","daemon"]}
std::string encode_event_filters();

/// Made for ten thousand rows: one pass, nothing kept that the product does not read.
Decoded<std::vector<ContainerSummary>> decode_containers(std::string_view text);
Decoded<ContainerDetails> decode_container(std::string_view text);
Decoded<ContainerCreated> decode_created(std::string_view text);
Decoded<ContainerWaited> decode_waited(std::string_view text);
Decoded<ImageDetails> decode_image(std::string_view text);
Decoded<NetworkDetails> decode_network(std::string_view text);
Decoded<EngineVersion> decode_version(std::string_view text);
Decoded<EngineInfo> decode_info(std::string_view text);
Decoded<Event> decode_event(std::string_view line);

/// The engine's words out of an error body: {"message": …}, or plain text; one line, at most 4 KiB.
std::string decode_error_message(std::string_view body);

/// One line of POST /images/create.
struct PullLine {
  std::string id;  ///< a layer's, or the tag
  std::string status;
  std::int64_t current = 0;  ///< bytes
  std::int64_t total = 0;
  std::string error;  ///< errorDetail.message (from 1.48 on possibly alone) or error
  int error_code = 0;

  bool operator==(const PullLine&) const = default;
};
Decoded<PullLine> decode_pull_line(std::string_view line);

/// The engine's word for a state, Podman's too; nullopt: none that we know.
std::optional<ContainerState> container_state_of(std::string_view word);

}  // namespace cofferdam::docker
