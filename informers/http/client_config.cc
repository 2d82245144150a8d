#include "informers/http/client_config.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "absl/status/status.h"
#include "apis/cat.h"
#include "apis/status_text.h"
#include "informers/http/http_routes.h"

namespace epslice {
namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{16} << 20;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

}  // namespace

absl::StatusOr<std::string> ReadFileBounded(const std::string& path) {
  // Not to be held up by a pipe that nobody writes to.
  const Descriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat info {};
  if (fd.get() < 0 || fstat(fd.get(), &info) != 0) {
    const int error = errno;
    const std::string why = error == ENOENT ? "no such file" : std::strerror(error);
    return error == ENOENT ? absl::NotFoundError(why) : absl::FailedPreconditionError(why);
  }
  if (!S_ISREG(info.st_mode)) return absl::FailedPreconditionError("not a file");
  std::string text;
  std::array<char, 65536> buffer{};
  for (;;) {
    const ssize_t n = read(fd.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return absl::FailedPreconditionError(std::strerror(errno));
    if (n == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(n));
    if (text.size() > kMaxFileBytes) return absl::FailedPreconditionError("more than 16 MiB");
  }
}

absl::StatusOr<ClientConfig> InClusterConfig(const GetEnv& env, const std::string& folder, const FileReader& read) {
  const char* const host = env("KUBERNETES_SERVICE_HOST");
  const char* const port = env("KUBERNETES_SERVICE_PORT");
  if (host == nullptr || port == nullptr || *host == 0 || *port == 0) {
    return absl::NotFoundError("KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set");
  }
  const auto bad = [](std::initializer_list<std::string_view> parts) {
    return absl::InvalidArgumentError(Cat({"in-cluster: ", Cat(parts)}));
  };
  ClientConfig config;
  config.origin = kInClusterOrigin;
  const bool v6 = std::strchr(host, ':') != nullptr && *host != '[';
  config.server = Cat({"https://", v6 ? "[" : "", host, v6 ? "]" : "", ":", port});
  if (!ParseHttpUrl(config.server).ok()) {
    return bad({"KUBERNETES_SERVICE_HOST ", QuoteForError(host), " and KUBERNETES_SERVICE_PORT ", QuoteForError(port),
                " make no address"});
  }
  const std::string ca_file = folder + "/ca.crt";
  absl::StatusOr<std::string> ca = read(ca_file);
  if (!ca.ok()) return bad({ca_file, ": ", MessageOf(ca.status())});
  if (absl::Status status = CheckCertificates(*ca); !status.ok()) return bad({ca_file, ": ", MessageOf(status)});
  config.ca_pem = *std::move(ca);
  config.ca_file = ca_file;
  config.credentials.token_file = folder + "/token";
  if (absl::StatusOr<std::string> token = read(config.credentials.token_file); !token.ok()) {
    return bad({config.credentials.token_file, ": ", MessageOf(token.status())});
  }
  // Absent where a pod's volume was made by hand.
  if (absl::StatusOr<std::string> text = read(folder + "/namespace"); text.ok()) config.namespace_ = *std::move(text);
  return config;
}

}  // namespace epslice
