// What people do to containers by hand.

#include "tests/engine/chaos/acts.hpp"

namespace cofferdam::test::chaos {

int Acts::post(const std::string& what, const Listed& of, const std::string& action, const std::string& body) {
  observer_.touched(of.agent, of.id);
  timeline_.note("by hand: " + what + " " + of.agent + "-" + std::to_string(of.attempt) + " (" + of.id.substr(0, 12) + ")");
  const int status = stage_.raw().call("POST", "/containers/" + of.id + "/" + action, body).status;
  if (status >= 300) timeline_.note("by hand: answered " + std::to_string(status));
  return status;
}

bool Acts::signal_container() {
  Listed chosen;
  if (!choose(true, chosen)) return false;
  const char* const signals[]{"TERM", "KILL", "INT", "HUP"};
  const std::string signal = signals[draw(4)];
  post("signal " + signal + " to", chosen, "kill?signal=" + signal);
  return true;
}

bool Acts::stop_container() {
  Listed chosen;
  if (!choose(true, chosen)) return false;
  post("stop", chosen, "stop?t=" + std::to_string(draw(2)));
  return true;
}

bool Acts::restart_container() {
  Listed chosen;
  if (!choose(true, chosen)) return false;
  observer_.started_by_others(chosen.id);
  post("restart", chosen, "restart?t=0");
  return true;
}

bool Acts::start_ended() {
  Listed chosen;
  if (!choose(false, chosen)) return false;
  observer_.started_by_others(chosen.id);
  post("start", chosen, "start");
  return true;
}

bool Acts::pause_container() {
  Listed chosen;
  if (!choose(true, chosen)) return false;
  post("pause", chosen, "pause");
  later(milliseconds(300 + draw(5000)), [this, chosen] {
    if (daemon_ == Up::yes) post("unpause", chosen, "unpause");
  });
  return true;
}

bool Acts::remove_container() {
  Listed chosen;
  if (!choose(chance(70), chosen)) return false;
  observer_.touched(chosen.agent, chosen.id);
  timeline_.note("by hand: remove " + chosen.agent + "-" + std::to_string(chosen.attempt) + " (" + chosen.id.substr(0, 12) + ")");
  stage_.raw().call("DELETE", "/containers/" + chosen.id + "?force=1&v=1");
  return true;
}

bool Acts::rename_container() {
  Listed chosen;
  if (!choose(chance(70), chosen)) return false;
  const std::string name =
      "cofferdam-" + std::string(Stage::instance) + "-" + chosen.agent + "-" + std::to_string(chosen.attempt);
  if (post("rename", chosen, "rename?name=moved-" + chosen.id.substr(0, 12)) != 204) return false;
  observer_.renamed(chosen.id, true);
  strange_.insert(chosen.id);
  const bool back = chance(50);
  later(milliseconds(2000 + draw(8000)), [this, chosen, name, back] {
    if (daemon_ != Up::yes) return;
    if (back && post("rename back", chosen, "rename?name=" + name) == 204) {
      observer_.renamed(chosen.id, false);
    } else {
      timeline_.note("by hand: remove renamed " + chosen.id.substr(0, 12));
      stage_.raw().call("DELETE", "/containers/" + chosen.id + "?force=1&v=1");
    }
    strange_.erase(chosen.id);
  });
  return true;
}

bool Acts::exec_in_container() {
  Listed chosen;
  if (!choose(true, chosen)) return false;
  observer_.touched(chosen.agent, chosen.id);
  timeline_.note("by hand: exec in " + chosen.agent + "-" + std::to_string(chosen.attempt));
  const Json body = {{"Cmd", {"sleep", "3"}}};
  const Json made =
      Json::parse(stage_.raw().call("POST", "/containers/" + chosen.id + "/exec", body.dump()).body, nullptr, false);
  if (!made.is_object() || !made.contains("Id")) return false;
  stage_.raw().call("POST", "/exec/" + made["Id"].get<std::string>() + "/start", R"({"Detach":true})");
  return true;
}

bool Acts::update_container() {
  Listed chosen;
  if (!choose(true, chosen)) return false;
  observer_.started_by_others(chosen.id);  // from here on the daemon may do so
  post("restart policy of", chosen, "update", R"({"RestartPolicy":{"Name":"always"}})");
  return true;
}

bool Acts::copy_container() {
  Listed chosen;
  if (decoys_.count() > 80 || !choose(true, chosen)) return false;
  timeline_.note("by hand: commit of " + chosen.agent + "-" + std::to_string(chosen.attempt) + ", and run");
  decoys_.copy(chosen.id, 3 + static_cast<unsigned>(draw(8)));
  return true;
}

bool Acts::squat() {
  Member* const member = choose(File::good);
  if (member == nullptr || daemon_ != Up::yes) return false;
  const std::string workspace = fleet_.workspace(*member);
  const Json mount = {{"Type", "bind"}, {"Source", workspace}, {"Target", "/mnt"}};
  const Json body = {{"Image", "busybox:test"},
                     {"Cmd", {"sleep", "1000"}},
                     {"HostConfig", {{"Init", true}, {"NetworkMode", "none"}, {"Mounts", Json::array({mount})}}}};
  const Json made = Json::parse(stage_.raw().call("POST", "/containers/create", body.dump()).body, nullptr, false);
  if (!made.is_object() || !made.contains("Id")) return false;
  const std::string id = made["Id"];
  strange_.insert(id);
  const int status = stage_.raw().call("POST", "/containers/" + id + "/start").status;
  timeline_.note("by hand: " + id.substr(0, 12) + " mounts the workspace of " + member->name);
  if (status == 204) observer_.squatter(id, workspace);
  later(milliseconds(1000 + draw(9000)), [this, id] {
    if (daemon_ != Up::yes) return;  // `heal` removes it
    observer_.squatter_left(id);
    stage_.raw().call("DELETE", "/containers/" + id + "?force=1&v=1");
    strange_.erase(id);
  });
  return true;
}

}  // namespace cofferdam::test::chaos
