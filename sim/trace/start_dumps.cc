#include "sim/trace/start_dumps.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <tuple>
#include <unordered_set>
#include <utility>

#include "apis/concat.h"
#include "sim/cluster/stamp.h"
#include "sim/trace/known_objects.h"

namespace epslice::sim {
namespace {

constexpr char kOfLaterDumps[] = "objects of later dumps";

std::uint64_t VersionOf(const AnyObject& object) { return VersionNumber(object.meta().resourceVersion); }

std::uint64_t LatestVersion(const std::vector<AnyObject>& objects) {
  std::uint64_t latest = 0;
  for (const AnyObject& object : objects) latest = std::max(latest, VersionOf(object));
  return latest;
}

// 0 where one has none.
std::uint64_t EarliestVersion(const std::vector<AnyObject>& objects) {
  std::uint64_t earliest = std::numeric_limits<std::uint64_t>::max();
  for (const AnyObject& object : objects) earliest = std::min(earliest, VersionOf(object));
  return objects.empty() ? 0 : earliest;
}

// Puts the files together, in the order of their versions.
class StateBuilder {
 public:
  StateBuilder(TraceFacts* facts, TraceSummary* summary) : facts_(facts), summary_(*summary) {}

  void Add(std::vector<DumpFile> files) {
    std::vector<DumpFile> apart;
    for (DumpFile& file : files) {
      if (SharesObject(file)) {
        Complete(std::move(file));
        any_later_ = true;
      } else if (SharesPart(file)) {
        apart.push_back(std::move(file));
      } else {
        Join(std::move(file));
      }
    }
    // Only now it is known whether there are several states.
    for (DumpFile& file : apart) {
      if (SharesObject(file) || (any_later_ && EarliestVersion(file.objects) > version_)) {
        Complete(std::move(file));
        continue;
      }
      if (!noted_) {
        summary_.notes.push_back(Concat(file.name,
                                        " has no object in common with another file that shows the same kind and "
                                        "namespace: they are taken for parts of one state"));
      }
      noted_ = true;
      Join(std::move(file));
    }
  }

  std::vector<AnyObject>* objects() { return &objects_; }
  // Of what a log has to go on from (StartState::version).
  std::uint64_t state_version() const { return state_version_; }

 private:
  // Of a kind in a namespace ("" where the kind has none).
  using Part = std::pair<Kind, Text>;
  static Part PartOf(const AnyObject& object) { return {object.kind(), object.meta().namespace_}; }

  bool SharesObject(const DumpFile& file) const {
    return std::any_of(file.objects.begin(), file.objects.end(), [this](const AnyObject& object) {
      const BasicMeta& meta = object.meta();
      // Hand-written manifests name none; they are no states of one cluster.
      return !meta.uid.empty() && (uids_.count(meta.uid) > 0 || named_.count({object.kind(), KeyOf(meta)}) > 0);
    });
  }

  bool SharesPart(const DumpFile& file) const {
    return std::any_of(file.objects.begin(), file.objects.end(), [this](const AnyObject& object) {
      return !object.meta().uid.empty() && parts_.count(PartOf(object)) > 0;
    });
  }

  void Join(DumpFile file) {
    version_ = std::max(version_, LatestVersion(file.objects));
    for (AnyObject& object : file.objects) {
      const Kind kind = object.kind();
      if (kind != Kind::kNode && kind != Kind::kNamespace) state_version_ = std::max(state_version_, VersionOf(object));
      Take(std::move(object), file);
    }
  }

  // Adds of a later dump the kinds of which nothing is known where it shows them.
  void Complete(DumpFile file) {
    std::set<Kind> known;
    for (const AnyObject& object : file.objects) {
      if (parts_.count(PartOf(object)) > 0) known.insert(object.kind());
    }
    for (AnyObject& object : file.objects) {
      if (known.count(object.kind()) > 0) {
        ++summary_.skipped[kOfLaterDumps];
      } else {
        Take(std::move(object), file);
      }
    }
  }

  void Take(AnyObject object, const DumpFile& file) {
    const BasicMeta& meta = object.meta();
    if (facts_ != nullptr && file.facts != nullptr) facts_->TakeOver(object, *file.facts);
    if (!meta.uid.empty()) {
      uids_.insert(meta.uid);
      named_.insert({object.kind(), KeyOf(meta)});
      parts_.insert(PartOf(object));
    }
    objects_.push_back(std::move(object));
  }

  TraceFacts* const facts_;
  TraceSummary& summary_;
  std::vector<AnyObject> objects_;
  std::unordered_set<Text> uids_;  // looked up only
  std::set<std::pair<Kind, ObjectKey>> named_;
  std::set<Part> parts_;
  std::uint64_t version_ = 0, state_version_ = 0;
  bool any_later_ = false, noted_ = false;
};

}  // namespace

bool MayComeLater(Kind kind) { return kind == Kind::kNode || kind == Kind::kNamespace || kind == Kind::kService; }

void KeepStartState(Timestamp begin, std::vector<AnyObject>* objects, std::vector<AnyObject>* later,
                    TraceSummary* summary) {
  std::map<std::pair<Kind, ObjectKey>, std::size_t> places;
  std::vector<AnyObject> kept;
  for (AnyObject& object : *objects) {
    const BasicMeta& meta = object.meta();
    if (begin.is_set() && WholeSeconds(meta.creationTimestamp) > WholeSeconds(begin)) {
      if (MayComeLater(object.kind())) {
        later->push_back(std::move(object));
      } else {
        ++summary->skipped[std::string(kToldByEvents)];
      }
      continue;
    }
    const auto [it, added] = places.try_emplace({object.kind(), KeyOf(meta)}, kept.size());
    if (added) {
      kept.push_back(std::move(object));
      continue;
    }
    ++summary->skipped["objects that several dumps show (their earliest version is the start)"];
    const std::uint64_t before = VersionOf(kept[it->second]);
    const std::uint64_t version = VersionOf(object);
    if (version > 0 && version < before) kept[it->second] = std::move(object);
  }
  *objects = std::move(kept);
}

StartState ChooseStartState(std::vector<DumpFile> files, Timestamp begin, TraceFacts* facts, TraceSummary* summary) {
  const auto is_older = [begin](const AnyObject& object) {
    const Timestamp created = object.meta().creationTimestamp;
    const Kind kind = object.kind();
    return (kind == Kind::kNode || kind == Kind::kService || kind == Kind::kPod) && created.is_set() &&
           WholeSeconds(created) < WholeSeconds(begin);
  };
  const bool middle = begin.is_set() && std::any_of(files.begin(), files.end(), [&](const DumpFile& file) {
                        return std::any_of(file.objects.begin(), file.objects.end(), is_older);
                      });
  std::stable_sort(files.begin(), files.end(), [](const DumpFile& a, const DumpFile& b) {
    return LatestVersion(a.objects) < LatestVersion(b.objects);
  });
  StateBuilder builder(facts, summary);
  builder.Add(std::move(files));
  StartState state;
  state.objects = std::move(*builder.objects());
  // However it was split into files it is one state.
  std::stable_sort(state.objects.begin(), state.objects.end(), [](const AnyObject& a, const AnyObject& b) {
    const BasicMeta& x = a.meta();
    const BasicMeta& y = b.meta();
    return std::forward_as_tuple(a.kind(), x.namespace_, x.name) <
           std::forward_as_tuple(b.kind(), y.namespace_, y.name);
  });
  if (middle) state.version = builder.state_version();
  KeepStartState(middle ? Timestamp() : begin, &state.objects, &state.later, summary);
  return state;
}

}  // namespace epslice::sim
