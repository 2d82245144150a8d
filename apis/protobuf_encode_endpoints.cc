// Writing of an EndpointSlice's endpoints as protobuf: a pass for the sizes, one
// for the bytes, and none for moving what was written.
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "apis/protobuf_encode.h"
#include "apis/protobuf_fields.h"

namespace epslice::protobuf {
namespace {

std::size_t VarintSize(std::size_t value) {
  std::size_t size = 1;
  for (; value >= 0x80; value >>= 7) ++size;
  return size;
}

// Field numbers in here are below 16: a tag is one byte.
std::size_t FieldSize(std::size_t content) { return 1 + VarintSize(content) + content; }
constexpr std::size_t kBoolSize = 2;

std::size_t TextsSize(absl::Span<const Text> texts) {
  std::size_t size = 0;
  for (const Text& text : texts) size += FieldSize(text.size());
  return size;
}

// Messages with a name each.
std::size_t NamesSize(absl::Span<const Text> names) {
  std::size_t size = 0;
  for (const Text& name : names) size += FieldSize(FieldSize(name.size()));
  return size;
}

std::size_t ConditionsSize(const EndpointConditions& c) {
  return kBoolSize * (std::size_t{c.ready.has_value()} + std::size_t{c.serving.has_value()} +
                      std::size_t{c.terminating.has_value()});
}

std::size_t ReferenceSize(const ObjectReference& reference) {
  std::size_t size = 0;
  ForEachField(reference, [&size](std::uint32_t, const Text& text) { size += FieldSize(text.size()); });
  return size;
}

std::size_t HintsSize(const EndpointHints& hints) { return NamesSize(hints.forZones) + NamesSize(hints.forNodes); }

std::size_t OptionalSize(const Text& text) { return text.empty() ? 0 : FieldSize(text.size()); }

std::size_t EndpointSize(const Endpoint& e) {
  std::size_t size = TextsSize(e.addresses) + FieldSize(ConditionsSize(e.conditions)) + OptionalSize(e.hostname) +
                     OptionalSize(e.nodeName) + OptionalSize(e.zone);
  if (e.targetRef.has_value()) size += FieldSize(ReferenceSize(*e.targetRef));
  if (e.hints.has_value()) size += FieldSize(HintsSize(*e.hints));
  return size;
}

// Writes where there is room, which the sizes above have made.
class Bytes {
 public:
  explicit Bytes(char* at) : at_(at) {}

  // The tag and length of a message, or of a text.
  void Open(std::uint32_t number, std::size_t size) {
    *at_++ = static_cast<char>(number << 3 | 2);
    for (; size >= 0x80; size >>= 7) *at_++ = static_cast<char>(size | 0x80);
    *at_++ = static_cast<char>(size);
  }
  void Put(std::uint32_t number, std::string_view text) {
    Open(number, text.size());
    if (!text.empty()) std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }
  void PutUnlessEmpty(std::uint32_t number, const Text& text) {
    if (!text.empty()) Put(number, text);
  }
  void Put(std::uint32_t number, const std::optional<bool>& value) {
    if (!value.has_value()) return;
    *at_++ = static_cast<char>(number << 3);
    *at_++ = *value ? 1 : 0;
  }
  void PutNames(std::uint32_t number, absl::Span<const Text> names) {
    for (const Text& name : names) {
      Open(number, FieldSize(name.size()));
      Put(HintField::kName, name.view());
    }
  }

 private:
  char* at_;
};

void WriteEndpoint(const Endpoint& e, std::size_t size, Bytes* out) {
  out->Open(SliceField::kEndpoints, size);
  for (const Text& address : e.addresses) out->Put(EndpointField::kAddresses, address.view());
  out->Open(EndpointField::kConditions, ConditionsSize(e.conditions));
  out->Put(EndpointConditionsField::kReady, e.conditions.ready);
  out->Put(EndpointConditionsField::kServing, e.conditions.serving);
  out->Put(EndpointConditionsField::kTerminating, e.conditions.terminating);
  out->PutUnlessEmpty(EndpointField::kHostname, e.hostname);
  if (e.targetRef.has_value()) {
    out->Open(EndpointField::kTargetRef, ReferenceSize(*e.targetRef));
    ForEachField(*e.targetRef, [out](std::uint32_t number, const Text& text) { out->Put(number, text.view()); });
  }
  out->PutUnlessEmpty(EndpointField::kNodeName, e.nodeName);
  out->PutUnlessEmpty(EndpointField::kZone, e.zone);
  if (!e.hints.has_value()) return;
  out->Open(EndpointField::kHints, HintsSize(*e.hints));
  out->PutNames(HintsField::kForZones, e.hints->forZones);
  out->PutNames(HintsField::kForNodes, e.hints->forNodes);
}

}  // namespace

void AppendEndpoints(const std::vector<Endpoint>& endpoints, std::string* out) {
  std::vector<std::size_t> sizes;
  sizes.reserve(endpoints.size());
  std::size_t total = 0;
  for (const Endpoint& endpoint : endpoints) {
    sizes.push_back(EndpointSize(endpoint));
    total += FieldSize(sizes.back());
  }
  const std::size_t before = out->size();
  // With some room for what follows.
  constexpr std::size_t kRest = 512;
  if (out->capacity() < before + total) out->reserve(before + total + kRest);
  out->resize(before + total);
  Bytes bytes(out->data() + before);
  for (std::size_t i = 0; i < sizes.size(); ++i) WriteEndpoint(endpoints[i], sizes[i], &bytes);
}

}  // namespace epslice::protobuf
