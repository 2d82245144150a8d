// RunReport as JSON, and back.
#include <limits>
#include <nlohmann/json.hpp>

#include "absl/status/status.h"
#include "apis/concat.h"
#include "apis/json_writer.h"
#include "sim/report/run_report.h"

namespace epslice::sim {
namespace {

template <typename T>
void AppendNumbers(const T& numbers, const std::vector<NumberOf<T>>& table, JsonWriter* json) {
  json->BeginObject();
  for (const NumberOf<T>& number : table) {
    json->Key(number.name);
    json->Double(numbers.*number.member);
  }
  json->EndObject();
}

void AppendTexts(std::string_view key, const std::vector<std::string>& texts, JsonWriter* json) {
  json->Key(key);
  json->BeginArray();
  for (const std::string& text : texts) json->String(text);
  json->EndArray();
}

void DoubleField(std::string_view key, double value, JsonWriter* json) {
  json->Key(key);
  json->Double(value);
}

template <typename T, typename Append>
void AppendList(std::string_view key, const std::vector<T>& items, JsonWriter* json, const Append& append) {
  json->Key(key);
  json->BeginArray();
  for (const T& item : items) {
    json->BeginObject();
    append(item);
    json->EndObject();
  }
  json->EndArray();
}

void AppendAbout(const RunReport& report, JsonWriter* json) {
  json->Field("kind", RunReport::kKind);
  json->Field("apiVersion", RunReport::kApiVersion);
  json->Field("name", report.name);
  json->Key("seed");
  json->Raw(std::to_string(report.seed));
  json->Field("begin", report.begin);
  json->Field("digest", report.digest);
  json->Key("settings");
  json->BeginObject();
  for (const auto& [key, value] : report.settings) json->Field(key, value);
  json->EndObject();
  AppendTexts("madeUp", report.made_up, json);
  AppendTexts("notes", report.notes, json);
  AppendList("skipped", report.skipped, json, [&](const auto& skipped) {
    json->Field("reason", skipped.first);
    json->IntField("count", skipped.second);
  });
  AppendList("expectations", report.expectations, json, [&](const RunReport::Expectation& e) {
    json->Field("text", e.text);
    DoubleField("value", e.value, json);
    json->BoolField("pass", e.pass);
  });
}

void AppendSeries(const RunReport& report, JsonWriter* json) {
  json->Key("series");
  json->BeginObject();
  DoubleField("stepSeconds", report.step_seconds, json);
  for (const NumberOf<StepNumbers>& number : StepNumberTable()) {
    json->Key(number.name);
    json->BeginArray();
    for (const StepNumbers& step : report.series) json->Double(step.*number.member);
    json->EndArray();
  }
  json->EndObject();
}

void AppendWorst(const RunReport& report, JsonWriter* json) {
  json->Key("worst");
  json->BeginObject();
  for (const WorstServices& list : WorstOf(report)) {
    json->Key(list.number);
    json->BeginArray();
    for (const RunReport::Service* service : list.services) json->String(service->name);
    json->EndArray();
  }
  json->EndObject();
}

void AppendEndpoint(const RunReport::Endpoint& endpoint, JsonWriter* json) {
  json->Field("service", endpoint.service);
  json->Field("address", endpoint.address);
  json->Field("zone", endpoint.zone);
  DoubleField("requests", endpoint.requests, json);
  DoubleField("load", endpoint.load, json);
}

// ---- reading ----------------------------------------------------------------

using Json = nlohmann::json;

// Reads one object, field by field, and remembers the first thing wrong.
class Reader {
 public:
  Reader(const Json& json, std::string path, absl::Status* status)
      : json_(json), path_(std::move(path)), status_(status) {
    if (!json_.is_object()) Fail(path_, "is no object");
  }

  const Json* Get(std::string_view key, bool (Json::*is)() const noexcept, std::string_view what) {
    if (!status_->ok()) return nullptr;
    ++asked_;
    const auto at = json_.find(std::string(key));
    if (at == json_.end()) return Fail(path_, Concat("has no \"", key, '"'));
    if (!((*at).*is)()) return Fail(PathOf(key), Concat("is no ", what));
    return &*at;
  }
  void Text(std::string_view key, std::string* out) {
    if (const Json* value = Get(key, &Json::is_string, "text")) *out = value->get_ref<const std::string&>();
  }
  void Number(std::string_view key, double* out) {
    if (const Json* value = Get(key, &Json::is_number, "number")) *out = value->get<double>();
  }
  void Bool(std::string_view key, bool* out) {
    if (const Json* value = Get(key, &Json::is_boolean, "boolean")) *out = value->get<bool>();
  }
  // null is NaN.
  void NumberOrNull(std::string_view key, double* out) {
    const auto at = json_.find(std::string(key));
    if (at == json_.end() || !at->is_null()) return Number(key, out);
    ++asked_;
    *out = std::numeric_limits<double>::quiet_NaN();
  }
  template <typename T>
  void Whole(std::string_view key, T* out) {
    // What is not negative is "unsigned" to the parser.
    if (const Json* value = Get(key, &Json::is_number_unsigned, "whole number from 0 on")) *out = value->get<T>();
  }
  void Texts(std::string_view key, std::vector<std::string>* out) {
    const Json* list = Get(key, &Json::is_array, "list");
    for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
      if (!(*list)[i].is_string()) {
        Fail(Concat(PathOf(key), '[', i, ']'), "is no text");
        return;
      }
      out->push_back((*list)[i].get<std::string>());
    }
  }
  // read(reader of an item, item made anew).
  template <typename T, typename Read>
  void List(std::string_view key, std::vector<T>* out, const Read& read) {
    const Json* list = Get(key, &Json::is_array, "list");
    for (std::size_t i = 0; list != nullptr && i < list->size() && status_->ok(); ++i) {
      Reader item((*list)[i], Concat(PathOf(key), '[', i, ']'), status_);
      read(&item, &out->emplace_back());
      item.Done();
    }
  }
  template <typename Read>
  void Object(std::string_view key, const Read& read) {
    const Json* object = Get(key, &Json::is_object, "object");
    if (object == nullptr) return;
    Reader item(*object, PathOf(key), status_);
    read(&item);
    item.Done();
  }
  template <typename T>
  void Numbers(std::string_view key, const std::vector<NumberOf<T>>& table, T* out) {
    Object(key, [&](Reader* r) {
      for (const NumberOf<T>& number : table) r->Number(number.name, &(out->*number.member));
    });
  }
  // Every field was asked for.
  void Done() {
    if (status_->ok() && json_.size() != asked_) Fail(path_, "has fields that are not known");
  }
  const Json* Fail(std::string_view where, std::string_view why) {
    if (status_->ok()) {
      *status_ = absl::InvalidArgumentError(Concat(where.empty() ? "the report" : where, ' ', why));
    }
    return nullptr;
  }
  std::string PathOf(std::string_view key) const { return path_.empty() ? std::string(key) : Concat(path_, '.', key); }
  const Json& json() const { return json_; }
  void CountAll() { asked_ = json_.size(); }

 private:
  const Json& json_;
  const std::string path_;
  absl::Status* status_;
  std::size_t asked_ = 0;
};

void ReadAbout(Reader* r, RunReport* report) {
  std::string kind;
  std::string version;
  r->Text("kind", &kind);
  r->Text("apiVersion", &version);
  if (kind != RunReport::kKind || version != RunReport::kApiVersion) {
    r->Fail("", Concat("is no ", RunReport::kKind, " of ", RunReport::kApiVersion));
  }
  r->Text("name", &report->name);
  r->Whole("seed", &report->seed);
  r->Text("begin", &report->begin);
  r->Text("digest", &report->digest);
  r->Object("settings", [&](Reader* settings) {
    for (const auto& [key, value] : settings->json().items()) {
      if (!value.is_string()) settings->Fail(settings->PathOf(key), "is no text");
      report->settings.emplace_back(key, value.is_string() ? value.get<std::string>() : "");
    }
    settings->CountAll();
  });
  r->Texts("madeUp", &report->made_up);
  r->Texts("notes", &report->notes);
  r->List("skipped", &report->skipped, [](Reader* item, auto* skipped) {
    item->Text("reason", &skipped->first);
    item->Whole("count", &skipped->second);
  });
  r->List("expectations", &report->expectations, [](Reader* item, RunReport::Expectation* e) {
    item->Text("text", &e->text);
    item->NumberOrNull("value", &e->value);
    item->Bool("pass", &e->pass);
  });
}

void ReadSeries(Reader* r, RunReport* report) {
  r->Object("series", [&](Reader* series) {
    series->Number("stepSeconds", &report->step_seconds);
    bool first = true;
    for (const NumberOf<StepNumbers>& number : StepNumberTable()) {
      const Json* list = series->Get(number.name, &Json::is_array, "list");
      if (list == nullptr) return;
      if (first) report->series.resize(list->size());
      first = false;
      if (list->size() != report->series.size()) {
        series->Fail(series->PathOf(number.name), "is longer or shorter than the others");
        return;
      }
      for (std::size_t i = 0; i < list->size(); ++i) {
        if (!(*list)[i].is_number()) series->Fail(series->PathOf(number.name), "holds what is no number");
        if ((*list)[i].is_number()) report->series[i].*number.member = (*list)[i].get<double>();
      }
    }
  });
}

void ReadEndpoint(Reader* item, RunReport::Endpoint* endpoint) {
  item->Text("service", &endpoint->service);
  item->Text("address", &endpoint->address);
  item->Text("zone", &endpoint->zone);
  item->Number("requests", &endpoint->requests);
  item->Number("load", &endpoint->load);
}

void ReadParts(Reader* r, RunReport* report) {
  r->List("timeline", &report->timeline, [](Reader* item, RunReport::Moment* moment) {
    item->Number("at", &moment->at);
    item->Text("text", &moment->text);
  });
  r->List("services", &report->services, [](Reader* item, RunReport::Service* service) {
    item->Text("name", &service->name);
    item->Numbers("numbers", ServiceNumberTable(), &service->numbers);
    item->List("hints", &service->hints, [](Reader* hints, RunReport::HintPeriod* period) {
      hints->Bool("on", &period->on);
      hints->Text("reason", &period->reason);
      hints->Number("begin", &period->begin);
      hints->Number("duration", &period->duration);
    });
    item->List("busiest", &service->busiest, ReadEndpoint);
  });
  r->List("zones", &report->zones, [](Reader* item, RunReport::Zone* zone) {
    item->Text("name", &zone->name);
    item->Numbers("numbers", ZoneNumberTable(), &zone->numbers);
  });
  r->List("flows", &report->flows, [](Reader* item, RunReport::Flow* flow) {
    item->Text("from", &flow->from);
    item->Text("to", &flow->to);
    item->Number("requests", &flow->requests);
  });
  r->List("overloadedEndpoints", &report->overloaded, ReadEndpoint);
  // Follows from the Services.
  r->Get("worst", &Json::is_object, "object");
}

}  // namespace

std::string ToJson(const RunReport& report) {
  std::string out;
  JsonWriter json(&out);
  json.BeginObject();
  AppendAbout(report, &json);
  json.Key("numbers");
  AppendNumbers(report.numbers, RunNumberTable(), &json);
  AppendSeries(report, &json);
  AppendList("timeline", report.timeline, &json, [&](const RunReport::Moment& moment) {
    DoubleField("at", moment.at, &json);
    json.Field("text", moment.text);
  });
  AppendList("services", report.services, &json, [&](const RunReport::Service& service) {
    json.Field("name", service.name);
    json.Key("numbers");
    AppendNumbers(service.numbers, ServiceNumberTable(), &json);
    AppendList("hints", service.hints, &json, [&](const RunReport::HintPeriod& period) {
      json.BoolField("on", period.on);
      json.Field("reason", period.reason);
      DoubleField("begin", period.begin, &json);
      DoubleField("duration", period.duration, &json);
    });
    AppendList("busiest", service.busiest, &json, [&](const auto& endpoint) { AppendEndpoint(endpoint, &json); });
  });
  AppendList("zones", report.zones, &json, [&](const RunReport::Zone& zone) {
    json.Field("name", zone.name);
    json.Key("numbers");
    AppendNumbers(zone.numbers, ZoneNumberTable(), &json);
  });
  AppendList("flows", report.flows, &json, [&](const RunReport::Flow& flow) {
    json.Field("from", flow.from);
    json.Field("to", flow.to);
    DoubleField("requests", flow.requests, &json);
  });
  AppendList("overloadedEndpoints", report.overloaded, &json,
             [&](const auto& endpoint) { AppendEndpoint(endpoint, &json); });
  AppendWorst(report, &json);
  json.EndObject();
  return out;
}

absl::StatusOr<RunReport> RunReportFromJson(std::string_view text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return absl::InvalidArgumentError("the report is no JSON");
  absl::Status status;
  RunReport report;
  Reader reader(json, "", &status);
  ReadAbout(&reader, &report);
  reader.Numbers("numbers", RunNumberTable(), &report.numbers);
  ReadSeries(&reader, &report);
  ReadParts(&reader, &report);
  reader.Done();
  if (!status.ok()) return status;
  return report;
}

}  // namespace epslice::sim
