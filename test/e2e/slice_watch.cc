#include "test/e2e/slice_watch.h"

#include <algorithm>
#include <set>
#include <utility>

namespace epslice::e2e {
namespace {

const std::string& SliceName(const Json& object) {
  return object.at("metadata").at("name").get_ref<const std::string&>();
}

std::string VersionOf(const Json& object) { return object.at("metadata").at("resourceVersion").get<std::string>(); }

Json PartOf(const Json& object, const char* key) { return object.contains(key) ? object[key] : Json(); }

}  // namespace

SliceWatch::SliceWatch(ApiClient* client, const std::string& ns, std::string managed_by)
    : client_(client),
      path_("/apis/discovery.k8s.io/v1/namespaces/" + ns + "/endpointslices"),
      managed_by_(std::move(managed_by)) {
  Relist();
  thread_ = std::thread([this] { Run(); });
}

SliceWatch::~SliceWatch() {
  {
    std::lock_guard<std::mutex> lock(mu_);
    stopping_ = true;
    changed_.notify_all();
    if (connection_ != nullptr) connection_->Abort();
  }
  thread_.join();
}

std::vector<SliceEvent> SliceWatch::Events() const {
  std::lock_guard<std::mutex> lock(mu_);
  return events_;
}

std::size_t SliceWatch::EventCount() const {
  std::lock_guard<std::mutex> lock(mu_);
  return events_.size();
}

bool SliceWatch::HasSeen(const std::vector<Json>& slices) const {
  std::lock_guard<std::mutex> lock(mu_);
  return std::all_of(slices.begin(), slices.end(), [this](const Json& slice) {
    const Json& metadata = slice.at("metadata");
    if (!IsOurs(slice)) return true;
    const auto seen = present_.find(metadata.at("name").get<std::string>());
    return seen != present_.end() &&
           seen->second.at("metadata").at("resourceVersion") == metadata.at("resourceVersion");
  });
}

bool SliceWatch::IsOurs(const Json& slice) const {
  const Json labels = slice.at("metadata").value("labels", Json::object());
  return labels.value("endpointslice.kubernetes.io/managed-by", "") == managed_by_;
}

void SliceWatch::AwaitChange(Duration most) {
  std::unique_lock<std::mutex> lock(mu_);
  const std::size_t seen = events_.size();
  changed_.wait_for(lock, most, [&] { return stopping_ || events_.size() != seen; });
}

void SliceWatch::Note(const std::string& type, const Json& slice) {
  version_ = VersionOf(slice);
  if (type != "DELETED" && IsOurs(slice)) {
    present_[SliceName(slice)] = slice;
    events_.push_back({type, slice});
  } else if (present_.erase(SliceName(slice)) > 0) {
    events_.push_back({"DELETED", slice});
  } else {
    return;
  }
  changed_.notify_all();
}

void SliceWatch::Relist() {
  const Answer answer = client_->Get(path_);
  if (!answer.ok()) return;
  std::lock_guard<std::mutex> lock(mu_);
  std::map<std::string, Json> gone = present_;
  for (const Json& slice : answer.body.at("items")) {
    const auto it = gone.find(SliceName(slice));
    if (it == gone.end()) {
      Note("ADDED", slice);
    } else if (VersionOf(it->second) != VersionOf(slice)) {
      Note("MODIFIED", slice);
    }
    gone.erase(SliceName(slice));
  }
  for (const auto& [name, slice] : gone) Note("DELETED", slice);
  version_ = answer.body.at("metadata").at("resourceVersion").get<std::string>();
}

void SliceWatch::WatchOnce() {
  HttpConnection* connection = nullptr;
  std::string path;
  {
    std::lock_guard<std::mutex> lock(mu_);
    if (stopping_) return;
    connection_ = client_->NewConnection();
    connection = connection_.get();
    path = path_ + "?watch=true&allowWatchBookmarks=true&resourceVersion=" + version_;
  }
  bool expired = version_.empty();
  const int code = expired ? 410 : client_->Stream(path, connection, [&](const Json& event) {
    const std::string type = event.at("type").get<std::string>();
    const Json& object = event.at("object");
    std::lock_guard<std::mutex> lock(mu_);
    if (type == "ERROR") {
      expired = true;
    } else if (type == "BOOKMARK") {
      version_ = VersionOf(object);
    } else {
      Note(type, object);
    }
  });
  if (expired || code == 410) Relist();
}

void SliceWatch::Run() {
  for (;;) {
    WatchOnce();
    std::unique_lock<std::mutex> lock(mu_);
    // A server that is away is asked again soon.
    if (changed_.wait_for(lock, std::chrono::milliseconds(50), [this] { return stopping_; })) return;
  }
}

std::vector<std::string> MomentsOfDuplicates(const std::vector<SliceEvent>& events) {
  std::vector<std::string> found;
  std::map<std::string, std::string> holder;              // endpoint -> slice
  std::map<std::string, std::set<std::string>> contents;  // slice -> endpoints
  for (const SliceEvent& event : events) {
    const std::string& name = SliceName(event.slice);
    for (const std::string& endpoint : contents[name]) {
      if (holder[endpoint] == name) holder.erase(endpoint);
    }
    contents.erase(name);
    if (event.type == "DELETED") continue;
    const Json labels = PartOf(event.slice.at("metadata"), "labels");
    const std::string group = PartOf(labels, "kubernetes.io/service-name").dump() +
                              PartOf(labels, "endpointslice.kubernetes.io/managed-by").dump() +
                              PartOf(event.slice, "addressType").dump() + PartOf(event.slice, "ports").dump();
    for (const Json& endpoint : PartOf(event.slice, "endpoints")) {
      const std::string key = group + PartOf(endpoint, "targetRef").dump() + endpoint.at("addresses").dump();
      const auto [it, added] = holder.emplace(key, name);
      if (!added) found.push_back(key + " is in " + it->second + " and in " + name);
      contents[name].insert(key);
    }
  }
  return found;
}

std::vector<std::string> EmptyWrites(const std::vector<SliceEvent>& events) {
  std::vector<std::string> found;
  std::map<std::string, Json> present;
  for (const SliceEvent& event : events) {
    Json content = event.slice;
    for (const char* key : {"resourceVersion", "generation", "managedFields"}) content["metadata"].erase(key);
    if (content["metadata"].contains("annotations")) {
      content["metadata"]["annotations"].erase("endpoints.kubernetes.io/last-change-trigger-time");
    }
    const auto it = present.find(SliceName(event.slice));
    if (event.type == "MODIFIED" && it != present.end() && it->second == content) {
      found.push_back(SliceName(event.slice) + " at version " + VersionOf(event.slice));
    }
    present[SliceName(event.slice)] = std::move(content);
    if (event.type == "DELETED") present.erase(SliceName(event.slice));
  }
  return found;
}

}  // namespace epslice::e2e
