#include "sim/serve/token_auth.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "apis/cat.h"
#include "informers/http/exec_credential.h"

namespace epslice::sim {
namespace {

// One record; false where a quote is not closed, or stands where it may not.
bool ParseRecord(std::string_view* text, int* line, std::vector<std::string>* fields) {
  fields->assign(1, "");
  bool quoted = false;
  bool closed = false;  // a quoted field has ended
  std::size_t i = 0;
  for (; i < text->size(); ++i) {
    const char c = (*text)[i];
    if (c == '\n') ++*line;
    if (quoted) {
      if (c != '"') {
        fields->back() += c;
      } else if (i + 1 < text->size() && (*text)[i + 1] == '"') {
        fields->back() += '"';
        ++i;
      } else {
        quoted = false;
        closed = true;
      }
    } else if (c == ',') {
      fields->emplace_back();
      closed = false;
    } else if (c == '\n') {
      ++i;
      break;
    } else if (c == '\r') {
      continue;
    } else if (c == '"') {
      if (closed || !fields->back().empty()) return false;
      quoted = true;
    } else {
      if (closed) return false;
      // Blanks before a field are passed over, as kube-apiserver does.
      if (c != ' ' || !fields->back().empty()) fields->back() += c;
    }
  }
  text->remove_prefix(i);
  return !quoted;
}

std::vector<std::string> SplitGroups(std::string_view text) {
  std::vector<std::string> groups;
  while (!text.empty()) {
    const std::string_view group = text.substr(0, text.find(','));
    text.remove_prefix(std::min(group.size() + 1, text.size()));
    if (!group.empty()) groups.emplace_back(group);
  }
  return groups;
}

}  // namespace

absl::StatusOr<TokenAuth> TokenAuth::FromCsv(std::string_view text) {
  TokenAuth auth;
  int line = 1;
  while (!text.empty()) {
    const int at = line;
    const auto bad = [at](std::string_view why) {
      return absl::InvalidArgumentError(Cat({"line ", std::to_string(at), ": ", why}));
    };
    std::vector<std::string> fields;
    if (!ParseRecord(&text, &line, &fields)) return bad("a quote is out of place");
    if (fields.size() == 1 && fields[0].empty()) continue;
    if (fields.size() < 3) return bad("accepted is token,user,uid and maybe \"group1,group2\"");
    if (fields[0].empty()) return bad("the token is empty");
    if (!IsTokenText(fields[0])) return bad("the token holds blanks or control characters");
    UserInfo user{std::move(fields[1]), std::move(fields[2]), {}};
    if (fields.size() > 3) user.groups = SplitGroups(fields[3]);
    auth.Add(std::move(fields[0]), std::move(user));
  }
  if (auth.entries_.empty()) {
    return absl::InvalidArgumentError("holds no token; accepted are lines of token,user,uid");
  }
  return auth;
}

std::optional<UserInfo> TokenAuth::UserOf(std::string_view token) const {
  const Entry* found = nullptr;
  for (const Entry& entry : entries_) {
    const bool same =
        entry.token.size() == token.size() && CRYPTO_memcmp(entry.token.data(), token.data(), token.size()) == 0;
    if (same && found == nullptr) found = &entry;
  }
  return found == nullptr ? std::nullopt : std::optional<UserInfo>(found->user);
}

}  // namespace epslice::sim
