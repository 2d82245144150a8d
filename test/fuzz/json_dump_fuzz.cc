// A dump as JSON. Whatever is in it: one clear line of error, or objects whose
// kept texts, one after another, are a dump of the same objects.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "apis/json.h"

namespace {

std::string Collect(std::string_view json, bool* ok) {
  std::string texts;
  epslice::DumpVisitor visitor;
  visitor.keep_json = true;
  visitor.object = [&](const epslice::AnyObject& object) {
    epslice::AppendJson(object, &texts);
    texts += '\n';
    return absl::OkStatus();
  };
  const absl::Status status = epslice::VisitDumpJson(json, visitor);
  *ok = status.ok();
  if (!*ok && (status.message().empty() || status.message().find('\n') != absl::string_view::npos)) abort();
  return texts;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  bool ok = false;
  const std::string texts = Collect({reinterpret_cast<const char*>(data), size}, &ok);
  if (texts.empty()) return 0;
  const std::string again = Collect(texts, &ok);
  if (!ok || again != texts) abort();
  return 0;
}
