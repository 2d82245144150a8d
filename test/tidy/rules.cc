// The rules, as tables first and the code that applies them after.
#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <string_view>
#include <vector>

#include "test/tidy/tidy.h"

namespace epslice::tidy {
namespace {

using Names = std::vector<std::string_view>;

// A file belongs to the first row whose prefix its path begins with. It may
// include project headers that begin with one of `allowed` and with none of
// `denied`.
struct Layer {
  std::string_view prefix;
  Names allowed;
  Names denied;
};

const std::vector<Layer>& Layers() {
  // Planning is pure: it sees the API types, and itself.
  static const Names kPure = {"apis/",
                              "controllers/topologyhints/",
                              "controllers/endpointslice/reconcile.",
                              "controllers/endpointslice/endpoints.",
                              "controllers/endpointslice/given_endpoints.",
                              "controllers/endpointslice/hinting.",
                              "controllers/endpointslice/packing."};
  static const std::vector<Layer> kLayers = {
      {"apis/", {"apis/"}, {}},
      {"informers/http/", {"apis/", "informers/"}, {}},
      {"informers/", {"apis/", "informers/"}, {"informers/http/"}},
      {"controllers/topologyhints/", kPure, {}},
      {"controllers/endpointslice/reconcile.", kPure, {}},
      {"controllers/endpointslice/endpoints.", kPure, {}},
      {"controllers/endpointslice/given_endpoints.", kPure, {}},
      {"controllers/endpointslice/hinting.", kPure, {}},
      {"controllers/endpointslice/packing.", kPure, {}},
      {"controllers/manager/", {"apis/", "informers/", "controllers/"}, {}},
      {"controllers/", {"apis/", "informers/", "controllers/"}, {"informers/http/", "controllers/manager/"}},
      {"sim/serve/", {"apis/", "informers/", "controllers/", "sim/"}, {"controllers/manager/", "sim/cli/"}},
      {"sim/cli/", {"apis/", "informers/", "controllers/", "sim/"}, {}},
      {"sim/",
       {"apis/", "informers/", "controllers/", "sim/"},
       {"informers/http/", "controllers/manager/", "sim/serve/", "sim/cli/"}},
      {"test/", {"apis/", "informers/", "controllers/", "sim/", "test/"}, {}},
  };
  return kLayers;
}

// The folders that may know a socket.
const Names kSocketFolders = {"informers/http/", "controllers/manager/", "sim/serve/", "sim/cli/", "test/"};
const Names kSocketHeaders = {"httplib.h", "sys/socket.h", "netinet/", "arpa/inet.h", "netdb.h", "openssl/"};

// Headers whose cost or types must not reach those who include ours.
const Names kHeavyHeaders = {"nlohmann/", "httplib.h", "simdjson", "yaml-cpp/", "CLI/", "prometheus/", "protozero/"};
// Headers of one folder's own .cc files, which may show anything. Nobody else
// includes them, and no other header does.
const Names kPrivateHeaders = {"controllers/manager/live_runner_impl.h",
                               "controllers/manager/metrics_page.h",
                               "apis/json_parse.h",
                               "apis/json_reader.h",
                               "apis/protobuf_encode.h",
                               "apis/protobuf_reader.h",
                               "apis/yaml_builder.h",
                               "sim/cluster/document_store_impl.h"};

// What values are made of, and what errors are told in.
const Names kAbseilInHeaders = {"absl/status/", "absl/time/", "absl/types/span.h", "absl/container/inlined_vector.h"};

// Names that may not be used, and the files that are the exception.
struct Ban {
  std::string_view rule;
  std::string_view why;
  Names names;
  // Whether any mention counts, or only a call of the free function.
  bool calls_only;
  Names exempt;
};

const std::vector<Ban>& Bans() {
  static const std::vector<Ban> kBans = {
      {"clock",
       "time is handed in: take a Clock (informers/clock.h)",
       {"system_clock", "steady_clock", "high_resolution_clock", "clock_gettime", "gettimeofday", "timespec_get"},
       false,
       {"informers/clock.cc", "test/bench/live/process.cc"}},  // the CPU time of another process
      {"clock", "time is handed in: take a Clock (informers/clock.h)", {"time"}, true, {"informers/clock.cc"}},
      {"sleep",
       "only a driver waits; ask the thing for its next wakeup",
       {"sleep_for", "sleep_until", "usleep", "nanosleep"},
       false,
       {"controllers/manager/live_runner.cc"}},
      {"sleep",
       "only a driver waits; ask the thing for its next wakeup",
       {"sleep"},
       true,
       {"controllers/manager/live_runner.cc"}},
      {"random",
       "use the seeded generator in informers/random.h: others differ by library or by run",
       {"random_device", "default_random_engine", "mt19937", "mt19937_64", "minstd_rand", "drand48", "random_shuffle"},
       false,
       {}},
      {"random",
       "use the seeded generator in informers/random.h: others differ by library or by run",
       {"rand", "srand", "rand_r"},
       true,
       {}},
  };
  return kBans;
}

// Functions of <cmath> whose last digit is the library's choice, not IEEE 754's
// (as that of sqrt, fma, floor or llround is).
const Names kInexactMaths = {"exp", "exp2", "expm1", "log",  "log2", "log10", "log1p", "pow",    "cbrt",  "hypot",
                             "sin", "cos",  "tan",   "sinh", "cosh", "tanh",  "erf",   "lgamma", "tgamma"};

constexpr std::size_t kMaxLines = 500;

// In pieces, so that this file keeps its own rules.
const std::array<std::string, 3> kMarkers = {
    "TO"
    "DO",
    "FIX"
    "ME",
    "X"
    "XX"};
const std::array<std::string, 2> kMachinePaths = {
    "/wo"
    "rk/",
    "/tm"
    "p/"};

bool EndsWith(std::string_view s, std::string_view end) {
  return s.size() >= end.size() && s.substr(s.size() - end.size()) == end;
}

bool StartsWithAny(std::string_view s, const Names& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(), [s](std::string_view p) { return s.substr(0, p.size()) == p; });
}

bool Contains(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// What the rules look at, worked out once.
struct Context {
  const SourceFile& file;
  std::string code;  // without comments and literals
  std::vector<Include> includes;
  bool is_header;
  bool is_test;
  std::vector<Finding>& findings;

  void Add(int line, std::string_view rule, std::string message) const {
    findings.push_back({file.path, line, std::string(rule), std::move(message)});
  }
  void AddAt(std::size_t offset, std::string_view rule, std::string message) const {
    const auto end = file.text.begin() + static_cast<std::ptrdiff_t>(std::min(offset, file.text.size()));
    Add(1 + static_cast<int>(std::count(file.text.begin(), end, '\n')), rule, std::move(message));
  }
};

void CheckArrows(const Context& c) {
  static const Names kProject = {"apis/", "informers/", "controllers/", "sim/", "test/"};
  const auto layer = std::find_if(Layers().begin(), Layers().end(),
                                  [&](const Layer& l) { return StartsWithAny(c.file.path, {l.prefix}); });
  for (const Include& include : c.includes) {
    if (include.path.find("..") != std::string::npos) {
      c.Add(include.line, "include-path", "write \"" + include.path + "\" from the root of the tree");
    }
    if (layer == Layers().end() || !StartsWithAny(include.path, kProject)) continue;
    if (!StartsWithAny(include.path, layer->allowed) || StartsWithAny(include.path, layer->denied)) {
      c.Add(include.line, "include-arrow", std::string(layer->prefix) + " may not include " + include.path);
    }
  }
}

void CheckExternalIncludes(const Context& c) {
  for (const Include& include : c.includes) {
    if (StartsWithAny(include.path, kSocketHeaders) && !StartsWithAny(c.file.path, kSocketFolders)) {
      c.Add(include.line, "socket", include.path + ": sockets live in informers/http and the programs only");
    }
    if (StartsWithAny(c.file.path, {"apis/"}) && (include.path == "thread" || include.path == "condition_variable")) {
      c.Add(include.line, "thread", "apis has no threads");
    }
    if (!c.is_header || c.is_test || Contains(kPrivateHeaders, c.file.path)) continue;
    if (StartsWithAny(include.path, kHeavyHeaders) && include.path != "nlohmann/json_fwd.hpp") {
      c.Add(include.line, "heavy-header", include.path + " belongs in the .cc file");
    }
    const bool is_store = StartsWithAny(c.file.path, {"informers/store", "informers/work_queue"}) &&
                          StartsWithAny(include.path, {"absl/container/"});
    if (StartsWithAny(include.path, {"absl/"}) && !StartsWithAny(include.path, kAbseilInHeaders) && !is_store) {
      c.Add(include.line, "heavy-header",
            include.path + ": of abseil, headers show Status, StatusOr, Span and InlinedVector only");
    }
  }
}

std::string_view FolderOf(std::string_view path) { return path.substr(0, path.rfind('/') + 1); }

void CheckPrivateIncludes(const Context& c) {
  const bool is_private = Contains(kPrivateHeaders, c.file.path);
  for (const Include& include : c.includes) {
    if (!Contains(kPrivateHeaders, include.path)) continue;
    if (FolderOf(include.path) != FolderOf(c.file.path) || (c.is_header && !is_private)) {
      c.Add(include.line, "private-header", include.path + " is for the .cc files beside it only");
    }
  }
}

// Whether the name at [begin, end) is called as a free function: `f(...)` or
// `std::f(...)`, but not a member, another namespace's, or a declaration.
bool IsFreeCall(std::string_view code, std::size_t begin, std::size_t end) {
  static const Names kKeywords = {"return", "co_return", "else", "case", "throw", "do", "co_await", "co_yield"};
  const std::size_t next = code.find_first_not_of(" \t\n", end);
  if (next == std::string_view::npos || code[next] != '(') return false;
  std::size_t last = begin == 0 ? std::string_view::npos : code.find_last_not_of(" \t\n", begin - 1);
  if (last == std::string_view::npos) return true;
  if (code[last] == '.' || (code[last] == '>' && last > 0 && code[last - 1] == '-')) return false;
  if (code[last] == ':' && last > 0 && code[last - 1] == ':') {
    std::size_t start = last - 1;
    while (start > 0 && IsWord(code[start - 1])) --start;
    const std::string_view scope = code.substr(start, last - 1 - start);
    return scope.empty() || scope == "std";
  }
  if (code[last] == ':' || code[last] == ',') {
    // `: time(start)`, as a constructor initializes a member, unless it is given
    // what only the library's functions are.
    static const Names kArguments = {")", "0", "NULL", "nullptr", "&"};
    const std::size_t argument = code.find_first_not_of(" \t\n", next + 1);
    return argument == std::string_view::npos || StartsWithAny(code.substr(argument), kArguments);
  }
  if (code[last] == '>' || code[last] == '*' || code[last] == '&') {
    // `Foo<T> time(`, `T* time(`: a declaration, unless spaces say otherwise.
    return last + 1 == begin;
  }
  if (!IsWord(code[last])) return true;
  std::size_t start = last;
  while (start > 0 && IsWord(code[start - 1])) --start;
  return Contains(kKeywords, code.substr(start, last + 1 - start));
}

void CheckBans(const Context& c) {
  const std::string_view code = c.code;
  for (std::size_t i = 0; i < code.size();) {
    if (!IsWord(code[i])) {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < code.size() && IsWord(code[end])) ++end;
    const std::string_view name = code.substr(i, end - i);
    for (const Ban& ban : Bans()) {
      if (!Contains(ban.names, name) || Contains(ban.exempt, c.file.path)) continue;
      if (ban.calls_only && !IsFreeCall(code, i, end)) continue;
      c.AddAt(i, ban.rule, std::string(name) + ": " + std::string(ban.why));
    }
    const bool is_std = i >= 5 && code.substr(i - 5, 5) == "std::";
    if (is_std && EndsWith(name, "_distribution")) {
      c.AddAt(i, "random", "std::" + std::string(name) + ": gives other numbers with another library");
    }
    if (is_std && !c.is_test && Contains(kInexactMaths, name)) {
      c.AddAt(i, "inexact-maths", "std::" + std::string(name) + ": rounds otherwise with another library");
    }
    i = end;
  }
}

void CheckSize(const Context& c) {
  const auto lines = static_cast<std::size_t>(std::count(c.file.text.begin(), c.file.text.end(), '\n'));
  if (lines > kMaxLines) {
    c.Add(static_cast<int>(lines), "size",
          std::to_string(lines) + " lines, more than " + std::to_string(kMaxLines) + ": split the file");
  }
}

std::string GuardOf(std::string_view path) {
  std::string guard = "EPSLICE_";
  for (const char ch : path) {
    guard += IsWord(ch) ? static_cast<char>(std::toupper(static_cast<unsigned char>(ch))) : '_';
  }
  return guard + "_";
}

void CheckHeader(const Context& c) {
  if (!c.is_header) return;
  const std::string guard = GuardOf(c.file.path);
  if (c.code.find("#ifndef " + guard + "\n#define " + guard + "\n") == std::string::npos) {
    c.Add(1, "include-guard", "no include guard " + guard);
  }
  if (c.file.text.substr(0, 2) != "//") {
    c.Add(1, "manual", "a header begins with a comment that says what it is for");
  }
}

// Literal suffixes (`using namespace std::chrono_literals`) are meant to be
// used so; they may, outside headers.
void CheckUsingNamespace(const Context& c) {
  constexpr std::string_view kUsing = "using namespace";
  for (std::size_t i = c.code.find(kUsing); i != std::string::npos; i = c.code.find(kUsing, i + 1)) {
    const std::size_t end = std::min(c.code.find(';', i), c.code.size());
    if (!c.is_header && EndsWith(std::string_view(c.code).substr(i, end - i), "literals")) continue;
    c.AddAt(i, "using-namespace", "name what you use");
  }
}

void CheckText(const Context& c) {
  const std::string& text = c.file.text;
  for (const std::string& marker : kMarkers) {
    for (std::size_t i = text.find(marker); i != std::string::npos; i = text.find(marker, i + marker.size())) {
      const std::size_t end = i + marker.size();
      if ((i > 0 && IsWord(text[i - 1])) || (end < text.size() && IsWord(text[end]))) continue;
      c.AddAt(i, "leftover", marker + ": do it now, or leave it out");
    }
  }
  for (const std::string& path : kMachinePaths) {
    for (std::size_t i = text.find(path); i != std::string::npos; i = text.find(path, i + 1)) {
      // Part of a longer path is somebody else's: ${build}/work/x, a/b/tmp/c.
      if (i > 0 && (IsWord(text[i - 1]) || std::string_view("}).-*/").find(text[i - 1]) != std::string_view::npos))
        continue;
      c.AddAt(i, "machine-path", path + ": a path of one machine");
    }
  }
}

}  // namespace

std::vector<Finding> Check(const SourceFile& file) {
  std::vector<Finding> findings;
  const bool is_header = EndsWith(file.path, ".h");
  const bool is_code = is_header || EndsWith(file.path, ".cc");
  const Context c{file,
                  is_code ? StripCommentsAndLiterals(file.text) : std::string(),
                  is_code ? IncludesOf(file.text) : std::vector<Include>(),
                  is_header,
                  StartsWithAny(file.path, {"test/"}),
                  findings};
  CheckText(c);
  if (is_code) {
    CheckArrows(c);
    CheckExternalIncludes(c);
    CheckPrivateIncludes(c);
    CheckBans(c);
    CheckSize(c);
    CheckHeader(c);
    CheckUsingNamespace(c);
  }
  std::stable_sort(findings.begin(), findings.end(),
                   [](const Finding& a, const Finding& b) { return a.line < b.line; });
  return findings;
}

}  // namespace epslice::tidy
