// Images: looks, pulls and probes, each shared by all agents that want the same image.

#include <utility>

#include "reconciler/create_request.hpp"
#include "reconciler/machine.hpp"

namespace cofferdam::reconciler {
namespace {

using docker::Error;

constexpr std::chrono::hours pull_deadline{1};
constexpr std::chrono::seconds pull_idle{60};
constexpr int most_probe_names = 8;

Error error_or_odd(const docker::Result& result, const std::string& operation) {
  if (const auto* error = std::get_if<Error>(&result)) return *error;
  return {docker::ErrorClass::protocol, 0, operation, {}, "the engine answered with something else"};
}

template <typename T>
const T* brought(const docker::Result& result) {
  const auto* reply = std::get_if<docker::Reply>(&result);
  return reply == nullptr ? nullptr : std::get_if<T>(reply);
}

bool is_not_found(const Error& error) {
  return error.error_class == docker::ErrorClass::status && error.status == 404;
}

}  // namespace

/// Looks and probes are nobody's in particular: they go first, within the lanes' bounds.
void Reconciler::Machine::serve_images() {
  if (!engine_.engine_up || !engine_.listed) return;
  while (!images_.looks_wanted.empty() && lanes_.free(Lane::reads)) {
    const std::string reference = *images_.looks_wanted.begin();
    images_.looks_wanted.erase(images_.looks_wanted.begin());
    begin_look(reference, images_.by_reference[reference]);
  }
  for (auto& [id, probe] : images_.probes) {
    const bool reads = probe.step == Probe::Step::passwd || probe.step == Probe::Step::group;
    if (probe.call == 0 && lanes_.free(reads ? Lane::reads : Lane::changes)) begin_probe_step(id, probe);
  }
  while (!strays_.empty() && lanes_.free(Lane::changes)) {
    CallInFlight call;
    call.step = Step::remove_stray;
    call.lane = Lane::changes;
    call.object = *strays_.begin();
    call.action = "remove";
    call.cause = "StrayProbe";
    strays_.erase(strays_.begin());
    const std::string id = call.object;
    begin(std::move(call), docker::ContainerRemove{id, false}, request_timeout());
  }
}

void Reconciler::Machine::begin_look(const std::string& reference, Image& image) {
  if (image.look != 0) return;
  CallInFlight call;
  call.step = Step::inspect_image;
  call.object = reference;
  call.action = name_of(Action::inspect_image);
  call.cause = "ImageUnknown";
  image.look = begin(std::move(call), docker::ImageInspect{reference}, request_timeout());
}

void Reconciler::Machine::looked(CallInFlight& call, const docker::Result& result) {
  Image& image = images_.by_reference[call.object];
  image.look = 0;
  const std::set<std::string> waiting = std::exchange(image.waiting, {});
  if (const auto* details = brought<docker::ImageDetails>(result)) {
    image.facts = facts_of(*details);
    // A sign that came after the look began: the answer may be of the image before.
    image.state = image.changed > call.begun ? Preparation::Image::unknown : Preparation::Image::known;
  } else {
    const Error error = error_or_odd(result, "image inspect");
    if (is_not_found(error)) {
      image.state = Preparation::Image::absent;
      image.looked = now_.mono;
    } else {
      for (const std::string& name : waiting) {
        if (AgentState* agent = find(name)) failed_call(*agent, "inspect image", "ImageInspect", true, error);
      }
    }
  }
  for (const std::string& name : waiting) touch(name);
}

Reconciler::Machine::Applied Reconciler::Machine::begin_pull(AgentState& agent, const Decision& decision) {
  const std::string& reference = agent.view.wanted->image;
  Image& image = images_.by_reference[reference];
  if (image.pull == 0) {
    if (!take_lane(agent, Lane::pulls)) {
      image.waiting.insert(agent.view.agent);
      return Applied::waits;
    }
    CallInFlight call;
    call.step = Step::pull;
    call.lane = Lane::pulls;
    call.object = reference;
    call.action = name_of(Action::pull);
    call.cause = cause_of(decision);
    image.pull_text.clear();
    agent.budget.count(true, now_.mono);
    image.pull = begin(std::move(call), docker::ImagePull{reference}, pull_deadline, pull_idle);
    acted(agent, decision);
    for (const std::string& name : std::exchange(image.waiting, {})) touch(name);
  }
  image.pull_waiting.insert(agent.view.agent);
  agent.pulling = reference;
  agent.view.in_flight = InFlight::pull;
  return Applied::began;
}

void Reconciler::Machine::leave_pull(AgentState& agent) {
  const auto found = images_.by_reference.find(agent.pulling);
  if (found != images_.by_reference.end()) {
    Image& image = found->second;
    const bool last = image.pull_waiting.erase(agent.view.agent) > 0 && image.pull_waiting.empty();
    if (last && image.pull != 0) effects_.emplace_back(Cancel{image.pull});
  }
  agent.pulling.clear();
  if (agent.view.in_flight == InFlight::pull) agent.view.in_flight = InFlight::none;
  touch(agent);
}

void Reconciler::Machine::pulled(CallInFlight& call, const docker::Result& result) {
  Image& image = images_.by_reference[call.object];
  image.pull = 0;
  image.pull_text.clear();
  image.state = Preparation::Image::unknown;
  image.changed = moment_;
  for (const std::string& name : std::exchange(image.pull_waiting, {})) {
    AgentState* agent = find(name);
    if (agent == nullptr) continue;
    agent->pulling.clear();
    if (agent->view.in_flight == InFlight::pull) agent->view.in_flight = InFlight::none;
    touch(*agent);
    if (brought<docker::ImagePulled>(result) != nullptr) {
      agent->failures.erase("pull");
      if (agent->view.failed && agent->view.failed->what == "pull") agent->view.failed.reset();
      agent->pulled_for = pull_key(*agent);
      continue;
    }
    const Error error = error_or_odd(result, "image pull");
    if (error.error_class == docker::ErrorClass::cancelled) continue;
    failed_call(*agent, "pull", "ImagePull", false, error);
  }
}

std::string Reconciler::Machine::pull_key(const AgentState& agent) {
  return (agent.view.wanted ? agent.view.wanted->config_hash : std::string()) + "/" + std::to_string(agent.highest_attempt);
}

void Reconciler::Machine::begin_probe_step(const std::string& image_id, Probe& probe) {
  CallInFlight call;
  call.step = Step::probe;
  call.object = image_id;
  call.action = name_of(Action::probe);
  call.cause = "UsersUnknown";
  docker::Request request;
  switch (probe.step) {
    case Probe::Step::create:
      call.lane = Lane::changes;
      request = probe_request(image_id, probe.tries, identity_);
      break;
    case Probe::Step::passwd: request = docker::ContainerArchive{probe.container, "/etc/passwd"}; break;
    case Probe::Step::group: request = docker::ContainerArchive{probe.container, "/etc/group"}; break;
    case Probe::Step::remove:
      call.lane = Lane::changes;
      request = docker::ContainerRemove{probe.container, false};
      break;
  }
  probe.call = begin(std::move(call), std::move(request), request_timeout());
}

void Reconciler::Machine::probed(CallInFlight& call, const docker::Result& result) {
  const auto found = images_.probes.find(call.object);
  if (found == images_.probes.end()) return;
  Probe& probe = found->second;
  probe.call = 0;
  const auto fail = [&](const Error& error) {
    for (const std::string& name : std::exchange(probe.waiting, {})) {
      if (AgentState* agent = find(name)) {
        failed_call(*agent, "probe", "ImageProbe", true, error, "or give spec.user as numbers, for example 1000:1000");
        touch(*agent);
      }
    }
    probe.step = Probe::Step::remove;
    if (probe.container.empty()) images_.probes.erase(found);
  };
  switch (probe.step) {
    case Probe::Step::create: {
      if (const auto* made = brought<docker::ContainerCreated>(result)) {
        probe.container = made->id;
        probe.step = Probe::Step::passwd;
        return;
      }
      const Error error = error_or_odd(result, "container create");
      if (docker::conflict_kind(error) == docker::ConflictKind::name_in_use && ++probe.tries <= most_probe_names) return;
      if (docker::is_no_such_image(error)) images_.forget_references(moment_);
      if (may_have_been_applied(error)) want_list();  // it finds what may have been made
      fail(error);
      return;
    }
    case Probe::Step::passwd:
    case Probe::Step::group: {
      const auto* file = brought<docker::ArchiveFile>(result);
      if (file == nullptr) {
        const Error error = error_or_odd(result, "container archive");
        const std::string path = probe.step == Probe::Step::passwd ? "/etc/passwd" : "/etc/group";
        if (!is_not_found(error) || error.message.find(path) == std::string::npos) {
          fail(error);  // also where it is the container that is not found
          return;
        }  // an image without the file knows no names
      }
      if (probe.step == Probe::Step::passwd) {
        if (file != nullptr) probe.passwd = file->content;
        probe.step = Probe::Step::group;
        return;
      }
      if (file != nullptr) probe.group = file->content;
      images_.files[call.object] = {probe.passwd, probe.group};
      probe.step = Probe::Step::remove;
      for (const std::string& name : std::exchange(probe.waiting, {})) touch(name);
      return;
    }
    case Probe::Step::remove:
      if (!brought<docker::Done>(result) && !is_not_found(error_or_odd(result, "container remove"))) want_list();
      for (const std::string& name : probe.waiting) touch(name);
      images_.probes.erase(found);
      return;
  }
}

/// Policy's word on the image, and the numbers of its user. Nothing is known of a user until the image's files are read.
void Reconciler::Machine::judge_image(AgentState& agent) {
  Preparation& next = agent.view.next;
  const specs::AgentSpec& spec = *agent.wanted_spec;
  const specs::ImageFacts& facts = images_.by_reference[agent.view.wanted->image].facts;
  next.image_refused = specs::admit_image(spec, *configuration_, facts);
  next.user = Preparation::User::unknown;
  const auto files = images_.files.find(facts.id);
  const bool needs_files = specs::user_needs_files(agent.wanted.user);
  if (needs_files && files == images_.files.end()) return;
  const specs::UserResolution resolved = needs_files
                                             ? specs::resolve_user(agent.wanted.user, files->second.passwd, files->second.group)
                                             : specs::resolve_user(agent.wanted.user, {}, {});
  next.user = Preparation::User::known;
  if (!resolved.user) {
    specs::Problem problem;
    problem.place = spec.place_of("spec.user");
    problem.path = "spec.user";
    problem.what = resolved.error;
    problem.rule = "user";
    next.image_refused.push_back(std::move(problem));
    return;
  }
  agent.user = *resolved.user;
  specs::Problems refused = specs::admit_user(spec, *configuration_, agent.user);
  next.image_refused.insert(next.image_refused.end(), refused.begin(), refused.end());
}

}  // namespace cofferdam::reconciler
