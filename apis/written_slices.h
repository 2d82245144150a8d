// WrittenSlices: what was written to an API server lately, for its echo.
//
// What a controller writes comes back through its watch, and but for the
// metadata it comes back byte for byte, as API servers write protobuf as we do.
// Such an echo need not be decoded: it is given the endpoints of the slice that
// was written, whose texts then are in memory once.
// Only what is equal in all its bytes is taken for an echo; it comes out as if
// it had been decoded. All else is decoded.
// Bounded: the oldest is forgotten for the newest, and what came back once.
// Thread-safe.
#ifndef EPSLICE_APIS_WRITTEN_SLICES_H_
#define EPSLICE_APIS_WRITTEN_SLICES_H_

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "apis/discovery.h"

namespace epslice {

class WrittenSlices {
 public:
  // Of no more than `max_bytes` of protobuf, and of 64 slices.
  explicit WrittenSlices(std::size_t max_bytes) : max_bytes_(max_bytes) {}
  WrittenSlices(const WrittenSlices&) = delete;
  WrittenSlices& operator=(const WrittenSlices&) = delete;

  // To be called before `slice` is sent as `body`, which is what
  // AppendProtobuf() makes of it: echoes are quick.
  void Remember(std::string_view body, std::shared_ptr<const EndpointSlice> slice);

  // For the decoder: where `content`, the bytes of an EndpointSlice after its
  // metadata, is that of a slice in here, gives `slice` its endpoints, ports
  // and address type, and forgets it.
  bool Take(std::string_view content, EndpointSlice* slice);

  // The bytes of an EndpointSlice in protobuf (no envelope) that follow its
  // metadata; "" where it does not begin with metadata.
  static std::string_view ContentOf(std::string_view message);

 private:
  struct Entry {
    std::string content;
    std::shared_ptr<const EndpointSlice> slice;
  };
  // Keeps the memory of one entry's bytes for the next.
  void Spare(std::string content);

  const std::size_t max_bytes_;
  std::mutex mu_;
  // Below: guarded by mu_.
  std::deque<Entry> entries_;  // oldest first
  std::size_t bytes_ = 0;
  std::string spare_;
};

}  // namespace epslice

#endif  // EPSLICE_APIS_WRITTEN_SLICES_H_
