// Calls on their way to the engine and back, and every way in which that can fail.

#include <algorithm>
#include <utility>

#include "tests/sim/world.hpp"

namespace cofferdam::sim {

using docker::ErrorClass;

namespace {

struct ShortName {
  std::string_view operator()(const docker::ContainerList&) const { return "list"; }
  std::string_view operator()(const docker::ContainerInspect&) const { return "inspect"; }
  std::string_view operator()(const docker::ContainerCreate&) const { return "create"; }
  std::string_view operator()(const docker::ContainerStart&) const { return "start"; }
  std::string_view operator()(const docker::ContainerKill&) const { return "kill"; }
  std::string_view operator()(const docker::ContainerStop&) const { return "stop"; }
  std::string_view operator()(const docker::ContainerRemove&) const { return "remove"; }
  std::string_view operator()(const docker::ContainerWait&) const { return "wait"; }
  std::string_view operator()(const docker::ContainerArchive&) const { return "archive"; }
  std::string_view operator()(const docker::ImageInspect&) const { return "image"; }
  std::string_view operator()(const docker::ImagePull&) const { return "pull"; }
  std::string_view operator()(const docker::NetworkInspect&) const { return "network"; }
  std::string_view operator()(const docker::SystemPing&) const { return "ping"; }
  std::string_view operator()(const docker::SystemVersion&) const { return "version"; }
  std::string_view operator()(const docker::SystemInfo&) const { return "info"; }
};

/// An answer that the engine gives without having done anything.
struct Refusal {
  std::string_view name;
  ErrorClass error_class;
  int status;
  std::string_view message;
};

constexpr Refusal refusals[] = {
    {"refused", ErrorClass::refused, 0, "connection refused"},
    {"no-permission", ErrorClass::no_permission, 0, "permission denied"},
    {"reset", ErrorClass::reset, 0, "connection reset by peer"},
    {"descriptors", ErrorClass::refused, 0, "Too many open files"},
    {"garbage", ErrorClass::protocol, 0, "not JSON"},
    {"bad-request", ErrorClass::status, 400, "invalid argument"},
    {"conflict", ErrorClass::status, 409, "conflict of another kind"},
    {"in-progress", ErrorClass::status, 409, "removal of container x is already in progress"},
    {"not-running", ErrorClass::status, 409, "Container x is not running"},
    {"name-taken", ErrorClass::status, 409, "Conflict. The container name \"/x\" is already in use by container \"y\""},
    {"error", ErrorClass::status, 500, "internal error"},
    {"unavailable", ErrorClass::status, 503, "service unavailable"},
};

/// Nothing of a simulated answer comes early: silence until the idle deadline ends a call as well.
SimTime deadline_of(const reconciler::Call& call) {
  auto deadline = call.deadline;
  if (call.idle_deadline.count() > 0) deadline = std::min(deadline, call.idle_deadline);
  return std::chrono::duration_cast<std::chrono::nanoseconds>(deadline).count();
}

}  // namespace

std::string short_operation(const docker::Request& request) {
  return std::string(std::visit(ShortName{}, request));
}

void Shell::reply(reconciler::CallId id, SimTime delay, docker::Result result) {
  after(delay, [this, id, result = std::move(result)] {
    const auto found = flights_.find(id);
    if (found == flights_.end()) return;  // answered before
    const Flight flight = found->second;
    const reconciler::Call& call = flight.call;
    flights_.erase(found);
    world_.point_answered(short_operation(call.request), flight.number);
    if (dies(flight.fault, "crash-applied")) return;
    world_.log().line(world_.schedule.now(), [&] {
      const auto* error = std::get_if<docker::Error>(&result);
      return "reply #" + std::to_string(id) + " " + short_operation(call.request) + ": " +
             (error != nullptr ? to_string(*error) : std::string("good"));
    });
    handle(reconciler::Reply{call.epoch, id, result}, flight.fault);
  });
}

void Shell::fail(reconciler::CallId id, SimTime delay, ErrorClass error_class, int status, const std::string& message) {
  const auto found = flights_.find(id);
  if (found == flights_.end()) return;
  docker::Error error;
  error.error_class = error_class;
  error.status = status;
  error.operation = docker::operation_of(found->second.call.request);
  error.object = docker::object_of(found->second.call.request);
  error.message = message;
  reply(id, delay, error);
}

void Shell::send(const reconciler::Call& call, SimTime before, SimTime behind, bool tell) {
  // What is on its way arrives, even if the controller dies meanwhile.
  const SimTime deadline = deadline_of(call);
  if (tell) {
    after(deadline, [this, id = call.id] { fail(id, 0, ErrorClass::timeout, 0, "no answer in time"); });
  }
  world_.schedule.after(before, [this, call, behind, tell, boot = world_.host.boot] {
    if (world_.host.boot != boot) return;  // it went down with the host
    if (!world_.engine().up()) {
      if (tell && alive_) fail(call.id, 0, ErrorClass::refused, 0, "connection refused");
      return;
    }
    world_.checks().arrives(*this, call);
    world_.engine().call(Who::controller, call.request, [this, id = call.id, behind, tell](docker::Result result) {
      if (!alive_) return;
      world_.checks().answered(*this, id, result);
      const auto flight = flights_.find(id);
      if (flight != flights_.end() && dies(flight->second.fault, "crash-applied")) return;
      if (tell) reply(id, behind, std::move(result));
    });
  });
}

void Shell::issue(const reconciler::Call& call) {
  ++world_.statistics().calls;
  const std::string operation = short_operation(call.request);
  const std::int64_t number = world_.point(*this, operation);
  world_.log().fact(operation);
  world_.log().fact(docker::object_of(call.request));
  world_.log().fact(static_cast<std::uint64_t>(world_.schedule.now()));
  world_.log().line(world_.schedule.now(), [&] {
    const std::string object = docker::object_of(call.request);
    return "call #" + std::to_string(call.id) + " " + operation + " " + std::to_string(number) + " " +
           (object.size() == 64 ? object.substr(0, 12) : object) + (call.agent.empty() ? "" : " for " + call.agent) + ": " +
           call.cause;
  });
  const bool sent = up_ && call.epoch == epoch_;
  const Item* fault = world_.fault_on("call", operation, number);
  flights_[call.id] = {call, number, fault};
  world_.checks().issued(*this, call);
  if (dies(fault, "crash-before")) return;
  if (!sent) {
    world_.point_not_sent(operation, number);
    fail(call.id, random_.between(0, 1) * millisecond, ErrorClass::cancelled, 0, "the session was over");
    return;
  }
  SimTime before = random_.between(20, 300) * millisecond / 1000;
  SimTime behind = random_.between(50, 500) * millisecond / 1000;
  if (operation == "list") behind += random_.between(1, 6) * millisecond;

  if (fault == nullptr) return send(call, before, behind, true);
  spoil(call, *fault, before, behind);
}

void Shell::spoil(const reconciler::Call& call, const Item& fault, SimTime before, SimTime behind) {
  const std::string operation = short_operation(call.request);
  const std::string kind = kind_of(fault);
  const SimTime deadline = deadline_of(call);
  for (const Refusal& refusal : refusals) {
    if (kind == refusal.name) {
      return fail(call.id, before + behind, refusal.error_class, refusal.status, std::string(refusal.message));
    }
  }
  if (kind == "slow")
    return send(call, before + amount_of(fault) * millisecond / 2, behind + amount_of(fault) * millisecond / 2, true);
  if (kind == "timeout") return fail(call.id, deadline, ErrorClass::timeout, 0, "no answer in time");
  if (kind == "not-found" && operation != "archive") {
    const std::string object = docker::object_of(call.request);
    const std::string message = operation == "create"  ? "No such image: " + object
                                : operation == "image" ? "No such image: " + object
                                : operation == "start" ? "network n1 not found"
                                                       : "No such container: " + object;
    return fail(call.id, before + behind, ErrorClass::status, 404, message);
  }
  if (kind == "reset-applied" || kind == "error-applied" || kind == "garbage-applied") {
    // Done, but nobody hears of it: the answer is lost about when it was written.
    send(call, before, behind, false);
    const SimTime lost = before + behind + random_.between(0, 900) * millisecond;
    if (kind == "error-applied") return fail(call.id, lost, ErrorClass::status, 500, "internal error");
    return fail(call.id, lost, kind == "reset-applied" ? ErrorClass::reset : ErrorClass::protocol, 0, "the answer was cut");
  }
  if (kind == "timeout-applied" || kind == "timeout-late") {
    send(call, kind == "timeout-late" ? deadline + random_.between(-500, 5000) * millisecond : before, behind, false);
    return fail(call.id, deadline, ErrorClass::timeout, 0, "no answer in time");
  }
  if (kind == "endless") {
    // Bytes without an end: no silence ends it, the deadline does, or the healing.
    send(call, before, behind, false);
    const auto whole = std::chrono::duration_cast<std::chrono::nanoseconds>(call.deadline).count();
    return world_.lift(whole, [this, id = call.id] {
      if (!alive_) return;
      if (world_.healed()) return fail(id, 0, ErrorClass::reset, 0, "the answer was cut");
      fail(id, 0, ErrorClass::timeout, 0, "no end in time");
    });
  }
  send(call, before, behind, true);  // a crash, which falls later
}

}  // namespace cofferdam::sim
