// NoThreads: a machine that gives no more threads.
#ifndef EPSLICE_TEST_INFORMERS_HTTP_NO_THREADS_H_
#define EPSLICE_TEST_INFORMERS_HTTP_NO_THREADS_H_

#include <gtest/gtest.h>
#include <pthread.h>

#include <cstddef>

namespace epslice {

// While it lives, no thread of this process can start another: none has room for
// the stack.
class NoThreads {
 public:
  NoThreads() {
    pthread_attr_t huge;
    pthread_attr_init(&before_);
    pthread_attr_init(&huge);
    EXPECT_EQ(pthread_getattr_default_np(&before_), 0);
    EXPECT_EQ(pthread_attr_setstacksize(&huge, std::size_t{1} << 48), 0);
    EXPECT_EQ(pthread_setattr_default_np(&huge), 0);
    pthread_attr_destroy(&huge);
  }
  ~NoThreads() {
    EXPECT_EQ(pthread_setattr_default_np(&before_), 0);
    pthread_attr_destroy(&before_);
  }
  NoThreads(const NoThreads&) = delete;
  NoThreads& operator=(const NoThreads&) = delete;

 private:
  pthread_attr_t before_;
};

}  // namespace epslice

#endif  // EPSLICE_TEST_INFORMERS_HTTP_NO_THREADS_H_
