#include "controller/configuration_loader.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <string_view>

#include "controller/file_descriptor.hpp"
#include "controller/system_error.hpp"

namespace cofferdam::controller {

namespace {

namespace fs = std::filesystem;

/// As for spec files; a seccomp profile is some 20 KiB.
constexpr std::size_t max_bytes = 1U << 20U;

struct FileText {
  int error = 0;
  std::string words;  ///< why there are no bytes
  std::string mend;
  std::string bytes;
};

FileText refuse(int error, std::string words, std::string mend) {
  return {error, std::move(words), std::move(mend), {}};
}

FileText read_text(const std::string& path) {
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  struct stat info{};
  if (!file) {
    const int error = errno;
    if (error != EACCES) return refuse(error, "cannot be read: " + system_message(error), "name a file that exists");
    std::string words = "cannot be read: " + system_message(error);
    if (stat(path.c_str(), &info) == 0) {
      words += fmt::format(" (owner {}, group {}, mode {:04o})", info.st_uid, info.st_gid, info.st_mode & 07777U);
    }
    return refuse(error, std::move(words), "let the service's user read it: chgrp cofferdam " + path + " && chmod 0640 " + path);
  }
  if (fstat(file.get(), &info) != 0) return refuse(errno, "cannot be read: " + system_message(errno), "name another file");
  if (!S_ISREG(info.st_mode)) return refuse(EINVAL, "is not a regular file", "name a file");
  FileText text;
  std::array<char, 16384> buffer{};
  while (text.bytes.size() <= max_bytes) {
    const ssize_t length = read(file.get(), buffer.data(), buffer.size());
    if (length == 0) return text;
    if (length < 0 && errno == EINTR) continue;
    if (length < 0) return refuse(errno, "cannot be read: " + system_message(errno), "mend its file system");
    text.bytes.append(buffer.data(), static_cast<std::size_t>(length));
  }
  return refuse(EFBIG, "is larger than 1 MiB", "name the right file");
}

/// The place that an origin names: "file:line", or the file as a whole.
specs::Place place_of(const specs::LoadedConfiguration& loaded, const std::string& path, const std::string& file) {
  specs::Place place{file, 0, 0};
  // A field of a map or a list may be known by its own path or by its parent's.
  std::string known = path;
  while (!known.empty()) {
    const auto origin = loaded.origins.find(known);
    if (origin != loaded.origins.end()) {
      const std::string& text = origin->second;
      const std::string start = file + ':';
      if (text.starts_with(start)) {
        int line = 0;
        for (std::size_t at = start.size(); at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
          line = std::min(line, 100000000) * 10 + (text[at] - '0');
        }
        place.line = line;
      }
      return place;
    }
    const auto dot = known.rfind('.');
    known = dot == std::string::npos ? std::string{} : known.substr(0, dot);
  }
  return place;
}

class Loader {
 public:
  Loader(std::string file, LoadedFile& result) : file_(std::move(file)), result_(result) {}

  specs::Problems look_around() {
    resolve_roots();
    read_profiles();
    const bool strict = configuration().policy.strict;
    check_writable(file_, "the configuration", "", strict);
    check_writable(fs::path(file_).parent_path().string(), "the configuration's directory", "", strict);
    check_writable(configuration().specs.directory, "the spec directory", "specs.directory", strict);
    collect_paths();
    return std::move(problems_);
  }

 private:
  specs::Configuration& configuration() { return result_.loaded.configuration; }

  void warn(const std::string& path, const std::string& text) {
    result_.warnings.push_back(to_string(place_of(result_.loaded, path, file_)) + ": " + path + ": " + text);
  }

  void resolve_roots() {
    for (auto& root : configuration().policy.workspace_roots) {
      std::error_code error;
      const fs::path real = fs::canonical(root, error);
      if (error) {
        warn("policy.workspaceRoots", root + ": " + error.message() + "; until it is there every workspace in it is refused");
        continue;
      }
      const auto written = fs::path(root).lexically_normal();
      const auto trimmed = written.has_filename() ? written : written.parent_path();
      if (real != trimmed) {
        warn("policy.workspaceRoots", root + " is a link to " + real.string() + "; specs name workspaces in " + real.string());
      }
      root = real.string();
      struct statvfs file_system{};
      if (statvfs(root.c_str(), &file_system) != 0) continue;
      if ((file_system.f_flag & ST_NOSUID) == 0 || (file_system.f_flag & ST_NODEV) == 0) {
        warn("policy.workspaceRoots", root +
                                          " is not mounted nosuid,nodev: an agent can leave a setuid file on this host; give "
                                          "it a file system of its own with these options");
      }
    }
  }

  void read_profiles() {
    auto& policy = configuration().policy;
    policy.seccomp_profile_contents.clear();
    for (const auto& [name, path] : policy.seccomp_profiles) {
      FileText text = read_text(path);
      const std::string field = "policy.seccompProfiles." + name;
      if (!text.words.empty()) {
        add_problem(field, path + ' ' + text.words, text.mend);
      } else if (const auto first = text.bytes.find_first_not_of(" \t\r\n");
                 first == std::string::npos || text.bytes[first] != '{') {
        add_problem(field, path + " is not a seccomp profile", "name a file with one JSON object, as moby's default.json is");
      } else {
        policy.seccomp_profile_contents[name] = std::move(text.bytes);
      }
    }
  }

  void check_writable(const std::string& path, const std::string& what, const std::string& field, bool strict) {
    struct stat info{};
    if (path.empty() || stat(path.c_str(), &info) != 0 || (info.st_mode & S_IWOTH) == 0) return;
    // Others may add to a sticky directory, but not replace what is there; specs are added, so it is no help for them.
    if (S_ISDIR(info.st_mode) && (info.st_mode & S_ISVTX) != 0 && field.empty()) return;
    const std::string text =
        fmt::format("{} {} is writable by everybody (mode {:04o}), who may then run what they like as the engine", what, path,
                    info.st_mode & 07777U);
    const std::string mend = "chmod o-w " + path;
    if (strict) {
      add_problem(field, text + "; policy.strict refuses that", mend);
    } else {
      result_.warnings.push_back(text + "; " + mend);
    }
  }

  void collect_paths() {
    const auto& now = configuration();
    std::vector<std::string> paths{file_, now.specs.directory, now.state_directory, now.runtime_directory, now.server_socket};
    constexpr std::string_view unix_scheme = "unix://";
    if (now.engine.host.starts_with(unix_scheme)) paths.push_back(now.engine.host.substr(unix_scheme.size()));
    for (const auto& path : paths) {
      if (path.empty() || path.front() != '/') continue;
      add_path(fs::path(path).lexically_normal().string());
      std::error_code error;
      const auto real = fs::weakly_canonical(path, error);
      if (!error) add_path(real.string());
    }
    std::sort(result_.controller_paths.begin(), result_.controller_paths.end());
  }

  void add_path(std::string path) {
    while (path.size() > 1 && path.back() == '/') path.pop_back();
    auto& paths = result_.controller_paths;
    if (std::find(paths.begin(), paths.end(), path) == paths.end()) paths.push_back(std::move(path));
  }

  void add_problem(const std::string& field, const std::string& what, const std::string& mend) {
    specs::Problem problem;
    problem.place = place_of(result_.loaded, field, file_);
    problem.path = field;
    problem.what = what;
    problem.mend = mend;
    problems_.push_back(std::move(problem));
  }

  const std::string file_;
  LoadedFile& result_;
  specs::Problems problems_;
};

}  // namespace

std::variant<LoadedFile, specs::Problems> load_configuration_file(const ConfigurationSource& source) {
  std::error_code error;
  const fs::path absolute = fs::absolute(source.file, error);
  const std::string file = error ? source.file : absolute.lexically_normal().string();
  FileText text = read_text(file);
  LoadedFile result;
  result.warnings = source.warnings;
  if (!text.words.empty()) {
    const bool absent = text.error == ENOENT || text.error == ENOTDIR;
    if (!absent || source.required) {
      specs::Problem problem;
      problem.place.file = file;
      problem.what = "the configuration " + text.words;
      problem.mend = text.mend;
      return specs::Problems{problem};
    }
    result.warnings.push_back("there is no " + file + ": every value is the default, or a flag's or the environment's");
  }
  auto parsed = specs::parse_configuration(text.bytes, file, source.overrides);
  if (auto* const problems = std::get_if<specs::Problems>(&parsed)) return std::move(*problems);
  result.loaded = std::move(std::get<specs::LoadedConfiguration>(parsed));
  specs::Problems problems = Loader(file, result).look_around();
  if (!problems.empty()) return problems;
  return result;
}

std::variant<specs::LoadedConfiguration, specs::Problems> load_configuration(const ConfigurationSource& source) {
  auto result = load_configuration_file(source);
  if (auto* const problems = std::get_if<specs::Problems>(&result)) return std::move(*problems);
  return std::move(std::get<LoadedFile>(result).loaded);
}

}  // namespace cofferdam::controller
