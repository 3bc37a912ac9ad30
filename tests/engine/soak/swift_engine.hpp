#pragma once

// An engine without containers: it keeps what was created, says that it runs once it is started, ends it when it is killed
// (or at once, where its command says so), and tells the events of each. A life costs it microseconds.

#include <atomic>
#include <map>
#include <mutex>
#include <string>

#include <nlohmann/json.hpp>

#include "tests/controller/scripted_engine.hpp"

namespace cofferdam::test::soak {

class SwiftEngine {
 public:
  SwiftEngine();

  [[nodiscard]] const std::string& path() const { return engine_.path(); }
  [[nodiscard]] std::size_t containers() const;
  [[nodiscard]] long created() const { return created_; }
  [[nodiscard]] long removed() const { return removed_; }

  /// The one word of a command that ends at once.
  static constexpr const char* ends_at_once = "true";

 private:
  using Json = nlohmann::json;
  struct Container {
    std::string id;
    std::string name;
    Json made;
    std::string state = "created";
    std::string started = "0001-01-01T00:00:00Z";
    std::string finished = "0001-01-01T00:00:00Z";
    int exit_code = 0;
  };
  std::string answer(const std::string& request);
  std::string create(const std::string& name, const std::string& body);
  std::string act(const std::string& method, const std::string& id, const std::string& what, const std::string& query);
  [[nodiscard]] std::string list() const;
  [[nodiscard]] static std::string inspect(const Container& container);
  void end(Container& container, int exit_code);
  void tell(const Container& container, const std::string& action, const Json& more = Json::object());

  mutable std::mutex mutex_;
  std::map<std::string, Container> containers_;  ///< by id
  std::atomic<long> created_ = 0;
  std::atomic<long> removed_ = 0;
  controller::testing::ScriptedEngine engine_;  // last: it answers as soon as it is there
};

}  // namespace cofferdam::test::soak
