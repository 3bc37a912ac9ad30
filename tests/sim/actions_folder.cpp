// What people and their editors do to the spec directory.

#include <cerrno>
#include <functional>
#include <utility>

#include "tests/sim/world.hpp"

namespace cofferdam::sim {

/// Puts the file's wanted content there in an editor's way. Another save of the file, or its removal, ends this one.
void World::write_file(const std::string& file, const std::string& pattern) {
  const std::string content = content_of(file);
  const int save = ++saves_[file];
  const auto later = [&](SimTime delay, std::function<void()> step) {
    schedule.after(delay, [this, file, save, step = std::move(step)] {
      if (saves_[file] == save) step();
    });
  };
  if (content.empty()) {
    folder_.remove(file);
    return;
  }
  if (pattern == "in-place") {
    // Truncate, half, the rest, close: a scan may see each.
    folder_.write(file, "", false);
    later(30 * millisecond, [this, file, content] { folder_.write(file, content.substr(0, content.size() / 2), false); });
    later(70 * millisecond, [this, file, content] { folder_.write(file, content, true); });
  } else if (pattern == "slow") {
    folder_.write(file, content.substr(0, content.size() / 3), false);
    later(400 * millisecond, [this, file, content] { folder_.write(file, content, true); });
  } else if (pattern == "vim") {
    folder_.rename(file, file + "~");
    later(3 * millisecond, [this, file, content] {
      folder_.write(file, content.substr(0, content.size() / 2), false);
      folder_.write(file, content, true);
    });
    later(6 * millisecond, [this, file] { folder_.remove(file + "~"); });
  } else if (pattern == "again") {
    folder_.remove(file);
    later(20 * millisecond, [this, file, content] { folder_.put(file, content); });
  } else {
    folder_.put(file, content);
  }
}

bool World::do_folder(const Item& item) {
  const std::string& verb = item.verb;
  const SimTime span = item.number * millisecond;
  const auto wanted = intent_.find(item.target);
  const bool known = wanted != intent_.end();
  static constexpr const char* patterns[] = {"atomic", "in-place", "vim", "again", "slow"};
  const std::string pattern = patterns[static_cast<std::size_t>(item.number) % std::size(patterns)];

  if (verb == "edit") {
    if (!known) return true;
    set_field(wanted->second, item.argument);
    write_file(wanted->second.file, pattern);
    return true;
  }
  if (verb == "delete") {
    if (!known) return true;
    const std::string file = wanted->second.file;
    intent_.erase(wanted);
    write_file(file, "atomic");
    return true;
  }
  if (verb == "add") {
    for (const AgentPlan& agent : plan.agents) {
      if (agent.name != item.target || known) continue;
      intent_[agent.name] = agent;
      write_file(agent.file, pattern);
    }
    return true;
  }
  if (verb == "move") {
    if (!known) return true;
    const std::string from = wanted->second.file;
    wanted->second.file = item.argument;
    write_file(item.argument, "atomic");
    schedule.after(span, [this, from] { write_file(from, "atomic"); });
    return true;
  }
  if (verb == "break") {
    if (!known) return true;
    const std::string file = wanted->second.file;
    const std::string content = content_of(file);
    folder_.put(file, item.argument == "cut"     ? content.substr(0, content.size() * 2 / 3)
                      : item.argument == "empty" ? std::string()
                      : item.argument == "key"   ? content + "  memroyMB: 12\n"
                                                 : "{ not: yaml");
    lift(span, [this, file] { write_file(file, "atomic"); });
    return true;
  }
  if (verb == "unreadable-file") {
    if (!known) return true;
    const std::string file = wanted->second.file;
    folder_.set_error(file, EACCES);
    lift(span, [this, file] { folder_.set_error(file, 0); });
    return true;
  }
  if (verb == "duplicate") {
    if (!known) return true;
    AgentPlan other = wanted->second;
    other.memory_mb = other.memory_mb == 64 ? 96 : 64;
    folder_.put("duplicate.yaml", yaml_of(other));
    lift(span, [this] { folder_.remove("duplicate.yaml"); });
    return true;
  }
  if (verb == "fifo") {
    folder_.set_type("pipe.yaml", specs::FileType::fifo);
    lift(span, [this] { folder_.remove("pipe.yaml"); });
    return true;
  }
  if (verb == "backup") {
    if (known) folder_.put(wanted->second.file + "~", yaml_of(wanted->second));
    return true;
  }
  if (verb == "folder-missing") {
    folder_.set_missing(true);
    lift(span, [this] { folder_.set_missing(false); });
    return true;
  }
  if (verb == "folder-unreadable") {
    folder_.set_unreadable(true);
    lift(span, [this] { folder_.set_unreadable(false); });
    return true;
  }
  if (verb == "folder-emptied") {
    folder_.set_emptied(true);
    lift(span, [this] { folder_.set_emptied(false); });
    return true;
  }
  if (verb == "folder-replaced") {
    folder_.set_replaced();
    return true;
  }
  if (verb == "hints-lost") {
    hints_lost = true;
    schedule.after(span, [this] { hints_lost = false; });  // not by the healing: only a rescan finds what changes then
    return true;
  }
  return false;
}

}  // namespace cofferdam::sim
