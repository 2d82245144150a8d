#include "controllers/manager/option_setters.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <limits>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "controllers/manager/options.h"

namespace epslice {
namespace {

void Set(const std::string& flag, const std::string& value, const Setter& set) {
  const std::optional<std::string> accepted = set(value);
  if (!accepted) return;
  // An URL may hold a password.
  const bool shown = value.find("://") == std::string::npos || value.find('@') == std::string::npos;
  throw CLI::ValidationError(absl::StrCat(flag, "=", shown ? value : "(not shown)", ": ", *accepted));
}

CLI::Option* AddOption(CLI::App* app, const std::string& names, const char* group, const char* type,
                       const std::string& help, CLI::MultiOptionPolicy of_several, Setter set) {
  const auto callback = [flag = names.substr(0, names.find(',')), set = std::move(set)](const CLI::results_t& results) {
    for (const std::string& value : results) Set(flag, value, set);
    return true;
  };
  return app->add_option(names, callback, help)->type_name(type)->group(group)->multi_option_policy(of_several);
}

}  // namespace

CLI::Option* AddFlag(CLI::App* app, const std::string& names, const char* group, const char* type,
                     const std::string& preset, const std::string& help, Setter set) {
  CLI::Option* option = AddOption(app, names, group, type, help, CLI::MultiOptionPolicy::TakeLast, std::move(set));
  if (!preset.empty()) option->default_str(preset);
  return option;
}

CLI::Option* AddRepeatedFlag(CLI::App* app, const std::string& name, const char* group, const char* type,
                             const std::string& help, Setter set) {
  return AddOption(app, name, group, type, help, CLI::MultiOptionPolicy::TakeAll, std::move(set));
}

void AddRefusedFlag(CLI::App* app, const std::string& name, const char* group, const char* type,
                    const std::string& why) {
  AddFlag(app, name, group, type, "", absl::StrCat("Refused: ", why),
          [why](const std::string&) -> std::optional<std::string> { return absl::StrCat(why, ": leave it out"); });
}

Setter IntSetter(int* target, int min, int max) {
  return [=](const std::string& value) -> std::optional<std::string> {
    int n = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), n);
    if (error != std::errc() || end != value.data() + value.size() || value.empty() || n < min || n > max) {
      return max == std::numeric_limits<int>::max()
                 ? absl::StrCat("accepted is a whole number from ", min)
                 : absl::StrCat("accepted is a whole number from ", min, " to ", max);
    }
    *target = n;
    return std::nullopt;
  };
}

Setter DurationSetter(Duration* target) {
  return [=](const std::string& value) -> std::optional<std::string> {
    const absl::StatusOr<Duration> d = ParseDuration(value);
    if (!d.ok()) return "accepted is a duration such as 500ms, 1m30s or 0";
    *target = *d;
    return std::nullopt;
  };
}

Setter FileSetter(std::string* target) {
  return [=](const std::string& value) -> std::optional<std::string> {
    if (value.empty()) return "accepted is a file";
    *target = value;
    return std::nullopt;
  };
}

Setter ListSetter(std::vector<std::string>* target, std::function<bool(const std::string&)> good,
                  std::string accepted) {
  return [target, good = std::move(good),
          accepted = std::move(accepted)](const std::string& value) -> std::optional<std::string> {
    std::vector<std::string> items;
    for (std::size_t begin = 0; !value.empty() && begin <= value.size();) {
      const std::size_t end = std::min(value.find(',', begin), value.size());
      items.push_back(value.substr(begin, end - begin));
      if (!good(items.back())) return accepted;
      begin = end + 1;
    }
    *target = std::move(items);
    return std::nullopt;
  };
}

}  // namespace epslice
