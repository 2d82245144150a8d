// A JSON dump as a stream of its parts: lists are taken apart, so that one item
// is in memory and not the dump.
#ifndef EPSLICE_SIM_TRACE_DUMP_STREAM_H_
#define EPSLICE_SIM_TRACE_DUMP_STREAM_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "sim/trace/byte_source.h"

namespace epslice::sim {

// A place in a text: both from 1, columns in bytes.
struct TextPlace {
  std::size_t line = 1, column = 1;
};

// One item of a list, or a document (of a list: what is left without its items).
// Views are valid during the call.
struct DumpPart {
  std::string_view text;
  TextPlace place;  // where it begins
  bool is_item = false;
  // Of an item: its number, its list's line, and what the list says of items
  // that do not say it themselves.
  std::size_t index = 0, document_line = 1;
  std::string_view api_version = {}, kind = {};
};

struct DumpParts {
  std::function<void()> document;  // one begins
  // Parts of a document come in the order of the text, itself at the end. An
  // error stops it and is returned.
  std::function<absl::Status(const DumpPart& part)> part;
};

// The parts of all documents in `source`: JSON objects one after another. It
// only follows brackets and strings: whether parts are JSON is for who gets
// them to say; what stands between items is checked here.
// A list whose items come before its kind, without kinds of their own, is held
// until the kind is known. `max_bytes`: of the whole text.
// InvalidArgument: "line 3, column 7: expected ',' or ']', found 'x'"; the
// source's own errors.
absl::Status SplitDump(ByteSource* source, std::size_t max_bytes, const DumpParts& parts);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_TRACE_DUMP_STREAM_H_
