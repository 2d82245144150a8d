#include "sim/trace/record_stream.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "apis/cat.h"
#include "apis/concat.h"
#include "apis/yaml.h"
#include "sim/report/table.h"
#include "sim/trace/json_span.h"
#include "sim/trace/text_format.h"

namespace epslice::sim {
namespace {

constexpr std::size_t kRecordsAtOnce = std::size_t{256} << 10;
// What is looked at to tell the syntax.
constexpr std::size_t kHead = std::size_t{64} << 10;

bool IsDocumentMark(std::string_view line) {
  return line.substr(0, 3) == "---" && (line.size() == 3 || IsJsonSpace(line[3]));
}

// "line 3: what" of a document that begins on line `begin` as "line 12: what".
std::string Shifted(std::string_view message, std::size_t begin) {
  constexpr std::string_view kLine = "line ";
  std::size_t line = 0;
  if (message.substr(0, kLine.size()) == kLine) {
    const char* first = message.data() + kLine.size();
    const auto [end, error] = std::from_chars(first, message.data() + message.size(), line);
    if (error == std::errc()) {
      return Concat(kLine, line + begin - 1, message.substr(static_cast<std::size_t>(end - message.data())));
    }
  }
  return Concat(kLine, begin, ": ", message);
}

}  // namespace

RecordStream::RecordStream(std::string name, std::unique_ptr<ByteSource> source, std::size_t max_record_bytes)
    : name_(std::move(name)), source_(std::move(source)), max_record_bytes_(max_record_bytes) {}

absl::Status RecordStream::Error(std::size_t line, std::string_view what) const {
  // What the record says may have line ends in it.
  return absl::InvalidArgumentError(Concat(name_, ": line ", line, ": ", Printable(what)));
}

absl::Status RecordStream::TooLong(std::size_t line) const {
  return Error(line, Concat("a record of more than ", max_record_bytes_, " bytes, the most that is read"));
}

absl::StatusOr<bool> RecordStream::Fill() {
  if (ended_) return false;
  // The last record stays: it may be put back.
  if (last_begin_ > kRecordsAtOnce && last_begin_ > buffer_.size() / 2) {
    buffer_.erase(0, last_begin_);
    begin_ -= std::exchange(last_begin_, 0);
  }
  const std::size_t before = buffer_.size();
  buffer_.resize(before + kRecordsAtOnce);
  const absl::StatusOr<std::size_t> n = source_->Read(buffer_.data() + before, kRecordsAtOnce);
  buffer_.resize(before + (n.ok() ? *n : 0));
  if (!n.ok()) return absl::Status(n.status().code(), Concat(name_, ": ", std::string(n.status().message())));
  ended_ = *n == 0;
  return !ended_;
}

absl::StatusOr<RecordStream::Syntax> RecordStream::DetectSyntax(std::string_view accepted) {
  while (buffer_.size() < kHead) {
    const absl::StatusOr<bool> more = Fill();
    if (!more.ok()) return more.status();
    if (!*more) break;
  }
  std::string_view head = std::string_view(buffer_).substr(0, kHead);
  // A head may end within a character.
  if (!ended_ || buffer_.size() > kHead) {
    while (!head.empty() && (static_cast<unsigned char>(head.back()) & 0x80) != 0) head.remove_suffix(1);
  }
  const std::size_t size = head.size();
  const absl::StatusOr<TextFormat> format = DetectTextFormat(&head, accepted);
  if (!format.ok()) {
    return absl::Status(format.status().code(), Concat(name_, ": ", std::string(format.status().message())));
  }
  begin_ = size - head.size();
  syntax_ = *format == TextFormat::kYaml ? Syntax::kYaml : Syntax::kJson;
  const std::size_t first = head.find_first_not_of(" \t\r\n");
  if (syntax_ == Syntax::kJson && first != std::string_view::npos && head[first] == '[') {
    in_array_ = true;
    line_ += CountLineEnds(head.substr(0, first));
    begin_ += first + 1;
  }
  return syntax_;
}

void RecordStream::Take(std::size_t size, bool broken, TextRecord* record) {
  record->text = std::string_view(buffer_).substr(begin_, size);
  record->line = line_;
  record->broken = broken;
  last_ = *record;
  last_begin_ = begin_;
  line_ += CountLineEnds(record->text);
  begin_ += size;
}

absl::StatusOr<std::size_t> RecordStream::LineEnd(std::size_t offset) {
  for (std::size_t at = offset;;) {
    const std::size_t end = buffer_.find('\n', begin_ + at);
    if (end != std::string::npos) return end + 1 - begin_;
    at = buffer_.size() - begin_;
    if (at - offset > max_record_bytes_) return TooLong(line_);
    const absl::StatusOr<bool> more = Fill();
    if (!more.ok()) return more.status();
    if (!*more) return buffer_.size() - begin_;
  }
}

absl::StatusOr<bool> RecordStream::NextLine(TextRecord* record) {
  if (std::exchange(put_back_, false)) return *record = last_, true;
  absl::StatusOr<std::size_t> end = LineEnd(0);
  if (!end.ok()) return end.status();
  if (line_ == 1 && std::string_view(buffer_).substr(begin_, *end).starts_with(kByteOrderMark)) {
    begin_ += kByteOrderMark.size();
    *end -= kByteOrderMark.size();
  }
  if (*end == 0) return false;
  Take(*end, false, record);
  while (!record->text.empty() && (record->text.back() == '\n' || record->text.back() == '\r')) {
    record->text.remove_suffix(1);
  }
  last_ = *record;
  return true;
}

absl::StatusOr<bool> RecordStream::SkipMark() {
  constexpr std::size_t kMarkSize = 3;
  while (buffer_.size() - begin_ <= kMarkSize) {
    const absl::StatusOr<bool> more = Fill();
    if (!more.ok()) return more.status();
    if (!*more) break;
  }
  if (!IsDocumentMark(std::string_view(buffer_).substr(begin_, kMarkSize + 1))) return false;
  begin_ += kMarkSize - 1;  // to its last character
  return true;
}

absl::Status RecordStream::SkipBetween() {
  while (true) {
    for (; begin_ < buffer_.size(); ++begin_) {
      const char c = buffer_[begin_];
      // JSON documents may stand between the marks of YAML.
      if (c == '-' && !in_array_) {
        const absl::StatusOr<bool> mark = SkipMark();
        if (!mark.ok()) return mark.status();
        if (!*mark) return absl::OkStatus();
        continue;
      }
      if (!IsJsonSpace(c) && !(in_array_ && (c == ',' || c == ']'))) return absl::OkStatus();
      if (c == '\n') ++line_;
    }
    const absl::StatusOr<bool> more = Fill();
    if (!more.ok()) return more.status();
    if (!*more) return absl::OkStatus();
  }
}

absl::StatusOr<RecordStream::Extent> RecordStream::FindEnd() {
  std::size_t depth = 0;
  bool in_string = false, escaped = false;
  for (std::size_t at = 0;;) {
    if (begin_ + at >= buffer_.size()) {
      if (at > max_record_bytes_) return TooLong(line_);
      const absl::StatusOr<bool> more = Fill();
      if (!more.ok()) return more.status();
      if (!*more) return Extent{at, true};
    }
    if (in_string && !escaped) {
      const char* const from = buffer_.data() + begin_ + at;
      const char* const end = buffer_.data() + buffer_.size();
      at += static_cast<std::size_t>(EndOfPlainText(from, end) - from);
      if (begin_ + at == buffer_.size()) continue;
    }
    const char c = buffer_[begin_ + at++];
    if (in_string) {
      if (c == '"' && !escaped) in_string = false;
      escaped = c == '\\' && !escaped;
      // In no JSON string; and where each line is a record, the end of one that
      // was cut off.
      if (c == '\n' && one_line_ == OneLine::kYes) return Extent{at - 1, true};
      continue;
    }
    switch (c) {
      case '"': in_string = true; break;
      case '{':
      case '[': ++depth; break;
      case '}':
      case ']':
        if (depth == 0 || --depth == 0) return Extent{at, false};
        break;
      case '\n':
        if (one_line_ == OneLine::kYes || depth == 0) return Extent{at - 1, true};
        break;
      default: break;
    }
  }
}

absl::StatusOr<bool> RecordStream::NextJson(TextRecord* record) {
  if (std::exchange(put_back_, false)) return *record = last_, true;
  if (absl::Status s = SkipBetween(); !s.ok()) return s;
  if (begin_ >= buffer_.size()) return false;
  const absl::StatusOr<Extent> extent = FindEnd();
  if (!extent.ok()) return extent.status();
  Take(extent->size, extent->broken, record);
  if (one_line_ == OneLine::kUnknown && !in_array_ && !record->broken) {
    const bool one = record->text.find('\n') == std::string_view::npos;
    if (begin_ >= buffer_.size()) {
      if (const absl::StatusOr<bool> more = Fill(); !more.ok()) return more.status();
      record->text = std::string_view(buffer_).substr(last_begin_, extent->size);
      last_ = *record;
    }
    const bool alone = begin_ >= buffer_.size() || buffer_[begin_] == '\n' || buffer_[begin_] == '\r';
    one_line_ = one && alone ? OneLine::kYes : OneLine::kNo;
  }
  return true;
}

absl::StatusOr<bool> RecordStream::NextYaml(TextRecord* record) {
  if (std::exchange(put_back_, false)) return *record = last_, true;
  while (true) {
    // From behind one mark to before the next.
    std::size_t size = 0;
    bool marked = false;
    while (true) {
      const absl::StatusOr<std::size_t> end = LineEnd(size);
      if (!end.ok()) return end.status();
      if (*end == size) break;
      if (IsDocumentMark(std::string_view(buffer_).substr(begin_ + size, *end - size))) {
        if (size > 0 || marked) break;
        marked = true;
        line_ += 1;
        begin_ += *end;
        continue;
      }
      size = *end;
      if (size > max_record_bytes_) return TooLong(line_);
    }
    if (size == 0 && !marked) return false;
    TextRecord document;
    Take(size, false, &document);
    YamlLimits limits;
    limits.max_bytes = max_record_bytes_;
    absl::StatusOr<std::string> json = YamlToJson(document.text, limits);
    if (!json.ok()) {
      return absl::InvalidArgumentError(
          Concat(name_, ": ", Shifted(std::string(json.status().message()), document.line)));
    }
    if (IsBlank(*json)) continue;
    converted_ = *std::move(json);
    // The JSON stands on the lines of its YAML.
    const std::size_t first = converted_.find_first_not_of(" \t\r\n");
    record->line = document.line + CountLineEnds(std::string_view(converted_).substr(0, first));
    record->text = std::string_view(converted_).substr(first);
    while (IsJsonSpace(record->text.back())) record->text.remove_suffix(1);
    record->broken = false;
    last_ = *record;
    return true;
  }
}

std::unique_ptr<ByteSource> RecordStream::TakeAll() {
  ended_ = true;
  begin_ = last_begin_ = 0;
  return PrefixedSource(std::exchange(buffer_, {}), std::move(source_));
}

}  // namespace epslice::sim
