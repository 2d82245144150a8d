// Whatever YAML is read comes out as JSON that can be written as YAML again
// and then says the same; the line of a value is never beyond the text. Read in
// pieces as short as may be it says the same, too.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "apis/yaml.h"
#include "sim/report/structured.h"
#include "test/fuzz/check.h"

using epslice::YamlReader;
using epslice::YamlToJson;
using epslice::fuzz::Check;

namespace {

absl::StatusOr<std::string> InPieces(std::string_view text) {
  const auto read = [&text](char* buffer, std::size_t size) -> absl::StatusOr<std::size_t> {
    const std::size_t n = text.copy(buffer, size);
    text.remove_prefix(n);
    return n;
  };
  YamlReader reader(read, {}, /*piece_bytes=*/1);
  std::string json;
  while (true) {
    const absl::StatusOr<bool> more = reader.Next(&json);
    if (!more.ok()) return more.status();
    if (!*more) return json;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = epslice::fuzz::Input(data, size);
  const absl::StatusOr<std::string> json = YamlToJson(text);
  // Marks of byte orders, and texts that are no UTF-8, are seen to elsewhere.
  if (!text.starts_with("\xef\xbb\xbf") && !text.starts_with("\xff") && !text.starts_with("\xfe") &&
      text.find('\0') == std::string_view::npos) {
    const absl::StatusOr<std::string> pieces = InPieces(text);
    Check(pieces.status() == json.status(), "an error is the same in pieces");
    Check(!json.ok() || *pieces == *json, "what is read in pieces is the same");
  }
  if (!json.ok()) {
    const std::string message(json.status().message());
    Check(!message.empty(), "an error says what is wrong");
    return 0;
  }
  const auto lines = [](std::string_view s) { return std::count(s.begin(), s.end(), '\n'); };
  Check(lines(*json) <= lines(text) + std::count(text.begin(), text.end(), '\r'), "values stay on their lines");
  // One value at a time; bytes that are no UTF-8 were refused before, in use.
  if (!nlohmann::json::accept(*json)) return 0;
  const nlohmann::json value = nlohmann::json::parse(*json);
  const absl::StatusOr<std::string> again = YamlToJson(epslice::sim::JsonToYaml(value.dump()));
  Check(again.ok(), "what is written as YAML can be read");
  Check(nlohmann::json::parse(*again) == value, "and says the same");
  return 0;
}
