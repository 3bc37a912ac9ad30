// Image references: what is taken reads back the same from its normal way of writing, and means the same to the engine client.

#include <string>
#include <string_view>

#include "docker/client_config.hpp"
#include "docker/wire.hpp"
#include "specs/image_reference.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace cofferdam::fuzz {
namespace {

bool is_plain(std::string_view text, std::string_view also) {
  return std::all_of(text.begin(), text.end(), [also](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || also.find(c) != std::string_view::npos;
  });
}

void check(std::string_view text) {
  const auto parsed = specs::parse_image_reference(text);
  if (!parsed) {
    require(!parsed.error.empty() && !parsed.mend.empty(), "a refusal says why, and what to write");
    return;
  }
  require(parsed.error.empty(), "what is taken has no error");
  const auto& reference = *parsed.reference;
  const std::string normal = reference.normalised();
  require(text.size() <= 256 && reference.name().size() <= 255, "the bounds hold", normal);
  require(is_plain(normal, "._-/:@[]"), "nothing odd is in a reference", normal);
  require(!reference.segments.empty() && !reference.registry.empty(), "a reference has a registry and a repository", normal);
  require(!reference.tag.empty() || !reference.digest.empty(), "a reference has a tag or a digest", normal);
  if (normal.size() <= 256) {
    const auto again = specs::parse_image_reference(normal);
    require(again && *again.reference == reference, "the normal writing reads back the same", normal);
    require(again.reference->normalised() == normal, "the normal writing is its own normal writing", normal);
  }
  require(docker::registry_of(normal) == reference.registry, "the engine client sees the same registry", normal);
  const auto wire = docker::wire_request(docker::ImagePull{normal}, "1.41");
  const auto* request = std::get_if<docker::WireRequest>(&wire);
  require(request != nullptr && is_plain(request->target, "/._~%?&=-"), "a pull's target is encoded", normal);
}

}  // namespace
}  // namespace cofferdam::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  cofferdam::fuzz::check({reinterpret_cast<const char*>(data), size});
  return 0;
}
