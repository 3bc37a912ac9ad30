#include "controller/configuration_watch.hpp"

#include <array>
#include <filesystem>
#include <optional>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "controller/directory_watch.hpp"

namespace cofferdam::controller {

namespace asio = boost::asio;

class ConfigurationWatch::Impl : public std::enable_shared_from_this<ConfigurationWatch::Impl> {
 public:
  Impl(asio::io_context& loop, PathPool& pool, const std::string& file, std::function<void()> changed)
      : pool_(pool),
        changed_(std::move(changed)),
        name_(std::filesystem::path(file).filename().string()),
        watch_(std::make_shared<DirectoryWatch>(std::filesystem::path(file).parent_path().string())) {
    if (watch_->descriptor() >= 0) stream_.emplace(loop, watch_->descriptor());
  }

  void begin() {
    if (!stream_) return;
    listen();
    arm();
  }

  void stop() {
    stopped_ = true;
    if (stream_) stream_->release();
    stream_.reset();
  }

 private:
  void arm() {
    std::function<bool()> work = [watch = watch_] { return watch->arm().trouble.empty(); };
    pool_.run<bool>("configuration", std::chrono::seconds{10}, std::move(work), [](std::optional<bool>) {});
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
      if (event.kind == WatchEvent::Kind::anything) arm();
      // Names with two dots are the links of a `..data` layout, that the file may go through.
      const bool ours = event.kind == WatchEvent::Kind::anything || event.name == name_ || event.name.starts_with("..");
      touched = touched || (ours && event.kind != WatchEvent::Kind::written);
    }
    if (touched) changed_();
  }

  PathPool& pool_;
  const std::function<void()> changed_;
  const std::string name_;
  std::shared_ptr<DirectoryWatch> watch_;
  std::optional<asio::posix::stream_descriptor> stream_;
  alignas(8) std::array<char, 16384> buffer_{};
  bool stopped_ = false;
};

ConfigurationWatch::ConfigurationWatch(asio::io_context& loop, PathPool& pool, const std::string& file,
                                       std::function<void()> changed)
    : impl_(std::make_shared<Impl>(loop, pool, file, std::move(changed))) {
  impl_->begin();
}
ConfigurationWatch::~ConfigurationWatch() {
  impl_->stop();
}
void ConfigurationWatch::stop() {
  impl_->stop();
}

}  // namespace cofferdam::controller
