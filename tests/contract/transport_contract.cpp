#include "tests/contract/transport_contract.hpp"

namespace cofferdam::test {

using docker::ContainerDetails;

std::vector<std::string> patient() {
  return {"sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.05; done"};
}

TransportContract::TransportContract() : client(private_engine().socket()), raw(private_engine().socket()) {
  auto result = client.negotiate();
  if (const auto* error = std::get_if<docker::Error>(&result)) {
    ADD_FAILURE() << docker::to_string(*error);
  } else {
    handshake = std::get<docker::Handshake>(std::move(result));
  }
}

TransportContract::~TransportContract() {
  for (const auto& id : made_) {
    raw.call("DELETE", "/containers/" + id + "?force=1&v=1");
  }
}

std::string TransportContract::create(const docker::ContainerCreate& request) {
  auto created = client.good<docker::ContainerCreated>(request);
  made_.push_back(created.id);
  return created.id;
}

std::string TransportContract::run(const docker::ContainerCreate& request) {
  auto id = create(request);
  client.good<docker::Done>(docker::ContainerStart{id});
  return id;
}

ContainerDetails TransportContract::inspect(const std::string& id) {
  return client.good<ContainerDetails>(docker::ContainerInspect{id});
}

ContainerDetails TransportContract::wait(const std::string& id) {
  auto now = inspect(id);
  if (now.running) {
    // "not-running" answers at once where it ended meanwhile.
    client.good<docker::ContainerWaited>(docker::ContainerWait{.id = id, .condition = "not-running"});
    now = inspect(id);
  }
  return now;
}

std::string TransportContract::log_of(const std::string& id) {
  std::string text;
  bool ended = false;
  client.engine->logs(id, {},
                      {.on_bytes = [&](docker::LogStream, std::string_view bytes) { text += bytes; },
                       .on_end =
                           [&](const std::optional<docker::Error>& error) {
                             EXPECT_FALSE(error) << docker::to_string(*error);
                             ended = true;
                           }});
  client.run_until([&] { return ended; });
  return text;
}

}  // namespace cofferdam::test
