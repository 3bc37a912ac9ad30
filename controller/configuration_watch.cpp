#include "controller/configuration_watch.hpp"

#include <sys/stat.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "controller/directory_watch.hpp"

namespace cofferdam::controller {

namespace asio = boost::asio;

namespace {

/// What a file is known by without being read; all zero: it is not there.
struct Stamp {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  std::int64_t seconds = 0;
  std::int64_t nanoseconds = 0;

  bool operator==(const Stamp&) const = default;
};

Stamp stamp_of(const std::string& file) {
  struct stat info{};
  if (::stat(file.c_str(), &info) != 0) return {};
  return {info.st_dev, info.st_ino, info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec};
}

struct Look {
  Stamp stamp;
  std::string trouble;
};

}  // namespace

class ConfigurationWatch::Impl : public std::enable_shared_from_this<ConfigurationWatch::Impl> {
 public:
  Impl(asio::io_context& loop, PathPool& pool, const std::string& file, Handlers handlers)
      : loop_(loop),
        pool_(pool),
        handlers_(std::move(handlers)),
        file_(file),
        name_(std::filesystem::path(file).filename().string()),
        watch_(std::make_shared<DirectoryWatch>(std::filesystem::path(file).parent_path().string())) {}

  /// Watches what the path leads to now, and then takes the file's stamp: on the pool's thread for the configuration, so that
  /// a reload that is asked for after it reads nothing older. `heard`: the change was told already.
  void look(bool heard) {
    if (stopped_) return;
    if (looking_) {
      again_ = again_ || heard;
      return;
    }
    looking_ = true;
    if (watch_->open() && !stream_) {
      stream_.emplace(loop_, watch_->descriptor());
      listen();
    }
    std::function<Look()> work = [watch = watch_, file = file_] {
      std::string trouble = watch->arm().trouble;
      return Look{stamp_of(file), std::move(trouble)};
    };
    std::function<void(std::optional<Look>)> done = [self = shared_from_this(), heard](std::optional<Look> seen) {
      self->looking_ = false;
      if (seen && !self->stopped_) self->take(*seen, heard);
      if (std::exchange(self->again_, false)) self->look(true);
    };
    pool_.run("configuration", std::chrono::seconds{10}, std::move(work), std::move(done));
  }

  void stop() {
    stopped_ = true;
    if (stream_) stream_->release();
    stream_.reset();
  }

 private:
  void take(const Look& seen, bool heard) {
    if (seen.trouble != trouble_) {
      trouble_ = seen.trouble;
      handlers_.watch_trouble(trouble_);
    }
    const auto before = std::exchange(stamp_, seen.stamp);
    if (!heard && before && before != seen.stamp) handlers_.changed();
  }

  void listen() {
    stream_->async_read_some(asio::buffer(buffer_),
                             [self = shared_from_this()](boost::system::error_code error, std::size_t size) {
                               if (error || self->stopped_) return;
                               self->heard(size);
                               if (!self->stopped_) self->listen();
                             });
  }

  void heard(std::size_t size) {
    bool touched = false;
    for (const auto& event : watch_->decode(buffer_.data(), size)) {
      // Names with two dots are the links of a `..data` layout, that the file may go through.
      const bool ours = event.kind == WatchEvent::Kind::anything || event.name == name_ || event.name.starts_with("..");
      touched = touched || (ours && event.kind != WatchEvent::Kind::written);
    }
    if (!touched) return;
    look(true);
    handlers_.changed();
  }

  asio::io_context& loop_;
  PathPool& pool_;
  const Handlers handlers_;
  const std::string file_;
  const std::string name_;
  std::shared_ptr<DirectoryWatch> watch_;
  std::optional<asio::posix::stream_descriptor> stream_;
  alignas(8) std::array<char, 16384> buffer_{};
  std::optional<Stamp> stamp_;  ///< unset: not looked at yet
  std::string trouble_;
  bool looking_ = false;
  bool again_ = false;  ///< something was heard meanwhile
  bool stopped_ = false;
};

ConfigurationWatch::ConfigurationWatch(asio::io_context& loop, PathPool& pool, const std::string& file, Handlers handlers)
    : impl_(std::make_shared<Impl>(loop, pool, file, std::move(handlers))) {
  impl_->look(false);
}
ConfigurationWatch::~ConfigurationWatch() {
  impl_->stop();
}
void ConfigurationWatch::look() {
  impl_->look(false);
}
void ConfigurationWatch::stop() {
  impl_->stop();
}

}  // namespace cofferdam::controller
