#include "controllers/manager/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <initializer_list>
#include <sstream>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "controllers/manager/config_file.h"
#include "controllers/manager/option_flags.h"
#include "controllers/manager/platform.h"

#ifndef EPSLICE_VERSION
#error "the build defines EPSLICE_VERSION"
#endif

namespace epslice {
namespace {

// One line, whatever is in the argument that it repeats.
std::string OneLine(std::string_view s) {
  std::string out;
  for (const char c : s.substr(0, 500)) {
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    out += control ? ' ' : c;
  }
  return out;
}

// What is wrong with the flags for shadow; empty: nothing.
std::string ShadowTrouble(const ManagerOptions& o) {
  if (o.mode != ManagerMode::kShadow) return "";
  if (o.shadow_grace < std::chrono::seconds(1)) return "--shadow-grace must be at least 1s";
  if (o.shadow_grace <= o.endpointslice_updates_batch_period) {
    return "--shadow-grace must be above --endpointslice-updates-batch-period";
  }
  return "";
}

// What is wrong with the flags for serving together; empty: nothing.
std::string ServingTrouble(const ManagerOptions& o) {
  if (o.tls_cert_file.empty() != o.tls_private_key_file.empty()) {
    return "--tls-cert-file and --tls-private-key-file go together";
  }
  if (o.insecure && !o.tls_cert_file.empty()) return "--insecure serves plain HTTP: leave out --tls-cert-file";
  if (o.insecure && !o.tls_sni_cert_keys.empty()) {
    return "--insecure serves plain HTTP: leave out --tls-sni-cert-key";
  }
  if (!o.disable_http2_serving) return "--disable-http2-serving=false: HTTP/1.1 is all that is served";
  if (o.insecure && o.client_trust.Given()) {
    return "--insecure serves plain HTTP, on which no certificate is shown: leave out --client-ca-file and "
           "--requestheader-client-ca-file";
  }
  if (o.insecure && (!o.authentication_kubeconfig.empty() || !o.authorization_kubeconfig.empty())) {
    return "--insecure serves plain HTTP, on which no token should be shown: leave out --authentication-kubeconfig "
           "and --authorization-kubeconfig";
  }
  return "";
}

bool IsRepeated(const CLI::Option& option) {
  return option.get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll;
}

// As the reference shows values of a flag that is there more than once.
std::string Joined(const std::vector<std::string>& values) {
  std::string all;
  for (const std::string& value : values) absl::StrAppend(&all, all.empty() ? "" : ";", value);
  return all;
}

// Every flag that sets something, with its value.
std::vector<std::pair<std::string, std::string>> EffectiveFlags(const CLI::App& app) {
  std::vector<std::pair<std::string, std::string>> flags;
  for (const CLI::Option* option : app.get_options()) {
    const std::string name = option->get_lnames().empty() ? option->get_name() : "--" + option->get_lnames().front();
    if (name == "--help" || name == "--version") continue;
    if (option->get_description().rfind("Refused: ", 0) == 0) continue;
    const bool is_flag = option->get_expected_max() == 0;
    std::string value = option->count() == 0  ? option->get_default_str()
                        : IsRepeated(*option) ? Joined(option->results())
                                              : option->results().back();
    if (is_flag && value.empty()) value = "false";
    flags.emplace_back(name, std::move(value));
  }
  std::sort(flags.begin(), flags.end());
  return flags;
}

// CLI11 reads `-v=2` as the value "=2", and after `--name=` it takes the next
// argument for the value.
std::vector<std::string> SplitValues(std::vector<std::string> args, const CLI::App& app) {
  std::vector<std::string> out;
  bool flags = true;
  for (std::string& arg : args) {
    flags = flags && arg != "--";
    if (flags && arg.rfind("-v=", 0) == 0) arg.erase(2, 1);
    const bool empty_value = flags && arg.size() > 3 && arg.rfind("--", 0) == 0 && arg.find('=') == arg.size() - 1;
    const CLI::Option* option = empty_value ? app.get_option_no_throw(arg.substr(0, arg.size() - 1)) : nullptr;
    if (option != nullptr && option->get_expected_max() > 0) {
      out.push_back(arg.substr(0, arg.size() - 1));
      arg.clear();
    }
    out.push_back(std::move(arg));
  }
  return out;
}

// --version=VALUE, as components of Kubernetes take it: what Go takes for true is a
// --version without a value, what it takes for false is nothing, and "raw" is more to
// read. As Parse().
std::optional<int> ReadVersionValue(std::vector<std::string>* args, std::ostream& out, std::string* trouble) {
  constexpr std::string_view kPrefix = "--version=";
  const auto is_one_of = [](std::string_view value, std::initializer_list<std::string_view> all) {
    return std::find(all.begin(), all.end(), value) != all.end();
  };
  for (auto arg = args->begin(); arg != args->end() && *arg != "--";) {
    const std::string value = arg->rfind(kPrefix, 0) == 0 ? arg->substr(kPrefix.size()) : "true";
    if (value == "raw") {
      const std::vector<std::string> parts = absl::StrSplit(EPSLICE_VERSION, '.');
      out << absl::StrCat("version.Info{Major:\"", parts[0], "\", Minor:\"", parts[1], "\", GitVersion:\"v",
                          EPSLICE_VERSION, "\", Compiler:\"gcc-", __GNUC__, "\", Platform:\"", std::string(kPlatform),
                          "\"}\n");
      return 0;
    }
    if (is_one_of(value, {"0", "f", "F", "false", "False", "FALSE"})) {
      arg = args->erase(arg);
      continue;
    }
    if (!is_one_of(value, {"1", "t", "T", "true", "True", "TRUE"})) {
      *trouble = absl::StrCat(*arg, ": accepted is true, false or raw");
      return 2;
    }
    if (arg->rfind(kPrefix, 0) == 0) *arg = "--version";
    ++arg;
  }
  return std::nullopt;
}

int Fail(std::ostream& err, std::string_view why) {
  err << "endpointslice-controller: " << OneLine(why) << " (see --help)\n";
  return 2;
}

// One reading of arguments into `options`.
class CommandLine {
 public:
  explicit CommandLine(ManagerOptions* options)
      : options_(options),
        app_(
            "Keeps the EndpointSlices of every Service with a selector as they should be: a drop-in for the\n"
            "endpointslice controller in kube-controller-manager v1.36.",
            "endpointslice-controller") {
    app_.set_version_flag("--version", absl::StrCat("endpointslice-controller ", EPSLICE_VERSION));
    app_.get_formatter()->column_width(48);
    app_.footer(
        "Exit codes: 0 stopped by SIGTERM or SIGINT, 1 lost the lease or cannot serve on its port, 2 bad argument. A "
        "second signal ends it at once.");
    AddOptionFlags(&app_, options, &leader_elect_);
  }

  // As ParseOptions(), each flag for itself.
  std::optional<int> Parse(std::vector<std::string> args, std::ostream& out, std::string* trouble) {
    if (const std::optional<int> code = ReadVersionValue(&args, out, trouble)) return code;
    args = SplitValues(std::move(args), app_);
    std::reverse(args.begin(), args.end());  // as CLI11 wants it
    try {
      app_.parse(std::move(args));
    } catch (const CLI::Success& e) {  // --help, --version
      app_.exit(e, out, out);
      return 0;
    } catch (const CLI::Error& e) {
      *trouble = e.what();
      return 2;
    }
    if (leader_elect_ != "true" && leader_elect_ != "false") {
      *trouble = "--leader-elect=" + leader_elect_ + ": accepted is true or false";
      return 2;
    }
    options_->leader_elect = leader_elect_ == "true" && options_->mode != ManagerMode::kShadow;
    options_->effective = EffectiveFlags(app_);
    for (auto& [flag, value] : options_->effective) {
      if (flag == "--leader-elect") value = options_->leader_elect ? "true" : "false";
    }
    return std::nullopt;
  }

  // How a flag is written in a file; nullopt: not at all.
  std::optional<FlagType> TypeOf(const std::string& name) const {
    const CLI::Option* option = app_.get_option_no_throw("--" + name);
    if (option == nullptr || name == "help" || name == "version" || name == "config") return std::nullopt;
    if (option->get_expected_max() == 0) return FlagType::kBool;
    if (IsRepeated(*option)) return FlagType::kStrings;
    const std::string type = option->get_type_name();
    if (type == "N" || type == "PORT" || type == "NUMBER") return FlagType::kNumber;
    return type == "SHARE" ? FlagType::kNumberOrString : FlagType::kString;
  }

 private:
  ManagerOptions* const options_;
  CLI::App app_;
  std::string leader_elect_ = "true";
};

// The arguments that stand in a file.
absl::StatusOr<std::vector<std::string>> ArgumentsOf(const std::string& file) {
  ManagerOptions unused;
  const CommandLine names(&unused);
  FlagTable flags;
  flags.type_of = [&names](const std::string& name) { return names.TypeOf(name); };
  flags.trouble_with = [](const std::string& argument) {
    ManagerOptions alone;
    std::string trouble;
    std::ostringstream nothing;
    CommandLine(&alone).Parse({argument}, nothing, &trouble);
    return trouble;
  };
  return ReadConfigFile(file, flags);
}

}  // namespace

std::string_view Version() { return EPSLICE_VERSION; }

std::string UserAgent() {
  return absl::StrCat("endpointslice-controller/", EPSLICE_VERSION, " (", std::string(kPlatform), ") epslice");
}

absl::StatusOr<Duration> ParseDuration(const std::string& s) {
  // Go takes both signs for "micro".
  const std::string ascii = absl::StrReplaceAll(s, {{"\u00b5s", "us"}, {"\u03bcs", "us"}});
  absl::Duration d;
  if (!absl::ParseDuration(ascii, &d) || d < absl::ZeroDuration() || d > absl::Hours(100 * 365 * 24)) {
    return absl::InvalidArgumentError(absl::StrCat("\"", s, "\" is not a duration such as 500ms, 1m30s or 0"));
  }
  return absl::ToChronoNanoseconds(d);
}

std::optional<int> ParseOptions(std::vector<std::string> args, ManagerOptions* options, std::ostream& out,
                                std::ostream& err) {
  std::string trouble;
  ManagerOptions given;
  if (const std::optional<int> code = CommandLine(&given).Parse(args, out, &trouble)) {
    return *code == 0 ? 0 : Fail(err, trouble);
  }
  if (!given.config.empty()) {
    absl::StatusOr<std::vector<std::string>> first = ArgumentsOf(given.config);
    if (!first.ok()) return Fail(err, std::string(first.status().message()));
    // Of a flag that is there twice the last one counts; of the one that may be, all.
    if (!given.tls_sni_cert_keys.empty()) {
      first->erase(std::remove_if(first->begin(), first->end(),
                                  [](const std::string& arg) { return arg.rfind("--tls-sni-cert-key=", 0) == 0; }),
                   first->end());
    }
    args.insert(args.begin(), first->begin(), first->end());
  }
  if (CommandLine(options).Parse(std::move(args), out, &trouble)) return Fail(err, trouble);
  const std::string lease = options->leader_elect ? CheckLeaderElectorOptions(options->leader_election) : "";
  for (const std::string& what : {lease, ServingTrouble(*options), ShadowTrouble(*options)}) {
    if (!what.empty()) return Fail(err, what);
  }
  return std::nullopt;
}

}  // namespace epslice
