#pragma once

// Says when the configuration file may have changed: closed after writing, renamed into place, or its directory came back. What
// inotify does not tell (no watch is left, a link's target, a file on another host) shows at the next look.

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "controller/path_pool.hpp"

namespace cofferdam::controller {

class ConfigurationWatch {
 public:
  struct Handlers {
    std::function<void()> changed;
    /// Watching began to fail (with the mend), or works again (empty).
    std::function<void(std::string)> watch_trouble;
  };
  /// Handlers are called from the loop, never from inside a call of this class. `file` is absolute.
  ConfigurationWatch(boost::asio::io_context& loop, PathPool& pool, const std::string& file, Handlers handlers);
  ~ConfigurationWatch();
  ConfigurationWatch(const ConfigurationWatch&) = delete;
  ConfigurationWatch& operator=(const ConfigurationWatch&) = delete;

  /// Looks whether the file is another one than it was, and tries again to watch it where that failed. Called now and then.
  void look();
  void stop();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace cofferdam::controller
