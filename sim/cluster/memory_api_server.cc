#include "sim/cluster/memory_api_server.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "sim/cluster/any_object.h"
#include "sim/cluster/json_doc.h"
#include "sim/cluster/server_impl.h"

namespace epslice::sim {
namespace {

// Streams of the seed.
constexpr std::uint64_t kUidStream = 1, kNameStream = 2, kAddressStream = 3;

// What every cluster has.
constexpr std::string_view kSystemNamespaces[] = {"default", "kube-node-lease", "kube-public", "kube-system"};

class Handle : public MemoryApiServer::WatchHandle {
 public:
  Handle(std::shared_ptr<WatchState> watches, Kind kind, std::uint64_t id)
      : watches_(std::move(watches)), kind_(kind), id_(id) {}
  ~Handle() override {
    std::lock_guard<std::mutex> lock(watches_->mu);
    watches_->hub.Remove(kind_, id_);
  }

 private:
  const std::shared_ptr<WatchState> watches_;
  const Kind kind_;
  const std::uint64_t id_;
};

// Its resourceVersion, where that is a number from 1.
std::optional<std::uint64_t> VersionOf(const BasicMeta& meta) {
  const std::string_view text = meta.resourceVersion;
  std::uint64_t version = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
  if (error != std::errc() || end != text.data() + text.size() || version == 0) return std::nullopt;
  return version;
}

}  // namespace

Status StatusForbidden(Kind kind, std::string_view name, std::string_view why) {
  const KindInfo& info = InfoOf(kind);
  Status status;
  status.code = 403;
  status.reason = "Forbidden";
  status.message = std::string(info.resource) + (info.group.empty() ? "" : "." + std::string(info.group)) + " \"" +
                   std::string(name) + "\" is forbidden: " + std::string(why);
  status.detailsName = name;
  status.detailsGroup = info.group;
  status.detailsKind = info.resource;
  return status;
}

Status StatusMethodNotAllowed() {
  Status status;
  status.code = 405;
  status.reason = "MethodNotAllowed";
  status.message = "the server does not allow this method on the requested resource";
  return status;
}

Response ErrorResponse(Status status) {
  Response response;
  response.status = std::move(status);
  return response;
}

MemoryApiServer::Impl::Impl(const Clock* server_clock, MemoryApiServerOptions server_options)
    : clock(server_clock),
      options(std::move(server_options)),
      store(options.history, options.history_bytes),
      addresses(options.service_cidr, options.service_cidr_v6, Random(options.seed).Fork(kAddressStream)),
      uids(Random(options.seed).Fork(kUidStream)),
      names(Random(options.seed).Fork(kNameStream)) {
  for (std::string_view name : kSystemNamespaces) MakeNamespace(Text::Intern(name));
}

void MemoryApiServer::Impl::MakeNamespace(const Text& name) {
  Request request;
  request.verb = Verb::kCreate;
  request.kind = Kind::kNamespace;
  Namespace ns;
  ns.metadata.name = name;
  request.object = AnyObject::Of(std::move(ns));
  Create(request);
}

std::optional<Status> MemoryApiServer::Impl::CheckNamespace(Kind kind, const Text& namespace_name,
                                                            std::string_view object_name) {
  const Record* ns = store.Find(Kind::kNamespace, {Text(), namespace_name});
  if (ns == nullptr && options.create_missing_namespaces) {
    if (dry_run) return std::nullopt;
    MakeNamespace(namespace_name);
    ns = store.Find(Kind::kNamespace, {Text(), namespace_name});
  }
  if (ns == nullptr) return StatusNotFound(Kind::kNamespace, namespace_name);
  if (!ns->object.meta().deletionTimestamp.is_set()) return std::nullopt;
  Status status = StatusForbidden(
      kind, object_name,
      "unable to create new content in namespace " + namespace_name.str() + " because it is being terminated");
  status.causes = {{std::string(kCauseNamespaceTerminating),
                    "namespace " + namespace_name.str() + " is being terminated", "metadata.namespace"}};
  return status;
}

Response MemoryApiServer::Impl::Handle(const Request& request) {
  if (!request.dryRun) {
    Response response = Dispatch(request);
    RunBackground();
    return response;
  }
  const ServiceAddresses addresses_before = addresses;
  const auto counts_before = counts;
  dry_run = true;
  Response response = Dispatch(request);
  dry_run = false;
  addresses = addresses_before;
  counts = counts_before;
  chores.clear();
  if (response.object.has_value()) {
    // What is not stored has no version of its own.
    const Record* stored = store.Find(request.kind, KeyOf(response.object.meta()));
    const std::uint64_t version = stored == nullptr ? 0 : VersionOf(stored->object.meta()).value_or(0);
    response.object = WithVersion(response.object, version);
  }
  return response;
}

Response MemoryApiServer::Impl::Dispatch(const Request& request) {
  Response response;
  switch (request.verb) {
    case Verb::kGet: response = Get(request); break;
    case Verb::kList: response = List(request); break;
    case Verb::kCreate: response = Create(request); break;
    case Verb::kUpdate: response = Update(request); break;
    case Verb::kPatch: response = Patch(request); break;
    case Verb::kDelete: response = Delete(request); break;
    case Verb::kWatch:
      response = ErrorResponse(StatusBadRequest("a watch is started with Watch(), not with Handle()"));
      break;
  }
  return response;
}

AnyObject MemoryApiServer::Impl::Commit(Record record) {
  AnyObject object = record.object;
  if (dry_run) return object;
  watches->hub.Publish(store.Put(std::move(record)));
  return object;
}

absl::Status MemoryApiServer::Impl::Load(const AnyObject& object) {
  if (!object.has_value()) return absl::InvalidArgumentError("there is no object to load");
  const KindInfo& info = InfoOf(object.kind());
  const BasicMeta& meta = object.meta();
  if (meta.name.empty()) return absl::InvalidArgumentError(std::string(info.name) + ": it has no metadata.name");
  if (info.namespaced && meta.namespace_.empty()) {
    return absl::InvalidArgumentError(std::string(info.name) + " " + meta.name.str() +
                                      ": it has no metadata.namespace");
  }
  if (info.namespaced && store.Find(Kind::kNamespace, {Text(), meta.namespace_}) == nullptr) {
    MakeNamespace(meta.namespace_);
  }
  Record record{object, {}};
  std::optional<nlohmann::json> doc;
  if (object.json() != nullptr) {
    absl::StatusOr<nlohmann::json> parsed = DocOf(object);
    if (!parsed.ok()) return parsed.status();
    doc = *std::move(parsed);
  }
  record.extras = ExtrasOf(object, doc ? &*doc : nullptr);
  const std::optional<std::uint64_t> told = VersionOf(meta);
  const std::uint64_t version = told.value_or(store.next_version());
  if (!told) record.object = WithVersion(object, version);
  if (meta.uid.empty()) {
    // A hand-written dump; owners find it by a uid, so it gets one.
    const Text uid = NewUid();
    if (doc) (*doc)["metadata"]["uid"] = uid.view();
    const std::string number = std::to_string(version);
    if (doc) (*doc)["metadata"]["resourceVersion"] = number;
    auto json = doc ? std::make_shared<const std::string>(DumpDoc(*doc)) : nullptr;
    record.object = WithType(object.kind(), [&]<typename T>() {
      T copy = *object.As<T>();
      copy.metadata.uid = uid;
      copy.metadata.resourceVersion = Text(number);
      return AnyObject::Of(std::move(copy), std::move(json));
    });
  }
  if (auto service = object.As<Service>()) addresses.Adopt(*service);
  if (object.kind() == Kind::kPod && meta.deletionTimestamp.is_set()) {
    ScheduleEnd(record,
                clock->Now() + std::max(Duration{meta.deletionTimestamp.nanos - clock->WallNow().nanos}, Duration{0}));
  }
  store.Load(std::move(record), version);
  return absl::OkStatus();
}

MemoryApiServer::MemoryApiServer(const Clock* clock, MemoryApiServerOptions options)
    : impl_(std::make_unique<Impl>(clock, std::move(options))) {}

MemoryApiServer::~MemoryApiServer() = default;

Response MemoryApiServer::Handle(const Request& request) {
  std::lock_guard<std::mutex> lock(impl_->watches->mu);
  return impl_->Handle(request);
}

absl::Status MemoryApiServer::Load(const AnyObject& object) {
  std::lock_guard<std::mutex> lock(impl_->watches->mu);
  return impl_->Load(object);
}

void MemoryApiServer::LoadVersion(std::uint64_t version) {
  std::lock_guard<std::mutex> lock(impl_->watches->mu);
  impl_->store.LoadVersion(version);
}

absl::Status MemoryApiServer::Replay(WatchEventType type, const AnyObject& object, bool always) {
  std::lock_guard<std::mutex> lock(impl_->watches->mu);
  return impl_->Replay(type, object, always);
}

std::unique_ptr<MemoryApiServer::WatchHandle> MemoryApiServer::Watch(const Request& request, WatchCallback callback,
                                                                     Status* status) {
  std::lock_guard<std::mutex> lock(impl_->watches->mu);
  std::uint64_t id = 0;
  *status = impl_->StartWatch(request, std::move(callback), &id);
  if (!status->ok()) return nullptr;
  return std::make_unique<sim::Handle>(impl_->watches, request.kind, id);
}

void MemoryApiServer::SendBookmarks() {
  std::lock_guard<std::mutex> lock(impl_->watches->mu);
  impl_->watches->hub.Bookmark(impl_->store.version());
}

std::optional<Instant> MemoryApiServer::Advance() {
  std::lock_guard<std::mutex> lock(impl_->watches->mu);
  return impl_->Advance();
}

std::uint64_t MemoryApiServer::resource_version() const {
  std::lock_guard<std::mutex> lock(impl_->watches->mu);
  return impl_->store.version();
}

MemoryApiServer::WriteCounts MemoryApiServer::write_counts(Kind kind) const {
  std::lock_guard<std::mutex> lock(impl_->watches->mu);
  return impl_->counts[static_cast<std::size_t>(kind)];
}

void MemoryApiServer::CompactHistory() {
  std::lock_guard<std::mutex> lock(impl_->watches->mu);
  impl_->store.Compact();
}

}  // namespace epslice::sim
