#include "tests/engine/chaos/decoys.hpp"

#include <cstdlib>
#include <iostream>

namespace cofferdam::test::chaos {

namespace {

Json labels_of(const std::string& agent, const std::string& name) {
  return {{"cofferdam.managed-by", "cofferdam"},
          {"cofferdam.instance", Stage::instance},
          {"cofferdam.role", "agent"},
          {"cofferdam.agent", agent},
          {"cofferdam.name", name},
          {"cofferdam.attempt", "1"},
          {"cofferdam.schema", "1"},
          {"cofferdam.task", "t1x"}};
}

Json without(Json labels, const std::string& name) {
  labels.erase("cofferdam." + name);
  return labels;
}

Json with(Json labels, const std::string& name, const std::string& value) {
  labels["cofferdam." + name] = value;
  return labels;
}

}  // namespace

void Decoys::add(const std::string& name, const Json& labels, const std::string& what) {
  const Json body = {{"Image", "busybox:test"},
                     {"Cmd", what == "running" ? Json{"sleep", "100000"} : Json{"true"}},
                     {"Labels", labels},
                     {"HostConfig", {{"Init", true}, {"NetworkMode", "none"}}}};
  const Answer created = stage_.raw().call("POST", "/containers/create?name=" + name, body.dump());
  const Json reply = Json::parse(created.body, nullptr, false);
  if (created.status != 201) {
    std::cerr << "chaos: decoy " << name << ": " << created.body << "\n";
    std::exit(2);
  }
  Decoy decoy;
  decoy.id = reply["Id"];
  if (what != "created") stage_.raw().call("POST", "/containers/" + decoy.id + "/start");
  if (what == "ended") stage_.raw().call("POST", "/containers/" + decoy.id + "/wait");
  remember(decoy);
  observer_.decoy(decoy.id, true);
  decoys_.push_back(decoy);
}

void Decoys::make(int count) {
  const std::string prefix = "cofferdam-" + std::string(Stage::instance) + "-";
  // What is live under an agent's labels would rightly keep that agent from starting: such are of agents that do not exist.
  add(prefix + "ghost-1", Json::object(), "running");
  add(prefix + "a00-2", Json::object(), "running");
  add(prefix + "a01-2", Json::object(), "created");
  add(prefix + "a02-3", Json::object(), "ended");
  add("x" + prefix + "a03-1", Json::object(), "running");
  add(prefix + "a03-1x", {{"cofferdam.agent", "a03"}}, "ended");
  add("cofferdam-a04-1", Json::object(), "created");
  add(prefix + "a05-2", without(labels_of("a05", prefix + "a05-2"), "managed-by"), "ended");
  add(prefix + "a06-2", without(labels_of("a06", prefix + "a06-2"), "instance"), "created");
  add(prefix + "a07-2", without(labels_of("a07", prefix + "a07-2"), "name"), "ended");
  add(prefix + "a08-2", without(labels_of("a08", prefix + "a08-2"), "role"), "created");
  add("cofferdam-other-a00-1", with(labels_of("a00", "cofferdam-other-a00-1"), "instance", "other"), "running");
  add("cofferdam-other-a01-1", with(labels_of("a01", "cofferdam-other-a01-1"), "instance", "other"), "ended");
  add("nearly-1", with(labels_of("ghost", "nearly-1"), "instance", "chaos0"), "running");
  add("nearly-2", with(labels_of("ghost", "nearly-2"), "managed-by", "Cofferdam"), "running");
  add("nearly-3", with(labels_of("ghost", "nearly-3"), "instance", "Chaos"), "created");
  add("copy-1", labels_of("ghost", prefix + "ghost-1"), "running");
  add("copy-2", labels_of("a09", prefix + "a09-1"), "ended");
  add("copy-3", labels_of("a10", prefix + "a10-1"), "created");
  add("copy-4", labels_of("phantom", prefix + "phantom-1"), "running");
  add("probe-1", with(labels_of("ghost", prefix + "probe-1"), "role", "probe"), "running");
  for (int i = 0; static_cast<int>(decoys_.size()) < count; ++i) {
    const std::string name = "stranger-" + std::to_string(i);
    const char* const states[]{"created", "ended", "running"};
    add(name, i % 2 == 0 ? Json::object() : labels_of("ghost", prefix + name), states[i % 3]);
  }
}

void Decoys::copy(const std::string& container, unsigned lasts) {
  const std::string number = std::to_string(++copies_);
  const Answer committed = stage_.raw().call("POST", "/commit?pause=0&container=" + container + "&repo=copies&tag=" + number);
  if (committed.status != 201) return;
  const Json body = {{"Image", "copies:" + number},
                     {"Cmd", {"sleep", std::to_string(lasts)}},
                     {"Entrypoint", Json::array()},
                     {"HostConfig", {{"Init", true}, {"NetworkMode", "none"}}}};
  const Answer created = stage_.raw().call("POST", "/containers/create?name=committed-" + number, body.dump());
  const Json reply = Json::parse(created.body, nullptr, false);
  if (created.status != 201) return;
  Decoy decoy;
  decoy.id = reply["Id"];
  decoy.copy = true;
  observer_.decoy(decoy.id, false);
  stage_.raw().call("POST", "/containers/" + decoy.id + "/start");
  remember(decoy);
  decoys_.push_back(decoy);
}

void Decoys::remember(Decoy& decoy) {
  const Json details = stage_.inspect(decoy.id);
  if (!details.contains("State")) return;
  decoy.name = details["Name"];
  decoy.started_at = details["State"]["StartedAt"];
  decoy.running = details["State"]["Running"];
}

std::string Decoys::difference(const Decoy& decoy, const Json& details) const {
  if (!details.contains("State")) return "is gone: " + details.dump();
  const Json& state = details["State"];
  if (details["Name"] != decoy.name) return "is now named " + details["Name"].dump();
  if (state["StartedAt"] != decoy.started_at) return "was started again at " + state["StartedAt"].dump();
  if (state["Paused"] == true) return "is paused";
  if (state["Running"] == decoy.running) return {};
  if (decoy.copy && decoy.running && state["ExitCode"] == 0) return {};  // its time was over
  return "is " + state["Status"].dump() + " with " + state["ExitCode"].dump();
}

void Decoys::check() {
  for (auto& decoy : decoys_) {
    const Json details = stage_.inspect(decoy.id);
    if (!details.is_object()) return;  // the daemon does not answer: another time
    const std::string different = difference(decoy, details);
    if (!different.empty()) timeline_.violation("S2", "decoy " + decoy.name + " (" + decoy.id.substr(0, 12) + ") " + different);
    if (decoy.copy && details.contains("State")) decoy.running = details["State"]["Running"];
  }
}

void Decoys::restore(bool may_have_stopped) {
  for (auto& decoy : decoys_) {
    const Json details = stage_.inspect(decoy.id);
    const std::string different = difference(decoy, details);
    if (different.empty()) continue;
    const bool stopped = decoy.running && details.contains("State") && details["State"]["Running"] == false &&
                         details["Name"] == decoy.name && details["State"]["StartedAt"] == decoy.started_at;
    if (!stopped) timeline_.violation("S2", "decoy " + decoy.name + " after an outage " + different);
    if (!may_have_stopped) timeline_.note("the daemon stopped decoy " + decoy.name + " in spite of live-restore");
    if (!decoy.copy) stage_.raw().call("POST", "/containers/" + decoy.id + "/start");
    remember(decoy);
  }
}

}  // namespace cofferdam::test::chaos
