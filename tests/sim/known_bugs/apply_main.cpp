// known-bug-apply PATCH SOURCE PATCHED: a copy of a source with one known bug in it, for the build.

#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "tests/sim/known_bugs/defect.hpp"

namespace {

std::string read(const char* path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  std::string error;
  const auto defect = cofferdam::sim::defect_from(std::filesystem::path(argv[1]).stem().string(), read(argv[1]), error);
  const auto patched = defect ? cofferdam::sim::with_defect(*defect, read(argv[2]), error) : std::nullopt;
  if (patched) {
    std::ofstream(argv[3], std::ios::binary) << *patched;
    return 0;
  }
  std::cerr << error << '\n';
  return 1;
}
