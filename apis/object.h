// AnyObject: an object of any kind we speak, immutable and shared.
#ifndef EPSLICE_APIS_OBJECT_H_
#define EPSLICE_APIS_OBJECT_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "apis/coordination.h"
#include "apis/core.h"
#include "apis/discovery.h"
#include "apis/kind.h"
#include "apis/meta.h"

namespace epslice {

// A typed object, and, where somebody needs it whole, its JSON.
//
// The typed struct is a projection: it holds the fields we use. A server that
// must give back what it was given keeps the JSON text beside it; a client
// leaves `json` null. When both are there they say the same.
// Thread-safety: immutable; share freely.
class AnyObject {
 public:
  AnyObject() = default;

  template <typename T>
  explicit AnyObject(std::shared_ptr<const T> object, std::shared_ptr<const std::string> json = nullptr)
      : kind_(T::kKind), object_(std::move(object)), json_(std::move(json)) {}

  // Makes a shared copy of `object`.
  template <typename T>
  static AnyObject Of(T object, std::shared_ptr<const std::string> json = nullptr) {
    return AnyObject(std::make_shared<const T>(std::move(object)), std::move(json));
  }

  bool has_value() const { return object_ != nullptr; }
  // Only when has_value().
  Kind kind() const { return kind_; }
  const BasicMeta& meta() const;
  // All of the metadata; null for a Pod, which keeps a part of it.
  const ObjectMeta* object_meta() const;

  // The object as a T, or null when it is of another kind (or none).
  template <typename T>
  std::shared_ptr<const T> As() const {
    if (object_ == nullptr || kind_ != T::kKind) return nullptr;
    return std::static_pointer_cast<const T>(object_);
  }

  // The object as JSON, as it was received; null when only the struct is there.
  const std::shared_ptr<const std::string>& json() const { return json_; }

 private:
  Kind kind_ = Kind::kNamespace;
  std::shared_ptr<const void> object_;
  std::shared_ptr<const std::string> json_;
};

// A list answer: items of one kind, and the version of the whole.
struct ObjectList {
  std::string resourceVersion;
  std::string continueToken;  // more follows when not empty
  std::int64_t remainingItemCount = 0;
  std::vector<AnyObject> items;
};

}  // namespace epslice

#endif  // EPSLICE_APIS_OBJECT_H_
