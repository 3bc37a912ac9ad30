#include "controller/state_store.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/directories.hpp"
#include "controller/file_descriptor.hpp"
#include "controller/system_error.hpp"

namespace cofferdam::controller {

namespace {

/// What the machine keeps. Other things in the directory (lost+found, a later version's) are not ours to judge.
constexpr std::array<std::string_view, 3> record_directories = {"agents", "files", "stops"};
constexpr std::string_view temporary = ".new-";
constexpr std::size_t max_record_bytes = 16U << 20U;

bool must_be_escaped(unsigned char byte) {
  return byte == '%' || byte == '/' || byte < 0x20 || byte == 0x7f;
}

int hex_digit(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

std::string escape(const std::string& name) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string text;
  for (const char character : name) {
    const auto byte = static_cast<unsigned char>(character);
    if (must_be_escaped(byte) || (character == '.' && text.empty())) {
      text += '%';
      text += digits[byte >> 4U];
      text += digits[byte & 15U];
    } else {
      text += character;
    }
  }
  return text;
}

std::optional<std::string> unescape(const std::string& text) {
  std::string name;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      name += text[at];
      continue;
    }
    const int high = at + 2 < text.size() ? hex_digit(text[at + 1]) : -1;
    const int low = at + 2 < text.size() ? hex_digit(text[at + 2]) : -1;
    if (high < 0 || low < 0) return std::nullopt;
    name += static_cast<char>(high * 16 + low);
    at += 2;
  }
  return name;
}

std::string write_all(int fd, const std::string& bytes) {
  std::size_t written = 0;
  while (written < bytes.size()) {
    const ssize_t length = ::write(fd, bytes.data() + written, bytes.size() - written);
    if (length < 0 && errno == EINTR) continue;
    if (length < 0) return system_message(errno);
    written += static_cast<std::size_t>(length);
  }
  return fsync(fd) == 0 ? std::string{} : system_message(errno);
}

/// Opens the directory that holds a record's file, making what is missing of it.
FileDescriptor open_place(const std::string& directory, const std::string& file, std::string& name) {
  const auto slash = file.find('/');
  name = slash == std::string::npos ? file : file.substr(slash + 1);
  const std::string place = slash == std::string::npos ? directory : directory + '/' + file.substr(0, slash);
  FileDescriptor opened(open(place.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened && errno == ENOENT && make_directory(place, 0700).empty()) {
    opened = FileDescriptor(open(place.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  return opened;
}

std::string replace_file(int place, const std::string& name, const std::string& bytes) {
  static std::atomic<unsigned> serial{0};
  const std::string draft = std::string(temporary) + std::to_string(getpid()) + '-' + std::to_string(serial.fetch_add(1));
  std::string error;
  {
    const FileDescriptor file(openat(place, draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) return system_message(errno);
    error = write_all(file.get(), bytes);
  }
  if (error.empty() && renameat(place, draft.c_str(), place, name.c_str()) != 0) error = system_message(errno);
  if (!error.empty()) unlinkat(place, draft.c_str(), 0);
  return error;
}

/// Empty: done, and on the disk.
std::string carry_out(const std::string& directory, const std::string& key, const std::string& bytes) {
  std::string name;
  const auto place = open_place(directory, state_file_of(key), name);
  if (!place) {
    if (bytes.empty() && errno == ENOENT) return {};
    return system_message(errno);
  }
  if (bytes.empty()) {
    if (unlinkat(place.get(), name.c_str(), 0) != 0) return errno == ENOENT ? std::string{} : system_message(errno);
  } else {
    std::string error = replace_file(place.get(), name, bytes);
    if (!error.empty()) return error;
  }
  return fsync(place.get()) == 0 ? std::string{} : system_message(errno);
}

struct Reading {
  std::string error;
  std::vector<reconciler::StateRecord> records;
};

void read_record(int place, const std::string& name, const std::string& key, Reading& reading) {
  const FileDescriptor file(openat(place, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat info{};
  if (!file || fstat(file.get(), &info) != 0) {
    if (errno != ENOENT) reading.error = key + ": " + system_message(errno);
    return;
  }
  if (!S_ISREG(info.st_mode)) return;
  reconciler::StateRecord record{key, {}};
  std::array<char, 65536> buffer{};
  while (record.bytes.size() <= max_record_bytes) {
    const ssize_t length = read(file.get(), buffer.data(), buffer.size());
    if (length == 0) break;
    if (length < 0) {
      if (errno == EINTR) continue;
      reading.error = key + ": " + system_message(errno);
      return;
    }
    record.bytes.append(buffer.data(), static_cast<std::size_t>(length));
  }
  reading.records.push_back(std::move(record));
}

/// Every record of one directory. Drafts that a crash left behind go, where we may take over.
void read_records(const std::string& directory, std::string_view kind, StateStore::Access right, Reading& reading) {
  const std::string place = directory + '/' + std::string(kind);
  const int opened = open(place.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (opened < 0) {
    if (errno != ENOENT) reading.error = place + ": " + system_message(errno);
    return;
  }
  DIR* const stream = fdopendir(opened);
  if (stream == nullptr) {
    reading.error = place + ": " + system_message(errno);
    ::close(opened);
    return;
  }
  while (reading.error.empty()) {
    errno = 0;
    const dirent* const entry = readdir(stream);  // NOLINT(concurrency-mt-unsafe): the stream is this function's own
    if (entry == nullptr) {
      if (errno != 0) reading.error = place + ": " + system_message(errno);
      break;
    }
    const std::string name = static_cast<const char*>(entry->d_name);
    if (right == StateStore::Access::take_over && name.starts_with(temporary)) unlinkat(opened, name.c_str(), 0);
    if (name.starts_with(".")) continue;
    const auto key = state_key_of(std::string(kind) + '/' + name);
    if (key) read_record(opened, name, *key, reading);
  }
  closedir(stream);
}

std::string missing_text(const std::string& directory, StateStore::Access right) {
  std::string text = "state directory " + directory + " was missing, so nothing is remembered of earlier lives";
  if (right == StateStore::Access::look) return text;
  const std::string error = make_directory(directory, 0700);
  return text +
         (error.empty() ? ": it was made, empty" : ": and it cannot be made (" + error + "); make it for the service's user");
}

StateStore::Loaded load_all(const std::string& directory, StateStore::Access right) {
  StateStore::Loaded loaded;
  struct stat info{};
  if (stat(directory.c_str(), &info) != 0 && errno == ENOENT) {
    loaded.state.known = true;
    loaded.warning = missing_text(directory, right);
    return loaded;
  }
  Reading reading;
  const FileDescriptor opened(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened) {
    reading.error = system_message(errno);
  } else {
    for (const auto kind : record_directories) {
      if (reading.error.empty()) read_records(directory, kind, right, reading);
    }
    if (reading.error.empty()) read_record(opened.get(), "engine", "engine", reading);
  }
  loaded.state.known = reading.error.empty();
  if (!loaded.state.known) {
    loaded.state.error = "state directory " + directory + ": " + reading.error +
                         "; until it can be read nothing is created, started or removed; mend its owner and mode, then restart";
    return loaded;
  }
  loaded.state.records = std::move(reading.records);
  if (access(directory.c_str(), W_OK) != 0) {
    loaded.warning = "state directory " + directory + " cannot be written (" + system_message(errno) +
                     "): outcomes are not remembered, and finished containers are kept until they are";
  }
  return loaded;
}

}  // namespace

std::string state_file_of(const std::string& key) {
  const auto slash = key.find('/');
  if (slash == std::string::npos) return escape(key);
  return escape(key.substr(0, slash)) + '/' + escape(key.substr(slash + 1));
}

std::optional<std::string> state_key_of(const std::string& file) {
  const auto slash = file.find('/');
  if (slash == std::string::npos) return unescape(file);
  const auto kind = unescape(file.substr(0, slash));
  const auto name = unescape(file.substr(slash + 1));
  if (!kind || !name) return std::nullopt;
  return *kind + '/' + *name;
}

StateStore::StateStore(PathPool& pool, std::string directory, std::chrono::milliseconds deadline)
    : pool_(pool), directory_(std::move(directory)), deadline_(deadline) {}

void StateStore::load(Access right, std::function<void(Loaded)> done) {
  std::function<Loaded()> work = [directory = directory_, right] { return load_all(directory, right); };
  std::function<void(std::optional<Loaded>)> answer = [directory = directory_,
                                                       done = std::move(done)](std::optional<Loaded> loaded) {
    if (!loaded) {
      loaded.emplace();
      loaded->state.error = "state directory " + directory +
                            " does not answer: its file system hangs; nothing is created, "
                            "started or removed; mend it, then restart";
    }
    done(std::move(*loaded));
  };
  pool_.run("state", deadline_, std::move(work), std::move(answer));
}

void StateStore::save(const reconciler::Save& save, std::function<void(reconciler::SaveDone)> done) {
  ++outstanding_;
  std::function<std::string()> work = [directory = directory_, key = save.key, bytes = save.bytes] {
    return carry_out(directory, key, bytes);
  };
  std::function<void(std::optional<std::string>)> answer = [this, key = save.key, version = save.version,
                                                            done = std::move(done)](std::optional<std::string> error) {
    --outstanding_;
    reconciler::SaveDone saved{key, version, error && error->empty(), {}};
    if (!error) {
      saved.error = directory_ + ": no answer within " + std::to_string(deadline_.count() / 1000) + " s";
    } else if (!error->empty()) {
      saved.error = directory_ + '/' + state_file_of(key) + ": " + *error;
    }
    done(std::move(saved));
  };
  pool_.run("state/" + save.key, deadline_, std::move(work), std::move(answer));
}

}  // namespace cofferdam::controller
