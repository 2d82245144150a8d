// Private to apis: typed reading of a parsed JSON document. Not for use
// outside apis/json_*.cc, which are also the only files that see simdjson.
//
// A JsonValue is one place in a document. Reads never fail on the spot: the
// first error is noted in the JsonContext with the path to the place, the read
// gives an empty value, and whoever began the decoding asks once, at the end.
// So readers are straight lists of fields, and an error can name the object
// whose name was read after it.
#ifndef EPSLICE_APIS_JSON_READER_H_
#define EPSLICE_APIS_JSON_READER_H_

#include <simdjson.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "apis/coordination.h"
#include "apis/core.h"
#include "apis/decode_rules.h"
#include "apis/discovery.h"
#include "apis/kind.h"
#include "apis/meta.h"
#include "apis/object.h"
#include "apis/request.h"
#include "apis/text.h"

namespace epslice::json {

class JsonValue;

// What one decoding call carries along.
class JsonContext {
 public:
  bool failed() const { return failed_; }
  // "spec.nodeName: is a number, not a string". Only when failed().
  const std::string& error() const { return error_; }
  // Notes an error at `at`, unless there is one already.
  void Fail(const JsonValue& at, std::string_view what);

  decode::Siblings siblings;

 private:
  bool failed_ = false;
  std::string error_;
};

// A place in the document; absent when nothing, or null, is there. Refers to
// its parent, which must outlive it: pass by reference, do not keep.
class JsonValue {
 public:
  using Element = simdjson::dom::element;

  JsonValue(Element element, JsonContext* context)
      : element_(element), context_(context), present_(!element.is_null()) {}
  JsonValue(const JsonValue* parent, std::string_view key)
      : context_(parent->context_), parent_(parent), key_(key), present_(false) {}
  JsonValue(Element element, const JsonValue* parent, std::string_view key)
      : element_(element), context_(parent->context_), parent_(parent), key_(key), present_(!element.is_null()) {}
  JsonValue(Element element, const JsonValue* parent, std::size_t index)
      : element_(element), context_(parent->context_), parent_(parent), index_(index), present_(!element.is_null()) {}

  bool present() const { return present_; }
  Element element() const { return element_; }
  JsonContext* context() const { return context_; }
  void Fail(std::string_view what) const { context_->Fail(*this, what); }
  // "metadata.labels[app]", "spec.ports[3].name"; "" for the root.
  std::string Path() const;

  // The reads: absent gives an empty value, another type is an error.
  std::string_view String() const {
    if (!present_) return {};
    std::string_view s;
    if (element_.get(s) != simdjson::SUCCESS) return WrongType("a string"), std::string_view();
    return s;
  }
  Text Unique() const { return Text(String()); }          // a text that few objects share
  Text Shared() const { return Text::Intern(String()); }  // one that many do
  std::optional<Text> OptionalShared() const { return present_ ? std::optional<Text>(Shared()) : std::nullopt; }
  bool Bool() const {
    bool b = false;
    if (present_ && element_.get(b) != simdjson::SUCCESS) WrongType("a boolean");
    return b;
  }
  std::optional<bool> OptionalBool() const { return present_ ? std::optional<bool>(Bool()) : std::nullopt; }
  std::int64_t Int64() const;
  std::int32_t Int32() const;
  std::optional<std::int64_t> OptionalInt64() const {
    return present_ ? std::optional<std::int64_t>(Int64()) : std::nullopt;
  }
  std::optional<std::int32_t> OptionalInt32() const {
    return present_ ? std::optional<std::int32_t>(Int32()) : std::nullopt;
  }
  // metav1.Time: what is finer than a second is dropped, as it is on the wire.
  Timestamp Time() const { return TimeOf(decode::kSecond); }
  // metav1.MicroTime.
  Timestamp MicroTime() const { return TimeOf(decode::kMicrosecond); }

  bool IsObject() const { return present_ && element_.is_object(); }
  bool IsArray() const { return present_ && element_.is_array(); }
  // Calls f(JsonValue) for each element, null ones included (as absent).
  template <typename F>
  void ForEachItem(F f) const {
    if (!present_) return;
    simdjson::dom::array array;
    if (element_.get(array) != simdjson::SUCCESS) return WrongType("an array");
    std::size_t index = 0;
    for (Element item : array) {
      f(JsonValue(item, this, index++));
      if (context_->failed()) return;
    }
  }
  // How many elements an array holds; 0 for anything else.
  std::size_t ItemCount() const;
  // A list read element by element, without spare capacity.
  template <typename T, typename Out = std::vector<T>, typename F>
  Out List(F read) const {
    Out out;
    out.reserve(ItemCount());
    ForEachItem([&](const JsonValue& item) { out.push_back(read(item)); });
    out.shrink_to_fit();
    return out;
  }
  // A map of strings; a null value counts as "", as it does in Go.
  StringMap Labels() const;       // keys and values shared
  StringMap Annotations() const;  // keys shared, values not

  void WrongType(std::string_view wanted) const;

 private:
  Timestamp TimeOf(std::int64_t resolution) const;
  StringMap Map(bool share_values) const;

  Element element_;
  JsonContext* context_;
  const JsonValue* parent_ = nullptr;
  std::string_view key_;
  std::size_t index_ = 0;
  bool present_;
};

// The fields of an object that have a name in `names`; of equal keys the last
// one counts. Absent value: no fields. Anything but an object: an error.
template <std::size_t N>
class Fields {
 public:
  using Names = std::array<std::string_view, N>;
  Fields(const JsonValue& value, const Names& names) : value_(value), names_(names) {
    if (!value.present()) return;
    simdjson::dom::object object;
    if (value.element().get(object) != simdjson::SUCCESS) {
      value.WrongType("an object");
      return;
    }
    for (simdjson::dom::key_value_pair field : object) {
      for (std::size_t i = 0; i < N; ++i) {
        if (field.key == names[i]) {
          elements_[i] = field.value;
          found_[i] = true;
          break;
        }
      }
    }
  }
  Fields(const JsonValue&&, const Names&) = delete;

  JsonValue operator[](std::size_t i) const {
    return found_[i] ? JsonValue(elements_[i], &value_, names_[i]) : JsonValue(&value_, names_[i]);
  }
  // Whether the key was there, if only with null.
  bool found(std::size_t i) const { return found_[i]; }

 private:
  const JsonValue& value_;
  const Names& names_;
  std::array<JsonValue::Element, N> elements_{};
  std::array<bool, N> found_{};
};

// Checks that apiVersion and kind, where present, name `kind`.
void CheckTypeMeta(Kind kind, const JsonValue& api_version, const JsonValue& kind_name);

void Read(const JsonValue& value, BasicMeta* out);
void Read(const JsonValue& value, ObjectMeta* out);
ObjectReference ReadObjectReference(const JsonValue& value);

// Whole objects, with the check of apiVersion and kind.
void Read(const JsonValue& value, Namespace* out);
void Read(const JsonValue& value, Node* out);
void Read(const JsonValue& value, Pod* out);
void Read(const JsonValue& value, Service* out);
void Read(const JsonValue& value, EndpointSlice* out);
void Read(const JsonValue& value, Event* out);
void Read(const JsonValue& value, Lease* out);
void Read(const JsonValue& value, Status* out);

using decode::Printable;

// The whole object at `element` as an AnyObject. `api_version`: what the kept
// text says where the object itself does not. `where` names the object in
// errors when it has no name of its own ("items[3]"). Stateless but for
// `context`, which must not have failed.
absl::StatusOr<AnyObject> ReadAnyObject(Kind kind, simdjson::dom::element element, bool keep_json,
                                        std::string_view api_version, std::string_view where, JsonContext* context);

}  // namespace epslice::json

#endif  // EPSLICE_APIS_JSON_READER_H_
