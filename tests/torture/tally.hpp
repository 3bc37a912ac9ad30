#pragma once

// Every case is counted under its kind, also one that runs in a child process. The counts are printed at the end, and a
// whole run that counted fewer than a thousand fails.

#include <gtest/gtest.h>

#include <string>

namespace cofferdam::torture {

void count_case(const std::string& kind);

/// One case: counted, and named in every failure while it lives.
class Case {
 public:
  Case(const std::string& kind, const std::string& name) : trace_(__FILE__, __LINE__, kind + ": " + name) { count_case(kind); }

 private:
  ::testing::ScopedTrace trace_;
};

}  // namespace cofferdam::torture
