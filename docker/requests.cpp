#include "docker/requests.hpp"
