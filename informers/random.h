// Seeded random numbers with the same sequence on every machine.
//
// The only source of randomness: generators are made from a seed and handed
// in. (std's distributions differ between libraries, so they are not used.)
#ifndef EPSLICE_INFORMERS_RANDOM_H_
#define EPSLICE_INFORMERS_RANDOM_H_

#include <cstdint>

namespace epslice {

// SplitMix64 (Steele, Lea, Flood 2014). Not for secrets. Not thread-safe.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t Next() {
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }
  // Uniform in [0, n); 0 when n is 0. Lemire's multiplication; its bias is
  // below n / 2^64.
  std::uint64_t Below(std::uint64_t n) {
    return static_cast<std::uint64_t>((static_cast<unsigned __int128>(Next()) * n) >> 64);
  }
  // Uniform in [lo, hi].
  std::int64_t Between(std::int64_t lo, std::int64_t hi) {
    return lo + static_cast<std::int64_t>(Below(static_cast<std::uint64_t>(hi - lo) + 1));
  }
  // Uniform in [0, 1).
  double Unit() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }
  bool Chance(double p) { return Unit() < p; }
  // An independent stream, named by a number.
  Random Fork(std::uint64_t stream) const { return Random(Random(state_ ^ (stream * 0xd1342543de82ef95U)).Next()); }

 private:
  std::uint64_t state_;
};

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_RANDOM_H_
