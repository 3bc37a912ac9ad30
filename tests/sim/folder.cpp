#include "tests/sim/folder.hpp"

#include <utility>
#include <vector>

namespace cofferdam::sim {

using Kind = reconciler::FileChanged::Kind;

void Folder::put(const std::string& name, std::string content) {
  files_[name] = {std::make_shared<const std::string>(std::move(content)), specs::FileType::regular, ++inodes_, stamp(), 0};
  changed(name, Kind::complete);
}

void Folder::write(const std::string& name, std::string content, bool closed) {
  auto [found, is_new] = files_.try_emplace(name);
  File& file = found->second;
  if (is_new) file.inode = ++inodes_;
  file.type = specs::FileType::regular;
  file.content = std::make_shared<const std::string>(std::move(content));
  file.mtime_ns = stamp();
  changed(name, closed ? Kind::complete : Kind::written);
}

void Folder::remove(const std::string& name) {
  if (files_.erase(name) > 0) changed(name, Kind::gone);
}

void Folder::rename(const std::string& from, const std::string& to) {
  const auto found = files_.find(from);
  if (found == files_.end()) return;
  files_[to] = std::move(found->second);
  files_.erase(found);
  changed(from, Kind::gone);
  changed(to, Kind::complete);
}

void Folder::keep_only(const std::set<std::string>& names) {
  std::vector<std::string> others;
  for (const auto& [name, file] : files_) {
    if (!names.contains(name) && !name.ends_with('~')) others.push_back(name);
  }
  for (const std::string& name : others) remove(name);
}

void Folder::set_type(const std::string& name, specs::FileType type) {
  auto& file = files_[name];
  file.type = type;
  file.inode = ++inodes_;
  file.mtime_ns = stamp();
  if (!file.content) file.content = std::make_shared<const std::string>();
  changed(name, Kind::complete);
}

void Folder::set_error(const std::string& name, int error) {
  const auto found = files_.find(name);
  if (found == files_.end()) return;
  found->second.error = error;
  found->second.mtime_ns = stamp();
  changed(name, Kind::complete);
}

void Folder::set_missing(bool missing) {
  missing_ = missing;
  changed({}, Kind::complete);
}

void Folder::set_unreadable(bool unreadable) {
  unreadable_ = unreadable;
  changed({}, Kind::complete);
}

void Folder::set_emptied(bool emptied) {
  emptied_ = emptied;
  changed({}, Kind::complete);
}

void Folder::set_replaced() {
  directory_ += 100;
  for (auto& [name, file] : files_) file.inode = ++inodes_;
  changed({}, Kind::complete);
}

specs::DirSnapshot Folder::snapshot(std::uint64_t scan, SeenFiles& seen) const {
  specs::DirSnapshot snapshot;
  snapshot.scan = scan;
  if (missing_) {
    snapshot.error = "/specs: No such file or directory";
    return snapshot;
  }
  snapshot.device = 1;
  snapshot.inode = emptied_ ? directory_ + 1 : directory_;
  snapshot.mode = 0750;
  if (unreadable_) {
    snapshot.error = "/specs: Input/output error";
    return snapshot;
  }
  snapshot.complete = true;
  SeenFiles now;
  if (!emptied_) {
    for (const auto& [name, file] : files_) {
      if (!specs::is_spec_file_name(name)) continue;
      specs::DirEntry entry;
      entry.name = name;
      entry.type = file.type;
      entry.device = 1;
      entry.inode = file.inode;
      entry.size = static_cast<std::int64_t>(file.content->size());
      entry.mtime_ns = file.mtime_ns;
      entry.mode = 0640;
      entry.error = file.error;
      if (file.type == specs::FileType::regular && file.error == 0) {
        const SeenFile stat{file.inode, file.mtime_ns, entry.size};
        const auto before = seen.find(name);
        if (before == seen.end() || before->second != stat) entry.bytes = file.content;
        now[name] = stat;
      }
      snapshot.entries.push_back(std::move(entry));
    }
  }
  seen = std::move(now);
  return snapshot;
}

}  // namespace cofferdam::sim
