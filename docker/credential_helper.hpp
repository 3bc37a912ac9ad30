#pragma once

// Asks a docker-credential-x program for a registry's credentials, without blocking the loop and within bounds of time
// and output. Its answer is a secret: it is never logged, and an error carries nothing of it.

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "docker/client_config.hpp"

namespace boost::asio {
class io_context;
}

namespace cofferdam::docker {

class CredentialHelper {
 public:
  /// Credentials; nullopt where the helper knows none for this registry; or what went wrong.
  using Answer = std::variant<std::optional<Credentials>, std::string>;

  CredentialHelper() = default;
  virtual ~CredentialHelper() = default;
  CredentialHelper(const CredentialHelper&) = delete;
  CredentialHelper& operator=(const CredentialHelper&) = delete;
  /// Kills the program; the callback does not come any more.
  virtual void stop() = 0;
};

/// Runs `program get` with `key` on its standard input; `done` is called once, never from in here. `alive` is held
/// until the program is gone.
std::shared_ptr<CredentialHelper> ask_credential_helper(boost::asio::io_context& io, const std::string& program,
                                                        const std::string& key, std::chrono::milliseconds deadline,
                                                        std::function<void(CredentialHelper::Answer)> done,
                                                        std::shared_ptr<void> alive);

}  // namespace cofferdam::docker
