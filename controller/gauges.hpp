#pragma once

// Gauges are not kept: they are read from the machine's const view at the moment of a scrape.

#include "controller/api.hpp"

namespace cofferdam::controller {

void set_gauges(Api& api);

}  // namespace cofferdam::controller
