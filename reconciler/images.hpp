#pragma once

// What is known of images, by reference and by id, and who waits to know: looks, pulls and probes are shared by all agents
// that want the same image (docs/semantics.md, rows 45 to 48; "Replies", the probe).

#include <map>
#include <set>
#include <string>

#include "reconciler/inputs.hpp"
#include "reconciler/time.hpp"
#include "reconciler/view.hpp"
#include "specs/admission.hpp"

namespace cofferdam::reconciler {

struct Image {
  Preparation::Image state = Preparation::Image::unknown;
  Monotonic looked{};                  ///< when it was found absent
  specs::ImageFacts facts;             ///< where known
  CallId look = 0;                     ///< inspect in flight
  std::uint64_t changed = 0;           ///< the last sign that the reference may mean something else
  std::set<std::string> waiting;       ///< agents to be told when the look ends, or a pull begins
  CallId pull = 0;                     ///< pull in flight
  std::set<std::string> pull_waiting;  ///< agents that wait for the pull
  std::string pull_text;               ///< how far it is, for people
};

/// Reading passwd and group out of an image: create → read → read → remove.
struct Probe {
  enum class Step { create, passwd, group, remove };
  Step step = Step::create;
  CallId call = 0;  ///< in flight
  int tries = 1;
  std::string container;  ///< its id, once created
  std::string passwd;
  std::string group;
  std::set<std::string> waiting;
};

/// The files of an image that tell users' numbers.
struct UserFiles {
  std::string passwd;
  std::string group;
};

struct Images {
  std::map<std::string, Image> by_reference;
  std::set<std::string> looks_wanted;      ///< references
  std::map<std::string, UserFiles> files;  ///< by image id; what an id means never changes
  std::map<std::string, Probe> probes;     ///< by image id; going on

  /// Something happened to images: what was found out by reference is asked again when it is next needed.
  void forget_references(std::uint64_t moment) {
    for (auto& [reference, image] : by_reference) {
      image.state = Preparation::Image::unknown;
      image.changed = moment;
    }
  }
};

}  // namespace cofferdam::reconciler
