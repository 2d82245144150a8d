#include "sim/trace/yaml_source.h"

#include <algorithm>
#include <cstring>

#include "absl/status/status.h"
#include "apis/concat.h"

namespace epslice::sim {

YamlSource::YamlSource(ByteSource* yaml, std::size_t max_bytes, const YamlLimits& limits, std::size_t piece_bytes)
    : yaml_(*yaml),
      max_bytes_(max_bytes),
      reader_([this](char* buffer, std::size_t size) { return ReadYaml(buffer, size); }, limits, piece_bytes) {}

absl::StatusOr<std::size_t> YamlSource::Read(char* buffer, std::size_t size) {
  while (at_ == piece_.size()) {
    piece_.clear();
    at_ = 0;
    const absl::StatusOr<bool> more = reader_.Next(&piece_);
    if (!more.ok()) return more.status();
    ended_ = !*more;
    if (ended_) return 0;
    blank_ = blank_ && IsBlank(piece_);
  }
  const std::size_t n = std::min(size, piece_.size() - at_);
  std::memcpy(buffer, piece_.data() + at_, n);
  at_ += n;
  return n;
}

absl::StatusOr<std::size_t> YamlSource::ReadYaml(char* buffer, std::size_t size) {
  absl::StatusOr<std::size_t> n = yaml_.Read(buffer, size);
  if (!n.ok()) return n;
  bytes_ += *n;
  if (bytes_ > max_bytes_) {
    return absl::InvalidArgumentError(Concat("is larger than ", max_bytes_, " bytes, the most that is read"));
  }
  const absl::Status status = *n == 0 ? utf8_.Finish() : utf8_.Add({buffer, *n});
  if (!status.ok()) return status;
  return n;
}

}  // namespace epslice::sim
