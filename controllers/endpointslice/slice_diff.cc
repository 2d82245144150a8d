#include "controllers/endpointslice/slice_diff.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <tuple>
#include <utility>

#include "apis/concat.h"
#include "controllers/endpointslice/slice_text.h"

namespace epslice {
namespace {

using SlicePtr = std::shared_ptr<const EndpointSlice>;

constexpr std::array<std::string_view, kDifferenceKinds> kNames = {
    "missing-endpoint", "unexpected-endpoint", "changed-endpoint", "duplicate-endpoint", "wrong-ports",
    "wrong-labels",     "foreign-owner",       "missing-slice",    "unexpected-slice"};

bool OwnedBy(const EndpointSlice& slice, const Service& service) {
  return std::any_of(slice.metadata.ownerReferences.begin(), slice.metadata.ownerReferences.end(),
                     [&](const OwnerReference& owner) {
                       return owner.uid == service.metadata.uid && owner.kind == "Service" && owner.apiVersion == "v1";
                     });
}

std::string OwnersText(const EndpointSlice& slice) {
  std::string out;
  for (const OwnerReference& owner : slice.metadata.ownerReferences) {
    if (!out.empty()) out.push_back(',');
    out += Concat(owner.kind, ' ', owner.name, " uid ", owner.uid);
  }
  return out;
}

// The same endpoint before and after: the pod it stands for, else its
// addresses, within one address type.
using Identity = std::pair<Text, std::string>;

struct Place {
  const Endpoint* endpoint = nullptr;
  const EndpointSlice* slice = nullptr;
  std::string ports;
};
using Places = std::map<Identity, std::vector<Place>>;

void AddPlaces(const EndpointSlice& slice, Places* places) {
  const std::string ports = PortsText(slice.ports);
  for (const Endpoint& endpoint : slice.endpoints) {
    (*places)[{slice.addressType, EndpointName(endpoint)}].push_back({&endpoint, &slice, ports});
  }
}

std::string BoolText(const std::optional<bool>& value) {
  return value.has_value() ? (*value ? "true" : "false") : std::string();
}

std::string UidText(const Endpoint& endpoint) {
  return endpoint.targetRef ? endpoint.targetRef->uid.str() : std::string();
}

class FieldList {
 public:
  void Compare(std::string_view field, std::string want, std::string have) {
    if (want != have) fields_.push_back({std::string(field), std::move(want), std::move(have)});
  }
  std::vector<FieldDifference> Take() { return std::move(fields_); }

 private:
  std::vector<FieldDifference> fields_;
};

std::string SortedAddresses(const Endpoint& endpoint) {
  Endpoint sorted;
  sorted.addresses = endpoint.addresses;
  std::sort(sorted.addresses.begin(), sorted.addresses.end());
  return AddressesText(sorted);
}

std::vector<FieldDifference> CompareEndpoints(const Place& want, const Place& have, bool compare_ports) {
  const Endpoint& w = *want.endpoint;
  const Endpoint& h = *have.endpoint;
  FieldList fields;
  fields.Compare("addresses", SortedAddresses(w), SortedAddresses(h));
  fields.Compare("conditions.ready", BoolText(w.conditions.ready), BoolText(h.conditions.ready));
  fields.Compare("conditions.serving", BoolText(w.conditions.serving), BoolText(h.conditions.serving));
  fields.Compare("conditions.terminating", BoolText(w.conditions.terminating), BoolText(h.conditions.terminating));
  fields.Compare("hostname", w.hostname.str(), h.hostname.str());
  fields.Compare("nodeName", w.nodeName.str(), h.nodeName.str());
  fields.Compare("zone", w.zone.str(), h.zone.str());
  fields.Compare("targetRef.uid", UidText(w), UidText(h));
  fields.Compare("hints", HintsText(w.hints), HintsText(h.hints));
  if (compare_ports) fields.Compare("ports", want.ports, have.ports);
  return fields.Take();
}

class Differ {
 public:
  Differ(const ReconcileInput& input, const Plan& plan) : input_(input) {
    for (const SlicePtr& slice : input.slices) {
      if (OwnedBy(*slice, *input.service)) owned_.push_back(slice);
    }
    Apply(plan);
  }

  std::vector<Difference> Run() {
    for (const SlicePtr& slice : input_.slices) {
      if (!OwnedBy(*slice, *input_.service)) {
        AddSlice(DifferenceKind::kForeignOwner, *slice,
                 {{"ownerReferences",
                   Concat("Service ", input_.service->metadata.name, " uid ", input_.service->metadata.uid),
                   OwnersText(*slice)}});
      }
    }
    for (const SlicePtr& slice : owned_) CompareSlice(*slice);
    for (const SlicePtr& slice : created_) {
      if (slice->endpoints.empty()) AddSlice(DifferenceKind::kMissingSlice, *slice, {});
    }
    CompareAllEndpoints();
    std::stable_sort(found_.begin(), found_.end(), [](const Difference& a, const Difference& b) {
      return std::tie(a.kind, a.address_type, a.object) < std::tie(b.kind, b.address_type, b.object);
    });
    return std::move(found_);
  }

 private:
  // The slices as they are after the plan.
  void Apply(const Plan& plan) {
    for (const SlicePtr& slice : owned_) after_[slice->metadata.name] = slice;
    for (const SliceWrite& write : plan.writes) {
      switch (write.op) {
        case SliceWrite::Op::kCreate: created_.push_back(write.slice); break;
        case SliceWrite::Op::kUpdate: after_[write.slice->metadata.name] = write.slice; break;
        case SliceWrite::Op::kDelete: after_.erase(write.slice->metadata.name); break;
      }
    }
    const auto add = [&](const EndpointSlice& slice) {
      AddPlaces(slice, &want_);
      if (!slice.endpoints.empty()) wanted_ports_[slice.addressType].insert(PortsText(slice.ports));
    };
    for (const auto& [name, slice] : after_) add(*slice);
    for (const SlicePtr& slice : created_) add(*slice);
  }

  void AddSlice(DifferenceKind kind, const EndpointSlice& slice, std::vector<FieldDifference> fields) {
    found_.push_back({kind, slice.addressType, Concat("EndpointSlice ", SliceName(slice)), {}, std::move(fields)});
  }

  // The sets of ports that slices of this type should have.
  std::string WantedPorts(const Text& address_type) {
    std::string out;
    for (const std::string& ports : wanted_ports_[address_type]) {
      if (!out.empty() && !ports.empty()) out += " or ";
      out += ports;
    }
    return out;
  }

  void CompareSlice(const EndpointSlice& slice) {
    const auto after = after_.find(slice.metadata.name);
    if (slice.endpoints.empty()) {
      if (after == after_.end()) {
        AddSlice(DifferenceKind::kUnexpectedSlice, slice, {});
        return;
      }
      const bool stays_empty = after->second->endpoints.empty();
      if (stays_empty && PortsText(after->second->ports) != PortsText(slice.ports)) AddWrongPorts(slice);
    } else {
      const std::set<std::string>& wanted = wanted_ports_[slice.addressType];
      if (!wanted.empty() && wanted.count(PortsText(slice.ports)) == 0) AddWrongPorts(slice);
    }
    if (after != after_.end()) CompareLabels(*after->second, slice);
  }

  void AddWrongPorts(const EndpointSlice& slice) {
    AddSlice(DifferenceKind::kWrongPorts, slice, {{"ports", WantedPorts(slice.addressType), PortsText(slice.ports)}});
    wrong_ports_.insert(&slice);
  }

  void CompareLabels(const EndpointSlice& want, const EndpointSlice& have) {
    std::set<Text> keys;
    for (const auto& [key, value] : want.metadata.labels) keys.insert(key);
    for (const auto& [key, value] : have.metadata.labels) keys.insert(key);
    std::vector<FieldDifference> fields;
    for (const Text& key : keys) {
      const Text* w = want.metadata.labels.Find(key);
      const Text* h = have.metadata.labels.Find(key);
      if (w != nullptr && h != nullptr && *w == *h) continue;
      const auto text = [](const Text* value) { return value == nullptr ? std::string() : Concat('"', *value, '"'); };
      fields.push_back({Concat("labels.", key), text(w), text(h)});
    }
    if (!fields.empty()) AddSlice(DifferenceKind::kWrongLabels, have, std::move(fields));
  }

  void CompareAllEndpoints() {
    Places have;
    for (const SlicePtr& slice : owned_) AddPlaces(*slice, &have);
    for (const auto& [identity, wants] : want_) {
      const auto it = have.find(identity);
      ComparePlaces(identity, wants, it == have.end() ? std::vector<Place>() : it->second);
    }
    for (const auto& [identity, places] : have) {
      if (want_.count(identity) > 0) continue;
      found_.push_back({DifferenceKind::kUnexpectedEndpoint,
                        identity.first,
                        identity.second,
                        SlicesOf(places),
                        {{"endpoint", "", Describe(places.front())}}});
    }
  }

  // An identity is wanted once, unless the dump has one pod twice.
  void ComparePlaces(const Identity& identity, const std::vector<Place>& wants, std::vector<Place> have) {
    if (have.size() > wants.size()) {
      found_.push_back({DifferenceKind::kDuplicateEndpoint,
                        identity.first,
                        identity.second,
                        SlicesOf(have),
                        {{"places", std::to_string(wants.size()), std::to_string(have.size())}}});
    }
    for (const Place& want : wants) {
      if (have.empty()) {
        found_.push_back({DifferenceKind::kMissingEndpoint,
                          identity.first,
                          identity.second,
                          {SliceName(*want.slice)},
                          {{"endpoint", Describe(want), ""}},
                          want.slice->metadata.name.empty()});
        continue;
      }
      CompareClosest(identity, want, &have);
    }
  }

  // Of several, the one that is closest to right stands for the endpoint.
  void CompareClosest(const Identity& identity, const Place& want, std::vector<Place>* have) {
    std::vector<FieldDifference> fewest;
    auto closest = have->end();
    for (auto place = have->begin(); place != have->end(); ++place) {
      std::vector<FieldDifference> fields = CompareEndpoints(want, *place, wrong_ports_.count(place->slice) == 0);
      if (closest != have->end() && fields.size() >= fewest.size()) continue;
      fewest = std::move(fields);
      closest = place;
    }
    if (!fewest.empty()) {
      found_.push_back({DifferenceKind::kChangedEndpoint,
                        identity.first,
                        identity.second,
                        {SliceName(*closest->slice)},
                        std::move(fewest)});
    }
    have->erase(closest);
  }

  static std::string Describe(const Place& place) {
    const EndpointConditions& c = place.endpoint->conditions;
    std::string out = AddressesText(*place.endpoint);
    if (!place.ports.empty()) out += Concat(' ', place.ports);
    out += c.ready.value_or(true) ? " ready" : " not ready";
    if (c.terminating.value_or(false)) out += " terminating";
    return out;
  }

  static std::vector<std::string> SlicesOf(const std::vector<Place>& places) {
    std::vector<std::string> names;
    names.reserve(places.size());
    for (const Place& place : places) names.push_back(SliceName(*place.slice));
    return names;
  }

  const ReconcileInput& input_;
  std::vector<SlicePtr> owned_;
  std::map<Text, SlicePtr> after_;  // by name
  std::vector<SlicePtr> created_;
  Places want_;
  std::map<Text, std::set<std::string>> wanted_ports_;  // by address type
  std::set<const EndpointSlice*> wrong_ports_;          // looked up only
  std::vector<Difference> found_;
};

bool IsOnlyHints(const Difference& difference) {
  return difference.kind == DifferenceKind::kChangedEndpoint &&
         std::all_of(difference.fields.begin(), difference.fields.end(),
                     [](const FieldDifference& field) { return field.field == "hints"; });
}

}  // namespace

std::string_view NameOf(DifferenceKind kind) { return kNames[static_cast<std::size_t>(kind)]; }

std::string DescribeFields(const Difference& difference) {
  std::string out;
  for (const FieldDifference& field : difference.fields) {
    if (!out.empty()) out += "; ";
    // What labels say is in quotes already, since "" is not the same as none.
    const bool label = field.field.starts_with("labels.");
    const auto text = [label](const std::string& value) {
      if (label) return value.empty() ? std::string("none") : value;
      return Concat('"', value, '"');
    };
    out += Concat(field.field, ": want ", text(field.want), ", have ", text(field.have));
  }
  return out;
}

ServiceDiff DiffService(const ReconcileInput& input, const Plan& plan) {
  ServiceDiff diff;
  diff.service = plan.service;
  diff.differences = Differ(input, plan).Run();
  diff.only_hints =
      !diff.differences.empty() && std::all_of(diff.differences.begin(), diff.differences.end(), IsOnlyHints);
  diff.errors = plan.retry_errors;
  return diff;
}

}  // namespace epslice
