// Digest: 128 bits that tell two runs apart.
//
// Everything is fed in as numbers of eight bytes, least significant first, and
// mixed by multiplications and shifts of unsigned integers: the same on any
// machine. Not for secrets. Objects count with all that their structs hold.
#ifndef EPSLICE_SIM_ENGINE_DIGEST_H_
#define EPSLICE_SIM_ENGINE_DIGEST_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "sim/engine/observer.h"

namespace epslice::sim {

class Digest {
 public:
  void Add(std::uint64_t number) {
    // Each step loses nothing of a_, so no number is without effect.
    a_ = (a_ ^ number) * 0x9fb21c651e98df25U;
    a_ ^= a_ >> 29;
    b_ = ((b_ << 23) | (b_ >> 41)) + a_;
    b_ *= 0xd6e8feb86659fd93U;
  }
  void Add(std::string_view text);
  void Add(const AnyObject& object);

  // What a run consists of.
  void Add(const Commit& commit);
  void Add(const ControllerWrite& write);
  void AddSync(const ObjectKey& service, SyncResult result, Instant queued, Instant begun, Instant ended);

  // 32 hexadecimal digits; may be asked for at any time.
  std::string ToString() const;

 private:
  std::uint64_t a_ = 0x243f6a8885a308d3U;
  std::uint64_t b_ = 0x13198a2e03707344U;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_ENGINE_DIGEST_H_
