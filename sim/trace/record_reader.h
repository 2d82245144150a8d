// RecordReader: what readers of one stream of records share, each record an
// event with its time, or none.
#ifndef EPSLICE_SIM_TRACE_RECORD_READER_H_
#define EPSLICE_SIM_TRACE_RECORD_READER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "sim/trace/record_stream.h"
#include "sim/trace/reorder.h"
#include "sim/trace/trace.h"

namespace epslice::sim {

class RecordReader : public TraceReader {
 public:
  absl::StatusOr<bool> Next(TraceEvent* event) final;
  TraceSummary summary() const final;

 protected:
  RecordReader(std::string format, std::unique_ptr<RecordStream> stream, const TraceOptions& options);

  // Takes a record that is whole: adds what it tells to order_, or counts why
  // not.
  virtual absl::Status Take(const TextRecord& record) = 0;
  // There are no more records: adds what was held back.
  virtual absl::Status TakeRest() { return absl::OkStatus(); }

  const std::unique_ptr<RecordStream> stream_;
  const bool keep_json_;
  TraceSummary summary_;
  Reorder order_;
  // Events that came too late for an order of the reader's own.
  std::int64_t late_ = 0;

 private:
  absl::Status Read();
  bool ended_ = false;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_TRACE_RECORD_READER_H_
