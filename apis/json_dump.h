// Parts of a dump by themselves, for who takes a dump apart as a stream.
// VisitDumpJson() (apis/json.h) reads one that is in memory.
#ifndef EPSLICE_APIS_JSON_DUMP_H_
#define EPSLICE_APIS_JSON_DUMP_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "apis/json.h"

namespace epslice {

// Where a part of a dump was taken from.
struct DumpPartPlace {
  std::size_t line = 1, column = 1;  // of its begin
  // What the list around it says of items that do not say it themselves.
  std::string_view api_version, kind;
  std::string where;  // for errors about an object without a name: "line 1: items[3]"
};

// One value: a document, or an item of a list. `document` is not called; the
// visitor must not decode JSON while it is called.
absl::Status VisitDumpPartJson(std::string_view json, const DumpPartPlace& place, const DumpVisitor& visitor,
                               const JsonLimits& limits = {});

}  // namespace epslice

#endif  // EPSLICE_APIS_JSON_DUMP_H_
