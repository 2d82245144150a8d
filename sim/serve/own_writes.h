// OwnWrites: what happens in the served cluster without a client, in the audit log.
//
// In a cluster kubelets, the scheduler and controllers write by requests of
// their own, which the log shows. The server in memory, and a scenario or trace
// that goes on in it, do their work without: a log of clients' requests alone
// would not tell of it. So entries are written as theirs would be
// (own_requests.h).
#ifndef EPSLICE_SIM_SERVE_OWN_WRITES_H_
#define EPSLICE_SIM_SERVE_OWN_WRITES_H_

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "informers/clock.h"
#include "sim/cluster/memory_api_server.h"
#include "sim/serve/audit_log.h"
#include "sim/serve/own_requests.h"

namespace epslice::sim {

// Thread-safe.
class OwnWrites {
 public:
  // From now on. `start`: what is there is logged, too, as if it had been
  // created now. All must outlive this. Without a log it does nothing.
  OwnWrites(AuditLog* log, const Clock* clock, MemoryApiServer* server, bool start);

  // This thread answers a request: what that changes in the object it is for is
  // no work of the server's own; what it deletes beside that is logged when the
  // request is.
  class Scope {
   public:
    Scope(OwnWrites* owner, const AccessAttributes& request);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    // The request is logged.
    void Flush();

   private:
    OwnWrites* const owner_;
  };

 private:
  using Key = std::pair<Kind, ObjectKey>;

  void LoadKnown(Kind kind, MemoryApiServer* server, bool log_them);
  // Under the server's lock.
  void OnEvent(const WatchEvent& event);
  void Add(OwnRequest request);
  void Log(AuditEvent event);

  AuditLog* const log_;
  const Clock* const clock_;
  // As they were last: what a change did is told from that. Of OnEvent().
  std::map<Key, AnyObject> known_;
  // Last, so that no callback runs into members that are gone.
  std::vector<std::unique_ptr<MemoryApiServer::WatchHandle>> watches_;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_SERVE_OWN_WRITES_H_
