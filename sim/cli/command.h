// How a subcommand plugs into endpointslice-sim.
//
// A subcommand is a class with a Make...Command() function in a header of its
// own; the list in app.cc names them all. It touches the world through Streams
// and its own flags only, so that tests can run it in process.
#ifndef EPSLICE_SIM_CLI_COMMAND_H_
#define EPSLICE_SIM_CLI_COMMAND_H_

#include <istream>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace epslice::sim {

enum ExitCode : int {
  kExitOk = 0,
  // Done, but not all is well: objects that could not be worked on, violated
  // thresholds, differences found.
  kExitNotAllWell = 1,
  // Bad input or usage.
  kExitBadInput = 2,
};

// Results go to `out`, everything about the run itself to `err`.
struct Streams {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
};

class Command {
 public:
  virtual ~Command() = default;
  // "plan".
  virtual std::string_view name() const = 0;
  // One line for --help.
  virtual std::string_view summary() const = 0;
  // Declares flags and positionals, bound to members of the command.
  virtual void AddFlags(CLI::App* app) = 0;
  // Called once, after the flags were parsed. Returns the exit code.
  virtual int Run(const Streams& streams) = 0;
};

// All subcommands, in the order of --help.
std::vector<std::unique_ptr<Command>> AllCommands();

// The whole program: parses `args` (without the program's name), runs the
// subcommand, returns the exit code. Wrong usage is one line on `err` and
// kExitBadInput. An option's value may be joined to a one-letter flag by "="
// ("-v=2", "-o=json"), as the Kubernetes programs take it.
int RunCli(const std::vector<std::string>& args, const Streams& streams);

// Writes "endpointslice-sim: MESSAGE" as one line (control characters in it
// replaced) and returns kExitBadInput.
int BadInput(const Streams& streams, std::string_view message);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_CLI_COMMAND_H_
