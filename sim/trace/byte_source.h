// Bytes in a stream: a file, a pipe or standard input, decompressed on the way.
//
// Whatever the length of the input, only a buffer of it is in memory. Input is
// hostile: decoders are bounded in the memory they take for a window (256 MiB),
// and a text is not followed that is more than a thousand times as long as its
// compressed form.
#ifndef EPSLICE_SIM_TRACE_BYTE_SOURCE_H_
#define EPSLICE_SIM_TRACE_BYTE_SOURCE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <istream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace epslice::sim {

// Not thread-safe. Errors are one line that does not name the source.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Puts up to `size` (at least 1) bytes at `buffer`; how many they are, 0 at
  // the end. After the end or an error it is not called again.
  virtual absl::StatusOr<std::size_t> Read(char* buffer, std::size_t size) = 0;
};

// How much of the files that make up an input was read, in bytes as they are on
// disk (compressed, where they are). Not thread-safe: readers write it.
struct InputBytes {
  std::int64_t total = 0;
  std::int64_t read = 0;
  // What was read before the first event: dumps and tables are read whole.
  std::int64_t opened = 0;
  bool known = true;  // else there is a pipe among them, or standard input

  // Of what is read while events are taken from it, from 0 to 1; nullopt where
  // that is not known, or nothing.
  std::optional<double> Share() const {
    if (!known || total <= opened) return std::nullopt;
    return std::clamp(static_cast<double>(read - opened) / static_cast<double>(total - opened), 0.0, 1.0);
  }
};

// What messages call "-".
inline constexpr std::string_view kStandardInputName = "standard input";

// A file, or `standard_input` for "-" (null: std::cin; not owned), decompressed
// if its first bytes say gzip, zstd or xz. `bytes`: what is read is added to it;
// null: to none. Not owned.
absl::StatusOr<std::unique_ptr<ByteSource>> OpenByteSource(const std::string& file, std::istream* standard_input,
                                                           InputBytes* bytes = nullptr);

// A text at hand, copied; decompressed in the same way.
absl::StatusOr<std::unique_ptr<ByteSource>> TextByteSource(std::string_view text);

// `head`, then what `rest` has.
std::unique_ptr<ByteSource> PrefixedSource(std::string head, std::unique_ptr<ByteSource> rest);

// `source` decompressed, in case its first bytes say so.
absl::StatusOr<std::unique_ptr<ByteSource>> Decompressing(std::unique_ptr<ByteSource> source);

// What a person is told of an errno of opening or reading a file.
absl::Status FileError(int error);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_TRACE_BYTE_SOURCE_H_
