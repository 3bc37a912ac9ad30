#include "tests/sim/hashes.hpp"

#include <bit>
#include <cstdint>

namespace cofferdam::sim {

namespace {

template <class Number>
std::uint64_t bits(Number number) {
  return static_cast<std::uint64_t>(number);
}

std::uint64_t bits(const std::optional<reconciler::WallTime>& time) {
  return time ? bits(time->time_since_epoch().count()) : 0;
}

struct Noter {
  Trace& trace;

  void operator()(const reconciler::Scan& scan) const { trace.fact(scan.scan); }
  void operator()(const reconciler::CheckWorkspace& check) const {
    trace.fact(check.id);
    trace.fact(check.agent);
    trace.fact(check.path);
  }
  void operator()(const reconciler::Save& save) const {
    trace.fact(save.key);
    trace.fact(save.version);
    trace.fact(save.bytes);
  }
  void operator()(const reconciler::Call& call) const {
    trace.fact(call.id);
    trace.fact(bits(call.lane));
    trace.fact(bits(call.request.index()));
    trace.fact(docker::object_of(call.request));
    trace.fact(bits(call.deadline.count()));
    trace.fact(call.agent);
    trace.fact(call.cause);
    if (const auto* create = std::get_if<docker::ContainerCreate>(&call.request)) {
      for (const auto& [key, value] : create->config.labels) trace.fact(value);
      for (const std::string& entry : create->config.env) trace.fact(entry);
    }
  }
  void operator()(const reconciler::Cancel& cancel) const { trace.fact(cancel.id); }
  void operator()(const reconciler::Verify& verify) const {
    trace.fact(verify.agent);
    trace.fact(verify.container_id);
  }
  void operator()(const reconciler::WriteStatus& write) const {
    const reconciler::AgentStatus& status = write.status;
    trace.fact(status.agent);
    trace.fact(bits(status.phase));
    trace.fact(status.reason);
    trace.fact(status.message);
    trace.fact(status.container_id);
    trace.fact(bits(status.attempt));
    trace.fact(bits(status.restarts));
    trace.fact(bits(status.failures));
    trace.fact(bits(status.exit_code.value_or(-1)));
    trace.fact(bits(status.started_at));
    trace.fact(bits(status.finished_at));
    trace.fact(bits(status.next_retry));
    trace.fact(status.verification);
    trace.fact(bits(status.conditions.size()));
  }
  void operator()(const reconciler::DropStatus& drop) const { trace.fact(drop.agent); }
  void operator()(const reconciler::Audit& audit) const {
    trace.fact(bits(audit.severity));
    trace.fact(audit.event);
    trace.fact(audit.agent);
    trace.fact(audit.message);
    for (const auto& [key, value] : audit.fields) {
      trace.fact(key);
      trace.fact(value);
    }
  }
  void operator()(const reconciler::Metric& metric) const {
    trace.fact(metric.name);
    for (const std::string& label : metric.labels) trace.fact(label);
    trace.fact(std::bit_cast<std::uint64_t>(metric.value));
  }
  void operator()(const reconciler::WakeAt& wake) const { trace.fact(bits(wake.at.time_since_epoch().count())); }
  void operator()(const reconciler::Answer& answer) const {
    trace.fact(bits(answer.ok));
    trace.fact(answer.message);
  }
};

}  // namespace

void note(Trace& trace, const reconciler::Effect& effect) {
  trace.fact(bits(effect.index()));
  std::visit(Noter{trace}, effect);
}

}  // namespace cofferdam::sim
