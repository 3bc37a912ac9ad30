#include "controller/status_files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "controller/file_descriptor.hpp"
#include "controller/status_json.hpp"
#include "controller/system_error.hpp"

namespace cofferdam::controller {

namespace {

std::string failed(const std::string& what, const std::string& path, int error) {
  return "status file: cannot " + what + " " + path + ": " + system_message(error);
}

std::string make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0750) == 0 || errno == EEXIST) {
    return {};
  }
  return failed("make directory", path, errno) +
         "; let the service manager make it (RuntimeDirectory=cofferdam), or set runtime.directory to one we may write";
}

/// Names of agents are DNS labels; what is not could leave the directory, and is refused here once more.
bool is_plain(const std::string& name) {
  return !name.empty() && name.find('/') == std::string::npos && name.front() != '.' && name.front() != '_';
}

bool write_all(int fd, const std::string& content) {
  for (std::size_t at = 0; at < content.size();) {
    const ssize_t wrote = ::write(fd, content.data() + at, content.size() - at);
    if (wrote < 0 && errno == EINTR) {
      continue;
    }
    if (wrote <= 0) {
      return false;
    }
    at += static_cast<std::size_t>(wrote);
  }
  return true;
}

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

}  // namespace

StatusFiles::StatusFiles(std::string runtime_directory)
    : runtime_directory_(std::move(runtime_directory)), directory_(runtime_directory_ + "/status") {}

std::string StatusFiles::prepare() {
  std::string error = make_directory(runtime_directory_);
  return error.empty() ? make_directory(directory_) : error;
}

std::string StatusFiles::write(const std::string& name, const std::string& content) {
  const auto before = written_.find(name);
  if (before != written_.end() && before->second == content) {
    return {};
  }
  const std::string path = directory_ + "/" + name;
  const std::string temporary = directory_ + "/." + name + ".new";
  // One we left behind when we were killed; never followed, should it be a link.
  ::unlink(temporary.c_str());
  FileDescriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640));
  if (!file) {
    return failed("write", temporary, errno);
  }
  if (!write_all(file.get(), content)) {
    const int error = errno;
    ::unlink(temporary.c_str());
    return failed("write", temporary, error);
  }
  file.reset();
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    return failed("replace", path, errno);
  }
  written_[name] = content;
  return {};
}

std::string StatusFiles::write_agent(const reconciler::AgentStatus& status) {
  if (!is_plain(status.agent)) {
    return "status file: \"" + status.agent + "\" is no agent's name";
  }
  return write(status.agent + ".json", agent_json(status));
}

std::string StatusFiles::drop_agent(const std::string& agent) {
  if (!is_plain(agent)) {
    return "status file: \"" + agent + "\" is no agent's name";
  }
  const std::string path = directory_ + "/" + agent + ".json";
  written_.erase(agent + ".json");
  return ::unlink(path.c_str()) == 0 || errno == ENOENT ? std::string() : failed("remove", path, errno);
}

std::string StatusFiles::write_controller(const reconciler::Summary& summary, const ProcessFacts& process) {
  return write("_controller.json", controller_json(summary, process));
}

std::string StatusFiles::write_files(const std::map<std::string, specs::FileView>& files) {
  return write("_files.json", files_json(files));
}

std::string StatusFiles::sweep(const std::set<std::string>& known, std::chrono::system_clock::time_point now,
                               std::chrono::seconds age) {
  const std::unique_ptr<DIR, CloseDirectory> listing(::opendir(directory_.c_str()));
  if (!listing) {
    return failed("list", directory_, errno);
  }
  constexpr std::string_view suffix = ".json";
  const auto too_old = std::chrono::system_clock::to_time_t(now - age);
  std::vector<std::string> gone;
  while (const dirent* entry = ::readdir(listing.get())) {  // NOLINT(concurrency-mt-unsafe): a listing of our own
    const std::string name = entry->d_name;
    if (!is_plain(name) || !name.ends_with(suffix) || known.contains(name.substr(0, name.size() - suffix.size()))) {
      continue;
    }
    struct stat facts{};
    if (::lstat((directory_ + "/" + name).c_str(), &facts) == 0 && facts.st_mtime < too_old) {
      gone.push_back(name.substr(0, name.size() - suffix.size()));
    }
  }
  for (const std::string& agent : gone) {
    if (std::string error = drop_agent(agent); !error.empty()) {
      return error;
    }
  }
  return {};
}

}  // namespace cofferdam::controller
