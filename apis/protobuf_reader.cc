#include "apis/protobuf_reader.h"

#include <simdjson.h>

#include <cstring>
#include <limits>

#include "apis/cat.h"
#include "apis/protobuf_fields.h"
#include "apis/time_format.h"

namespace epslice::protobuf {
namespace {

constexpr std::uint64_t kHighBits = 0x8080808080808080U;

bool IsAscii(std::string_view s) {
  const char* p = s.data();
  std::size_t left = s.size();
  std::uint64_t seen = 0;
  for (; left >= 8; p += 8, left -= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, p, 8);
    seen |= word;
  }
  for (; left > 0; ++p, --left) seen |= static_cast<unsigned char>(*p);
  return (seen & kHighBits) == 0;
}

// Good enough for a small table of what was seen lately.
std::size_t QuickHash(std::string_view s) {
  std::uint64_t head = 0;
  std::uint64_t tail = 0;
  const std::size_t n = s.size() < 8 ? s.size() : 8;
  std::memcpy(&head, s.data(), n);
  std::memcpy(&tail, s.data() + s.size() - n, n);
  constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15U;
  return static_cast<std::size_t>(((head * kOdd) ^ tail ^ s.size()) * kOdd >> 57);
}

// Whether `entries` are those of `map`, in its order: the order in which API
// servers write maps.
bool SameEntries(const Context::Entries& entries, const StringMap& map) {
  if (entries.size() != map.size()) return false;
  auto want = map.begin();
  for (const auto& [key, value] : entries) {
    if (key != want->first.view() || value != want->second.view()) return false;
    ++want;
  }
  return true;
}

StringMap MakeMap(const Context::Entries& entries, bool share_values, Context* context) {
  std::vector<StringMap::Entry> out;
  out.reserve(entries.size());
  for (const auto& [key, value] : entries) {
    out.emplace_back(context->Shared(key), share_values ? context->Shared(value) : Text(value));
  }
  return StringMap(std::move(out));
}

}  // namespace

Text Context::Shared(std::string_view chars) {
  if (chars.empty()) return {};
  Text& slot = recent_[QuickHash(chars)];
  if (slot.view() != chars) slot = Text::Intern(chars);
  return slot;
}

std::string Context::Path() const {
  std::string path;
  for (std::size_t i = 0; i < depth_ && i < path_.size(); ++i) {
    if (!path.empty()) path += '.';
    path += path_[i].name;
    if (path_[i].index != kNoIndex) path += '[' + std::to_string(path_[i].index) + ']';
  }
  return path;
}

void Context::Fail(const char* name, std::string_view what) const {
  const std::string path = Path();
  throw DecodeError(Cat({path, path.empty() ? "" : ".", name, ": ", what}));
}

void Context::FailElements() { throw DecodeError("holds more elements than are accepted"); }

void CheckUtf8(std::string_view chars, const char* name, const Context& context) {
  if (!IsAscii(chars) && !simdjson::validate_utf8(chars.data(), chars.size())) context.Fail(name, "is not UTF-8");
}

std::int32_t Fields::Int32(const char* name) {
  const std::int64_t value = Int64(name);
  if (value < std::numeric_limits<std::int32_t>::min() || value > std::numeric_limits<std::int32_t>::max()) {
    context_->Fail(name, std::to_string(value) + " does not fit 32 bits");
  }
  return static_cast<std::int32_t>(value);
}

Timestamp Fields::TimeOf(const char* name, std::int64_t resolution) {
  const std::string_view bytes = Bytes(name);
  if (bytes.empty()) return {};
  std::int64_t seconds = 0;
  std::int64_t nanos = 0;
  context_->Enter(name);
  for (Fields f(bytes, context_); f.Next();) {
    switch (f.number()) {
      case TimeField::kSeconds: seconds = f.Int64("seconds"); break;
      case TimeField::kNanos: nanos = f.Int64("nanos"); break;
      default: f.Skip();
    }
  }
  context_->Leave();
  const absl::StatusOr<Timestamp> time = TimestampFromUnix(seconds, nanos);
  if (!time.ok()) context_->Fail(name, std::string(time.status().message()));
  return decode::CutTo(resolution, *time);
}

void Fields::Entry(const char* name, Context::Entries* entries) {
  context_->Count();
  std::pair<std::string_view, std::string_view> entry;
  for (Fields f(Bytes(name), context_); f.Next();) {
    switch (f.number()) {
      case MapEntryField::kKey: entry.first = f.Chars(name); break;
      case MapEntryField::kValue: entry.second = f.Chars(name); break;
      default: f.Skip();
    }
  }
  entries->push_back(entry);
}

std::size_t CountFields(std::string_view message, std::uint32_t number) {
  std::size_t count = 0;
  protozero::pbf_reader reader(message.data(), message.size());
  while (reader.next()) {
    if (reader.tag() == number) ++count;
    reader.skip();
  }
  return count;
}

StringMap Labels(const Context::Entries& entries, Context* context) {
  if (SameEntries(entries, context->siblings.labels)) return context->siblings.labels;
  return MakeMap(entries, true, context);
}

StringMap Annotations(const Context::Entries& entries, Context* context) { return MakeMap(entries, false, context); }

}  // namespace epslice::protobuf
