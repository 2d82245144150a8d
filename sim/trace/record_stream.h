// RecordStream: a text in a stream, one record at a time.
//
// A record is a line, a JSON value of one (JSON lines) or many lines, an item
// of one JSON array, or a document of YAML, which is handed out as JSON.
#ifndef EPSLICE_SIM_TRACE_RECORD_STREAM_H_
#define EPSLICE_SIM_TRACE_RECORD_STREAM_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "sim/trace/byte_source.h"
#include "sim/trace/text_format.h"

namespace epslice::sim {

struct TextRecord {
  std::string_view text;  // until the next record is asked for
  std::size_t line = 0;   // where it begins, from 1
  // It ends before it is complete: cut off by the end of the text or, in JSON
  // lines, of the line.
  bool broken = false;
};

// Not thread-safe. Errors name the source and the line.
class RecordStream {
 public:
  // `name`: what errors call the source.
  RecordStream(std::string name, std::unique_ptr<ByteSource> source, std::size_t max_record_bytes);

  enum class Syntax { kJson, kYaml };
  // What the text is, by its beginning. InvalidArgument where it is empty or no
  // text; `accepted` tells what would be.
  absl::StatusOr<Syntax> DetectSyntax(std::string_view accepted = kAcceptedTraces);

  // The next record; false at the end.
  absl::StatusOr<bool> NextLine(TextRecord* record);
  absl::StatusOr<bool> NextJson(TextRecord* record);
  absl::StatusOr<bool> NextYaml(TextRecord* record);
  // As DetectSyntax() said.
  absl::StatusOr<bool> NextDocument(TextRecord* record) {
    return syntax_ == Syntax::kYaml ? NextYaml(record) : NextJson(record);
  }
  // Hands out the last record once more.
  void PutBack() { put_back_ = true; }
  // The whole text, of which no more than the first record was asked for (and
  // put back). This is done with then.
  std::unique_ptr<ByteSource> TakeAll();
  // What is in memory of the text that follows, for a look.
  std::string_view Ahead() const { return std::string_view(buffer_).substr(begin_); }

  const std::string& name() const { return name_; }
  // InvalidArgument: "NAME: line LINE: WHAT".
  absl::Status Error(std::size_t line, std::string_view what) const;

 private:
  // Reads more; false at the end of the text.
  absl::StatusOr<bool> Fill();
  // The end of the line that begins at begin_ + offset, its '\n' included.
  absl::StatusOr<std::size_t> LineEnd(std::size_t offset);
  absl::Status TooLong(std::size_t line) const;
  // Takes `size` bytes as the record and moves on.
  void Take(std::size_t size, bool broken, TextRecord* record);
  // Whether a document mark ("---") is at begin_, which then is its last
  // character.
  absl::StatusOr<bool> SkipMark();
  // Skips white space and document marks, and in an array what stands between its items.
  absl::Status SkipBetween();
  // Finds the end of the JSON value at begin_.
  struct Extent {
    std::size_t size = 0;
    bool broken = false;
  };
  absl::StatusOr<Extent> FindEnd();

  const std::string name_;
  std::unique_ptr<ByteSource> source_;
  const std::size_t max_record_bytes_;
  std::string buffer_;
  std::size_t begin_ = 0;  // of what was not handed out
  std::size_t line_ = 1;   // of begin_
  bool ended_ = false;
  Syntax syntax_ = Syntax::kJson;
  // JSON: inside one array; each record on a line of its own.
  bool in_array_ = false;
  enum class OneLine { kUnknown, kYes, kNo } one_line_ = OneLine::kUnknown;
  // The last record, for PutBack().
  bool put_back_ = false;
  TextRecord last_;
  std::size_t last_begin_ = 0;
  std::string converted_;  // YAML as JSON
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_TRACE_RECORD_STREAM_H_
