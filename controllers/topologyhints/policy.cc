#include "controllers/topologyhints/policy.h"

#include <string>

#include "apis/cat.h"

namespace epslice {
namespace {

// An annotation may be long.
std::string Quoted(std::string_view text) {
  constexpr std::size_t kMost = 64;
  return "\"" + std::string(text.substr(0, kMost)) + (text.size() > kMost ? "...\"" : "\"");
}

absl::Status NotAShare(std::string_view text, Millionths max) {
  return absl::InvalidArgumentError(Quoted(text) + " is not a number from 0 to " + std::to_string(max / kOne) +
                                    " such as 0.2 or 20%");
}

}  // namespace

std::string_view NameOf(HintsPolicy policy) { return policy == HintsPolicy::kResilient ? "resilient" : "reference"; }

absl::StatusOr<HintsPolicy> ParseHintsPolicy(std::string_view text) {
  for (const HintsPolicy policy : {HintsPolicy::kReference, HintsPolicy::kResilient}) {
    if (text == NameOf(policy)) return policy;
  }
  return absl::InvalidArgumentError(Quoted(text) + " is not one of reference, resilient");
}

absl::StatusOr<Millionths> ParseShare(std::string_view text, Millionths max) {
  std::string_view digits = text;
  // In percent two of the six digits stand before the point.
  std::size_t decimals = 6;
  if (!digits.empty() && digits.back() == '%') {
    digits.remove_suffix(1);
    decimals = 4;
  }
  Millionths value = 0;
  std::size_t after_point = 0;
  bool point = false;
  bool any = false;
  for (const char c : digits) {
    if (c == '.' && !point) {
      point = true;
      continue;
    }
    if (!IsDigit(c) || (point && ++after_point > decimals)) return NotAShare(text, max);
    any = true;
    value = value * 10 + (c - '0');
    if (value > max * 100) return NotAShare(text, max);
  }
  if (!any) return NotAShare(text, max);
  for (; after_point < decimals; ++after_point) {
    value *= 10;
    if (value > max * 100) return NotAShare(text, max);
  }
  if (value > max) return NotAShare(text, max);
  return value;
}

std::string FormatShare(Millionths share) {
  std::string text = std::to_string(share / (kOne / 100));
  std::string decimals = std::to_string(share % (kOne / 100));
  decimals.insert(0, 4 - decimals.size(), '0');
  decimals.erase(decimals.find_last_not_of('0') + 1);
  if (!decimals.empty()) text += "." + decimals;
  return text + "%";
}

ServiceHintsOptions HintsOptionsOf(const Service& service, const HintsOptions& defaults) {
  ServiceHintsOptions result{defaults, false, false, {}};
  const auto ignore = [&](std::string_view key, const absl::Status& why) {
    result.ignored.push_back("annotation " + std::string(key) + ": " + std::string(why.message()));
  };
  if (const Text* text = service.metadata.annotations.Find(kAnnotationHintsPolicy)) {
    if (const absl::StatusOr<HintsPolicy> policy = ParseHintsPolicy(text->view()); policy.ok()) {
      result.options.policy = *policy;
      result.policy_from_annotation = true;
    } else {
      ignore(kAnnotationHintsPolicy, policy.status());
    }
  }
  if (const Text* text = service.metadata.annotations.Find(kAnnotationHintsThreshold)) {
    if (const absl::StatusOr<Millionths> threshold = ParseShare(text->view(), kMaxThreshold); threshold.ok()) {
      result.options.overload_threshold = *threshold;
      result.threshold_from_annotation = true;
    } else {
      ignore(kAnnotationHintsThreshold, threshold.status());
    }
  }
  return result;
}

}  // namespace epslice
