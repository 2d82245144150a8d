#include "controllers/manager/health.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"

namespace epslice {
namespace {

ServingReply AnswerOne(const HealthCheck& check) {
  const std::string why = check.check();
  if (why.empty()) return ServingReply{200, "ok"};
  return ServingReply{500, absl::StrCat("internal server error: ", why, "\n")};
}

}  // namespace

ServingReply AnswerHealth(const std::string& endpoint, const std::vector<HealthCheck>& checks, const HttpQuery& query,
                          Logger* log) {
  const std::string name = endpoint.substr(1);
  if (query.path != endpoint && query.path != endpoint + "/") {
    const auto one = std::find_if(checks.begin(), checks.end(),
                                  [&](const HealthCheck& c) { return query.path == endpoint + "/" + c.name; });
    return one == checks.end() ? ServingReply{404, "404 page not found\n"} : AnswerOne(*one);
  }
  const std::vector<std::string> excluded = query.All("exclude");
  std::set<std::string> unknown(excluded.begin(), excluded.end());
  std::string list;
  std::string failed;
  for (const HealthCheck& check : checks) {
    if (unknown.erase(check.name) > 0) {
      absl::StrAppend(&list, "[+]", check.name, " excluded: ok\n");
      continue;
    }
    const std::string why = check.check();
    absl::StrAppend(&list, why.empty() ? "[+]" : "[-]", check.name, why.empty() ? " ok" : " failed: reason withheld",
                    "\n");
    if (!why.empty()) absl::StrAppend(&failed, failed.empty() ? "" : "; ", check.name, ": ", why);
  }
  if (!unknown.empty()) {
    // What was asked for is not repeated: it may be anything.
    absl::StrAppend(&list, "warn: some health checks cannot be excluded: no matches for ", unknown.size(),
                    " of the names\n");
  }
  if (!failed.empty()) {
    if (log != nullptr) log->Info(2, "Health check failed", {{"endpoint", name}, {"checks", failed}});
    return ServingReply{500, absl::StrCat(list, name, " check failed\n")};
  }
  if (!query.Has("verbose")) return ServingReply{200, "ok"};
  return ServingReply{200, absl::StrCat(list, name, " check passed\n")};
}

void AddHealthEndpoint(Serving* serving, const std::string& endpoint, std::vector<HealthCheck> checks, Logger* log) {
  const auto answer = [endpoint, checks = std::move(checks), log](const HttpQuery& query) {
    return AnswerHealth(endpoint, checks, query, log);
  };
  serving->AddHandler(endpoint, answer, Serving::Access::kOpen);
  serving->AddHandler(endpoint + "/", answer, Serving::Access::kOpen);
}

}  // namespace epslice
