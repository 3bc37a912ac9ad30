#pragma once

// A body of checks in a process of its own: as another user, with mounts that nobody else sees, or with limits of its own.
// Whatever it did to itself is gone with it; its failures are this test's.

#include <functional>

namespace cofferdam::torture {

struct ChildNeeds {
  bool without_rights = false;  ///< not root: permissions bind
  bool mounts = false;          ///< a mount namespace of its own
  bool limits = false;          ///< a user namespace of its own, whose /proc/sys/user it may write
};

void in_child(const ChildNeeds& needs, const std::function<void()>& body);

}  // namespace cofferdam::torture
