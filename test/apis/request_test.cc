#include "apis/request.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>

namespace epslice {
namespace {

TEST(RequestTest, VerbsAndEventTypesHaveNames) {
  std::set<std::string_view> names;
  for (Verb verb : {Verb::kGet, Verb::kList, Verb::kWatch, Verb::kCreate, Verb::kUpdate, Verb::kPatch, Verb::kDelete}) {
    names.insert(VerbName(verb));
  }
  EXPECT_EQ(names, (std::set<std::string_view>{"get", "list", "watch", "create", "update", "patch", "delete"}));
  EXPECT_EQ(WatchEventTypeName(WatchEventType::kAdded), "ADDED");
  EXPECT_EQ(WatchEventTypeName(WatchEventType::kModified), "MODIFIED");
  EXPECT_EQ(WatchEventTypeName(WatchEventType::kDeleted), "DELETED");
  EXPECT_EQ(WatchEventTypeName(WatchEventType::kBookmark), "BOOKMARK");
  EXPECT_EQ(WatchEventTypeName(WatchEventType::kError), "ERROR");
}

TEST(RequestTest, StatusesSayWhatAnApiServerSays) {
  const Status not_found = StatusNotFound(Kind::kEndpointSlice, "a-1");
  EXPECT_FALSE(not_found.ok());
  EXPECT_EQ(not_found.ToString(), "404 NotFound: endpointslices.discovery.k8s.io \"a-1\" not found");
  EXPECT_EQ(not_found.detailsKind, "endpointslices");
  EXPECT_EQ(not_found.detailsGroup, "discovery.k8s.io");
  EXPECT_EQ(not_found.detailsName, "a-1");
  EXPECT_EQ(StatusAlreadyExists(Kind::kPod, "p").ToString(), "409 AlreadyExists: pods \"p\" already exists");
  EXPECT_EQ(StatusConflict(Kind::kService, "s", "it changed").ToString(),
            "409 Conflict: Operation cannot be fulfilled on services \"s\": it changed");
  EXPECT_EQ(StatusExpired("too old").ToString(), "410 Expired: too old");
  EXPECT_EQ(StatusBadRequest("no").ToString(), "400 BadRequest: no");
  EXPECT_EQ(StatusUnreachable("connection\nrefused").ToString(), "no answer: connection refused");
  EXPECT_FALSE(StatusUnreachable("x").ok());
}

TEST(RequestTest, InvalidNamesKindAndCauses) {
  const Status one = StatusInvalid(Kind::kEndpointSlice, "a", {{"FieldValueInvalid", "Invalid value: 7", "ports[0]"}});
  EXPECT_EQ(one.ToString(), "422 Invalid: EndpointSlice.discovery.k8s.io \"a\" is invalid: ports[0]: Invalid value: 7");
  EXPECT_EQ(one.detailsKind, "EndpointSlice");
  EXPECT_TRUE(one.HasCause("FieldValueInvalid"));
  EXPECT_FALSE(one.HasCause(kCauseNamespaceTerminating));
  const Status two = StatusInvalid(Kind::kPod, "p", {{"R", "bad", "a"}, {"R", "worse", ""}});
  EXPECT_EQ(two.message, "Pod \"p\" is invalid: [a: bad, worse]");
  EXPECT_EQ(StatusInvalid(Kind::kPod, "p", {}).message, "Pod \"p\" is invalid");
}

TEST(RequestTest, SuccessIsTheDefault) {
  EXPECT_TRUE(Status().ok());
  EXPECT_EQ(Status().ToString(), "200 OK");
  Status created;
  created.code = 201;
  EXPECT_EQ(created.ToString(), "201 Created");
  Status teapot;
  teapot.code = 418;
  EXPECT_EQ(teapot.ToString(), "418");
}

TEST(RequestTest, DescribesRequestsInOneLine) {
  Request update;
  update.verb = Verb::kUpdate;
  update.kind = Kind::kEndpointSlice;
  update.namespace_ = "shop";
  update.name = "a-x7k2p";
  EXPECT_EQ(DescribeRequest(update), "PUT endpointslices shop/a-x7k2p");

  Request list;
  list.verb = Verb::kList;
  list.kind = Kind::kPod;
  EXPECT_EQ(DescribeRequest(list), "LIST pods");
  list.namespace_ = "shop";
  EXPECT_EQ(DescribeRequest(list), "LIST pods shop");

  Request node;
  node.kind = Kind::kNode;
  node.name = "n1";
  node.subresource = "status";
  EXPECT_EQ(DescribeRequest(node), "GET nodes/status n1");

  Request create;
  create.verb = Verb::kCreate;
  create.kind = Kind::kEndpointSlice;
  EndpointSlice slice;
  slice.metadata.namespace_ = "shop";
  slice.metadata.generateName = "web-";
  create.object = AnyObject::Of(slice);
  EXPECT_EQ(DescribeRequest(create), "POST endpointslices shop/web-*");
  slice.metadata.name = "web-1";
  create.object = AnyObject::Of(slice);
  EXPECT_EQ(DescribeRequest(create), "POST endpointslices shop/web-1");
}

}  // namespace
}  // namespace epslice
