// Private to apis: field numbers of the messages, as generated.proto of
// k8s.io/api and k8s.io/apimachinery has them; those that we use.
#ifndef EPSLICE_APIS_PROTOBUF_FIELDS_H_
#define EPSLICE_APIS_PROTOBUF_FIELDS_H_

#include <cstdint>
#include <string_view>

namespace epslice::protobuf {

// What every object or list begins with.
inline constexpr std::string_view kMagic("k8s\0", 4);

// k8s.io/apimachinery/pkg/runtime
struct UnknownField {
  enum : std::uint32_t { kTypeMeta = 1, kRaw = 2, kContentEncoding = 3, kContentType = 4 };
};
struct TypeMetaField {
  enum : std::uint32_t { kApiVersion = 1, kKind = 2 };
};
struct RawExtensionField {
  enum : std::uint32_t { kRaw = 1 };
};

// k8s.io/apimachinery/pkg/apis/meta/v1
struct TimeField {  // Time and MicroTime
  enum : std::uint32_t { kSeconds = 1, kNanos = 2 };
};
struct MetaField {
  enum : std::uint32_t {
    kName = 1,
    kGenerateName = 2,
    kNamespace = 3,
    kUid = 5,
    kResourceVersion = 6,
    kGeneration = 7,
    kCreationTimestamp = 8,
    kDeletionTimestamp = 9,
    kDeletionGracePeriodSeconds = 10,
    kLabels = 11,
    kAnnotations = 12,
    kOwnerReferences = 13,
    kFinalizers = 14,
  };
};
struct MapEntryField {
  enum : std::uint32_t { kKey = 1, kValue = 2 };
};
struct OwnerField {
  enum : std::uint32_t { kKind = 1, kName = 3, kUid = 4, kApiVersion = 5, kController = 6, kBlockOwnerDeletion = 7 };
};
struct ListMetaField {
  enum : std::uint32_t { kResourceVersion = 2, kContinue = 3, kRemainingItemCount = 4 };
};
struct ListField {
  enum : std::uint32_t { kMetadata = 1, kItems = 2 };
};
struct WatchEventField {
  enum : std::uint32_t { kType = 1, kObject = 2 };
};
struct StatusField {
  enum : std::uint32_t { kMetadata = 1, kStatus = 2, kMessage = 3, kReason = 4, kDetails = 5, kCode = 6 };
};
struct DetailsField {
  enum : std::uint32_t { kName = 1, kGroup = 2, kKind = 3, kCauses = 4, kRetryAfterSeconds = 5, kUid = 6 };
};
struct CauseField {
  enum : std::uint32_t { kReason = 1, kMessage = 2, kField = 3 };
};
struct DeleteOptionsField {
  enum : std::uint32_t { kGracePeriodSeconds = 1, kPreconditions = 2, kPropagationPolicy = 4 };
};
struct PreconditionsField {
  enum : std::uint32_t { kUid = 1, kResourceVersion = 2 };
};

// What all kinds agree on.
struct ObjectField {
  enum : std::uint32_t { kMetadata = 1, kSpec = 2, kStatus = 3 };
};

// k8s.io/apimachinery/pkg/api/resource and pkg/util/intstr
struct QuantityField {
  enum : std::uint32_t { kString = 1 };
};
struct IntOrStringField {
  enum : std::uint32_t { kType = 1, kIntVal = 2, kStrVal = 3 };
  static constexpr std::int32_t kIsString = 1;  // a value of kType
};

// k8s.io/api/core/v1
struct NamespaceStatusField {
  enum : std::uint32_t { kPhase = 1 };
};
struct NodeSpecField {
  enum : std::uint32_t { kUnschedulable = 4, kTaints = 5 };
};
struct TaintField {
  enum : std::uint32_t { kKey = 1, kValue = 2, kEffect = 3 };
};
struct NodeStatusField {
  enum : std::uint32_t { kAllocatable = 2, kConditions = 4 };
};
struct ConditionField {  // NodeCondition and PodCondition
  enum : std::uint32_t { kType = 1, kStatus = 2, kLastTransitionTime = 4 };
};
struct PodSpecField {
  enum : std::uint32_t { kContainers = 2, kNodeName = 10, kHostname = 16, kSubdomain = 17, kInitContainers = 20 };
};
struct ContainerField {
  enum : std::uint32_t { kName = 1, kPorts = 6, kRestartPolicy = 24 };
};
struct ContainerPortField {
  enum : std::uint32_t { kName = 1, kContainerPort = 3, kProtocol = 4 };
};
struct PodStatusField {
  enum : std::uint32_t { kPhase = 1, kConditions = 2, kPodIP = 6, kPodIPs = 12 };
};
struct PodIPField {
  enum : std::uint32_t { kIp = 1 };
};
struct ServiceSpecField {
  enum : std::uint32_t {
    kPorts = 1,
    kSelector = 2,
    kClusterIP = 3,
    kType = 4,
    kExternalTrafficPolicy = 11,
    kHealthCheckNodePort = 12,
    kPublishNotReadyAddresses = 13,
    kIpFamilyPolicy = 17,
    kClusterIPs = 18,
    kIpFamilies = 19,
    kInternalTrafficPolicy = 22,
    kTrafficDistribution = 23,
  };
};
struct ServicePortField {
  enum : std::uint32_t { kName = 1, kProtocol = 2, kPort = 3, kTargetPort = 4, kNodePort = 5, kAppProtocol = 6 };
};
struct ReferenceField {
  enum : std::uint32_t {
    kKind = 1,
    kNamespace = 2,
    kName = 3,
    kUid = 4,
    kApiVersion = 5,
    kResourceVersion = 6,
    kFieldPath = 7
  };
};
struct EventSourceField {
  enum : std::uint32_t { kComponent = 1 };
};
struct EventField {  // core/v1
  enum : std::uint32_t {
    kMetadata = 1,
    kInvolvedObject = 2,
    kReason = 3,
    kMessage = 4,
    kSource = 5,
    kFirstTimestamp = 6,
    kLastTimestamp = 7,
    kCount = 8,
    kType = 9,
    kEventTime = 10,
    kAction = 12,
    kReportingComponent = 14,
    kReportingInstance = 15,
  };
};
// k8s.io/api/events/v1
struct EventsV1Field {
  enum : std::uint32_t {
    kMetadata = 1,
    kEventTime = 2,
    kReportingController = 4,
    kReportingInstance = 5,
    kAction = 6,
    kReason = 7,
    kRegarding = 8,
    kNote = 10,
    kType = 11,
    kDeprecatedSource = 12,
    kDeprecatedFirstTimestamp = 13,
    kDeprecatedLastTimestamp = 14,
    kDeprecatedCount = 15,
  };
};

// k8s.io/api/discovery/v1
struct SliceField {
  enum : std::uint32_t { kMetadata = 1, kEndpoints = 2, kPorts = 3, kAddressType = 4 };
};
struct EndpointField {
  enum : std::uint32_t {
    kAddresses = 1,
    kConditions = 2,
    kHostname = 3,
    kTargetRef = 4,
    kNodeName = 6,
    kZone = 7,
    kHints = 8
  };
};
struct EndpointConditionsField {
  enum : std::uint32_t { kReady = 1, kServing = 2, kTerminating = 3 };
};
struct HintsField {
  enum : std::uint32_t { kForZones = 1, kForNodes = 2 };
};
struct HintField {  // ForZone and ForNode
  enum : std::uint32_t { kName = 1 };
};
struct EndpointPortField {
  enum : std::uint32_t { kName = 1, kProtocol = 2, kPort = 3, kAppProtocol = 4 };
};

// k8s.io/api/coordination/v1
struct LeaseSpecField {
  enum : std::uint32_t {
    kHolderIdentity = 1,
    kLeaseDurationSeconds = 2,
    kAcquireTime = 3,
    kRenewTime = 4,
    kLeaseTransitions = 5
  };
};

}  // namespace epslice::protobuf

#endif  // EPSLICE_APIS_PROTOBUF_FIELDS_H_
