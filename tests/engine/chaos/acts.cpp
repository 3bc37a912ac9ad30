#include "tests/engine/chaos/acts.hpp"

#include <utility>

namespace cofferdam::test::chaos {

const std::vector<Acts::Entry>& Acts::table() {
  static const std::vector<Entry> acts{
      {"controller killed", 14, &Acts::kill_controller},
      {"controller ended", 2, &Acts::end_controller},
      {"controller stopped", 5, &Acts::stop_controller},
      {"daemon killed", 4, &Acts::kill_daemon},
      {"daemon stopped", 4, &Acts::stop_daemon},
      {"both killed", 1, &Acts::kill_both},
      {"shim killed", 2, &Acts::kill_shim},
      {"process killed", 3, &Acts::kill_process},
      {"signalled", 4, &Acts::signal_container},
      {"stopped", 3, &Acts::stop_container},
      {"restarted", 2, &Acts::restart_container},
      {"ended one started", 3, &Acts::start_ended},
      {"paused", 3, &Acts::pause_container},
      {"removed", 4, &Acts::remove_container},
      {"renamed", 2, &Acts::rename_container},
      {"exec", 2, &Acts::exec_in_container},
      {"restart policy set", 1, &Acts::update_container},
      {"copied", 1, &Acts::copy_container},
      {"workspace taken", 2, &Acts::squat},
      {"edited", 14, &Acts::edit},
      {"edited in place", 3, &Acts::edit_in_place},
      {"broken", 5, &Acts::break_file},
      {"file removed", 4, &Acts::remove_file},
      {"file added", 6, &Acts::add_file},
      {"suspended", 2, &Acts::suspend},
      {"removal asked", 1, &Acts::ask_removal},
      {"most removed", 1, &Acts::remove_many},
      {"folder moved", 2, &Acts::move_folder},
      {"disk filled", 2, &Acts::fill_disk},
  };
  return acts;
}

void Acts::one() {
  int all = 0;
  for (const auto& entry : table()) all += entry.weight;
  for (int tries = 0; tries < 20; ++tries) {
    auto at = static_cast<int>(draw(static_cast<std::uint64_t>(all)));
    const Entry* chosen = table().data();
    while (at >= chosen->weight) at -= (chosen++)->weight;
    if (!(this->*chosen->act)()) continue;
    ++counts_[chosen->name];
    return;
  }
}

milliseconds Acts::pause() {
  // Bursts, and now and then time to come to rest.
  if (chance(10)) return milliseconds(2000 + draw(4000));
  return milliseconds(30 + draw(400));
}

void Acts::later(milliseconds after, std::function<void()> mend) {
  later_.emplace(Clock::now() + after, std::move(mend));
}

void Acts::run_due() {
  while (!later_.empty() && later_.begin()->first <= Clock::now()) {
    const auto mend = std::move(later_.begin()->second);
    later_.erase(later_.begin());
    mend();
  }
}

void Acts::look_after() {
  if (controller_ != Up::dead && !stage_.controller_runs()) {
    timeline_.violation("its life", "the controller ended by itself");
    controller_ = Up::dead;
  }
  if (daemon_ == Up::yes && !stage_.daemon_runs()) {
    timeline_.note("the daemon ended by itself");
    ++counts_["daemon ended by itself"];
    observer_.decoys_in_hand(true);
    daemon_ = Up::dead;
    daemon_back(false);
  }
  if (daemon_ == Up::yes && Clock::now() >= next_sign_of_life_) {
    if (!stage_.containers() && stage_.daemon_runs()) daemon_hangs();
    next_sign_of_life_ = Clock::now() + seconds(10);
  }
}

bool Acts::choose(bool live, Listed& chosen) {
  if (daemon_ != Up::yes) return false;
  auto all = stage_.containers();
  if (!all) return false;
  std::erase_if(*all, [&](const Listed& one) { return one.live() != live || set_aside_.contains(one.agent); });
  if (all->empty()) return false;
  chosen = (*all)[draw(all->size())];
  return true;
}

Member* Acts::choose(File file) {
  std::vector<Member*> those;
  for (auto& member : fleet_.members()) {
    if (member.file == file && !set_aside_.contains(member.name)) those.push_back(&member);
  }
  return those.empty() ? nullptr : those[draw(those.size())];
}

void Acts::heal() {
  timeline_.note("healing");
  // Mends that were planned, at once and in their order; they may plan others.
  while (!later_.empty()) {
    const auto mend = std::move(later_.begin()->second);
    later_.erase(later_.begin());
    mend();
  }
  for (const auto& id : strange_) {
    stage_.raw().call("DELETE", "/containers/" + id + "?force=1&v=1");
    observer_.squatter_left(id);
  }
  strange_.clear();
  for (auto& member : fleet_.members()) {
    if (member.file == File::broken) write_good(member, "mended");
  }
  set_aside_.clear();
}

std::string Acts::counts() const {
  std::string text;
  for (const auto& [name, count] : counts_) text += (text.empty() ? "" : ", ") + name + " " + std::to_string(count);
  return text;
}

}  // namespace cofferdam::test::chaos
