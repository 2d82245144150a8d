// Gives a test program a folder of its own for temporary files, which goes with
// it: ctest runs each test as a process, several at a time, and files of one name
// would be in each other's way.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace epslice {
namespace {

class OwnTempDir {
 public:
  OwnTempDir() : owner_(getpid()) {
    const char* const given = std::getenv("TEST_TMPDIR");
    std::string name = std::string(given != nullptr ? given : "/tmp") + "/epslice-test-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) return;  // then all share one
    path_ = name;
    setenv("TEST_TMPDIR", name.c_str(), 1);
  }
  OwnTempDir(const OwnTempDir&) = delete;
  OwnTempDir& operator=(const OwnTempDir&) = delete;
  ~OwnTempDir() {
    // A child that a test forked ends this, too.
    if (path_.empty() || getpid() != owner_) return;
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

 private:
  const pid_t owner_;
  std::string path_;
};

const OwnTempDir own_temp_dir;

}  // namespace
}  // namespace epslice
