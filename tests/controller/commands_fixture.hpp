#pragma once

// Runs commands as the binary does, in a folder of their own, and keeps what they wrote.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "controller/commands.hpp"

namespace cofferdam::controller {

struct Outcome {
  int code = 0;
  std::string out;
  std::string err;
};

class CommandsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "cofferdam-commands-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  Outcome command(const std::vector<std::string>& arguments, const std::string& input = "") {
    std::ostringstream out;
    std::ostringstream err;
    std::istringstream in(input);
    Streams streams{out, err, in, colour_, false, environment_};
    const int code = run_command(arguments, streams);
    return {code, out.str(), err.str()};
  }
  std::string write(const std::string& name, const std::string& content) {
    std::filesystem::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name) << content;
    return (root_ / name).string();
  }
  static std::string spec(const std::string& agent, const std::string& more = "", const std::string& workspace = "") {
    return "apiVersion: cofferdam/v1\nkind: Agent\nmetadata: {name: " + agent +
           "}\nspec:\n  workspacePath: " + (workspace.empty() ? "/srv/cofferdam/workspaces/" + agent : workspace) +
           "\n  command: [node, agent.js]\n" + more;
  }

  std::filesystem::path root_;
  bool colour_ = false;
  std::map<std::string, std::string> environment_;
};

}  // namespace cofferdam::controller
