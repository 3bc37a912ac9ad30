#include <algorithm>
#include <string>

#include "docker/json.hpp"
#include "docker/json_fields.hpp"

namespace cofferdam::docker {

namespace {

/// Parses an object and hands its fields on; what was wrong, if anything was, wins over the value.
template <class T, class Read>
Decoded<T> decode_object(std::string_view text, const Read& read) {
  JsonProblem problem;
  const auto document = parse_object(text, problem);
  if (!document) {
    return problem.text;
  }
  T result = read(Fields{&*document, "", problem});
  if (!problem.text.empty()) {
    return problem.text;
  }
  return result;
}

}  // namespace

Decoded<ContainerCreated> decode_created(std::string_view text) {
  return decode_object<ContainerCreated>(text, [](const Fields& body) {
    ContainerCreated created{.id = body.text("Id"), .warnings = body.messages("Warnings")};
    if (created.id.empty()) {
      body.note("Id", "missing");
    }
    return created;
  });
}

Decoded<ContainerWaited> decode_waited(std::string_view text) {
  return decode_object<ContainerWaited>(text, [](const Fields& body) {
    const auto code = body.maybe_integer("StatusCode");
    if (!code) {
      body.note("StatusCode", "missing");
    }
    return ContainerWaited{.exit_code = code.value_or(0)};
  });
}

Decoded<ImageDetails> decode_image(std::string_view text) {
  return decode_object<ImageDetails>(text, [](const Fields& body) {
    // 1.52 leaves empty fields out.
    const auto config = body.object("Config");
    ImageDetails image{.id = body.text("Id"),
                       .repo_tags = body.texts("RepoTags"),
                       .repo_digests = body.texts("RepoDigests"),
                       .env = config.texts("Env"),
                       .labels = config.text_map("Labels"),
                       .volumes = config.keys("Volumes"),
                       .user = config.text("User"),
                       .architecture = body.text("Architecture"),
                       .os = body.text("Os")};
    if (image.id.empty()) {
      body.note("Id", "missing");
    }
    return image;
  });
}

Decoded<NetworkDetails> decode_network(std::string_view text) {
  return decode_object<NetworkDetails>(text, [](const Fields& body) {
    NetworkDetails network{.id = body.text("Id"),
                           .name = body.text("Name"),
                           .driver = body.text("Driver"),
                           .internal = body.flag("Internal"),
                           .options = body.text_map("Options")};
    if (network.id.empty()) {
      body.note("Id", "missing");
    }
    return network;
  });
}

Decoded<EngineVersion> decode_version(std::string_view text) {
  return decode_object<EngineVersion>(text, [](const Fields& body) {
    EngineVersion version{.version = body.text("Version"),
                          .api_version = body.text("ApiVersion"),
                          .min_api_version = body.text("MinAPIVersion"),
                          .os = body.text("Os"),
                          .arch = body.text("Arch"),
                          .kernel = body.text("KernelVersion"),
                          .platform = body.object("Platform").text("Name")};
    for (const auto& component : body.objects("Components")) {
      if (component.text("Name") == "Podman Engine") {
        version.platform = "Podman Engine";  // its Platform.Name is the distribution's
      }
    }
    if (version.api_version.empty()) {
      body.note("ApiVersion", "missing");
    }
    return version;
  });
}

Decoded<EngineInfo> decode_info(std::string_view text) {
  return decode_object<EngineInfo>(text, [](const Fields& body) {
    return EngineInfo{.id = body.text("ID"),
                      .name = body.text("Name"),
                      .processors = static_cast<int>(std::clamp<std::int64_t>(body.integer("NCPU"), 0, 1 << 20)),
                      .memory_bytes = body.integer("MemTotal"),
                      .system_time = body.time("SystemTime"),
                      .security_options = body.texts("SecurityOptions"),
                      .runtimes = body.keys("Runtimes"),
                      .default_runtime = body.text("DefaultRuntime"),
                      .cgroup_version = body.text("CgroupVersion"),
                      .log_drivers = body.object("Plugins").texts("Log"),
                      .live_restore = body.flag("LiveRestoreEnabled"),
                      .memory_limit = body.flag("MemoryLimit"),
                      .swap_limit = body.flag("SwapLimit"),
                      .cpu_cfs_quota = body.flag("CpuCfsQuota"),
                      .pids_limit = body.flag("PidsLimit"),
                      .oom_kill_disable = body.flag("OomKillDisable"),
                      .docker_root_dir = body.text("DockerRootDir"),
                      .warnings = body.messages("Warnings")};
  });
}

Decoded<Event> decode_event(std::string_view line) {
  return decode_object<Event>(line, [](const Fields& body) {
    const auto actor = body.object("Actor");
    Event event{.type = body.text("Type"),
                .action = body.text("Action"),
                .actor = actor.text("ID"),
                .attributes = actor.text_map("Attributes"),
                .time_ns = body.integer("timeNano")};
    // "exec_create: sh -c …" carries a whole command line: secrets may be in it.
    event.action = event.action.substr(0, event.action.find(':'));
    if (event.time_ns == 0) {
      constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
      constexpr std::int64_t kLastSecond = 9'223'372'036;
      event.time_ns = std::clamp<std::int64_t>(body.integer("time"), -kLastSecond, kLastSecond) * kNanosecondsPerSecond;
    }
    if (event.type.empty() || event.action.empty()) {
      body.note(event.type.empty() ? "Type" : "Action", "missing");
    }
    return event;
  });
}

Decoded<PullLine> decode_pull_line(std::string_view line) {
  return decode_object<PullLine>(line, [](const Fields& body) {
    const auto progress = body.object("progressDetail");
    const auto detail = body.object("errorDetail");
    PullLine result{.id = body.text("id"),
                    .status = body.message("status"),
                    .current = progress.integer("current"),
                    .total = progress.integer("total"),
                    .error = detail.message("message"),
                    .error_code = static_cast<int>(std::clamp<std::int64_t>(detail.integer("code"), 0, 999))};
    if (result.error.empty()) {
      result.error = body.message("error");
    }
    return result;
  });
}

std::string decode_error_message(std::string_view body) {
  JsonProblem problem;
  if (const auto document = parse_object(body, problem)) {
    if (auto message = Fields{&*document, "", problem}.message("message"); !message.empty()) {
      return message;
    }
  }
  return one_line(body);
}

}  // namespace cofferdam::docker
