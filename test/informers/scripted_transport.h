// A Transport that answers as a test says, in the caller's thread.
#ifndef EPSLICE_TEST_INFORMERS_SCRIPTED_TRANSPORT_H_
#define EPSLICE_TEST_INFORMERS_SCRIPTED_TRANSPORT_H_

#include <functional>

#include "informers/transport.h"

namespace epslice::testkit {

struct ScriptedTransport : Transport {
  using OnEvent = std::function<bool(const WatchEvent&)>;

  Response Do(const Request& request, CancelToken* /*cancel*/) override { return on_do(request); }
  Status Watch(const Request& request, CancelToken* /*cancel*/, const OnEvent& on_event) override {
    return on_watch(request, on_event);
  }

  std::function<Response(const Request&)> on_do;
  std::function<Status(const Request&, const OnEvent&)> on_watch;
};

}  // namespace epslice::testkit

#endif  // EPSLICE_TEST_INFORMERS_SCRIPTED_TRANSPORT_H_
