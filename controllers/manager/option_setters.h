// How a flag is added, and what takes its value. For the .cc files of flags.
#ifndef EPSLICE_CONTROLLERS_MANAGER_OPTION_SETTERS_H_
#define EPSLICE_CONTROLLERS_MANAGER_OPTION_SETTERS_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "informers/clock.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace epslice {

// Takes the value, or says what is accepted.
using Setter = std::function<std::optional<std::string>(const std::string& value)>;

// `names` as CLI11 has them; `type` and `help` are for --help, `preset` as well.
// Of a flag that is there twice the last one counts. An empty value is one.
CLI::Option* AddFlag(CLI::App* app, const std::string& names, const char* group, const char* type,
                     const std::string& preset, const std::string& help, Setter set);
// The same, of a flag of which all count that are there; `set` takes one after the other.
CLI::Option* AddRepeatedFlag(CLI::App* app, const std::string& name, const char* group, const char* type,
                             const std::string& help, Setter set);
// A flag of kube-controller-manager's that has no place here. `why` follows a colon.
void AddRefusedFlag(CLI::App* app, const std::string& name, const char* group, const char* type,
                    const std::string& why);

// Their targets must outlive the parsing. Those without a word on it take all.
Setter IntSetter(int* target, int min, int max);
Setter DurationSetter(Duration* target);
Setter FileSetter(std::string* target);  // not ""
// "a,b": each as `good` has it, of `accepted`; "": an empty list.
Setter ListSetter(std::vector<std::string>* target, std::function<bool(const std::string&)> good, std::string accepted);

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_MANAGER_OPTION_SETTERS_H_
