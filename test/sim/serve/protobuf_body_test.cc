#include "sim/serve/protobuf_body.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include "apis/json.h"
#include "apis/protobuf.h"
#include "test/apis/random_objects.h"
#include "test/sanitized.h"

namespace epslice::sim {
namespace {

using Json = nlohmann::json;

std::string WireBytes(const std::string& name) {
  std::ifstream file(EPSLICE_SOURCE_DIR "/test/testdata/wire/" + name);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string Varint(std::uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
  return out;
}
std::string Bytes(std::uint32_t number, const std::string& value) {
  return Varint(number << 3 | 2) + Varint(value.size()) + value;
}
std::string Number(std::uint32_t number, std::uint64_t value) { return Varint(number << 3) + Varint(value); }
std::string Envelope(const std::string& api_version, const std::string& kind, const std::string& raw) {
  return std::string("k8s\0", 4) + Bytes(1, Bytes(1, api_version) + Bytes(2, kind)) + Bytes(2, raw);
}

// The items of a list of a real server: field 2 of the list in the envelope.
std::vector<std::string> WireItems(const std::string& file) {
  const std::string all = WireBytes(file);
  std::vector<std::string> items;
  std::size_t at = 4;
  const auto varint = [&] {
    std::uint64_t value = 0;
    for (int shift = 0; at < all.size(); shift += 7) {
      const auto byte = static_cast<unsigned char>(all[at++]);
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) break;
    }
    return value;
  };
  std::size_t end = all.size();
  bool inside = false;
  while (at < end) {
    const std::uint64_t tag = varint();
    const std::uint64_t size = varint();
    if (!inside && tag == (2 << 3 | 2)) {
      inside = true;
      end = at + size;
      continue;
    }
    if (inside && tag == (2 << 3 | 2)) items.push_back(all.substr(at, size));
    at += size;
  }
  return items;
}

// What we do not read of these objects.
Json Without(Json object) {
  object.erase("status");
  object["metadata"].erase("managedFields");
  return object;
}

TEST(ProtobufBodyTest, ReadsWhatTheRealServerWrites) {
  const std::vector<std::tuple<const char*, const char*, const char*, const char*>> cases = {
      {"proto-list-services.body", "list-services.body", "v1", "Service"},
      {"proto-list-endpointslices.body", "list-endpointslices.body", "discovery.k8s.io/v1", "EndpointSlice"},
      {"proto-list-leases.body", "list-leases.body", "coordination.k8s.io/v1", "Lease"},
  };
  for (const auto& [proto, json, api_version, kind] : cases) {
    SCOPED_TRACE(proto);
    const std::vector<std::string> items = WireItems(proto);
    const Json list = Json::parse(WireBytes(json));
    ASSERT_FALSE(items.empty());
    ASSERT_EQ(items.size(), list["items"].size());
    for (std::size_t i = 0; i < items.size(); ++i) {
      const auto text = ProtobufToJson(Envelope(api_version, kind, items[i]));
      ASSERT_TRUE(text.ok()) << text.status();
      Json ours = Json::parse(*text);
      EXPECT_EQ(ours["apiVersion"], api_version);
      EXPECT_EQ(ours["kind"], kind);
      ours.erase("apiVersion");
      ours.erase("kind");
      EXPECT_EQ(Without(ours), Without(list["items"][i]));
    }
  }
}

// Without what says nothing: null, false, 0, "", and what holds nothing else. Go
// leaves out of JSON only some of these.
Json WithoutEmpties(const Json& value) {
  Json out = value;
  if (value.is_object()) {
    out = Json::object();
    for (const auto& [key, member] : value.items()) {
      if (Json kept = WithoutEmpties(member); !kept.is_null()) out[key] = std::move(kept);
    }
  } else if (value.is_array()) {
    for (Json& item : out) item = WithoutEmpties(item);
  }
  const bool empty = (out.is_structured() && out.empty()) || out == "" || out == 0 || out == false;
  return empty ? Json() : out;
}

TEST(ProtobufBodyTest, ReadsPodsAndNodesWhole) {
  for (const auto& [resource, kind] : {std::pair("pods", "Pod"), std::pair("nodes", "Node")}) {
    SCOPED_TRACE(kind);
    std::map<std::string, Json> ours;
    for (const std::string& item : WireItems(std::string("proto-list-") + resource + ".body")) {
      const auto text = ProtobufToJson(Envelope("v1", kind, item));
      ASSERT_TRUE(text.ok()) << text.status();
      const Json doc = Json::parse(*text);
      ours[doc["metadata"]["name"]] = doc;
    }
    // The other list was made by the same server, of some of them.
    const Json list = Json::parse(WireBytes(std::string("list-") + resource + ".body"));
    ASSERT_FALSE(list["items"].empty());
    for (Json theirs : list["items"]) {
      theirs["apiVersion"] = "v1";
      theirs["kind"] = kind;
      EXPECT_EQ(WithoutEmpties(ours[theirs["metadata"]["name"]]), WithoutEmpties(theirs));
    }
  }
}

// What is not in the tables would be lost.
TEST(ProtobufBodyTest, RefusesFieldsOfPodsItDoesNotKnow) {
  const std::string spec = Bytes(2, Bytes(2, Bytes(1, "c") + Bytes(99, "x")));
  const auto refused = ProtobufToJson(Envelope("v1", "Pod", Bytes(1, Bytes(1, "a")) + spec));
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(refused.status().message(), "protobuf of a Pod with field 99 of containers is not read here, JSON is");
  EXPECT_TRUE(ProtobufToJson(Envelope("v1", "Pod", Bytes(2, Bytes(2, Bytes(1, "c"))))).ok());
  EXPECT_FALSE(ProtobufToJson(Envelope("v1", "Pod", Bytes(2, Bytes(2, "\x0b")))).ok());
}

TEST(ProtobufBodyTest, SmallKinds) {
  const std::string meta = Bytes(1, "a") + Bytes(3, "shop") + Bytes(11, Bytes(1, "k") + Bytes(2, "v"));
  const std::vector<std::pair<std::string, const char*>> cases = {
      {Envelope("v1", "Namespace", Bytes(1, Bytes(1, "two") + Bytes(2, "")) + Bytes(2, "") + Bytes(3, Bytes(1, ""))),
       R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"two"},"spec":{},"status":{}})"},
      {Envelope("policy/v1", "Eviction", Bytes(1, meta) + Bytes(2, Number(1, 0) + Bytes(2, Bytes(1, "u")))),
       R"({"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"a","namespace":"shop","labels":{"k":"v"}},
           "deleteOptions":{"gracePeriodSeconds":0,"preconditions":{"uid":"u"}}})"},
      {Envelope("v1", "Binding", Bytes(2, Bytes(1, "Node") + Bytes(3, "n"))),
       R"({"apiVersion":"v1","kind":"Binding","target":{"kind":"Node","name":"n"}})"},
      {Envelope("authentication.k8s.io/v1", "TokenRequest",
                Bytes(1, "") + Bytes(2, Bytes(1, "a") + Bytes(3, Bytes(1, "Pod") + Bytes(3, "p")) + Number(4, 600)) +
                    Bytes(3, Bytes(1, "") + Bytes(2, ""))),
       R"({"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","metadata":{},
           "spec":{"audiences":["a"],"boundObjectRef":{"kind":"Pod","name":"p"},"expirationSeconds":600}})"},
      {Envelope("v1", "DeleteOptions", Bytes(4, "Foreground") + Bytes(5, "All")),
       R"({"apiVersion":"v1","kind":"DeleteOptions","propagationPolicy":"Foreground","dryRun":["All"]})"},
      {Envelope("v1", "Event", Bytes(10, Number(1, 1) + Number(2, 2000)) + Number(8, 3) + Bytes(6, "")),
       R"({"apiVersion":"v1","kind":"Event","eventTime":"1970-01-01T00:00:01.000002Z","count":3})"},
      {Envelope("events.k8s.io/v1", "Event", Bytes(10, "note") + Bytes(8, Bytes(3, "a"))),
       R"({"apiVersion":"events.k8s.io/v1","kind":"Event","note":"note","regarding":{"name":"a"}})"},
  };
  for (const auto& [body, want] : cases) {
    const auto text = ProtobufToJson(body);
    ASSERT_TRUE(text.ok()) << text.status();
    EXPECT_EQ(Json::parse(*text), Json::parse(want));
  }
}

// The two readers of protobuf know nothing of each other: what one of them
// makes of an object's bytes, as JSON, is the object.
template <typename T>
class ProtobufBodyRandomTest : public testing::Test {};
using BodyKinds = testing::Types<Namespace, Service, EndpointSlice, Event, Lease>;
TYPED_TEST_SUITE(ProtobufBodyRandomTest, BodyKinds);

TYPED_TEST(ProtobufBodyRandomTest, AgreesWithTheEncoder) {
  for (std::uint64_t seed = 0; seed < epslice::testkit::Rounds<std::uint64_t>(200, 40); ++seed) {
    TypeParam object;
    Maker(seed).Make(&object);
    if constexpr (TypeParam::kKind == Kind::kService) {
      if (object.spec.selector.has_value() && object.spec.selector->empty()) object.spec.selector.reset();
    }
    const auto text = ProtobufToJson(EncodeProtobuf(object));
    ASSERT_TRUE(text.ok()) << text.status();
    const absl::StatusOr<TypeParam> back = DecodeJson<TypeParam>(*text);
    ASSERT_TRUE(back.ok()) << back.status() << *text;
    ASSERT_TRUE(*back == object) << "seed " << seed << "\n" << *text << "\n" << EncodeJson(object);
    if constexpr (TypeParam::kKind == Kind::kEvent) {
      const auto v1 = ProtobufToJson(EncodeEventsV1Protobuf(object));
      ASSERT_TRUE(v1.ok()) << v1.status();
      EXPECT_TRUE(*DecodeJson<Event>(*v1) == object) << *v1;
    }
  }
}

TEST(ProtobufBodyTest, RefusesWhatIsBroken) {
  EXPECT_FALSE(ProtobufToJson("").ok());
  EXPECT_FALSE(ProtobufToJson("{}").ok());
  EXPECT_EQ(ProtobufToJson(Envelope("v1", "Secret", "")).status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(ProtobufToJson(std::string("k8s\0", 4)).status().code(), absl::StatusCode::kUnimplemented);
  // A string where a number belongs, and the other way round.
  EXPECT_FALSE(ProtobufToJson(Envelope("v1", "DeleteOptions", Bytes(1, "x"))).ok());
  EXPECT_FALSE(ProtobufToJson(Envelope("v1", "DeleteOptions", Number(4, 1))).ok());
  EXPECT_FALSE(ProtobufToJson(Envelope("v1", "DeleteOptions", "\x0b")).ok());
  // Cut off anywhere, or with any byte changed, it is an error or an object,
  // but never more than that.
  for (const auto& [version, kind, file] :
       {std::tuple("discovery.k8s.io/v1", "EndpointSlice", "proto-list-endpointslices.body"),
        std::tuple("v1", "Pod", "proto-list-pods.body")}) {
    const std::string good = Envelope(version, kind, WireItems(file)[0]);
    ASSERT_TRUE(ProtobufToJson(good).ok());
    const std::size_t typed = Envelope(version, kind, "").size() - 2;
    for (std::size_t n = 0; n < good.size(); n += n < 100 ? 1 : 7) {
      EXPECT_FALSE(ProtobufToJson(good.substr(0, n)).ok() && n < typed) << n;
      std::string changed = good;
      changed[n] = static_cast<char>(changed[n] ^ 0xff);
      const auto text = ProtobufToJson(changed);
      EXPECT_TRUE(!text.ok() || Json::accept(*text));
    }
  }
}

}  // namespace
}  // namespace epslice::sim
