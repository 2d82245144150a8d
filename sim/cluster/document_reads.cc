// Get, list and watch of documents.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/status/statusor.h"
#include "apis/cat.h"
#include "apis/status_text.h"
#include "sim/cluster/document_store_impl.h"
#include "sim/cluster/list_options.h"
#include "sim/cluster/paging.h"

namespace epslice::sim {
namespace {

using nlohmann::json;

StringMap LabelsOf(const json& doc) {
  std::vector<StringMap::Entry> entries;
  const json* meta = Find(doc, "metadata");
  const json* labels = meta == nullptr ? nullptr : Find(*meta, "labels");
  if (labels == nullptr || !labels->is_object()) return {};
  for (const auto& [key, value] : labels->items()) {
    if (value.is_string()) entries.emplace_back(Text(key), Text(value.get<std::string>()));
  }
  return StringMap(std::move(entries));
}

class DocumentWatch : public DocumentStore::WatchHandle {
 public:
  explicit DocumentWatch(std::function<void()> end) : end_(std::move(end)) {}
  ~DocumentWatch() override { end_(); }

 private:
  const std::function<void()> end_;
};

}  // namespace

Status DocumentFilter::Parse(const DocumentRequest& request, DocumentFilter* filter) {
  absl::StatusOr<LabelSelector> labels = LabelSelector::Parse(request.list.labelSelector);
  if (!labels.ok()) return StatusBadRequest(MessageOf(labels.status()));
  absl::StatusOr<std::vector<FieldRequirement>> fields = ParseFieldSelector(request.list.fieldSelector);
  if (!fields.ok()) return StatusBadRequest(MessageOf(fields.status()));
  for (const FieldRequirement& field : *fields) {
    if (field.field == "metadata.name" || field.field == "metadata.namespace") continue;
    return StatusBadRequest(
        Cat({"\"", field.field, "\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""}));
  }
  filter->kind = request.kind;
  filter->namespace_ = request.namespace_;
  filter->name = request.name;
  filter->labels = *std::move(labels);
  filter->fields = *std::move(fields);
  return {};
}

bool DocumentFilter::Matches(const std::string& of_namespace, const std::string& of_name, const json& doc) const {
  if ((!namespace_.empty() && of_namespace != namespace_) || (!name.empty() && of_name != name)) return false;
  for (const FieldRequirement& field : fields) {
    const std::string& value = field.field == "metadata.name" ? of_name : of_namespace;
    if ((value == field.value) == field.negated) return false;
  }
  return labels.empty() || labels.Matches(LabelsOf(doc));
}

DocumentStore::Impl::Documents DocumentStore::Impl::At(const DocumentKind* kind, std::uint64_t then) const {
  Documents all(documents.lower_bound({kind, "", ""}), documents.end());
  all.erase(
      std::find_if(all.begin(), all.end(), [kind](const auto& entry) { return std::get<0>(entry.first) != kind; }),
      all.end());
  for (auto change = changes.rbegin(); change != changes.rend() && change->version > then; ++change) {
    if (std::get<0>(change->key) != kind) continue;
    if (change->before == nullptr) {
      all.erase(change->key);
    } else {
      all.insert_or_assign(change->key, change->before);
    }
  }
  return all;
}

DocumentAnswer DocumentStore::Impl::Get(const DocumentRequest& request) const {
  const auto found = documents.find({request.kind, request.namespace_, request.name});
  if (found == documents.end()) return Failed(DocumentNotFound(*request.kind, request.name));
  return {{}, *found->second->text};
}

DocumentAnswer DocumentStore::Impl::List(const DocumentRequest& request, std::vector<Key>* keys) const {
  DocumentFilter filter;
  if (Status status = DocumentFilter::Parse(request, &filter); !status.ok()) return Failed(std::move(status));
  Page page;
  Response found = FindPage(request.list, {oldest, version}, &page);
  if (!found.status.ok()) return Failed(std::move(found.status));
  Documents then;
  if (page.version < version) then = At(request.kind, page.version);
  const Documents& all = page.version < version ? then : documents;
  Key from{request.kind, request.namespace_, ""};
  if (!page.after.name.empty()) {
    const Key after{request.kind, page.after.namespace_.str(), page.after.name.str()};
    from = std::max(from, after);
  }
  const std::int64_t limit = LimitOf(request.list);
  json items = json::array();
  const Key* last = nullptr;
  std::int64_t left = 0;
  for (auto it = all.lower_bound(from); it != all.end(); ++it) {
    const auto& [kind, namespace_, name] = it->first;
    if (kind != request.kind || (!request.namespace_.empty() && namespace_ != request.namespace_)) break;
    const bool shown_before = name == page.after.name.view() && namespace_ == page.after.namespace_.view();
    if (shown_before || !filter.Matches(namespace_, name, it->second->doc)) continue;
    if (limit > 0 && items.size() == static_cast<std::size_t>(limit)) {
      ++left;
      continue;
    }
    json item = it->second->doc;
    item.erase("kind");
    item.erase("apiVersion");
    items.push_back(std::move(item));
    last = &it->first;
    if (keys != nullptr) keys->push_back(it->first);
  }
  json meta = {{"resourceVersion", std::to_string(page.version)}};
  if (left > 0) {
    const auto& [kind, namespace_, name] = *last;
    meta["continue"] = EncodeContinueToken(
        {static_cast<std::int64_t>(page.version), {Text(namespace_), Text(name)}, filter.selective() ? -1 : left});
    // How many there are, nobody says of those that a selector chooses.
    if (!filter.selective()) meta["remainingItemCount"] = left;
  }
  const json list = {{"kind", Cat({request.kind->name, "List"})},
                     {"apiVersion", request.kind->apiVersion},
                     {"metadata", std::move(meta)},
                     {"items", std::move(items)}};
  return {{}, DumpDoc(list)};
}

void DocumentStore::Impl::TellOne(const Subscription& watch, const Change& change) {
  const auto& [kind, namespace_, name] = change.key;
  if (kind != watch.filter.kind) return;
  const bool was_in = change.before != nullptr && watch.filter.Matches(namespace_, name, change.before->doc);
  const bool is_in =
      change.type != WatchEventType::kDeleted && watch.filter.Matches(namespace_, name, change.object->doc);
  if (!was_in && !is_in) return;
  DocumentEvent event;
  event.type = !is_in ? WatchEventType::kDeleted : !was_in ? WatchEventType::kAdded : WatchEventType::kModified;
  event.json = change.object->text;
  event.resource_version = std::to_string(change.version);
  watch.callback(event);
}

void DocumentStore::Impl::Tell(Change change) {
  for (const auto& [id, watch] : watches) TellOne(watch, change);
  changes.push_back(std::move(change));
  if (changes.size() <= kMaxChanges) return;
  oldest = changes.front().version;
  changes.pop_front();
}

Status DocumentStore::Impl::StartWatch(const DocumentRequest& request, WatchCallback callback, std::uint64_t* id) {
  Subscription watch;
  if (Status status = DocumentFilter::Parse(request, &watch.filter); !status.ok()) return status;
  WatchStart start;
  if (Status status = FindWatchStart(request.list, {oldest, version}, &start); !status.ok()) return status;
  watch.bookmarks = request.list.allowWatchBookmarks;
  watch.callback = std::move(callback);
  if (start.initial) {
    for (auto it = documents.lower_bound({request.kind, request.namespace_, ""}); it != documents.end(); ++it) {
      const auto& [kind, namespace_, name] = it->first;
      if (kind != request.kind) break;
      if (!watch.filter.Matches(namespace_, name, it->second->doc)) continue;
      watch.callback(
          {WatchEventType::kAdded, it->second->text, StringAt(it->second->doc.at("metadata"), "resourceVersion")});
    }
    if (request.list.sendInitialEvents) {
      watch.callback({WatchEventType::kBookmark, nullptr, std::to_string(version), true});
    }
  } else if (start.since > 0) {
    for (const Change& change : changes) {
      if (change.version > start.since) TellOne(watch, change);
    }
  }
  *id = next_watch++;
  watches.emplace(*id, std::move(watch));
  return {};
}

std::unique_ptr<DocumentStore::WatchHandle> DocumentStore::Watch(const DocumentRequest& request, WatchCallback callback,
                                                                 Status* status) {
  std::lock_guard<std::mutex> lock(impl_->mu);
  std::uint64_t id = 0;
  *status = impl_->StartWatch(request, std::move(callback), &id);
  if (!status->ok()) return nullptr;
  return std::make_unique<DocumentWatch>([impl = impl_.get(), id] {
    std::lock_guard<std::mutex> ending(impl->mu);
    impl->watches.erase(id);
  });
}

void DocumentStore::SendBookmarks() {
  std::lock_guard<std::mutex> lock(impl_->mu);
  for (const auto& [id, watch] : impl_->watches) {
    if (watch.bookmarks) watch.callback({WatchEventType::kBookmark, nullptr, std::to_string(impl_->version)});
  }
}

}  // namespace epslice::sim
