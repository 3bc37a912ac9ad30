#pragma once

// What the run does to the world at random: to the processes, to containers from outside, to files and folders. Each act
// that takes something away plans its own mend. Everything is drawn from one seed. For one thread.

#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/engine/chaos/decoys.hpp"
#include "tests/engine/chaos/fleet.hpp"
#include "tests/engine/chaos/observer.hpp"
#include "tests/engine/chaos/stage.hpp"

namespace cofferdam::test::chaos {

class Acts {
 public:
  Acts(Stage& stage, Fleet& fleet, Observer& observer, Decoys& decoys, Timeline& timeline, std::uint64_t seed)
      : stage_(stage), fleet_(fleet), observer_(observer), decoys_(decoys), timeline_(timeline), random_(seed) {}

  void drop_all();                     ///< every agent's first version
  void one();                          ///< a random act
  void run_due();                      ///< mends whose time has come
  void look_after();                   ///< what should be running and is not: a violation, or the daemon's own end
  void heal();                         ///< everything back, every broken file good
  [[nodiscard]] milliseconds pause();  ///< until the next act
  [[nodiscard]] std::string counts() const;
  [[nodiscard]] bool daemon_answers() const { return daemon_ == Up::yes; }

 private:
  enum class Up { yes, stopped, dead };
  using Act = bool (Acts::*)();  ///< false: not possible just now
  struct Entry {
    const char* name;
    int weight;
    Act act;
  };
  static const std::vector<Entry>& table();

  // Processes.
  bool kill_controller();
  bool end_controller();
  bool stop_controller();
  bool kill_daemon();
  bool stop_daemon();
  bool kill_both();
  bool kill_shim();
  bool kill_process();
  void controller_back();
  void daemon_back(bool live_restore);
  void daemon_hangs();

  // Containers, from outside.
  bool signal_container();
  bool stop_container();
  bool restart_container();
  bool start_ended();
  bool pause_container();
  bool remove_container();
  bool rename_container();
  bool exec_in_container();
  bool update_container();
  bool copy_container();
  bool squat();

  // Files and folders.
  bool edit();
  bool edit_in_place();
  bool break_file();
  bool remove_file();
  bool add_file();
  bool suspend();
  bool ask_removal();
  bool remove_many();
  bool move_folder();
  bool fill_disk();
  void write_good(Member& member, const std::string& how);

  std::uint64_t draw(std::uint64_t below) { return random_() % below; }
  bool chance(int percent) { return draw(100) < static_cast<std::uint64_t>(percent); }
  void later(milliseconds after, std::function<void()> mend);
  /// A container that is live (or not), of an agent that is not set aside.
  bool choose(bool live, Listed& chosen);
  Member* choose(File file);
  int post(const std::string& what, const Listed& of, const std::string& action, const std::string& body = "");

  Stage& stage_;
  Fleet& fleet_;
  Observer& observer_;
  Decoys& decoys_;
  Timeline& timeline_;
  std::mt19937_64 random_;
  std::multimap<Clock::time_point, std::function<void()>> later_;
  std::map<std::string, int> counts_;
  std::set<std::string> set_aside_;  ///< agents whose files are broken: nothing else is done to them
  std::set<std::string> strange_;    ///< containers that `heal` removes: renamed ones, squatters
  Up controller_ = Up::yes;
  Up daemon_ = Up::yes;
  Clock::time_point next_sign_of_life_;
  bool folder_there_ = true;
  bool disk_full_ = false;
};

}  // namespace cofferdam::test::chaos
