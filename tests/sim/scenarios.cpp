#include "tests/sim/scenarios.hpp"

#include <cstdio>
#include <cstdlib>

namespace cofferdam::sim {
namespace {

struct Row {
  const char* name;
  const char* agents;  ///< as in a plan, ';' between
  const char* items;   ///< as in a plan without "do", ';' between
  bool core = false;
};

constexpr Row rows[] = {
    // Lives of one agent.
    {"runs", "a file=a.yaml", "", true},
    {"runs-once-and-succeeds", "a file=a.yaml program=agent,run=3000,code=0", "", true},
    {"runs-once-and-fails", "a file=a.yaml restart=Never program=agent,run=3000,code=2", ""},
    {"fails-twice-then-runs", "a file=a.yaml program=agent,run=2000,code=1,times=2", "", true},
    {"always-runs-again", "a file=a.yaml restart=Always program=agent,run=2000,code=0,times=2", ""},
    {"reaches-max-restarts", "a file=a.yaml program=agent,run=500,code=1 max=2", ""},
    {"out-of-memory", "a file=a.yaml program=agent,run=2000,oom,times=1", ""},
    {"out-of-memory-once", "a file=a.yaml restart=Never program=agent,run=2000,oom", ""},
    {"reaches-its-deadline", "a file=a.yaml deadline=10", "", true},
    {"deadline-of-one-that-ignores-term", "a file=a.yaml deadline=10 program=agent,term=ignore stop=3", ""},
    {"past-its-ttl", "a file=a.yaml program=agent,run=2000,code=0 ttl=5", "", true},
    {"fails-past-its-ttl", "a file=a.yaml restart=Never program=agent,run=2000,code=1 ttl=5", ""},
    {"command-is-missing", "a file=a.yaml program=agent,missing max=1", ""},
    {"command-is-not-executable", "a file=a.yaml program=agent,start=126 max=1", ""},
    {"command-is-not-executable-once", "a file=a.yaml restart=Never program=agent,start=126", ""},
    {"command-is-not-found", "a file=a.yaml program=agent,start=127 max=1", ""},
    {"quick-exit", "a file=a.yaml program=agent,run=2,code=1,times=3", ""},
    {"ends-well-on-term", "a file=a.yaml program=agent,term=0", "20 edit a memory=64 0"},
    {"pulls-what-is-absent", "a file=a.yaml image=tool:1", ""},
    {"pulls-always", "a file=a.yaml pull=Always program=agent,run=3000,code=1,times=1", ""},
    {"image-comes-later", "a file=a.yaml pull=Never", "0 image-gone - - 70000"},
    {"image-goes-and-is-pulled-again", "a file=a.yaml program=agent,run=20000,code=1,times=1", "10 image-gone - - 60000"},
    {"tag-moves", "a file=a.yaml program=agent,run=20000,code=1,times=1", "10 image-moves - - 0"},
    {"on-a-network-that-goes", "a file=a.yaml network=n1 program=agent,run=5000,code=1,times=2", "3 network-gone - - 20000"},
    {"limits-are-discarded", "a file=a.yaml", "5 configure - memory 0"},
    // Edits.
    {"edited", "a file=a.yaml", "20 edit a memory=64 0", true},
    {"edited-in-place", "a file=a.yaml", "20 edit a memory=64 1"},
    {"edited-by-vim", "a file=a.yaml", "20 edit a memory=64 2"},
    {"edited-by-delete-and-write", "a file=a.yaml", "20 edit a memory=64 3"},
    {"edited-twice", "a file=a.yaml", "20 edit a memory=64 0;20.5 edit a memory=96 0"},
    {"edited-and-back", "a file=a.yaml", "20 edit a memory=64 0;20.3 edit a memory=0 0"},
    {"edited-while-it-starts", "a file=a.yaml", "0.3 edit a memory=64 0"},
    {"edited-while-it-stops", "a file=a.yaml program=agent,takes=4000", "20 edit a memory=64 0;21 edit a task=t2 0"},
    {"edited-to-another-image", "a file=a.yaml", "20 edit a image=tool:1 0"},
    {"edited-when-finished", "a file=a.yaml program=agent,run=2000,code=0", "20 edit a task=t2 0"},
    {"edited-in-back-off", "a file=a.yaml program=agent,run=2,code=1", "3 edit a program=agent 0"},
    {"policy-edited-when-finished", "a file=a.yaml program=agent,run=2000,code=0,times=1", "20 edit a restart=Always 0"},
    {"suspended-and-back", "a file=a.yaml", "20 edit a suspend=yes 0;40 edit a suspend=no 0", true},
    {"suspended-and-back-under-never", "a file=a.yaml restart=Never", "20 edit a suspend=yes 0;40 edit a suspend=no 0"},
    {"suspended-and-back-while-nobody-looks", "a file=a.yaml program=agent,term=0,takes=4000",
     "20 edit a suspend=yes 0;21 crash - - 6000;22 edit a suspend=no 0"},
    {"suspended", "a file=a.yaml", "20 edit a suspend=yes 0"},
    {"removed-in-words", "a file=a.yaml", "20 edit a remove=yes 0"},
    {"removed-in-words-then-deleted", "a file=a.yaml", "20 edit a remove=yes 0;40 delete a - 0"},
    {"deleted", "a file=a.yaml;b file=b.yaml", "20 delete a - 0", true},
    {"deleted-and-added", "a file=a.yaml;b file=b.yaml", "20 delete a - 0;40 add a - 0"},
    {"deleted-while-it-starts", "a file=a.yaml;b file=b.yaml", "0.2 delete a - 0"},
    {"finished-and-deleted", "a file=a.yaml program=agent,run=2000,code=0;b file=b.yaml", "20 delete a - 0"},
    {"moved-to-another-file", "a file=a.yaml;b file=b.yaml", "20 move a b.yaml 3000"},
    {"two-in-a-file-one-edited", "a file=a.yaml;b file=a.yaml", "20 edit a memory=64 0"},
    {"broken-and-mended", "a file=a.yaml", "20 break a garbage 30000"},
    {"named-twice", "a file=a.yaml", "20 duplicate a - 30000"},
    {"a-default-changes", "a file=a.yaml restart=Always;b file=b.yaml restart=Always", "20 configure - memory 0"},
    {"a-default-changes-for-a-run-once", "a file=a.yaml", "20 configure - memory 0"},
    {"switched-off-and-on", "a file=a.yaml", "20 configure - off 0;40 configure - on 0"},
    {"policy-tightened-and-loosened", "a file=a.yaml", "20 configure - tight 0;40 configure - loose 0"},
    // People.
    {"killed-by-a-person", "a file=a.yaml", "20 kill a KILL 0", true},
    {"stopped-by-a-person", "a file=a.yaml program=agent,term=0", "20 stop a - 0"},
    {"removed-by-a-person", "a file=a.yaml", "20 rm a - 0"},
    {"restarted-by-a-person", "a file=a.yaml", "20 restart a - 0"},
    {"paused-by-a-person-and-edited", "a file=a.yaml", "20 pause a - 60000;22 edit a memory=64 0"},
    {"given-a-restart-policy", "a file=a.yaml", "20 policy a always 0"},
    {"finished-and-started-by-a-person", "a file=a.yaml restart=Never program=agent,run=2000,code=0,times=1",
     "20 old-start - - 0"},
    {"copied-by-a-person", "a file=a.yaml", "20 copy a - 0;25 kill a KILL 0"},
    {"more-deleted-than-the-budget-allows",
     "a file=a.yaml;b file=b.yaml;c file=c.yaml;d file=d.yaml;e file=e.yaml;f file=f.yaml;g file=g.yaml;h file=h.yaml",
     "20 delete a - 0;20 delete b - 0;20 delete c - 0;20 delete d - 0;20 delete e - 0;20 delete f - 0"},
    {"edited-and-no-hint-ever-tells", "a file=a.yaml", "19 hints-lost - - 100000;20 edit a memory=64 0"},
    {"clock-goes-back-while-nobody-looks-in-back-off", "a file=a.yaml program=agent,run=500,code=1,times=6",
     "24 crash - - 3000;25 clock - - -100000000"},
    {"old-one-is-started-before-the-next", "a file=a.yaml program=agent,run=5000,code=1,times=1",
     "0 call start timeout 2;12 old-start - - 0"},
    {"workspace-in-use", "a file=a.yaml", "0 decoy a mount 0"},
    {"name-is-taken", "a file=a.yaml", "0 decoy a name 0;0 phantom-name a - 0"},
    // The engine and the host.
    {"engine-stops-and-comes-back", "a file=a.yaml program=agent,term=0", "20 engine-stop - - 5000"},
    {"engine-is-killed", "a file=a.yaml", "20 engine-kill - - 5000", true},
    {"engine-hangs", "a file=a.yaml", "20 edit a memory=64 0;20.1 engine-hang - - 40000"},
    {"stream-breaks", "a file=a.yaml", "20 stream-break - - 0;20.1 kill a KILL 0"},
    {"host-reboots", "a file=a.yaml;b file=b.yaml program=agent,run=60000,code=0", "20 reboot - - 5000"},
    {"removal-sticks", "a file=a.yaml", "19 sticky-removal a - 20000;20 edit a memory=64 0"},
    {"will-not-die", "a file=a.yaml stop=2", "19 unkillable a - 30000;20 edit a memory=64 0"},
    {"workspace-goes-and-comes", "a file=a.yaml program=agent,run=5000,code=1,times=2", "2 ws-missing a - 30000"},
    {"state-is-lost", "a file=a.yaml program=agent,run=2000,code=0;b file=b.yaml", "20 state-lost - - 100"},
};

}  // namespace

std::vector<Scenario> scenarios() {
  std::vector<Scenario> all;
  for (const Row& row : rows) {
    std::string text = "set faults-until=" + std::to_string(90 * second) + "\nset quiet=" + std::to_string(5 * minute) + "\n";
    const auto add = [&text](const std::string& list, const std::string& word) {
      for (std::size_t at = 0; at < list.size();) {
        const std::size_t end = std::min(list.find(';', at), list.size());
        text += word + list.substr(at, end - at) + "\n";
        at = end + 1;
      }
    };
    add(row.agents, "agent ");
    add(row.items, "do ");
    std::string error;
    const auto plan = plan_from(text, error);
    if (!plan) {
      std::fprintf(stderr, "the scenario %s is no plan: %s\n", row.name, error.c_str());
      std::abort();
    }
    Scenario scenario{row.name, *plan, row.core};
    if (scenario.name == "limits-are-discarded") scenario.plan.engine.drops_swap = true;
    all.push_back(std::move(scenario));
  }
  return all;
}

}  // namespace cofferdam::sim
