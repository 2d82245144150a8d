#include "controllers/manager/health.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace epslice {
namespace {

std::vector<HealthCheck> Checks(std::string trouble) {
  return {{"ping", [] { return std::string(); }}, {"workers", [trouble = std::move(trouble)] { return trouble; }}};
}

TEST(HealthTest, AnswersAsKubernetesComponents) {
  const struct {
    const char* what;
    const char* target;
    const char* trouble;
    int code;
    const char* body;
  } kCases[] = {
      {"healthy", "/livez", "", 200, "ok"},
      {"with a slash", "/livez/", "", 200, "ok"},
      {"verbose", "/livez?verbose", "", 200, "[+]ping ok\n[+]workers ok\nlivez check passed\n"},
      {"verbose=false is verbose", "/livez?verbose=false", "", 200, "[+]ping ok\n[+]workers ok\nlivez check passed\n"},
      {"failed", "/livez", "stuck", 500, "[+]ping ok\n[-]workers failed: reason withheld\nlivez check failed\n"},
      {"failed check left out", "/livez?exclude=workers", "stuck", 200, "ok"},
      {"left out, verbose", "/livez?exclude=workers&verbose", "stuck", 200,
       "[+]ping ok\n[+]workers excluded: ok\nlivez check passed\n"},
      {"unknown left out", "/livez?exclude=a&exclude=b&verbose", "", 200,
       "[+]ping ok\n[+]workers ok\nwarn: some health checks cannot be excluded: no matches for 2 of the names\n"
       "livez check passed\n"},
      {"one", "/livez/ping", "stuck", 200, "ok"},
      {"one that failed", "/livez/workers", "stuck", 500, "internal server error: stuck\n"},
      {"unknown", "/livez/none", "", 404, "404 page not found\n"},
      {"deeper", "/livez/ping/x", "", 404, "404 page not found\n"},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.what);
    const ServingReply reply = AnswerHealth("/livez", Checks(c.trouble), *ParseTarget(c.target), nullptr);
    EXPECT_EQ(reply.code, c.code);
    EXPECT_EQ(reply.body, c.body);
    EXPECT_EQ(reply.content_type, "text/plain; charset=utf-8");
  }
}

TEST(HealthTest, LogsReasonsOnly) {
  const FakeClock clock;
  std::string text;
  Logger log({LogFormat::kText, 2, 1}, &clock, [&](std::string_view line) { text += line; });
  AnswerHealth("/readyz", Checks(""), *ParseTarget("/readyz"), &log);
  EXPECT_EQ(text, "");
  AnswerHealth("/readyz", Checks("stuck"), *ParseTarget("/readyz"), &log);
  EXPECT_NE(text.find("\"Health check failed\" endpoint=\"readyz\" checks=\"workers: stuck\""), std::string::npos)
      << text;
}

}  // namespace
}  // namespace epslice
