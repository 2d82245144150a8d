// OwnDeletes: what the server deletes by itself, in the audit log.
//
// In a cluster kubelets, the garbage collector and the namespace controller
// delete by requests of their own, which the log shows. The server in memory
// does their work without: a log of requests alone would not tell that a pod
// whose grace period was over is gone. So entries are written as theirs would
// be.
#ifndef EPSLICE_SIM_SERVE_OWN_DELETES_H_
#define EPSLICE_SIM_SERVE_OWN_DELETES_H_

#include <memory>
#include <vector>

#include "informers/clock.h"
#include "sim/cluster/memory_api_server.h"
#include "sim/serve/audit_log.h"

namespace epslice::sim {

// Thread-safe.
class OwnDeletes {
 public:
  // From now on. All must outlive this. Without a log it does nothing.
  OwnDeletes(AuditLog* log, const Clock* clock, MemoryApiServer* server);

  // This thread answers a request: what that changes in the object it is for is
  // no work of the server's own; the rest is logged when the request is.
  class Scope {
   public:
    Scope(OwnDeletes* owner, const AccessAttributes& request);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    // The request is logged.
    void Flush();

   private:
    OwnDeletes* const owner_;
  };

 private:
  void OnEvent(const WatchEvent& event);
  void Log(AuditEvent event);

  AuditLog* const log_;
  const Clock* const clock_;
  // Last, so that no callback runs into members that are gone.
  std::vector<std::unique_ptr<MemoryApiServer::WatchHandle>> watches_;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_SERVE_OWN_DELETES_H_
