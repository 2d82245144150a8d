#include "sim/report/slice_churn.h"

#include <string_view>
#include <unordered_map>

namespace epslice::sim::internal {
namespace {

std::string_view AddressOf(const Endpoint& endpoint) {
  return endpoint.addresses.empty() ? std::string_view() : endpoint.addresses[0].view();
}

// Of a length-delimited field with a tag of one byte.
std::size_t FieldBytes(std::size_t length) {
  std::size_t varint = 1;
  for (std::size_t rest = length >> 7; rest > 0; rest >>= 7) ++varint;
  return 1 + varint + length;
}

}  // namespace

SliceChurn ChurnOf(const EndpointSlice* before, const EndpointSlice* after) {
  SliceChurn churn;
  static const std::vector<Endpoint> kNone;
  const std::vector<Endpoint>& old = before == nullptr ? kNone : before->endpoints;
  const std::vector<Endpoint>& now = after == nullptr ? kNone : after->endpoints;
  // Controllers keep the order of what they keep, so both mostly go in step.
  std::unordered_map<std::string_view, const Endpoint*> unmatched;
  std::size_t next = 0;
  for (const Endpoint& endpoint : old) {
    if (next < now.size() && AddressOf(endpoint) == AddressOf(now[next])) {
      if (!(endpoint == now[next])) churn.changed.push_back(&now[next]);
      ++next;
    } else {
      unmatched.emplace(AddressOf(endpoint), &endpoint);
    }
  }
  for (; next < now.size(); ++next) {
    const auto at = unmatched.find(AddressOf(now[next]));
    if (at == unmatched.end()) {
      churn.added.push_back(&now[next]);
      continue;
    }
    if (!(*at->second == now[next])) churn.changed.push_back(&now[next]);
    unmatched.erase(at);
  }
  for (const Endpoint& endpoint : old) {
    const auto at = unmatched.find(AddressOf(endpoint));
    if (at != unmatched.end() && at->second == &endpoint) churn.removed.push_back(&endpoint);
  }
  return churn;
}

std::int64_t WatchFrameBytes(std::size_t type_length, std::size_t object_bytes) {
  constexpr std::size_t kLength = 4;
  return static_cast<std::int64_t>(kLength + FieldBytes(type_length) + FieldBytes(FieldBytes(object_bytes)));
}

}  // namespace epslice::sim::internal
