#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <map>

#include "apis/concat.h"
#include "sim/cli/command.h"
#include "sim/cli/compare_command.h"
#include "sim/cli/convert_command.h"
#include "sim/cli/demo_command.h"
#include "sim/cli/diff_command.h"
#include "sim/cli/explain_command.h"
#include "sim/cli/plan_command.h"
#include "sim/cli/record_command.h"
#include "sim/cli/run_command.h"
#include "sim/cli/serve_command.h"
#include "sim/cli/sweep_command.h"
#include "sim/report/table.h"

namespace epslice::sim {
namespace {

constexpr std::string_view kProgram = "endpointslice-sim";

// "-v=2" to "-v2", which is how CLI11 wants a value joined to a letter.
std::string DropEquals(const std::string& arg) {
  const bool joined = arg.size() > 3 && arg[0] == '-' && arg[1] != '-' && arg[2] == '=';
  return joined ? arg.substr(0, 2) + arg.substr(3) : arg;
}

std::string NamesOf(const std::vector<std::unique_ptr<Command>>& commands) {
  std::string names;
  for (const auto& command : commands) {
    if (!names.empty()) names += ", ";
    names += command->name();
  }
  return names;
}

}  // namespace

// The list of subcommands: a new one gets a line here.
std::vector<std::unique_ptr<Command>> AllCommands() {
  std::vector<std::unique_ptr<Command>> commands;
  commands.push_back(MakePlanCommand());
  commands.push_back(MakeDiffCommand());
  commands.push_back(MakeExplainCommand());
  commands.push_back(MakeRunCommand());
  commands.push_back(MakeCompareCommand());
  commands.push_back(MakeSweepCommand());
  commands.push_back(MakeMergeCommand());
  commands.push_back(MakeConvertCommand());
  commands.push_back(MakeRecordCommand());
  commands.push_back(MakeServeCommand());
  commands.push_back(MakeDemoCommand());
  return commands;
}

int BadInput(const Streams& streams, std::string_view message) {
  streams.err << kProgram << ": " << Printable(message) << '\n';
  return kExitBadInput;
}

int RunCli(const std::vector<std::string>& args, const Streams& streams) {
  const std::vector<std::unique_ptr<Command>> commands = AllCommands();
  CLI::App app("What the EndpointSlice controller would do, without a cluster.", std::string(kProgram));
  app.set_version_flag("--version", Concat(kProgram, ' ', EPSLICE_VERSION));
  std::map<const CLI::App*, Command*> by_app;
  for (const auto& command : commands) {
    CLI::App* sub = app.add_subcommand(std::string(command->name()), std::string(command->summary()));
    command->AddFlags(sub);
    by_app[sub] = command.get();
  }
  if (args.empty()) {
    return BadInput(streams, Concat("no subcommand; there are: ", NamesOf(commands), " (--help says more)"));
  }
  const auto is_named = [&](const auto& command) { return command->name() == args[0]; };
  if (args[0].rfind('-', 0) != 0 && std::none_of(commands.begin(), commands.end(), is_named)) {
    return BadInput(streams, Concat("there is no subcommand \"", args[0], "\"; there are: ", NamesOf(commands)));
  }
  std::vector<std::string> reversed;  // CLI11 takes them from the back
  std::transform(args.rbegin(), args.rend(), std::back_inserter(reversed), DropEquals);
  try {
    app.parse(reversed);
    if (app.get_subcommands().empty()) {
      return BadInput(streams, Concat("no subcommand; there are: ", NamesOf(commands), " (--help says more)"));
    }
  } catch (const CLI::Success& e) {  // --help, --version
    app.exit(e, streams.out, streams.err);
    return kExitOk;
  } catch (const CLI::Error& e) {
    const std::vector<CLI::App*> subs = app.get_subcommands();
    return BadInput(streams, subs.empty() ? e.what() : Concat(subs[0]->get_name(), ": ", e.what()));
  }
  const int exit_code = by_app.at(app.get_subcommands().front())->Run(streams);
  streams.out.flush();
  if (!streams.out) return BadInput(streams, "the output could not be written");
  return exit_code;
}

}  // namespace epslice::sim
