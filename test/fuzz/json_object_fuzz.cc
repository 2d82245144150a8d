// One object as JSON: the first byte says of which kind. What can be read is
// written and read again, the same object and the same bytes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "apis/json.h"

namespace epslice {
namespace {

template <typename T>
void Check(std::string_view json) {
  const absl::StatusOr<AnyObject> object = DecodeObjectJson(T::kKind, json, /*keep_json=*/true);
  if (!object.ok()) {
    if (object.status().message().empty() || object.status().message().find('\n') != absl::string_view::npos) abort();
    return;
  }
  const T& value = *object->template As<T>();
  const std::string text = EncodeJson(value);
  const absl::StatusOr<T> again = DecodeJson<T>(text);
  if (!again.ok() || !(*again == value) || EncodeJson(*again) != text) abort();
  // Writing an odd number anew may change its text, but never what we read.
  const absl::StatusOr<T> kept = DecodeJson<T>(*object->json());
  if (!kept.ok() || EncodeJson(*kept) != text) abort();
}

}  // namespace
}  // namespace epslice

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using epslice::Check;
  using epslice::Kind;
  if (size == 0) return 0;
  const std::string_view json(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (epslice::kAllKinds[data[0] % epslice::kAllKinds.size()]) {
    case Kind::kNamespace: Check<epslice::Namespace>(json); break;
    case Kind::kNode: Check<epslice::Node>(json); break;
    case Kind::kPod: Check<epslice::Pod>(json); break;
    case Kind::kService: Check<epslice::Service>(json); break;
    case Kind::kEndpointSlice: Check<epslice::EndpointSlice>(json); break;
    case Kind::kEvent: Check<epslice::Event>(json); break;
    case Kind::kLease: Check<epslice::Lease>(json); break;
  }
  return 0;
}
