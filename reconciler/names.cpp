#include "reconciler/counting.hpp"
#include "reconciler/decide.hpp"
#include "reconciler/reconciler.hpp"
