// Names as the API server and the controllers of workloads make them up.
#ifndef EPSLICE_SIM_CLUSTER_GENERATED_NAME_H_
#define EPSLICE_SIM_CLUSTER_GENERATED_NAME_H_

#include <string>

#include "informers/random.h"

namespace epslice::sim {

// How many letters follow metadata.generateName.
constexpr int kGeneratedLetters = 5;

// So many letters and digits of those that Kubernetes uses: none that makes a
// word.
inline std::string GeneratedSuffix(Random* random, int letters = kGeneratedLetters) {
  constexpr char kLetters[] = "bcdfghjklmnpqrstvwxz2456789";
  std::string suffix;
  for (int i = 0; i < letters; ++i) suffix.push_back(kLetters[random->Below(sizeof kLetters - 1)]);
  return suffix;
}

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_CLUSTER_GENERATED_NAME_H_
