// chaos [--seconds N] [--seed S] [--agents N] [--decoys N]: hurts the controller and its daemon at random, and says whether
// every promise was kept. Needs root. Exit code: 0 kept, 1 broken, 2 could not run.

#include <cstdlib>
#include <iostream>
#include <random>
#include <string>

#include "tests/engine/chaos/chaos.hpp"

int main(int count, char** words) {
  cofferdam::test::chaos::Options options;
  options.seed = std::random_device{}();
  for (int i = 1; i < count; i += 2) {
    const std::string name = words[i];
    const auto value = i + 1 < count ? std::strtoull(words[i + 1], nullptr, 10) : 0;
    if (name == "--seed" && i + 1 < count) {
      options.seed = value;
    } else if (name == "--seconds" && value > 0) {
      options.duration = std::chrono::seconds(value);
    } else if (name == "--agents" && value > 0) {
      options.agents = static_cast<int>(value);
    } else if (name == "--decoys" && value > 0) {
      options.decoys = static_cast<int>(value);
    } else {
      std::cerr << "usage: chaos [--seconds N] [--seed S] [--agents N] [--decoys N]\n";
      return 2;
    }
  }
  std::cout << "chaos: seed " << options.seed << std::endl;
  const auto outcome = cofferdam::test::chaos::run(options);
  std::cout << outcome.summary << std::flush;
  return outcome.good() ? 0 : 1;
}
