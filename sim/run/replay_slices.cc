// Of a trace's EndpointSlices: which the simulation is given, and which go.
#include <algorithm>
#include <memory>
#include <utility>

#include "apis/concat.h"
#include "controllers/endpointslice/slice_tracker.h"
#include "sim/run/replay.h"
#include "sim/trace/shared_endpoints.h"

namespace epslice::sim {
namespace {

// Until a controller has surely seen slices that were there before.
constexpr Duration kAdoption = std::chrono::milliseconds(200);

}  // namespace

absl::Status Replayer::AdoptSlices(const AnyObject& service) {
  const auto it = slices_of_unknown_.find(KeyOf(service.meta()));
  if (it == slices_of_unknown_.end()) return absl::OkStatus();
  const auto slices = std::exchange(it->second, {});
  slices_of_unknown_.erase(it);
  // Without a selector it is none of the controller's yet; slices need an owner.
  Service owner = *service.As<Service>();
  owner.spec.selector.reset();
  if (absl::Status s = simulation_->Replay(WatchEventType::kAdded, AnyObject::Of(std::move(owner))); !s.ok()) return s;
  for (const auto& [key, slice] : slices) {
    ++counts_.adopted_slices;
    if (absl::Status s = simulation_->Replay(WatchEventType::kAdded, slice); !s.ok()) return s;
  }
  simulation_->scheduler().After(kAdoption, [this, service] {
    const BasicMeta& meta = service.meta();
    const auto now = simulation_->Get(Kind::kService, meta.namespace_, meta.name).As<Service>();
    if (now == nullptr || now->metadata.uid != meta.uid || now->spec.selector) return;
    if (absl::Status s = simulation_->Replay(WatchEventType::kModified, service); !s.ok()) status_ = std::move(s);
  });
  return absl::OkStatus();
}

std::vector<std::shared_ptr<const EndpointSlice>> Replayer::SimulatedSlicesOf(const ObjectKey& service) const {
  Request request;
  request.verb = Verb::kList;
  request.kind = Kind::kEndpointSlice;
  request.namespace_ = service.namespace_.str();
  request.list.labelSelector =
      Concat(kLabelServiceName, "=", service.name, ",", kLabelManagedBy, "=", options_.controller_name);
  std::vector<std::shared_ptr<const EndpointSlice>> slices;
  for (const AnyObject& object : simulation_->server().Handle(request).list.items) {
    slices.push_back(object.As<EndpointSlice>());
  }
  return slices;
}

std::shared_ptr<const EndpointSlice> Replayer::Counterpart(const EndpointSlice& recorded) const {
  const BasicMeta& meta = recorded.metadata;
  if (const AnyObject same = simulation_->Get(Kind::kEndpointSlice, meta.namespace_, meta.name); same.has_value()) {
    return same.As<EndpointSlice>();
  }
  std::shared_ptr<const EndpointSlice> best;
  std::size_t most = 0;
  for (const auto& slice : SimulatedSlicesOf(ServiceOfSlice(recorded))) {
    if (slice->addressType != recorded.addressType) continue;
    const std::size_t shared = SharedEndpoints(recorded, *slice);
    if (best == nullptr || shared > most) {
      best = slice;
      most = shared;
    }
  }
  return best;
}

bool Replayer::WentWithItsService(const TraceEvent& event) const {
  if (!options_.start_as_recorded || !event.actor.empty() || event.type != WatchEventType::kDeleted) return false;
  const auto slice = event.object.As<EndpointSlice>();
  const auto service = services_now_.find(ServiceOfSlice(*slice));
  return service == services_now_.end() && services_.count(ServiceOfSlice(*slice)) > 0;
}

absl::Status Replayer::NoteSlice(const TraceEvent& event, TraceRole role) {
  const ObjectKey service = ServiceOfSlice(*event.object.As<EndpointSlice>());
  const ObjectKey key = KeyOf(event.object.meta());
  const auto left = left_behind_.find(service);
  const bool is_left = left != left_behind_.end() && left->second.count(key) > 0;
  if (event.type != WatchEventType::kDeleted) {
    if (!is_left) slices_now_[service].insert(key);
    return absl::OkStatus();
  }
  slices_now_[service].erase(key);
  if (!is_left) return absl::OkStatus();
  left->second.erase(key);
  if (!left->second.empty()) return absl::OkStatus();
  // Where the recorded controller did it, the simulated one does.
  if (role != TraceRole::kHappened) {
    left_behind_.erase(left);
    return absl::OkStatus();
  }
  return Collect(service);
}

absl::Status Replayer::Collect(const ObjectKey& service) {
  left_behind_.erase(service);
  const AnyObject now = simulation_->Get(Kind::kService, service.namespace_, service.name);
  for (const auto& slice : SimulatedSlicesOf(service)) {
    const auto& owners = slice->metadata.ownerReferences;
    const auto is_now = [&now](const OwnerReference& owner) { return owner.uid == now.meta().uid; };
    if (now.has_value() && std::any_of(owners.begin(), owners.end(), is_now)) continue;
    if (absl::Status s = simulation_->Replay(WatchEventType::kDeleted, AnyObject(slice)); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status Replayer::PutForeignEdit(const TraceEvent& event) {
  const auto recorded = event.object.As<EndpointSlice>();
  // The server does it, or Collect().
  if (IsCollector(event.actor) || WentWithItsService(event)) return absl::OkStatus();
  if (event.type == WatchEventType::kAdded) {
    ++counts_.foreign_edits;
    return simulation_->Replay(event.type, event.object);
  }
  const std::shared_ptr<const EndpointSlice> here = Counterpart(*recorded);
  if (here == nullptr) {
    ++counts_.lost_foreign_edits;
    return absl::OkStatus();
  }
  ++counts_.foreign_edits;
  if (event.type == WatchEventType::kDeleted) {
    return simulation_->Replay(event.type, AnyObject(here));
  }
  EndpointSlice edited = *recorded;
  const Text name = here->metadata.name, uid = here->metadata.uid;
  const std::int64_t generation = here->metadata.generation + 1;
  edited.metadata.name = name;
  edited.metadata.uid = uid;
  edited.metadata.generation = generation;
  edited.metadata.creationTimestamp = here->metadata.creationTimestamp;
  return simulation_->Replay(event.type, AnyObject::Of(std::move(edited)));
}

}  // namespace epslice::sim
