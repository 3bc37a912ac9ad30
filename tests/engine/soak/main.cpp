// soak [--lives N]: prints the controller's descriptors, threads and memory after a warm-up and at the end.
// Exit code: 0 flat, 1 not.

#include <cstdlib>
#include <iostream>
#include <string>

#include "tests/engine/soak/soak.hpp"

int main(int count, char** words) {
  using namespace cofferdam::test::soak;
  Options options;
  if (count == 3 && std::string(words[1]) == "--lives") options.lives = std::atoi(words[2]);
  if (count != 1 && (count != 3 || options.lives < 500)) {
    std::cerr << "usage: soak [--lives N], N at least 500\n";
    return 2;
  }
  const Outcome outcome = run(options);
  std::cout << outcome.summary << outcome.failure << std::endl;
  const bool flat = outcome.after_warm_up.descriptors == outcome.at_end.descriptors &&
                    outcome.after_warm_up.threads == outcome.at_end.threads &&
                    outcome.at_end.resident_kib - outcome.after_warm_up.resident_kib <= growth_allowed_kib;
  return outcome.failure.empty() && flat ? 0 : 1;
}
