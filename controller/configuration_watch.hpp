#pragma once

// Says when the configuration file may have changed: closed after writing, renamed into place, or its directory came back.

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "controller/path_pool.hpp"

namespace cofferdam::controller {

class ConfigurationWatch {
 public:
  /// `changed` is called from the loop. `file` is absolute. Where the system has no watch left, only SIGHUP and the
  /// `reload` command tell of a change.
  ConfigurationWatch(boost::asio::io_context& loop, PathPool& pool, const std::string& file, std::function<void()> changed);
  ~ConfigurationWatch();
  ConfigurationWatch(const ConfigurationWatch&) = delete;
  ConfigurationWatch& operator=(const ConfigurationWatch&) = delete;

  void stop();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace cofferdam::controller
