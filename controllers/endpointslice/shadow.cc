#include "controllers/endpointslice/shadow.h"

#include <algorithm>

namespace epslice {

std::vector<Shadow::Note> Shadow::Observe(const ObjectKey& service, const std::vector<Difference>& found, Instant now,
                                          bool sure) {
  const auto at = services_.find(service);
  if (at == services_.end() && found.empty()) return {};
  Entry& entry = at == services_.end() ? services_[service] : at->second;
  const auto settled = [](const auto& difference) { return difference.second.settled; };
  const auto has_settled = [&] { return std::any_of(entry.differences.begin(), entry.differences.end(), settled); };
  const bool before = has_settled();
  std::vector<Note> notes = Merge(found, now, sure, &entry.differences);
  totals_.services += static_cast<int>(has_settled()) - static_cast<int>(before);
  SetDue(service, &entry, DueOf(entry, now));
  if (entry.differences.empty()) services_.erase(service);
  return notes;
}

void Shadow::BeginAnew(Instant now) {
  for (auto& [service, entry] : services_) {
    for (auto& [identity, state] : entry.differences) {
      if (!state.settled) state.since = now;
    }
    SetDue(service, &entry, DueOf(entry, now));
  }
}

std::vector<Shadow::Note> Shadow::Merge(const std::vector<Difference>& found, Instant now, bool sure,
                                        std::map<Identity, State>* known) {
  std::vector<Note> notes;
  std::map<Identity, State> next;
  for (const Difference& difference : found) {
    Identity identity(difference.kind, difference.address_type, difference.object);
    const auto before = known->find(identity);
    const bool same = before != known->end() && (before->second.settled || before->second.fields == difference.fields);
    const auto [it, is_new] =
        next.emplace(std::move(identity), same ? before->second : State{now, false, false, difference.fields});
    State& state = it->second;
    if (!is_new || state.settled) continue;
    if (!sure) state.since = now;
    if (now - state.since < options_.grace) continue;
    state.settled = true;
    state.in_new_slice = difference.in_new_slice;
    state.fields.clear();
    ++totals_.by_kind.at(static_cast<std::size_t>(difference.kind));
    notes.push_back({Note::What::kSettled, difference, now - state.since});
  }
  for (const auto& [identity, state] : *known) {
    if (!state.settled || next.count(identity) > 0) continue;
    Note note;
    note.what = Note::What::kGone;
    std::tie(note.difference.kind, note.difference.address_type, note.difference.object) = identity;
    note.difference.in_new_slice = state.in_new_slice;
    note.lasted = now - state.since;
    --totals_.by_kind.at(static_cast<std::size_t>(note.difference.kind));
    notes.push_back(std::move(note));
  }
  *known = std::move(next);
  return notes;
}

std::vector<Shadow::Line> Shadow::LinesOf(const std::vector<Note>& notes) {
  constexpr std::size_t kSuch = 3;
  std::vector<Line> lines;
  std::map<std::pair<Note::What, Text>, std::size_t> of_new_slices;  // where in `lines`
  for (const Note& note : notes) {
    if (note.difference.in_new_slice) {
      const auto [it, is_new] = of_new_slices.try_emplace({note.what, note.difference.address_type}, lines.size());
      if (!is_new) {
        Line& line = lines[it->second];
        ++line.endpoints;
        line.note.lasted = std::max(line.note.lasted, note.lasted);
        if (line.such.size() < kSuch) line.such.push_back(note.difference.object);
        continue;
      }
    }
    lines.push_back({note, 1, {note.difference.object}});
  }
  for (Line& line : lines) {
    if (line.endpoints == 1) {
      line.such.clear();
      continue;
    }
    line.note.difference.object = "new EndpointSlice";
    line.note.difference.fields.clear();
  }
  return lines;
}

std::optional<Instant> Shadow::DueOf(const Entry& entry, Instant now) const {
  std::optional<Instant> due;
  for (const auto& [identity, state] : entry.differences) {
    const Instant at = state.settled ? now + options_.look_again : state.since + options_.grace;
    due = due ? std::min(*due, at) : at;
  }
  return due;
}

void Shadow::SetDue(const ObjectKey& service, Entry* entry, std::optional<Instant> due) {
  if (entry->due) due_.erase({*entry->due, service});
  entry->due = due;
  if (due) due_.emplace(*due, service);
}

std::vector<ObjectKey> Shadow::TakeDue(Instant now) {
  std::vector<ObjectKey> services;
  while (!due_.empty() && due_.begin()->first <= now) {
    services.push_back(due_.begin()->second);
    services_.at(services.back()).due.reset();
    due_.erase(due_.begin());
  }
  return services;
}

std::optional<Instant> Shadow::NextWakeup() const {
  if (due_.empty()) return std::nullopt;
  return due_.begin()->first;
}

}  // namespace epslice
