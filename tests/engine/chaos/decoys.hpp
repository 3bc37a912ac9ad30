#pragma once

// Containers that look like the controller's and are not: by name, by labels, by image. None of them may ever change but by
// the run itself, by its own end, or by a daemon that went down. For one thread.

#include <string>
#include <vector>

#include "tests/engine/chaos/observer.hpp"
#include "tests/engine/chaos/stage.hpp"

namespace cofferdam::test::chaos {

class Decoys {
 public:
  Decoys(Stage& stage, Observer& observer, Timeline& timeline) : stage_(stage), observer_(observer), timeline_(timeline) {}

  void make(int count);
  /// Commits an agent's container and runs the image for some seconds: it carries all the agent's labels.
  void copy(const std::string& container, unsigned lasts);
  /// Looks at each: a difference is a violation.
  void check();
  /// After the daemon was down: what it stopped is started again, what is gone or was changed is a violation.
  void restore(bool may_have_stopped);
  [[nodiscard]] std::size_t count() const { return decoys_.size(); }

 private:
  struct Decoy {
    std::string id;
    std::string name;
    std::string started_at;
    bool running = false;
    bool copy = false;
  };
  void add(const std::string& name, const Json& labels, const std::string& what);
  /// Empty: it is as it was.
  std::string difference(const Decoy& decoy, const Json& details) const;
  void remember(Decoy& decoy);

  Stage& stage_;
  Observer& observer_;
  Timeline& timeline_;
  std::vector<Decoy> decoys_;
  int copies_ = 0;
};

}  // namespace cofferdam::test::chaos
