// Dumps: any number of JSON documents in one text, each an object or a list.
#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "apis/cat.h"
#include "apis/json.h"
#include "apis/json_dump.h"
#include "apis/json_parse.h"
#include "apis/json_reader.h"

namespace epslice {
namespace {

using json::Fields;
using json::JsonContext;
using json::JsonValue;

// Where the JSON value that begins with the '{' at `begin` ends: behind the
// bracket that closes it, or at the end of the text. Looks at brackets and
// strings only; whether what lies between is JSON is for the parser to say.
std::size_t EndOfObject(std::string_view text, std::size_t begin) {
  std::size_t depth = 0;
  for (std::size_t i = begin; i < text.size(); ++i) {
    switch (text[i]) {
      case '{':
      case '[': ++depth; break;
      case '}':
      case ']':
        if (--depth == 0) return i + 1;
        break;
      case '"':
        for (++i; i < text.size() && text[i] != '"'; ++i) {
          if (text[i] == '\\') ++i;
        }
        break;
      default: break;
    }
  }
  return text.size();
}

class DumpReader {
 public:
  // The parser is its own where the visitor may decode other texts while this
  // one is open.
  DumpReader(const DumpVisitor& visitor, const JsonLimits& limits, json::ScopedParser::Source parser)
      : visitor_(visitor), limits_(limits), parser_(parser) {}

  absl::Status RunPart(std::string_view text, const DumpPartPlace& place) {
    const absl::StatusOr<simdjson::dom::element> root = parser_.Parse(text, limits_, place.line, place.column);
    return root.ok() ? Visit(*root, place.api_version, place.kind, place.where) : root.status();
  }

  absl::Status Run(std::string_view text) {
    absl::Status size = json::CheckSize(text, limits_);
    if (!size.ok()) return size;
    if (text.substr(0, kByteOrderMark.size()) == kByteOrderMark) text.remove_prefix(kByteOrderMark.size());
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    if (first != std::string_view::npos && text[first] == '{') {
      // Most dumps are one document, whose end need not be looked for.
      if (std::optional<simdjson::dom::element> root = parser_.TryParse(text, limits_)) {
        if (visitor_.document) visitor_.document();
        return Visit(*root, {}, {}, absl::StrCat("line ", 1 + Lines(text.substr(0, first))));
      }
    }
    return RunAll(text);
  }

 private:
  // Document by document.
  absl::Status RunAll(std::string_view text) {
    std::size_t line = 1;
    std::size_t at = 0;
    bool any = false;
    for (;;) {
      const std::size_t begin = std::min(text.find_first_not_of(" \t\r\n", at), text.size());
      line += Lines(text.substr(at, begin - at));
      if (begin == text.size()) break;
      any = true;
      if (text[begin] != '{') {
        return absl::InvalidArgumentError(absl::StrCat("line ", line, ": expected a JSON object, found \"",
                                                       json::Printable(text.substr(begin, 1)), "\""));
      }
      at = EndOfObject(text, begin);
      const std::string_view document = text.substr(begin, at - begin);
      absl::StatusOr<simdjson::dom::element> root = parser_.Parse(document, limits_, line);
      if (!root.ok()) return root.status();
      if (visitor_.document) visitor_.document();
      absl::Status visited = Visit(*root, {}, {}, absl::StrCat("line ", line));
      if (!visited.ok()) return visited;
      line += Lines(document);
    }
    return any ? absl::OkStatus() : absl::InvalidArgumentError("holds no JSON");
  }

  static std::size_t Lines(std::string_view text) {
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  }

  // `api_version`, `kind`: of a typed list, for items that name none.
  // `where`: for errors about an object without a name: "line 3".
  absl::Status Visit(simdjson::dom::element element, std::string_view api_version, std::string_view kind,
                     const std::string& where) {
    static constexpr Fields<3>::Names kNames = {"apiVersion", "kind", "items"};
    const JsonValue value(element, &context_);
    const Fields<3> f(value, kNames);
    const std::string_view own_kind = f[1].String();
    const std::string_view own_version = f[0].String();
    if (!value.present()) value.WrongType("an object");
    if (context_.failed()) return absl::InvalidArgumentError(absl::StrCat(where, ": ", context_.error()));
    if (!own_kind.empty()) kind = own_kind;
    if (!own_version.empty()) api_version = own_version;
    if (kind.empty()) return absl::InvalidArgumentError(absl::StrCat(where, ": an object without kind"));
    constexpr std::string_view kList = "List";
    if (kind == kList) return VisitItems(f[2], {}, {}, where);
    if (api_version.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(where, ": a ", json::Printable(kind), " without apiVersion"));
    }
    if (kind.size() > kList.size() && kind.substr(kind.size() - kList.size()) == kList && f.found(2)) {
      return VisitItems(f[2], api_version, kind.substr(0, kind.size() - kList.size()), where);
    }
    const std::optional<Kind> known = KindFromName(api_version, kind);
    if (!known.has_value()) {
      if (visitor_.wants_text && visitor_.wants_text(api_version, kind)) {
        return visitor_.text(api_version, kind, simdjson::minify(element));
      }
      if (visitor_.other) visitor_.other(api_version, kind);
      return absl::OkStatus();
    }
    absl::StatusOr<AnyObject> object =
        json::ReadAnyObject(*known, element, visitor_.keep_json, api_version, absl::StrCat("at ", where), &context_);
    if (!object.ok()) return object.status();
    return visitor_.object ? visitor_.object(*std::move(object)) : absl::OkStatus();
  }

  absl::Status VisitItems(const JsonValue& items, std::string_view api_version, std::string_view kind,
                          const std::string& where) {
    absl::Status status;
    std::size_t index = 0;
    items.ForEachItem([&](const JsonValue& item) {
      if (!status.ok()) return;
      status = Visit(item.element(), api_version, kind, absl::StrCat(where, ": items[", index++, "]"));
    });
    if (!status.ok()) return status;
    if (context_.failed()) return absl::InvalidArgumentError(absl::StrCat(where, ": ", context_.error()));
    return absl::OkStatus();
  }

  const DumpVisitor& visitor_;
  const JsonLimits& limits_;
  json::ScopedParser parser_;
  JsonContext context_;
};

}  // namespace

absl::Status VisitDumpJson(std::string_view json, const DumpVisitor& visitor, const JsonLimits& limits) {
  return DumpReader(visitor, limits, json::ScopedParser::Source::kOwn).Run(json);
}

absl::Status VisitDumpPartJson(std::string_view json, const DumpPartPlace& place, const DumpVisitor& visitor,
                               const JsonLimits& limits) {
  return DumpReader(visitor, limits, json::ScopedParser::Source::kThread).RunPart(json, place);
}

}  // namespace epslice
