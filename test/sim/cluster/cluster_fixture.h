// A MemoryApiServer with a fake clock, and short ways to talk to it.
#ifndef EPSLICE_TEST_SIM_CLUSTER_CLUSTER_FIXTURE_H_
#define EPSLICE_TEST_SIM_CLUSTER_CLUSTER_FIXTURE_H_

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "apis/json.h"
#include "sim/cluster/memory_api_server.h"

namespace epslice::sim {

// What a watch said, in order.
struct WatchLog {
  std::vector<WatchEvent> events;
  // "ADDED a", "MODIFIED a", "BOOKMARK 7", ...
  std::vector<std::string> Lines() const {
    std::vector<std::string> lines;
    for (const WatchEvent& event : events) {
      lines.push_back(std::string(WatchEventTypeName(event.type)) + " " +
                      (event.object.has_value() ? event.object.meta().name.str() : event.resourceVersion));
    }
    return lines;
  }
};

class ClusterTest : public ::testing::Test {
 protected:
  static MemoryApiServerOptions Options() {
    MemoryApiServerOptions options;
    options.create_missing_namespaces = true;
    return options;
  }
  void Restart(MemoryApiServerOptions options) { server_ = std::make_unique<MemoryApiServer>(&clock_, options); }

  // An object with JSON, from its JSON.
  static AnyObject Whole(Kind kind, const std::string& json) {
    absl::StatusOr<AnyObject> object = DecodeObjectJson(kind, json, true);
    EXPECT_TRUE(object.ok()) << object.status().message() << "\n" << json;
    return object.ok() ? *object : AnyObject();
  }
  static nlohmann::json Doc(const AnyObject& object) {
    std::string text;
    AppendJson(object, &text);
    return nlohmann::json::parse(text);
  }

  Response Send(Verb verb, AnyObject object, const std::string& subresource = "") {
    Request request;
    request.verb = verb;
    request.kind = object.kind();
    request.namespace_ = object.meta().namespace_.str();
    request.name = object.meta().name.str();
    request.subresource = subresource;
    request.object = std::move(object);
    return server_->Handle(request);
  }
  Response Create(AnyObject object) { return Send(Verb::kCreate, std::move(object)); }
  Response CreateJson(Kind kind, const std::string& json) { return Create(Whole(kind, json)); }
  Response Update(AnyObject object, const std::string& subresource = "") {
    return Send(Verb::kUpdate, std::move(object), subresource);
  }
  Response Get(Kind kind, const std::string& ns, const std::string& name) {
    return server_->Handle(Named(Verb::kGet, kind, ns, name));
  }
  Response Delete(Kind kind, const std::string& ns, const std::string& name, DeleteOptions options = {}) {
    Request request = Named(Verb::kDelete, kind, ns, name);
    request.deletion = std::move(options);
    return server_->Handle(request);
  }
  Response Patch(PatchType type, Kind kind, const std::string& ns, const std::string& name, const std::string& patch,
                 const std::string& subresource = "") {
    Request request = Named(Verb::kPatch, kind, ns, name);
    request.patchType = type;
    request.patch = patch;
    request.subresource = subresource;
    return server_->Handle(request);
  }
  Response List(Kind kind, ListOptions options = {}, const std::string& ns = "") {
    Request request = Named(Verb::kList, kind, ns, "");
    request.list = std::move(options);
    return server_->Handle(request);
  }
  std::vector<std::string> Names(Kind kind, ListOptions options = {}, const std::string& ns = "") {
    std::vector<std::string> names;
    const Response response = List(kind, std::move(options), ns);
    EXPECT_TRUE(response.status.ok()) << response.status.ToString();
    for (const AnyObject& object : response.list.items) names.push_back(object.meta().name.str());
    return names;
  }
  std::unique_ptr<MemoryApiServer::WatchHandle> Watch(Kind kind, ListOptions options, WatchLog* log,
                                                      Status* status = nullptr, const std::string& ns = "") {
    Request request = Named(Verb::kWatch, kind, ns, "");
    request.list = std::move(options);
    Status ignored;
    return server_->Watch(
        request, [log](const WatchEvent& event) { log->events.push_back(event); }, status ? status : &ignored);
  }
  static ListOptions Since(std::uint64_t version) {
    ListOptions options;
    options.resourceVersion = std::to_string(version);
    return options;
  }
  static Request Named(Verb verb, Kind kind, const std::string& ns, const std::string& name) {
    Request request;
    request.verb = verb;
    request.kind = kind;
    request.namespace_ = ns;
    request.name = name;
    return request;
  }

  static EndpointSlice Slice(const std::string& name, std::vector<std::string> ips = {"10.0.0.1"}) {
    EndpointSlice slice;
    slice.metadata.name = Text(name);
    slice.metadata.namespace_ = Text("shop");
    slice.addressType = Text("IPv4");
    for (const std::string& ip : ips) {
      Endpoint endpoint;
      endpoint.addresses = {Text(ip)};
      slice.endpoints.push_back(std::move(endpoint));
    }
    return slice;
  }
  static Pod BoundPod(const std::string& name) {
    Pod pod;
    pod.metadata.name = Text(name);
    pod.metadata.namespace_ = Text("shop");
    pod.nodeName = Text("node-1");
    pod.phase = PodPhase::kRunning;
    return pod;
  }
  static Service WebService(const std::string& name) {
    Service service;
    service.metadata.name = Text(name);
    service.metadata.namespace_ = Text("shop");
    service.spec.selector = StringMap{{Text("app"), Text("web")}};
    ServicePort port;
    port.port = 80;
    service.spec.ports.push_back(port);
    return service;
  }

  FakeClock clock_;
  std::unique_ptr<MemoryApiServer> server_ = std::make_unique<MemoryApiServer>(&clock_, Options());
};

}  // namespace epslice::sim

#endif  // EPSLICE_TEST_SIM_CLUSTER_CLUSTER_FIXTURE_H_
