// A small writer of JSON text: objects and arrays in the order they are
// written, strings escaped, no whitespace (or indented by two).
#ifndef EPSLICE_APIS_JSON_WRITER_H_
#define EPSLICE_APIS_JSON_WRITER_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace epslice {

// Appends to a string it does not own. Calls must nest as JSON does; Key()
// comes before each value inside an object. Invalid UTF-8 is written as
// U+FFFD, so that the output is always valid JSON.
class JsonWriter {
 public:
  explicit JsonWriter(std::string* out, bool indented = false) : out_(out), indented_(indented) {}

  void BeginObject() { Open('{'); }
  void EndObject() { Close('}'); }
  void BeginArray() { Open('['); }
  void EndArray() { Close(']'); }

  void Key(std::string_view key);
  void String(std::string_view value);
  void Int(std::int64_t value);
  void Double(double value);  // shortest text that reads back equal; NaN and infinities as null
  void Bool(bool value);
  void Null();
  // A whole JSON value, already written; copied as it is.
  void Raw(std::string_view json);

  // Key and value in one.
  void Field(std::string_view key, std::string_view value) { Key(key), String(value); }
  void IntField(std::string_view key, std::int64_t value) { Key(key), Int(value); }
  void BoolField(std::string_view key, bool value) { Key(key), Bool(value); }

 private:
  void Open(char c);
  void Close(char c);
  void Separate();
  void NewLine();

  std::string* out_;
  bool indented_;
  bool first_ = true;  // nothing written yet in this object or array
  bool after_key_ = false;
  int depth_ = 0;
};

}  // namespace epslice

#endif  // EPSLICE_APIS_JSON_WRITER_H_
