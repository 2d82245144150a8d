// RunWatcher(): the loop around a Watcher: asks it what to do next, does that
// through a Transport, and hands what came of it to a WatchHandler.
//
// The one loop with a thread: SharedInformer runs it, and so does the live
// controller. Virtual time has another (sim/engine).
#ifndef EPSLICE_INFORMERS_WATCH_LOOP_H_
#define EPSLICE_INFORMERS_WATCH_LOOP_H_

#include "informers/clock.h"
#include "informers/transport.h"
#include "informers/watcher.h"

namespace epslice {

// What the loop tells. Called from its thread, one after the other; events come
// as quickly as a handler takes them.
class WatchHandler {
 public:
  virtual ~WatchHandler() = default;
  // Before each list, watch or wait: the loop goes on.
  virtual void OnStep(Instant /*now*/) {}
  // The server gave a list, or a page of one, accepted a watch, or sent an event that
  // makes sense (a bookmark, too). Before OnUpdate().
  virtual void OnAnswer(Instant /*now*/) {}
  // To be put into a store, in order (Informer::Apply). A list comes when it is
  // complete. Of a bookmark it is empty: the watcher's resource_version() is
  // newer, that is all.
  virtual void OnUpdate(WatchUpdate update) = 0;
  // A list or a watch failed; the watcher says when it is tried again. 410
  // (Expired) is no trouble: it asks for a new list.
  virtual void OnFailure(const Status& /*status*/) {}
  // In place of OnFailure(): lists come in pages from now on
  // (Watcher::streams_refused).
  virtual void OnStreamsRefused() {}
};

// Blocks until `cancel`; after that the handler is not called any more. `clock`
// must run at the speed of real time: waits are made of its differences.
void RunWatcher(Watcher* watcher, Transport* transport, const Clock* clock, CancelToken* cancel, WatchHandler* handler);

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_WATCH_LOOP_H_
