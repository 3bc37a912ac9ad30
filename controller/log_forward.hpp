#pragma once

// A container's log from the engine to a sink, one piece at a time: a slow reader holds the engine's connection, and no
// more memory than what the engine client had read already.

#include <memory>

#include "controller/api.hpp"
#include "docker/http_engine.hpp"

namespace boost::asio {
class io_context;
}

namespace cofferdam::controller {

/// `loop` outlives the stream. The sink is called from the loop, never from inside this call.
std::unique_ptr<LogStream> forward_log(boost::asio::io_context& loop, const std::shared_ptr<docker::HttpEngine>& engine,
                                       const LogRequest& request, std::shared_ptr<LogSink> sink);

}  // namespace cofferdam::controller
