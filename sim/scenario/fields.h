// Fields: reads a map of a document by a schema. What is unknown, of another
// type or out of bounds is an error that names the line and what is accepted.
#ifndef EPSLICE_SIM_SCENARIO_FIELDS_H_
#define EPSLICE_SIM_SCENARIO_FIELDS_H_

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "apis/meta.h"
#include "informers/clock.h"
#include "sim/engine/latency.h"
#include "sim/scenario/document.h"

namespace epslice::sim {

// The first error of a whole document; readers go on with empty values, and
// whoever began asks once, at the end.
class DocErrors {
 public:
  void Add(int line, std::string_view what);
  bool ok() const { return status_.ok(); }
  const absl::Status& status() const { return status_; }

 private:
  absl::Status status_;
};

// Scalars by themselves; `what` names the field in messages. A text is no
// number and no boolean: unquoted, YAML's no, y and 010 would become others.
std::string ReadText(const DocNode& node, std::string_view what, DocErrors* errors);
std::string ReadScalar(const DocNode& node, std::string_view what, DocErrors* errors);
std::int64_t ReadInt(const DocNode& node, std::string_view what, std::int64_t low, std::int64_t high,
                     DocErrors* errors);
double ReadNumber(const DocNode& node, std::string_view what, double low, double high, DocErrors* errors);
Duration ReadDuration(const DocNode& node, std::string_view what, DocErrors* errors);

class Fields {
 public:
  // `what` is the place in messages: "services[0]". A node that is no map is an
  // error. `node` and `errors` must outlive the reader.
  Fields(const DocNode& node, std::string what, DocErrors* errors);
  Fields(const Fields&) = delete;
  Fields& operator=(const Fields&) = delete;

  // The value of a key, which is known from then on; null when it is absent.
  const DocNode* Take(std::string_view key);
  // The same; absent is an error.
  const DocNode* Need(std::string_view key);

  // An absent key leaves *value as it is.
  void Text(std::string_view key, std::string* value);
  void OneOf(std::string_view key, std::initializer_list<std::string_view> accepted, std::string* value);
  void Int(std::string_view key, std::int64_t low, std::int64_t high, int* value);
  void Number(std::string_view key, double low, double high, double* value);
  void Bool(std::string_view key, bool* value);
  void Span(std::string_view key, Duration* value);  // "1m30s"; not negative
  void Delay(std::string_view key, Latency* value);  // a distribution
  void Cpu(std::string_view key, std::int64_t* milli);
  void Texts(std::string_view key, std::vector<std::string>* value);  // a list of texts, or one text
  void Map(std::string_view key, StringMap* value);                   // texts by key

  // After all fields were read: another key is an error.
  void Done();

  std::string Path(std::string_view key) const;
  int line() const { return node_.line; }
  DocErrors* errors() const { return errors_; }

 private:
  const DocNode& node_;
  const std::string what_;
  DocErrors* const errors_;
  std::vector<std::string_view> known_;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_SCENARIO_FIELDS_H_
