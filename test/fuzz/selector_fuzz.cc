// Selectors: what parses prints to a selector with the same requirements, and
// a negated operator matches where the plain one does not.
#include <algorithm>
#include <string>

#include "apis/selector.h"
#include "test/fuzz/check.h"

using epslice::FieldRequirement;
using epslice::LabelRequirement;
using epslice::LabelSelector;
using epslice::ParseFieldSelector;
using epslice::StringMap;
using epslice::Text;
using epslice::fuzz::Check;
using Op = epslice::LabelRequirement::Op;

namespace {

std::string Print(const LabelRequirement& r) {
  std::string list;
  for (const std::string& v : r.values) list += (list.empty() ? "" : ",") + v;
  // The empty value sorts first and leaves no trace of itself in the list.
  if (!r.values.empty() && r.values.front().empty()) list = "," + list;
  switch (r.op) {
    case Op::kEquals: return r.key + "=" + r.values.at(0);
    case Op::kNotEquals: return r.key + "!=" + r.values.at(0);
    case Op::kIn: return r.key + " in (" + list + ")";
    case Op::kNotIn: return r.key + " notin (" + list + ")";
    case Op::kExists: return r.key;
    case Op::kDoesNotExist: return "!" + r.key;
    case Op::kGreaterThan: return r.key + ">" + r.values.at(0);
    case Op::kLessThan: return r.key + "<" + r.values.at(0);
  }
  return "";
}

bool Same(const LabelRequirement& a, const LabelRequirement& b) {
  return a.key == b.key && a.op == b.op && a.values == b.values;
}

bool Matches(const LabelRequirement& r, const StringMap& labels) {
  const absl::StatusOr<LabelSelector> one = LabelSelector::Parse(Print(r));
  Check(one.ok() && one->requirements().size() == 1, "a requirement alone parses");
  return one->Matches(labels);
}

void CheckLabels(const LabelSelector& selector) {
  std::string printed;
  for (const LabelRequirement& r : selector.requirements()) printed += (printed.empty() ? "" : ",") + Print(r);
  const absl::StatusOr<LabelSelector> again = LabelSelector::Parse(printed);
  Check(again.ok() && std::equal(selector.requirements().begin(), selector.requirements().end(),
                                 again->requirements().begin(), again->requirements().end(), Same),
        "what is printed parses to the same requirements");

  // Labels made of the selector itself.
  std::vector<StringMap::Entry> entries;
  for (const LabelRequirement& r : selector.requirements()) {
    if (r.op != Op::kDoesNotExist) entries.emplace_back(r.key, r.values.empty() ? "" : r.values.back());
  }
  const StringMap labels(std::move(entries));
  bool all = true;
  // A long selector would take quadratic time here without finding more.
  const std::size_t n = std::min<std::size_t>(selector.requirements().size(), 32);
  for (std::size_t i = 0; i < n; ++i) {
    LabelRequirement r = selector.requirements()[i];
    Check(std::is_sorted(r.values.begin(), r.values.end()), "values are sorted");
    const bool matches = Matches(r, labels);
    all = all && matches;
    const std::pair<Op, Op> opposites[] = {
        {Op::kEquals, Op::kNotEquals}, {Op::kIn, Op::kNotIn}, {Op::kExists, Op::kDoesNotExist}};
    for (const auto& [a, b] : opposites) {
      if (r.op != a && r.op != b) continue;
      r.op = r.op == a ? b : a;
      Check(Matches(r, labels) != matches, "the opposite matches where this does not");
      break;
    }
  }
  Check(selector.requirements().size() > n || selector.Matches(labels) == all, "a selector is the and of its parts");
}

void CheckFields(const std::vector<FieldRequirement>& fields) {
  std::string printed;
  for (const FieldRequirement& f : fields) {
    printed += (printed.empty() ? "" : ",") + f.field + (f.negated ? "!=" : "==");
    for (char c : f.value) printed += c == '\\' || c == ',' || c == '=' ? std::string{'\\', c} : std::string{c};
  }
  const absl::StatusOr<std::vector<FieldRequirement>> again = ParseFieldSelector(printed);
  Check(again.ok() && std::equal(fields.begin(), fields.end(), again->begin(), again->end(),
                                 [](const FieldRequirement& a, const FieldRequirement& b) {
                                   return a.field == b.field && a.value == b.value && a.negated == b.negated;
                                 }),
        "what is printed parses to the same fields");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = epslice::fuzz::Input(data, size);
  // Printing can make a selector longer than the bound.
  const bool far_from_bound = size < 16'384;
  const absl::StatusOr<LabelSelector> labels = LabelSelector::Parse(text);
  if (labels.ok()) {
    if (far_from_bound) CheckLabels(*labels);
  } else {
    Check(labels.status().message().size() < 800, "errors are short");
  }
  const absl::StatusOr<std::vector<FieldRequirement>> fields = ParseFieldSelector(text);
  if (fields.ok() && far_from_bound) CheckFields(*fields);
  return 0;
}
