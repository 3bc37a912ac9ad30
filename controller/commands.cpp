// Parses the command line and picks a command, nothing else.

#include "controller/commands.hpp"

#include <algorithm>
#include <functional>
#include <ostream>

#include <CLI/CLI.hpp>

#include "controller/command_context.hpp"

namespace cofferdam::controller {

namespace {

constexpr const char* exit_codes =
    "Exit codes:\n"
    "  0   done; nothing wrong, nothing to do\n"
    "  1   found: validate: mistakes; plan: changes; apply, cleanup: not everything succeeded; get, describe, logs: no such "
    "agent\n"
    "  2   wrong arguments, or refused: another controller runs, a word was not accepted, no permission\n"
    "  3   the command needs a running controller, and there is none or it does not answer\n"
    "  4   the engine cannot be used\n"
    "  69  run: it cannot listen where server.listen or server.socket says. The service unit tries again\n"
    "  70  a defect of cofferdam\n"
    "  71  memory is exhausted: the process ended at once, and did nothing on half a thought. The service unit starts another\n"
    "  78  the configuration is bad\n"
    "  128+N  interrupted by signal N (130: Ctrl-C, 143: SIGTERM); containers are left as they are. `run` ends with 0\n";

using Command = int (*)(const CommandContext&);

/// The commands, their options and their help; `chosen` is set by parsing.
class CommandLine {
 public:
  CommandLine()
      : app_("Drop a YAML file that describes an agent into a folder; it runs in a hardened container, kept as the file says.",
             "cofferdam") {
    app_.require_subcommand(1);
    app_.fallthrough();
    app_.footer(std::string("Examples:\n  cofferdam validate examples/agents\n  cofferdam plan\n  cofferdam get\n\n") +
                exit_codes);
    app_.set_help_all_flag("--help-all", "Print the help of all commands and exit");
    app_.add_option("--config", options_.config, "Configuration file (default /etc/cofferdam/cofferdam.yaml, where it exists)")
        ->type_name("FILE");
    app_.add_option("--host", options_.host, "The engine's address, over DOCKER_HOST and the configuration")
        ->type_name("ADDRESS");
    app_.add_option("--socket", options_.socket, "The running controller's socket, over server.socket of the configuration")
        ->type_name("PATH");
    app_.add_option("--output", options_.output, "text, or json for programs")
        ->check(CLI::IsMember({"text", "json"}))
        ->type_name("FORMAT");
    add_running();
    add_files();
    add_asking();
    add_words();
  }

  int parse(std::vector<std::string> arguments, Streams& streams) {
    std::reverse(arguments.begin(), arguments.end());  // CLI11 takes a vector from its end
    try {
      app_.parse(std::move(arguments));
    } catch (const CLI::ParseError& error) {
      const int code = app_.exit(error, streams.out, streams.err);
      return code == 0 ? exit_ok : exit_usage;
    }
    return chosen_(CommandContext(options_, streams));
  }

 private:
  CLI::App* add(const std::string& name, const std::string& what, const std::string& examples, Command command) {
    CLI::App* sub = app_.add_subcommand(name, what);
    sub->footer("Examples:\n" + examples);
    sub->fallthrough();
    sub->callback([this, command] { chosen_ = command; });
    return sub;
  }

  void add_running() {
    add("run", "Keep what runs as the folder says: the service", "  cofferdam run --config /etc/cofferdam/cofferdam.yaml\n",
        command_run);
    CLI::App* apply = add("apply", "Do once what the folder says, and end",
                          "  cofferdam apply\n  cofferdam apply --wait --timeout 120\n", command_apply);
    apply->add_flag("--wait", options_.wait, "End only when every agent has ended or is ready");
    apply->add_option("--timeout", options_.timeout, "Give up after so many seconds")->check(CLI::Range(1, 86400));
    add("plan", "Print what would be done now, and do nothing", "  cofferdam plan\n  cofferdam plan --output json\n",
        command_plan);
    CLI::App* cleanup = add("cleanup", "Stop and remove every container that this instance owns",
                            "  cofferdam cleanup\n  cofferdam cleanup --yes\n", command_cleanup);
    cleanup->add_flag("--yes", options_.yes, "Do not ask");
  }

  void add_files() {
    CLI::App* validate = add("validate", "Check spec files (and --config, where given) without an engine",
                             "  cofferdam validate examples/agents\n  cofferdam validate --config cofferdam.yaml a.yaml b.yaml\n",
                             command_validate);
    validate->add_option("paths", options_.paths, "Spec files, or directories of them")->type_name("FILE|DIR");
    validate->add_flag("--check-workspaces", options_.check_workspaces, "Also look whether workspaces exist on this host");
    CLI::App* config =
        add("config", "Print the configuration in force, and where each value came from",
            "  cofferdam config\n  cofferdam config --filtered LANG SECRET\n  cofferdam config --allow-list\n", command_config);
    config->add_option("--filtered", options_.names, "Which of these variables an agent would lose")
        ->type_name("NAME")
        ->delimiter(',');
    config->add_flag("--enabled", options_.enabled, "Only whether the sandbox is enabled");
    config->add_flag("--allow-list", options_.allow_list, "Only the variables that are passed");
    config->add_flag("--hardening", options_.hardening, "Only the hardening defaults");
    add("version", "Print the version", "  cofferdam version\n", command_version);
  }

  void add_asking() {
    CLI::App* get =
        add("get", "List agents, or one", "  cofferdam get\n  cofferdam get refactor-bot --output json\n", command_get);
    get->add_option("agent", options_.agent, "The agent's name")->type_name("AGENT");
    CLI::App* describe =
        add("describe", "Tell everything known of an agent", "  cofferdam describe refactor-bot\n", command_describe);
    describe->add_option("agent", options_.agent, "The agent's name")->required()->type_name("AGENT");
    CLI::App* logs = add("logs", "Print what an agent wrote",
                         "  cofferdam logs refactor-bot --tail 100 -f\n  cofferdam logs refactor-bot --previous\n", command_logs);
    logs->add_option("agent", options_.agent, "The agent's name")->required()->type_name("AGENT");
    logs->add_flag("-f,--follow", options_.follow, "Go on as it writes");
    logs->add_option("--tail", options_.tail, "Only the last lines")->check(CLI::NonNegativeNumber)->type_name("LINES");
    logs->add_flag("--previous", options_.previous, "Of the attempt before the present one");
  }

  void add_words() {
    CLI::App* confirm = add("confirm-deletions", "Allow the removal of a set of agents that is held",
                            "  cofferdam plan                       # tells the ID\n  cofferdam confirm-deletions 3f9c2a\n",
                            command_confirm_deletions);
    confirm->add_option("id", options_.id, "The set's ID, as plan and get tell it")->required()->type_name("ID");
    CLI::App* release = add("release", "Let an agent run again that was stopped because its hardening was violated",
                            "  cofferdam release refactor-bot\n", command_release);
    release->add_option("agent", options_.agent, "The agent's name")->required()->type_name("AGENT");
    add("reload", "Read the configuration again", "  cofferdam reload\n", command_reload);
  }

  CLI::App app_;
  CommandOptions options_;
  Command chosen_ = nullptr;
};

}  // namespace

int run_command(const std::vector<std::string>& arguments, Streams& streams) {
  return CommandLine().parse(arguments, streams);
}

}  // namespace cofferdam::controller
