// What editors, orchestrators and disks do to the folder and the state directory.

#include <unistd.h>

#include <filesystem>

#include "tests/engine/chaos/acts.hpp"

namespace cofferdam::test::chaos {

void Acts::write_good(Member& member, const std::string& how) {
  ++member.version;
  timeline_.note("file of " + member.name + " " + how + ", " + task_of(member.version));
  observer_.allow(member.name, member.version);
  observer_.unprotect(member.name);
  observer_.absent(member.name, false);
  member.file = File::good;
  member.edited = Clock::now();
  set_aside_.erase(member.name);
  stage_.write_spec(member.name, fleet_.text(member));
}

void Acts::drop_all() {
  for (auto& member : fleet_.members()) {
    const std::string workspace = fleet_.workspace(member);
    std::filesystem::create_directories(workspace);
    if (::chown(workspace.c_str(), 1000, 1000) != 0) timeline_.note("chown of " + workspace + " failed");
    write_good(member, "dropped");
  }
}

bool Acts::edit() {
  Member* const member = choose(File::good);
  if (member == nullptr || !folder_there_) return false;
  write_good(*member, "edited");
  return true;
}

bool Acts::edit_in_place() {
  Member* const member = choose(File::good);
  if (member == nullptr || !folder_there_) return false;
  ++member->version;
  member->edited = Clock::now();
  observer_.allow(member->name, member->version);
  timeline_.note("file of " + member->name + " written in place, " + task_of(member->version));
  stage_.write_spec_in_place(member->name, fleet_.text(*member));
  return true;
}

bool Acts::break_file() {
  constexpr seconds long_ago{12};
  Member* const member = choose(File::good);
  if (member == nullptr || !folder_there_) return false;
  // Where everything about the agent has come to rest, its container must outlive the broken file.
  const Json status = Json::parse(read_file(stage_.status() + "/" + member->name + ".json"), nullptr, false);
  bool at_rest = status.is_object() && status.value("phase", "") == "Running" && Clock::now() - member->edited > long_ago &&
                 status.value("observedRevision", "") == std::to_string(member->version);
  at_rest = at_rest && observer_.protect(member->name, status.value("containerId", ""), member->version);
  if (at_rest) ++counts_["broken at rest"];
  set_aside_.insert(member->name);
  member->file = File::broken;
  member->edited = Clock::now();
  const auto which = static_cast<unsigned>(draw(5));
  timeline_.note("file of " + member->name + " broken (" + std::to_string(which) + (at_rest ? "), at rest" : ")"));
  stage_.write_spec(member->name, fleet_.broken_text(*member, which));
  later(milliseconds(1000 + draw(12000)), [this, member] {
    if (member->file == File::broken && folder_there_) write_good(*member, "mended");
  });
  return true;
}

bool Acts::remove_file() {
  Member* const member = choose(chance(80) ? File::good : File::suspended);
  if (member == nullptr || !folder_there_) return false;
  timeline_.note("file of " + member->name + " removed");
  observer_.absent(member->name, true);
  member->file = File::absent;
  stage_.remove_spec(member->name);
  return true;
}

bool Acts::add_file() {
  const File files[]{File::absent, File::suspended, File::removed};
  Member* const member = choose(files[draw(3)]);
  if (member == nullptr || !folder_there_) return false;
  write_good(*member, "added again");
  return true;
}

bool Acts::suspend() {
  Member* const member = choose(File::good);
  if (member == nullptr || !folder_there_) return false;
  timeline_.note("file of " + member->name + " suspends");
  observer_.absent(member->name, true);
  member->file = File::suspended;
  stage_.write_spec(member->name, fleet_.text(*member, "  suspend: true\n"));
  return true;
}

bool Acts::ask_removal() {
  Member* const member = choose(File::good);
  if (member == nullptr || !folder_there_) return false;
  timeline_.note("file of " + member->name + " asks for removal");
  observer_.absent(member->name, true);
  member->file = File::removed;
  stage_.write_spec(member->name, fleet_.text(*member, "  remove: true\n"));
  return true;
}

/// More at once than the deletion budget allows: held. Most of the time they come back.
bool Acts::remove_many() {
  if (!folder_there_) return false;
  std::vector<Member*> gone;
  for (auto& member : fleet_.members()) {
    if (member.file == File::good && !set_aside_.contains(member.name) && chance(80)) gone.push_back(&member);
  }
  timeline_.note("files of " + std::to_string(gone.size()) + " agents removed at once");
  for (Member* const member : gone) {
    observer_.absent(member->name, true);
    member->file = File::absent;
    stage_.remove_spec(member->name);
  }
  if (chance(80)) {
    later(milliseconds(2000 + draw(3000)), [this, gone] {
      if (!folder_there_) return;  // they are added again one by one
      for (Member* const member : gone) {
        if (member->file == File::absent) write_good(*member, "back");
      }
    });
  }
  return true;
}

bool Acts::move_folder() {
  if (!folder_there_) return false;
  timeline_.note("folder moved away");
  stage_.move_folder(true);
  folder_there_ = false;
  later(milliseconds(500 + draw(5000)), [this] {
    stage_.move_folder(false);
    folder_there_ = true;
    timeline_.note("folder moved back");
  });
  return true;
}

bool Acts::fill_disk() {
  if (disk_full_) return false;
  timeline_.note("state disk filled");
  stage_.fill_disk();
  disk_full_ = true;
  later(milliseconds(1000 + draw(8000)), [this] {
    stage_.free_disk();
    disk_full_ = false;
    timeline_.note("state disk has space again");
  });
  return true;
}

}  // namespace cofferdam::test::chaos
