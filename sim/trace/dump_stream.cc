#include "sim/trace/dump_stream.h"

#include <algorithm>
#include <utility>

#include "apis/cat.h"
#include "apis/concat.h"
#include "sim/report/table.h"
#include "sim/trace/json_span.h"

namespace epslice::sim {
namespace {

constexpr std::size_t kReadAtOnce = std::size_t{256} << 10;
constexpr std::string_view kList = "List";

bool IsListKind(std::string_view kind) { return kind.ends_with(kList); }

// The string between its quotes; the names that count here have no escapes.
std::string_view Unquoted(std::string_view raw) {
  return raw.size() >= 2 && raw.front() == '"' ? raw.substr(1, raw.size() - 2) : std::string_view();
}

class Splitter {
 public:
  Splitter(ByteSource* source, std::size_t max_bytes, const DumpParts& parts)
      : source_(*source), max_bytes_(max_bytes), parts_(parts) {}

  absl::Status Run() {
    for (const char c : kByteOrderMark) {
      if (!AtEnd() && Peek() == c) ++at_;
    }
    bool any = false;
    while (SkipSpace(), !AtEnd()) {
      any = true;
      if (Peek() != '{') {
        return absl::InvalidArgumentError(Concat("line ", place_.line, ": expected a JSON object, found \"",
                                                 Printable(std::string_view(buffer_).substr(at_, 1)), "\""));
      }
      if (absl::Status s = Document(); !s.ok()) return s;
    }
    if (!status_.ok()) return status_;
    return any ? absl::OkStatus() : absl::InvalidArgumentError("holds no JSON");
  }

 private:
  struct Held {
    std::string text;
    TextPlace place;
    std::size_t index;
  };

  // Reads on; at the end, or on an error, there is no more.
  bool Fill() {
    if (ended_) return false;
    buffer_.resize(kReadAtOnce);
    at_ = 0;
    const absl::StatusOr<std::size_t> n = source_.Read(buffer_.data(), kReadAtOnce);
    buffer_.resize(n.ok() ? *n : 0);
    if (!n.ok()) status_ = n.status();
    bytes_ += buffer_.size();
    if (bytes_ > max_bytes_) {
      status_ = absl::InvalidArgumentError(Concat("is larger than ", max_bytes_, " bytes, the most that is read"));
      buffer_.clear();
    }
    ended_ = buffer_.empty();
    return !ended_;
  }
  bool AtEnd() { return at_ >= buffer_.size() && !Fill(); }
  char Peek() const { return buffer_[at_]; }
  char Next() {
    const char c = buffer_[at_++];
    if (c == '\n') {
      ++place_.line;
      place_.column = 1;
    } else {
      ++place_.column;
    }
    return c;
  }
  void SkipSpace() {
    while (!AtEnd() && IsJsonSpace(Peek())) Next();
  }
  // The same, kept.
  void TakeSpace(std::string* out) {
    while (!AtEnd() && IsJsonSpace(Peek())) out->push_back(Next());
  }

  // The string that begins here, with its quotes.
  void TakeString(std::string* out) {
    out->push_back(Next());
    bool escaped = false;
    while (!AtEnd()) {
      const char c = Next();
      out->push_back(c);
      if (c == '"' && !escaped) return;
      escaped = c == '\\' && !escaped;
    }
  }

  // The value that begins here, as far as brackets and strings tell its end.
  void TakeValue(std::string* out) {
    std::size_t depth = 0;
    while (!AtEnd()) {
      const char c = Peek();
      if (c == '"') {
        TakeString(out);
      } else if (c == '{' || c == '[') {
        ++depth;
        out->push_back(Next());
        continue;
      } else if (c == '}' || c == ']') {
        if (depth == 0) return;
        --depth;
        out->push_back(Next());
      } else if (depth == 0 && (IsJsonSpace(c) || c == ',')) {
        return;
      } else {
        out->push_back(Next());
        continue;
      }
      if (depth == 0) return;
    }
  }

  // From its '{' to the '}' that closes it.
  absl::Status Document() {
    const TextPlace begin = place_;
    if (parts_.document) parts_.document();
    std::string text, kind, api_version, name;
    std::size_t depth = 0, gap = 0;
    TextPlace gap_begin, gap_end;
    bool split = false;
    while (!AtEnd()) {
      const char c = Peek();
      if (c != '"') {
        text.push_back(Next());
        if (c == '{' || c == '[') ++depth;
        if ((c == '}' || c == ']') && --depth == 0) break;
        continue;
      }
      const std::size_t from = text.size();
      TakeString(&text);
      if (depth != 1) continue;
      name.assign(Unquoted(std::string_view(text).substr(from)));
      TakeSpace(&text);
      if (AtEnd() || Peek() != ':') continue;  // it was a value
      text.push_back(Next());
      TakeSpace(&text);
      if (AtEnd()) break;
      if (Peek() == '"' && (name == "kind" || name == "apiVersion")) {
        const std::size_t value = text.size();
        TakeString(&text);
        (name == "kind" ? kind : api_version).assign(Unquoted(std::string_view(text).substr(value)));
      } else if (name == "items" && Peek() == '[' && !split && MayBeList(kind, api_version)) {
        split = true;
        text.push_back(Next());
        ++depth;
        gap = text.size();
        gap_begin = place_;
        if (absl::Status s = Items(begin.line, kind, api_version); !s.ok()) return s;
        gap_end = place_;
      }
    }
    if (!status_.ok()) return status_;
    if (absl::Status s = Release(begin.line, kind, api_version); !s.ok()) return s;
    return Whole(std::move(text), begin, gap, gap_begin, gap_end);
  }

  // Of a document that does not say its kind before its items: only lists of
  // core/v1 and of all kinds have that version and such a field.
  static bool MayBeList(std::string_view kind, std::string_view api_version) {
    return kind.empty() ? api_version == "v1" : IsListKind(kind);
  }

  // The document itself. Where something is wrong with what follows its items,
  // they are made up for with as much white space, so that the place is right.
  absl::Status Whole(std::string text, TextPlace begin, std::size_t gap, TextPlace gap_begin, TextPlace gap_end) const {
    const auto visit = [&] { return parts_.part({.text = text, .place = begin}); };
    absl::Status status = visit();
    if (status.ok() || gap == 0) return status;
    constexpr std::size_t kWidest = 1'000'000;
    const std::size_t lines = gap_end.line - gap_begin.line;
    const std::size_t columns = lines > 0 ? gap_end.column - 1 : gap_end.column - gap_begin.column;
    text.insert(gap, std::string(lines, '\n') + std::string(std::min(columns, kWidest), ' '));
    return visit();
  }

  // From behind '[' to before ']'.
  absl::Status Items(std::size_t document_line, std::string_view kind, std::string_view api_version) {
    std::string item;
    for (std::size_t index = 0;; ++index) {
      SkipSpace();
      if (index == 0 && !AtEnd() && Peek() == ']') return absl::OkStatus();
      if (AtEnd() || Peek() == ',' || Peek() == ']' || Peek() == '}' || Peek() == ':') return Expected("a value");
      const TextPlace begin = place_;
      item.clear();
      TakeValue(&item);
      if (!status_.ok()) return status_;
      if (kind.empty() && !SaysItsKind(item)) {
        held_.push_back({item, begin, index});
      } else if (absl::Status s = Item(item, begin, index, document_line, kind, api_version); !s.ok()) {
        return s;
      }
      SkipSpace();
      if (!AtEnd() && Peek() == ']') return absl::OkStatus();
      if (AtEnd() || Peek() != ',') return Expected("',' or ']'");
      Next();
    }
  }

  absl::Status Item(std::string_view text, TextPlace place, std::size_t index, std::size_t document_line,
                    std::string_view kind, std::string_view api_version) const {
    DumpPart part{.text = text, .place = place, .is_item = true, .index = index, .document_line = document_line};
    // Those of a List say it themselves.
    if (kind != kList) {
      part.kind = kind.substr(0, kind.size() - std::min(kind.size(), kList.size()));
      part.api_version = api_version;
    }
    return parts_.part(part);
  }

  // The items that waited for their list's kind.
  absl::Status Release(std::size_t document_line, std::string_view kind, std::string_view api_version) {
    const std::deque<Held> held = std::exchange(held_, {});
    for (const Held& item : held) {
      const std::string_view of = IsListKind(kind) ? kind : kList;
      if (absl::Status s = Item(item.text, item.place, item.index, document_line, of, api_version); !s.ok()) return s;
    }
    return absl::OkStatus();
  }

  static bool SaysItsKind(std::string_view item) {
    JsonSpan kind, api_version;
    JsonSpan(item).Get({{"kind", &kind}, {"apiVersion", &api_version}});
    return kind.present() && api_version.present();
  }

  absl::Status Expected(std::string_view what) {
    if (!status_.ok()) return status_;
    const std::string where = Concat("line ", place_.line, ", column ", place_.column, ": ");
    if (AtEnd()) return absl::InvalidArgumentError(Concat(where, "the text ends where ", what, " is expected"));
    return absl::InvalidArgumentError(
        Concat(where, "expected ", what, ", found '", Printable(std::string_view(buffer_).substr(at_, 1)), "'"));
  }

  ByteSource& source_;
  const std::size_t max_bytes_;
  const DumpParts& parts_;
  std::string buffer_;
  std::size_t at_ = 0;
  std::size_t bytes_ = 0;
  bool ended_ = false;
  TextPlace place_;
  absl::Status status_;  // of the source
  std::deque<Held> held_;
};

}  // namespace

absl::Status SplitDump(ByteSource* source, std::size_t max_bytes, const DumpParts& parts) {
  return Splitter(source, max_bytes, parts).Run();
}

}  // namespace epslice::sim
