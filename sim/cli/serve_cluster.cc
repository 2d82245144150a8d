#include "sim/cli/serve_cluster.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>
#include <utility>

#include "apis/cat.h"
#include "apis/status_text.h"
#include "sim/cli/serve_state.h"
#include "sim/cluster/manifests.h"
#include "sim/trace/dump_reader.h"

namespace epslice::sim {
namespace {

constexpr double kMostSpeed = 1'000'000;

// Puts the dump in place, but for the kinds left out.
absl::Status LoadObjects(const std::vector<AnyObject>& objects, const std::vector<Kind>& without,
                         ServedCluster* cluster) {
  for (const AnyObject& object : objects) {
    if (std::find(without.begin(), without.end(), object.kind()) != without.end()) continue;
    if (const absl::Status status = cluster->server->Load(object); !status.ok()) {
      return absl::InvalidArgumentError(
          Cat({InfoOf(object.kind()).name, " ", KeyOf(object.meta()).ToString(), ": ", MessageOf(status)}));
    }
    ++cluster->objects[static_cast<std::size_t>(object.kind())];
  }
  return absl::OkStatus();
}

// The same for what is kept as documents.
absl::Status LoadDocuments(const std::vector<DumpDocument>& found, ServedCluster* cluster) {
  for (const DumpDocument& document : found) {
    const DocumentKind& kind = *FindDocumentKind(document.apiVersion, document.kind);
    if (const absl::Status status = cluster->documents->Load(kind, document.json); !status.ok()) {
      return absl::InvalidArgumentError(Cat({document.where, ": ", MessageOf(status)}));
    }
    ++cluster->kept[&kind];
  }
  return absl::OkStatus();
}

void MakeDocuments(const ServeInput& input, std::uint64_t seed, ServedCluster* cluster) {
  cluster->documents = std::make_unique<DocumentStore>(cluster->clock, seed);
  if (input.bootstrap_policy) cluster->documents->LoadBootstrapPolicy();
}

absl::StatusOr<ServedCluster> MakeStill(const ServeInput& input, const ServeState& state, const Clock* clock,
                                        const Streams& streams) {
  ServedCluster cluster;
  MemoryApiServerOptions options;
  // Not the uids and names again that are in use.
  options.seed = input.seed.value_or(1) + state.resource_version;
  options.history = input.watch_history;
  cluster.clock = clock;
  cluster.memory = std::make_unique<MemoryApiServer>(clock, options);
  cluster.server = cluster.memory.get();
  MakeDocuments(input, options.seed, &cluster);
  if (state.resource_version != 0) {
    absl::Status status = LoadObjects(state.objects, {}, &cluster);
    if (status.ok()) status = LoadDocuments(state.documents, &cluster);
    if (!status.ok()) return absl::InvalidArgumentError(Cat({"--state ", input.state, ": ", MessageOf(status)}));
    cluster.server->LoadVersion(state.resource_version);
  } else if (!input.files.empty()) {
    DumpOptions dump_options;
    dump_options.keep_json = true;
    dump_options.standard_input = &streams.in;
    dump_options.keep_documents = IsDocumentKind;
    absl::StatusOr<Dump> dump = ReadDump(input.files, dump_options);
    if (!dump.ok()) return dump.status();
    for (std::string& what : FillInManifests(&dump->objects).Sentences()) dump->notes.push_back(std::move(what));
    for (const std::string& note : dump->notes) streams.err << note << '\n';
    absl::Status status = LoadObjects(dump->objects, input.without, &cluster);
    if (status.ok()) status = LoadDocuments(dump->documents, &cluster);
    if (!status.ok()) return status;
  }
  return cluster;
}

absl::StatusOr<ServedCluster> MakeLive(const ServeInput& input, const Clock* clock, const Streams& streams) {
  RunSpec spec;
  spec.sources = input.files;
  spec.standard_input = &streams.in;
  spec.scenario = input.scenario;
  spec.seed = input.seed;
  std::vector<DumpDocument> documents;
  if (input.bootstrap_policy && std::count(input.files.begin(), input.files.end(), "-") == 0) {
    // No trace has roles, but dumps do, and a scenario may come with nothing else.
    DumpOptions roles;
    roles.keep_documents = IsDocumentKind;
    absl::StatusOr<Dump> dump = ReadDump(input.files, roles);
    if (dump.ok()) documents = std::move(dump->documents);
    if (dump.ok() && dump->objects.empty()) spec.sources.clear();
  }
  ServedStage served;
  served.without = input.without;
  served.history = input.watch_history;
  absl::StatusOr<std::unique_ptr<LiveRun>> live =
      LiveRun::Open(spec, std::move(served), {clock, input.speed.value_or(1), input.log});
  if (!live.ok()) return live.status();
  ServedCluster cluster;
  cluster.live = *std::move(live);
  cluster.clock = &cluster.live->clock();
  cluster.server = cluster.live->server();
  MakeDocuments(input, input.seed.value_or(1), &cluster);
  absl::Status status = LoadDocuments(documents, &cluster);
  if (status.ok()) status = cluster.live->Begin();
  if (!status.ok()) return status;
  for (const Kind kind : kAllKinds) {
    // There are always namespaces.
    if (kind == Kind::kNamespace) continue;
    Request list;
    list.verb = Verb::kList;
    list.kind = kind;
    cluster.objects[static_cast<std::size_t>(kind)] = cluster.server->Handle(list).list.items.size();
  }
  return cluster;
}

}  // namespace

std::string ServedCluster::Describe() const {
  std::string text;
  const auto add = [&text](std::size_t count, std::string_view one, std::string_view several) {
    if (count > 0) text += Cat({text.empty() ? "" : ", ", std::to_string(count), " ", count == 1 ? one : several});
  };
  for (const Kind kind : kAllKinds) {
    add(objects[static_cast<std::size_t>(kind)], InfoOf(kind).singular, InfoOf(kind).resource);
  }
  for (const DocumentKind& kind : DocumentKinds()) {
    if (const auto it = kept.find(&kind); it != kept.end()) add(it->second, kind.singular, kind.resource);
  }
  return text.empty() ? "nothing" : text;
}

absl::StatusOr<ServedCluster> MakeServedCluster(const ServeInput& input, const Clock* clock, const Streams& streams) {
  if (input.speed && input.scenario.empty() && input.files.empty()) {
    return absl::InvalidArgumentError(
        "--speed: nothing happens without a scenario or a trace; give it --scenario SCENARIO, or a trace with -f");
  }
  absl::StatusOr<ServeState> state = input.state.empty() ? ServeState() : ReadServeState(input.state);
  if (!state.ok()) return state.status();
  if (!input.live()) return MakeStill(input, *state, clock, streams);
  if (state->resource_version != 0) {
    return absl::InvalidArgumentError(Cat(
        {"--state ", input.state, ": is there already; a scenario or a trace begins anew, and cannot go on from it"}));
  }
  return MakeLive(input, clock, streams);
}

absl::StatusOr<double> ParseSpeed(const std::string& text) {
  double speed = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), speed);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(speed) || speed <= 0 ||
      speed > kMostSpeed) {
    return absl::InvalidArgumentError(
        Cat({QuoteForError(text),
             " is no speed; accepted is a number greater than 0, up to 1000000 (60: a minute each second)"}));
  }
  return speed;
}

std::optional<Kind> KindByName(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  constexpr std::array<std::pair<std::string_view, Kind>, 5> kShort = {{{"ns", Kind::kNamespace},
                                                                        {"no", Kind::kNode},
                                                                        {"po", Kind::kPod},
                                                                        {"svc", Kind::kService},
                                                                        {"ev", Kind::kEvent}}};
  for (const auto& [short_name, kind] : kShort) {
    if (name == short_name) return kind;
  }
  for (Kind kind : kAllKinds) {
    if (name == InfoOf(kind).resource || name == InfoOf(kind).singular) return kind;
  }
  return std::nullopt;
}

}  // namespace epslice::sim
