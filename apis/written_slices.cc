#include "apis/written_slices.h"

#include <algorithm>
#include <protozero/pbf_reader.hpp>
#include <utility>
#include <vector>

#include "apis/protobuf_fields.h"

namespace epslice {
namespace {

constexpr std::size_t kMostEntries = 64;
constexpr std::size_t kMostSpareBytes = 64 * 1024;

// The message in the envelope of an object; "" where there is none.
std::string_view RawOf(std::string_view body) {
  using protobuf::kMagic;
  if (body.substr(0, kMagic.size()) != kMagic) return {};
  protozero::pbf_reader envelope(body.data() + kMagic.size(), body.size() - kMagic.size());
  if (!envelope.next(protobuf::UnknownField::kRaw, protozero::pbf_wire_type::length_delimited)) return {};
  const protozero::data_view raw = envelope.get_view();
  return {raw.data(), raw.size()};
}

}  // namespace

std::string_view WrittenSlices::ContentOf(std::string_view message) {
  protozero::pbf_reader reader(message.data(), message.size());
  if (!reader.next() || reader.tag_and_type() != protozero::tag_and_type(static_cast<protozero::pbf_tag_type>(
                                                                             protobuf::SliceField::kMetadata),
                                                                         protozero::pbf_wire_type::length_delimited)) {
    return {};
  }
  reader.skip();
  return message.substr(message.size() - reader.length());
}

void WrittenSlices::Remember(std::string_view body, std::shared_ptr<const EndpointSlice> slice) {
  // A protocol that is absent is read as the default.
  const auto has_protocol = [](const EndpointPort& port) { return !port.protocol.empty(); };
  if (!std::all_of(slice->ports.begin(), slice->ports.end(), has_protocol)) return;
  const std::string_view content = ContentOf(RawOf(body));
  if (content.empty() || content.size() > max_bytes_) return;
  std::vector<std::shared_ptr<const EndpointSlice>> forgotten;  // let go of without the lock
  std::lock_guard<std::mutex> lock(mu_);
  while (!entries_.empty() && (entries_.size() == kMostEntries || bytes_ + content.size() > max_bytes_)) {
    Entry old = std::move(entries_.front());
    entries_.pop_front();
    bytes_ -= old.content.size();
    Spare(std::move(old.content));
    forgotten.push_back(std::move(old.slice));
  }
  std::string copy = std::move(spare_);
  spare_ = std::string();
  copy.assign(content);
  bytes_ += copy.size();
  entries_.push_back({std::move(copy), std::move(slice)});
}

bool WrittenSlices::Take(std::string_view content, EndpointSlice* slice) {
  if (content.empty()) return false;
  std::shared_ptr<const EndpointSlice> written;
  {
    std::lock_guard<std::mutex> lock(mu_);
    const auto found = std::find_if(entries_.begin(), entries_.end(),
                                    [content](const Entry& entry) { return entry.content == content; });
    if (found == entries_.end()) return false;
    written = std::move(found->slice);
    bytes_ -= found->content.size();
    Spare(std::move(found->content));
    entries_.erase(found);
  }
  slice->endpoints = written->endpoints;
  slice->ports = written->ports;
  slice->addressType = written->addressType;
  return true;
}

void WrittenSlices::Spare(std::string content) {
  if (content.capacity() > spare_.capacity() && content.capacity() <= kMostSpareBytes) spare_ = std::move(content);
}

}  // namespace epslice
