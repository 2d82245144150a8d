// YAML in a stream as JSON in a stream.
#ifndef EPSLICE_SIM_TRACE_YAML_SOURCE_H_
#define EPSLICE_SIM_TRACE_YAML_SOURCE_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "apis/yaml.h"
#include "sim/trace/byte_source.h"
#include "sim/trace/text_format.h"

namespace epslice::sim {

// The documents of `yaml` as JSON values one after another, on the lines that
// they have there; in memory is a piece, as YamlReader (apis/yaml.h) has it.
// InvalidArgument also where the text is no UTF-8, or longer than `max_bytes`.
class YamlSource : public ByteSource {
 public:
  // `yaml` must outlive this. `piece_bytes`: as YamlReader has it.
  YamlSource(ByteSource* yaml, std::size_t max_bytes, const YamlLimits& limits,
             std::size_t piece_bytes = std::size_t{256} << 10);
  absl::StatusOr<std::size_t> Read(char* buffer, std::size_t size) override;
  // It was read to the end, and has no document that is not empty.
  bool blank() const { return ended_ && blank_; }

 private:
  absl::StatusOr<std::size_t> ReadYaml(char* buffer, std::size_t size);

  ByteSource& yaml_;
  const std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  Utf8Check utf8_;
  YamlReader reader_;
  std::string piece_;
  std::size_t at_ = 0;
  bool blank_ = true;
  bool ended_ = false;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_TRACE_YAML_SOURCE_H_
