// Private to apis: reading of protobuf messages, field by field. Not for use
// outside apis/protobuf_*.cc, which are also the only files that see protozero.
//
// Inside the decoder errors are exceptions (DecodeError, and protozero's own);
// the doors in protobuf_decode.cc turn them into Statuses. Views refer to the
// bytes that were handed in.
#ifndef EPSLICE_APIS_PROTOBUF_READER_H_
#define EPSLICE_APIS_PROTOBUF_READER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <protozero/pbf_reader.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apis/coordination.h"
#include "apis/core.h"
#include "apis/decode_rules.h"
#include "apis/discovery.h"
#include "apis/meta.h"
#include "apis/request.h"
#include "apis/text.h"
#include "apis/written_slices.h"

namespace epslice::protobuf {

class DecodeError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// What one decoding call carries along.
class Context {
 public:
  explicit Context(std::size_t max_elements) : elements_left_(max_elements) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  // Texts that many objects share. What was seen lately is found without
  // asking the pool.
  Text Shared(std::string_view chars);

  // Where in the object we are, for errors. Not undone by an exception, so
  // that who catches it can still ask.
  void Enter(const char* name, std::size_t index = kNoIndex) {
    if (depth_ < path_.size()) path_[depth_] = {name, index};
    ++depth_;
  }
  void Leave() { --depth_; }
  void BeginObject() { depth_ = 0; }
  // "spec.ports[3]"; "" at the object itself.
  std::string Path() const;
  // Throws DecodeError: "spec.ports[3].name: <what>".
  [[noreturn]] void Fail(const char* name, std::string_view what) const;
  // One more repeated element.
  void Count() {
    if (elements_left_-- == 0) FailElements();
  }

  // Of EndpointSlices only the metadata is wanted.
  bool metadata_only = false;
  // Of which EndpointSlices may be echoes; null: of none.
  WrittenSlices* written = nullptr;
  decode::Siblings siblings;
  // Buffers kept from object to object.
  using Entries = std::vector<std::pair<std::string_view, std::string_view>>;
  Entries labels, annotations;
  std::vector<NamedPort> ports, init_ports;

  static constexpr std::size_t kNoIndex = static_cast<std::size_t>(-1);

 private:
  [[noreturn]] static void FailElements();

  struct Step {
    const char* name;
    std::size_t index;
  };
  std::array<Step, 8> path_{};
  std::size_t depth_ = 0;
  std::size_t elements_left_;
  std::array<Text, 128> recent_;
};

// Throws DecodeError unless `chars` is UTF-8.
void CheckUtf8(std::string_view chars, const char* name, const Context& context);

// The fields of a message, in the order of the bytes: while (f.Next()) switch
// (f.number()). Each must be read once or skipped. `name` is the field's, for
// errors.
class Fields {
 public:
  Fields(std::string_view message, Context* context) : reader_(message.data(), message.size()), context_(context) {}

  bool Next() { return reader_.next(); }
  std::uint32_t number() const { return reader_.tag(); }
  void Skip() { reader_.skip(); }

  std::string_view Bytes(const char* name) {
    if (reader_.wire_type() != protozero::pbf_wire_type::length_delimited) WrongType(name, "is a number, not text");
    const protozero::data_view view = reader_.get_view();
    return {view.data(), view.size()};
  }
  std::string_view Chars(const char* name) {
    const std::string_view chars = Bytes(name);
    CheckUtf8(chars, name, *context_);
    return chars;
  }
  Text Unique(const char* name) { return Text(Chars(name)); }
  Text Shared(const char* name) { return context_->Shared(Chars(name)); }
  std::int64_t Int64(const char* name) {
    if (reader_.wire_type() != protozero::pbf_wire_type::varint) WrongType(name, "is no whole number");
    return reader_.get_int64();
  }
  std::int32_t Int32(const char* name);
  bool Bool(const char* name) { return Int64(name) != 0; }
  // metav1.Time, metav1.MicroTime; an empty message is unset.
  Timestamp Time(const char* name) { return TimeOf(name, decode::kSecond); }
  Timestamp MicroTime(const char* name) { return TimeOf(name, decode::kMicrosecond); }

  // Calls read(bytes) with the message in this field.
  template <typename F>
  void Message(const char* name, F read) {
    const std::string_view bytes = Bytes(name);
    context_->Enter(name);
    read(bytes);
    context_->Leave();
  }
  // One more element of a list of messages.
  template <typename List, typename F>
  void Element(const char* name, List* list, F read) {
    context_->Count();
    const std::string_view bytes = Bytes(name);
    context_->Enter(name, list->size());
    list->push_back(read(bytes, context_));
    context_->Leave();
  }
  // One more entry of a map of strings.
  void Entry(const char* name, Context::Entries* entries);
  Context* context() const { return context_; }

 private:
  Timestamp TimeOf(const char* name, std::int64_t resolution);
  [[noreturn]] void WrongType(const char* name, std::string_view what) const { context_->Fail(name, what); }

  protozero::pbf_reader reader_;
  Context* context_;
};

// How often field `number` is in a message.
std::size_t CountFields(std::string_view message, std::uint32_t number);

// Maps of strings; keys are shared.
StringMap Labels(const Context::Entries& entries, Context* context);       // values shared
StringMap Annotations(const Context::Entries& entries, Context* context);  // values not

// Messages. What is absent stays as it is in `out`.
void Read(std::string_view message, Context* context, BasicMeta* out);
void Read(std::string_view message, Context* context, ObjectMeta* out);
ObjectReference ReadObjectReference(std::string_view message, Context* context);
void Read(std::string_view message, Context* context, Namespace* out);
void Read(std::string_view message, Context* context, Node* out);
void Read(std::string_view message, Context* context, Pod* out);
void Read(std::string_view message, Context* context, Service* out);
void Read(std::string_view message, Context* context, EndpointSlice* out);
void Read(std::string_view message, Context* context, Event* out);  // core/v1
void ReadEventsV1(std::string_view message, Context* context, Event* out);
void Read(std::string_view message, Context* context, Lease* out);
void Read(std::string_view message, Context* context, Status* out);

}  // namespace epslice::protobuf

#endif  // EPSLICE_APIS_PROTOBUF_READER_H_
