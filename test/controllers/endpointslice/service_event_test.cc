#include "controllers/endpointslice/service_event.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "apis/concat.h"

namespace epslice {
namespace {

TEST(ServiceEventTest, WhatASyncTells) {
  const struct {
    const char* name;
    std::vector<std::string> errors, retry_errors;
    bool no_answer;
    std::vector<std::string> told;
  } kCases[] = {
      {"all written", {}, {}, false, {"Normal On: on"}},
      {"a write failed",
       {"POST x: 409 Conflict"},
       {},
       false,
       {"Warning FailedToUpdateEndpointSlices: Error updating Endpoint Slices for Service shop/web: POST x: 409 "
        "Conflict"}},
      {"written, but a pod is on no node",
       {},
       {"no node"},
       false,
       {"Normal On: on",
        "Warning FailedToUpdateEndpointSlices: Error updating Endpoint Slices for Service shop/web: no node"}},
      {"several",
       {"a", "b"},
       {"c"},
       false,
       {"Warning FailedToUpdateEndpointSlices: Error updating Endpoint Slices for Service shop/web: [a, b, c]"}},
      {"the API server is away", {"PUT x: no answer"}, {"no node"}, true, {}},
  };
  Service service;
  service.metadata.namespace_ = "shop";
  service.metadata.name = "web";
  service.metadata.uid = "u1";
  service.metadata.resourceVersion = "7";
  for (const auto& c : kCases) {
    Plan plan;
    plan.events = {{"Normal", "On", "on"}};
    plan.retry_errors = c.retry_errors;
    Outcome outcome;
    outcome.errors = c.errors;
    outcome.no_answer = c.no_answer;
    std::vector<std::string> told;
    for (const EventRecorder::Note& note : NotesOf(service, plan, outcome)) {
      told.push_back(Concat(note.type.view(), " ", note.reason.view(), ": ", note.message));
      EXPECT_EQ(note.regarding.kind, "Service");
      EXPECT_EQ(note.regarding.namespace_, "shop");
      EXPECT_EQ(note.regarding.uid, "u1");
      EXPECT_EQ(note.regarding.resourceVersion, "7");
    }
    EXPECT_EQ(told, c.told) << c.name;
  }
}

}  // namespace
}  // namespace epslice
