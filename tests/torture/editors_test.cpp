// How editors and tools write a file, as the system calls that they make: in one go, under the controller's eyes after each
// call, and so slowly that each state on the way counts as settled. A good edit comes into force, a broken or empty one is
// named while the agent runs on, and what ends as it was changes nothing.

#include <fcntl.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "hands.hpp"
#include "rig.hpp"
#include "tally.hpp"

namespace cofferdam::torture {
namespace {

using Step = std::function<void()>;
using Steps = std::vector<Step>;

/// The folder and the file that is written, with names beside it.
struct Site {
  std::string folder;
  std::string file = folder + "/victim.yaml";

  [[nodiscard]] std::string at(const std::string& name) const { return folder + "/" + name; }
};

struct Pattern {
  std::string name;
  std::function<Steps(const Site&, const std::string& text)> steps;
  bool absent = false;     ///< for a moment no file has the name
  bool in_pieces = false;  ///< for a moment the file is there and not whole
};

std::string first_half(const std::string& text) {
  return text.substr(0, text.size() / 2);
}
std::string second_half(const std::string& text) {
  return text.substr(text.size() / 2);
}

/// Opened, cut to nothing, written in pieces, closed.
Steps in_place(const std::string& path, const std::string& text, bool synced = false) {
  auto pen = std::make_shared<std::unique_ptr<Pen>>();
  Steps steps{[=] { *pen = std::make_unique<Pen>(path, O_WRONLY | O_CREAT | O_TRUNC); }, [=] { (*pen)->write(first_half(text)); },
              [=] { (*pen)->write(second_half(text)); }};
  if (synced) steps.emplace_back([=] { (*pen)->sync(); });
  steps.emplace_back([=] { (*pen)->close(); });
  return steps;
}

Steps operator+(Steps one, const Steps& more) {
  one.insert(one.end(), more.begin(), more.end());
  return one;
}

std::vector<Pattern> of_editors() {
  return {
      {"vim, backup by rename",
       [](const Site& site, const std::string& text) {
         return Steps{[=] { put(site.at(".victim.yaml.swp"), "b0VIM 9.0"); }, [=] { put(site.at("4913"), ""); },
                      [=] { unlink(site.at("4913")); }, [=] { rename(site.file, site.file + "~"); }} +
                in_place(site.file, text, true) +
                Steps{[=] { chmod(site.file, 0644); }, [=] { unlink(site.file + "~"); },
                      [=] { unlink(site.at(".victim.yaml.swp")); }};
       },
       true, true},
      {"vim, backup by copy",
       [](const Site& site, const std::string& text) {
         return Steps{[=] { put(site.at(".victim.yaml.swp"), "b0VIM 9.0"); }, [=] { copy(site.file, site.file + "~"); }} +
                in_place(site.file, text, true) +
                Steps{[=] { unlink(site.file + "~"); }, [=] { unlink(site.at(".victim.yaml.swp")); }};
       },
       false, true},
      {"vim, killed before it tidied up",
       [](const Site& site, const std::string& text) {
         return Steps{[=] { put(site.at(".victim.yaml.swp"), "b0VIM 9.0"); }, [=] { copy(site.file, site.file + "~"); }} +
                in_place(site.file, text);
       },
       false, true},
      {"emacs",
       [](const Site& site, const std::string& text) {
         return Steps{[=] { symlink("me@host.123:456", site.at(".#victim.yaml")); }, [=] { put(site.at("#victim.yaml#"), text); },
                      [=] { rename(site.file, site.file + "~"); }} +
                in_place(site.file, text, true) +
                Steps{[=] { unlink(site.at("#victim.yaml#")); }, [=] { unlink(site.at(".#victim.yaml")); }};
       },
       true, true},
      {"emacs, backup by copy, killed with its lock and its own save",
       [](const Site& site, const std::string& text) {
         return Steps{[=] { symlink("me@host.123:456", site.at(".#victim.yaml")); }, [=] { put(site.at("#victim.yaml#"), text); },
                      [=] { copy(site.file, site.file + ".~1~"); }} +
                in_place(site.file, text);
       },
       false, true},
      {"nano",
       [](const Site& site, const std::string& text) {
         return Steps{[=] { put(site.at(".victim.yaml.swp"), "b0nano"); }, [=] { copy(site.file, site.file + "~"); }} +
                in_place(site.file, text) + Steps{[=] { unlink(site.at(".victim.yaml.swp")); }};
       },
       false, true},
      {"VS Code, in place", [](const Site& site, const std::string& text) { return in_place(site.file, text, true); }, false,
       true},
      {"VS Code, atomic save",
       [](const Site& site, const std::string& text) {
         const std::string draft = site.file + ".vsctmp";
         return in_place(draft, text, true) + Steps{[=] { rename(draft, site.file); }};
       }},
      {"a desktop editor, a draft with a random name",
       [](const Site& site, const std::string& text) {
         const std::string draft = site.at(".goutputstream-7Q1XK2");
         return in_place(draft, text, true) + Steps{[=] { link(site.file, site.file + "~"); }, [=] { rename(draft, site.file); }};
       }},
      {"JetBrains, a safe write",
       [](const Site& site, const std::string& text) {
         return in_place(site.file + "___jb_tmp___", text) + Steps{[=] { rename(site.file, site.file + "___jb_old___"); },
                                                                   [=] { rename(site.file + "___jb_tmp___", site.file); },
                                                                   [=] { unlink(site.file + "___jb_old___"); }};
       },
       true},
  };
}

std::vector<Pattern> of_tools() {
  return {
      {"sed -i",
       [](const Site& site, const std::string& text) {
         const std::string draft = site.at("sedXk3v9Q");
         return in_place(draft, text) + Steps{[=] { chmod(draft, 0644); }, [=] { rename(draft, site.file); }};
       }},
      {"rsync",
       [](const Site& site, const std::string& text) {
         const std::string draft = site.at(".victim.yaml.AbCdEf");
         return in_place(draft, text) + Steps{[=] { chmod(draft, 0644); }, [=] { rename(draft, site.file); }};
       }},
      {"rsync --inplace",
       [](const Site& site, const std::string& text) {
         auto pen = std::make_shared<std::unique_ptr<Pen>>();
         return Steps{[=] { *pen = std::make_unique<Pen>(site.file, O_WRONLY | O_CREAT); }, [=] { (*pen)->truncate(); },
                      [=] { (*pen)->write(first_half(text)); }, [=] { (*pen)->write(second_half(text)); },
                      [=] { (*pen)->close(); }};
       },
       false, true},
      {"rsync --delay-updates",
       [](const Site& site, const std::string& text) {
         return Steps{[=] { make_directory(site.at(".~tmp~")); }} + in_place(site.at(".~tmp~/victim.yaml"), text) +
                Steps{[=] { rename(site.at(".~tmp~/victim.yaml"), site.file); }, [=] { run({"rmdir", site.at(".~tmp~")}); }};
       }},
      {"git checkout",
       [](const Site& site, const std::string& text) {
         return Steps{[=] { put(site.at(".git-index.lock"), "x"); }, [=] { unlink(site.file); }} + in_place(site.file, text) +
                Steps{[=] { unlink(site.at(".git-index.lock")); }};
       },
       true, true},
      {"cp over", [](const Site& site, const std::string& text) { return in_place(site.file, text); }, false, true},
      {"mv over, from the same folder",
       [](const Site& site, const std::string& text) {
         return Steps{[=] { put(site.at("victim.new"), text); }, [=] { rename(site.at("victim.new"), site.file); }};
       }},
      {"mv over, from another file system",
       [](const Site& site, const std::string& text) {
         return Steps{[=] { unlink(site.file); }} + in_place(site.file, text, true);
       },
       true, true},
      {"ln -f",
       [](const Site& site, const std::string& text) {
         return Steps{[=] { put(site.at("victim.other"), text); }, [=] { link(site.at("victim.other"), site.at(".ln-tmp")); },
                      [=] { rename(site.at(".ln-tmp"), site.file); }, [=] { unlink(site.at("victim.other")); }};
       }},
      {"exchanged with a draft",
       [](const Site& site, const std::string& text) {
         return Steps{[=] { put(site.at("victim.draft"), text); }, [=] { exchange(site.at("victim.draft"), site.file); },
                      [=] { unlink(site.at("victim.draft")); }};
       }},
      {"cat in pieces, opened once for each",
       [](const Site& site, const std::string& text) {
         return Steps{[=] { put(site.file, first_half(text)); }, [=] { append(site.file, second_half(text)); }};
       },
       false, true},
      {"moved to a name that does not count, edited, and moved back",
       [](const Site& site, const std::string& text) {
         return Steps{[=] { rename(site.file, site.at("victim.yaml.off")); }, [=] { put(site.at("victim.yaml.off"), text); },
                      [=] { rename(site.at("victim.yaml.off"), site.file); }};
       },
       true},
      {"the real sed -i, then the text by tee",
       [](const Site& site, const std::string& text) {
         return Steps{[=] { run({"sed", "-i", "s/^kind/kind/", site.file}); }, [=] { put(site.folder + "/../text", text); },
                      [=] { run({"sh", "-c", "tee \"$1\" < \"$2\" > /dev/null", "tee", site.file, site.folder + "/../text"}); }};
       },
       false, true},
      {"the real cp -p",
       [](const Site& site, const std::string& text) {
         return Steps{[=] { put(site.folder + "/../text", text); },
                      [=] { run({"touch", "-d", "2001-02-03", site.folder + "/../text"}); },
                      [=] { run({"cp", "-p", site.folder + "/../text", site.file}); }};
       },
       false, true},
      {"the real mv",
       [](const Site& site, const std::string& text) {
         return Steps{[=] { put(site.folder + "/../text", text); },
                      [=] { run({"mv", "-f", site.folder + "/../text", site.file}); }};
       }},
      {"the real install",
       [](const Site& site, const std::string& text) {
         return Steps{[=] { put(site.folder + "/../text", text); },
                      [=] { run({"install", "-m", "0644", site.folder + "/../text", site.file}); }};
       },
       true, true},
      {"the real dd",
       [](const Site& site, const std::string& text) {
         return Steps{[=] { put(site.folder + "/../text", text); },
                      [=] { run({"dd", "if=" + site.folder + "/../text", "of=" + site.file, "bs=7", "status=none"}); }};
       },
       false, true},
  };
}

enum class Outcome { edited, named, same };
struct Content {
  std::string name;
  std::string text;
  Outcome outcome;
  bool in_text = false;  ///< what is wrong has a line and a column
};

std::vector<Content> contents() {
  std::string spoilt = spec_of("victim", "two");
  spoilt.replace(spoilt.find("command"), 7, "comand");
  return {{"a good edit", spec_of("victim", "two"), Outcome::edited},
          {"a good edit of the same length", spec_of("victim", "uno"), Outcome::edited},
          {"a broken edit", spoilt, Outcome::named, true},
          {"text of a merge that did not end", "<<<<<<< ours\n" + spec_of("victim") + "=======\n", Outcome::named, true},
          {"nothing", "", Outcome::named},
          {"what was there", spec_of("victim"), Outcome::same}};
}

enum class Pace { burst, watched, slow };
const std::vector<std::pair<Pace, std::string>> paces{
    {Pace::burst, "in one go"}, {Pace::watched, "looked at after each call"}, {Pace::slow, "slowly"}};

void carry_out(Rig& rig, const Steps& steps, Pace pace) {
  for (const Step& step : steps) {
    step();
    if (pace == Pace::watched) rig.settle();
    if (pace == Pace::slow) rig.pass(milliseconds{300});
  }
}

void expect_outcome(Rig& rig, const Pattern& pattern, const Content& content, Pace pace) {
  rig.expect_healthy_undisturbed();
  // A file that was gone, or whole and another one, for longer than it takes to settle was just that.
  const bool was_away = pace == Pace::slow && pattern.absent;
  switch (content.outcome) {
    case Outcome::edited:
      EXPECT_EQ(rig.version("victim"), content.name.ends_with("length") ? "uno" : "two");
      EXPECT_EQ(rig.file("victim.yaml")->state, specs::FileState::good);
      break;
    case Outcome::named:
      rig.expect_named("victim.yaml", content.in_text);
      if (!was_away) rig.expect_victim_untouched();
      break;
    case Outcome::same:
      EXPECT_EQ(rig.file("victim.yaml")->state, specs::FileState::good);
      EXPECT_EQ(rig.version("victim"), "one");
      if (!was_away) rig.expect_victim_untouched();
      break;
  }
}

void write_every_way(const std::string& kind, const std::vector<Pattern>& patterns) {
  for (const Pattern& pattern : patterns) {
    for (const Content& content : contents()) {
      for (const auto& [pace, words] : paces) {
        const Case one(kind, pattern.name + ", " + content.name + ", " + words);
        Rig rig;
        const Site site{rig.directory()};
        carry_out(rig, pattern.steps(site, content.text), pace);
        rig.pass(milliseconds{300});  // seen by inotify, not only by the next rescan
        expect_outcome(rig, pattern, content, pace);
        rig.pass(seconds{25});
        expect_outcome(rig, pattern, content, pace);
        if (content.outcome != Outcome::named) continue;
        rig.restart();
        rig.pass(seconds{25});
        expect_outcome(rig, pattern, content, pace);
      }
    }
  }
}

TEST(Torture, EditorsWritesDisturbNobody) {
  write_every_way("written by an editor", of_editors());
}

TEST(Torture, ToolsWritesDisturbNobody) {
  write_every_way("written by a tool", of_tools());
}

/// What editors leave behind, with a good spec of a healthy agent or a stranger in it: none of them is a file of ours.
TEST(Torture, WhatEditorsLeaveBehindIsNobodysSpec) {
  Rig rig;
  for (const char* const name : {"ada.yaml~",    ".ada.yaml.swp",   ".ada.yaml.swo",      "#ada.yaml#",    ".#ada.yaml",
                                 "ada.yaml.bak", "ada.yaml.orig",   "ada.yaml.rej",       "ada.yaml.save", "ada.yaml.~1~",
                                 "ada.yaml.off", "ada.yaml.rpmnew", "ada.yaml.dpkg-dist", "4913",          ".ada.yaml",
                                 "ada.yaml.tmp", "ada.YAML",        "ada.yaml ",          ".yaml",         "yaml",
                                 "ada.yml~",     "ada.json",        ".ada.yaml.AbCdEf",   "sedXk3v9Q"}) {
    for (const std::string& agent : {std::string("ada"), std::string("stranger")}) {
      const Case one("left behind by an editor", std::string(name) + " with " + agent);
      rig.take_down_healthy();
      put(rig.at(name), spec_of(agent, "two"));
      rig.pass(seconds{25});
      EXPECT_EQ(rig.file(name), nullptr);
      EXPECT_EQ(rig.phase("stranger"), "unknown");
      rig.expect_healthy_undisturbed();
      rig.expect_victim_untouched();
    }
  }
}

}  // namespace
}  // namespace cofferdam::torture
