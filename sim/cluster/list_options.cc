#include "sim/cluster/list_options.h"

#include <charconv>
#include <optional>
#include <string>
#include <string_view>

#include "sim/cluster/paging.h"

namespace epslice::sim {
namespace {

Status StatusTooLargeVersion(std::uint64_t asked, std::uint64_t current) {
  Status status;
  status.code = 504;
  status.reason = "Timeout";
  status.message =
      "Timeout: Too large resource version: " + std::to_string(asked) + ", current: " + std::to_string(current);
  status.causes = {{"ResourceVersionTooLarge", "Too large resource version", ""}};
  status.retryAfterSeconds = 1;
  return status;
}

Response Refused(Status status) {
  Response response;
  response.status = std::move(status);
  return response;
}

// nullopt: no version number.
std::optional<std::uint64_t> ParseVersion(std::string_view text) {
  std::uint64_t version = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return version;
}

// A 422 about list options, which belong to no kind of object.
Status InvalidListOptions(std::string_view field, std::string_view reason, std::string_view message) {
  Status status;
  status.code = 422;
  status.reason = "Invalid";
  status.message = "ListOptions.meta.k8s.io \"\" is invalid: " + std::string(field) + ": " + std::string(message);
  status.detailsGroup = "meta.k8s.io";
  status.detailsKind = "ListOptions";
  status.causes = {{std::string(reason), std::string(message), std::string(field)}};
  return status;
}

Status Forbidden(std::string_view message) {
  return InvalidListOptions("resourceVersionMatch", "FieldValueForbidden", "Forbidden: " + std::string(message));
}

Status BadVersion(std::string_view text) {
  return StatusBadRequest("resourceVersion: Invalid value: \"" + std::string(text) +
                          "\": it is a number that the server gave out before");
}

std::optional<Status> CheckMatch(const ListOptions& list) {
  const std::string& match = list.resourceVersionMatch;
  if (match.empty()) return std::nullopt;
  if (match != "Exact" && match != "NotOlderThan") {
    return InvalidListOptions("resourceVersionMatch", "FieldValueNotSupported",
                              "Unsupported value: \"" + match + "\": supported values: \"Exact\", \"NotOlderThan\"");
  }
  if (list.sendInitialEvents) return std::nullopt;
  if (list.resourceVersion.empty())
    return Forbidden("resourceVersionMatch is forbidden unless resourceVersion is provided");
  if (!list.continueToken.empty()) return Forbidden("resourceVersionMatch is forbidden when continue is provided");
  if (match == "Exact" && list.resourceVersion == "0") {
    return Forbidden("resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
  }
  return std::nullopt;
}

// The 410 for a token from before the kept history comes with a token that
// goes on from there in the present state, as the API server's does.
Response ExpiredContinue(const ObjectKey& last) {
  Response response = Refused(StatusExpired(
      "The provided continue parameter is too old to display a consistent list result. You can start a new list "
      "without the continue parameter, or use the continue token in this response to retrieve the remainder of the "
      "results. Continuing with the provided token results in an inconsistent list - objects that were created, "
      "modified, or deleted between the time the first chunk was returned and now may show up in the list."));
  response.list.continueToken = EncodeContinueToken({-1, last, -1});
  return response;
}

std::optional<Status> CheckWatchOptions(const ListOptions& list) {
  if (list.sendInitialEvents) {
    if (list.resourceVersionMatch != "NotOlderThan") {
      return Forbidden("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
    }
    if (*list.sendInitialEvents && !list.allowWatchBookmarks) {
      return InvalidListOptions("allowWatchBookmarks", "FieldValueForbidden",
                                "Forbidden: sendInitialEvents requires allowWatchBookmarks to be set to true");
    }
  } else if (!list.resourceVersionMatch.empty()) {
    return Forbidden("resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
  }
  if (!list.continueToken.empty()) return StatusBadRequest("continue is not allowed for a watch");
  return std::nullopt;
}

}  // namespace

Response FindPage(const ListOptions& list, const KeptVersions& kept, Page* page) {
  page->version = kept.newest;
  if (auto status = CheckMatch(list)) return Refused(*status);
  if (list.sendInitialEvents) {
    return Refused(InvalidListOptions("sendInitialEvents", "FieldValueForbidden",
                                      "Forbidden: sendInitialEvents is forbidden for list"));
  }
  if (!list.continueToken.empty()) {
    if (!list.resourceVersion.empty() && list.resourceVersion != "0") {
      return Refused(StatusBadRequest("specifying resource version is not allowed when using continue"));
    }
    const std::optional<ContinueToken> token = DecodeContinueToken(list.continueToken);
    if (!token) return Refused(StatusBadRequest("continue key is not valid: it is not a token of this server"));
    page->after = token->last;
    if (token->version < 0) return {};
    page->version = static_cast<std::uint64_t>(token->version);
    page->left = token->remaining;
    if (page->version > kept.newest) return Refused(StatusTooLargeVersion(page->version, kept.newest));
    return page->version < kept.oldest ? ExpiredContinue(token->last) : Response{};
  }
  if (list.resourceVersion.empty()) return {};
  const std::optional<std::uint64_t> version = ParseVersion(list.resourceVersion);
  if (!version) return Refused(BadVersion(list.resourceVersion));
  if (*version > kept.newest) return Refused(StatusTooLargeVersion(*version, kept.newest));
  const bool exact =
      list.resourceVersionMatch == "Exact" || (list.resourceVersionMatch.empty() && list.limit > 0 && *version > 0);
  if (!exact) return {};
  page->version = *version;
  if (*version >= kept.oldest) return {};
  return Refused(StatusExpired("The resourceVersion for the provided list is too old."));
}

Status FindWatchStart(const ListOptions& list, const KeptVersions& kept, WatchStart* start) {
  if (auto status = CheckWatchOptions(list)) return *status;
  const std::optional<std::uint64_t> since =
      list.resourceVersion.empty() ? std::uint64_t{0} : ParseVersion(list.resourceVersion);
  if (!since) return BadVersion(list.resourceVersion);
  if (*since > kept.newest) return StatusTooLargeVersion(*since, kept.newest);
  start->since = *since;
  start->initial = list.sendInitialEvents.value_or(*since == 0);
  if (!start->initial && *since > 0 && *since < kept.oldest) {
    return StatusExpired("too old resource version: " + std::to_string(*since) + " (" + std::to_string(kept.oldest) +
                         ")");
  }
  return Status{};
}

}  // namespace epslice::sim
