#include "reconciler/workspaces.hpp"

#include <algorithm>

namespace cofferdam::reconciler {

void PathIndex::remove(const std::string& path, const std::string& holder) {
  by_path_.erase({path, holder});
}

std::vector<std::string> PathIndex::at_or_inside(const std::string& path) const {
  std::vector<std::string> holders;
  for (auto at = by_path_.lower_bound({path, {}}); at != by_path_.end() && at->first == path; ++at) holders.push_back(at->second);
  // What lies inside begins with the path and a slash: one stretch of the sorted paths.
  const std::string inside = path == "/" ? path : path + "/";
  for (auto at = by_path_.lower_bound({inside, {}}); at != by_path_.end() && at->first.compare(0, inside.size(), inside) == 0;
       ++at) {
    if (at->first != path) holders.push_back(at->second);
  }
  std::sort(holders.begin(), holders.end());
  return holders;
}

std::vector<std::string> PathIndex::above(const std::string& path) const {
  std::vector<std::string> holders;
  std::string ancestor = path;
  while (ancestor.size() > 1) {
    const std::size_t slash = ancestor.rfind('/');
    if (slash == std::string::npos) break;
    ancestor.resize(slash == 0 ? 1 : slash);
    for (auto at = by_path_.lower_bound({ancestor, {}}); at != by_path_.end() && at->first == ancestor; ++at) {
      holders.push_back(at->second);
    }
  }
  std::sort(holders.begin(), holders.end());
  return holders;
}

void Occupancy::set(const Occupant& occupant, std::vector<std::string> directories) {
  erase(occupant.id);
  if (directories.empty()) return;
  for (const std::string& directory : directories) index_.add(directory, occupant.id);
  held_[occupant.id] = Held{occupant, std::move(directories)};
}

bool Occupancy::erase(const std::string& id) {
  const auto found = held_.find(id);
  if (found == held_.end()) return false;
  for (const std::string& directory : found->second.directories) index_.remove(directory, id);
  held_.erase(found);
  return true;
}

std::optional<Occupancy::Occupant> Occupancy::first_other(const std::vector<std::string>& ids, const std::string& agent) const {
  for (const std::string& id : ids) {
    const auto found = held_.find(id);
    if (found != held_.end() && found->second.occupant.agent != agent) return found->second.occupant;
  }
  return std::nullopt;
}

std::optional<Occupancy::Occupant> Occupancy::occupant_of(const std::string& workspace, const std::string& agent) const {
  if (workspace.empty()) return std::nullopt;
  return first_other(index_.at_or_inside(workspace), agent);
}

std::optional<Occupancy::Occupant> Occupancy::above(const std::string& workspace, const std::string& agent) const {
  if (workspace.empty()) return std::nullopt;
  return first_other(index_.above(workspace), agent);
}

bool WantedWorkspaces::set(const std::string& agent, const std::string& workspace) {
  const auto found = wanted_.find(agent);
  const std::string before = found == wanted_.end() ? std::string() : found->second;
  if (before == workspace) return false;
  if (!before.empty()) index_.remove(before, agent);
  if (workspace.empty()) {
    wanted_.erase(agent);
  } else {
    index_.add(workspace, agent);
    wanted_[agent] = workspace;
  }
  return true;
}

std::vector<std::string> WantedWorkspaces::rivals(const std::string& agent) const {
  const std::string& own = of(agent);
  if (own.empty()) return {};
  std::vector<std::string> all = index_.at_or_inside(own);
  const std::vector<std::string> around = index_.above(own);
  all.insert(all.end(), around.begin(), around.end());
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  all.erase(std::remove(all.begin(), all.end(), agent), all.end());
  return all;
}

const std::string& WantedWorkspaces::of(const std::string& agent) const {
  static const std::string nothing;
  const auto found = wanted_.find(agent);
  return found == wanted_.end() ? nothing : found->second;
}

}  // namespace cofferdam::reconciler
