#include "sim/report/histogram.h"

#include <algorithm>
#include <bit>

namespace epslice::sim {
namespace {

constexpr int kBits = 6;  // of a value that choose its bucket, after the first
constexpr std::uint64_t kPerOctave = 1U << kBits;

// Values below 64 have buckets of their own.
std::size_t BucketOf(std::uint64_t value) {
  if (value < kPerOctave) return static_cast<std::size_t>(value);
  const int shift = std::bit_width(value) - 1 - kBits;
  return static_cast<std::size_t>(static_cast<std::uint64_t>(shift) * kPerOctave + (value >> shift));
}

std::uint64_t MiddleOf(std::size_t bucket) {
  if (bucket < kPerOctave) return bucket;
  const int shift = static_cast<int>(bucket / kPerOctave) - 1;
  const std::uint64_t low = (bucket % kPerOctave + kPerOctave) << shift;
  return low + ((std::uint64_t{1} << shift) >> 1);
}

}  // namespace

void LogHistogram::Add(Duration value) {
  value = std::max(value, Duration(0));
  const std::size_t bucket = BucketOf(static_cast<std::uint64_t>(value.count()));
  if (bucket >= counts_.size()) counts_.resize(bucket + 1);
  ++counts_[bucket];
  min_ = count_ == 0 ? value : std::min(min_, value);
  max_ = std::max(max_, value);
  sum_seconds_ += static_cast<double>(value.count()) / 1e9;
  ++count_;
}

double LogHistogram::mean_seconds() const { return count_ == 0 ? 0 : sum_seconds_ / static_cast<double>(count_); }

Duration LogHistogram::Percentile(int hundredths) const {
  const std::int64_t rank = (count_ * hundredths + 99) / 100;
  std::int64_t seen = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen >= rank && seen > 0) {
      return std::clamp(Duration(static_cast<std::int64_t>(MiddleOf(i))), min_, max_);
    }
  }
  return Duration(0);
}

}  // namespace epslice::sim
