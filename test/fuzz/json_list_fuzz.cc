// A list answer as JSON: the first byte says of which kind its items are. What
// can be read is written and read again, and written the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "apis/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const epslice::Kind kind = epslice::kAllKinds[data[0] % epslice::kAllKinds.size()];
  const std::string_view json(reinterpret_cast<const char*>(data) + 1, size - 1);
  for (bool keep_json : {false, true}) {
    const absl::StatusOr<epslice::ObjectList> list = epslice::DecodeListJson(kind, json, keep_json);
    if (!list.ok()) continue;
    const std::string text = epslice::EncodeListJson(kind, *list);
    const absl::StatusOr<epslice::ObjectList> again = epslice::DecodeListJson(kind, text, keep_json);
    if (!again.ok() || again->items.size() != list->items.size()) abort();
    if (epslice::EncodeListJson(kind, *again) != text) abort();
  }
  return 0;
}
