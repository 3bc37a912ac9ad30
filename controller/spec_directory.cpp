#include "controller/spec_directory.hpp"

#include <array>
#include <deque>
#include <optional>
#include <set>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "controller/directory_scan.hpp"
#include "controller/directory_watch.hpp"
#include "controller/system_error.hpp"

namespace cofferdam::controller {

namespace asio = boost::asio;

namespace {

struct ScanResult {
  DirectoryReading reading;
  std::string trouble;
};

std::string open_error(const std::string& directory, int error) {
  std::string text = "spec directory " + directory + ": " + system_message(error);
  if (error == ENOENT) return text + "; make it, or mount it: until then nothing is started or removed";
  if (error == EACCES) return text + "; give the service's user the right to read it and to enter it (chmod g+rx, chgrp)";
  if (error == ENOTDIR) return text + "; specs.directory must name a directory";
  return text;
}

}  // namespace

class SpecDirectory::Impl : public std::enable_shared_from_this<SpecDirectory::Impl> {
 public:
  Impl(asio::io_context& loop, PathPool& pool, Options options, Handlers handlers)
      : loop_(loop),
        pool_(pool),
        options_(std::move(options)),
        handlers_(std::move(handlers)),
        watch_(std::make_shared<DirectoryWatch>(options_.directory)) {}

  void scan(std::uint64_t number) {
    if (stopped_) return;
    asked_.push_back(number);
    if (!scanning_) begin();
  }

  void stop() {
    stopped_ = true;
    // The watch owns the descriptor: a reading that hangs on the pool still uses it.
    if (stream_) stream_->release();
    stream_.reset();
  }

 private:
  void begin() {
    scanning_ = true;
    if (watch_->open() && !stream_) {
      stream_.emplace(loop_, watch_->descriptor());
      listen();
    }
    std::function<ScanResult()> work = [watch = watch_, seen = seen_, options = options_] {
      ScanResult result;
      auto armed = watch->arm();
      result.trouble = std::move(armed.trouble);
      if (armed.directory) {
        result.reading = read_directory(armed.directory.get(), *seen, options.max_file_bytes);
        auto& error = result.reading.snapshot.error;
        if (!error.empty()) error = "spec directory " + options.directory + ": " + error;
      } else {
        result.reading.snapshot.error = open_error(options.directory, armed.error);
      }
      return result;
    };
    std::function<void(std::optional<ScanResult>)> done = [self = shared_from_this()](std::optional<ScanResult> result) {
      self->finish(std::move(result));
    };
    pool_.run("spec directory", options_.deadline, std::move(work), std::move(done));
  }

  void finish(std::optional<ScanResult> result) {
    if (stopped_) return;
    specs::DirSnapshot snapshot;
    if (result) {
      snapshot = std::move(result->reading.snapshot);
      if (snapshot.complete) {
        seen_ = std::make_shared<const SeenFiles>(std::move(result->reading.seen));
        links_ = std::move(result->reading.links);
      }
      tell_trouble(result->trouble);
    } else {
      snapshot.error = "spec directory " + options_.directory + ": no answer within " +
                       std::to_string(options_.deadline.count() / 1000) +
                       " s; its file system hangs: what runs is left as it is until it answers";
    }
    snapshot.scan = asked_.front();
    asked_.pop_front();
    scanning_ = false;
    if (!asked_.empty()) begin();
    handlers_.snapshot(std::move(snapshot));
  }

  void tell_trouble(const std::string& trouble) {
    if (trouble == trouble_) return;
    trouble_ = trouble;
    handlers_.watch_trouble(trouble);
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
    for (auto& event : watch_->decode(buffer_.data(), size)) {
      reconciler::FileChanged change;
      switch (event.kind) {
        case WatchEvent::Kind::written: change.kind = reconciler::FileChanged::Kind::written; break;
        case WatchEvent::Kind::complete: change.kind = reconciler::FileChanged::Kind::complete; break;
        case WatchEvent::Kind::gone: change.kind = reconciler::FileChanged::Kind::gone; break;
        case WatchEvent::Kind::anything: break;
      }
      if (specs::is_spec_file_name(event.name)) {
        change.name = std::move(event.name);
      } else if (!event.name.empty() && !links_.contains(event.name)) {
        continue;
      } else {
        // A layout's link was swapped: any file that goes through it may be another one now.
        change.kind = reconciler::FileChanged::Kind::complete;
      }
      handlers_.changed(std::move(change));
      if (stopped_) return;
    }
  }

  asio::io_context& loop_;
  PathPool& pool_;
  const Options options_;
  const Handlers handlers_;
  std::shared_ptr<DirectoryWatch> watch_;
  std::optional<asio::posix::stream_descriptor> stream_;
  alignas(8) std::array<char, 65536> buffer_{};
  std::deque<std::uint64_t> asked_;
  bool scanning_ = false;
  bool stopped_ = false;
  std::shared_ptr<const SeenFiles> seen_ = std::make_shared<const SeenFiles>();
  std::set<std::string> links_;
  std::string trouble_;
};

SpecDirectory::SpecDirectory(asio::io_context& loop, PathPool& pool, Options options, Handlers handlers)
    : impl_(std::make_shared<Impl>(loop, pool, std::move(options), std::move(handlers))) {}
SpecDirectory::~SpecDirectory() {
  impl_->stop();
}
void SpecDirectory::scan(std::uint64_t number) {
  impl_->scan(number);
}
void SpecDirectory::stop() {
  impl_->stop();
}

}  // namespace cofferdam::controller
