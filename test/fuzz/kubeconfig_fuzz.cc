// Whatever a kubeconfig says, reading it ends in a ClientConfig that can be
// used or in one line that names the file.
#include <string>

#include "informers/http/http_routes.h"
#include "informers/http/kubeconfig.h"
#include "test/fuzz/check.h"

using epslice::fuzz::Check;

namespace {

void CheckError(const absl::Status& status) {
  const std::string message(status.message());
  Check(message.rfind("kubeconfig F: ", 0) == 0, "an error names the file");
  Check(message.find('\n') == std::string::npos, "an error is one line");
  Check(message.size() < 4096, "an error is short");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = epslice::fuzz::Input(data, size);
  absl::StatusOr<epslice::Kubeconfig> parsed = epslice::ParseKubeconfig("F", text);
  if (!parsed.ok()) {
    CheckError(parsed.status());
    return 0;
  }
  // No file is read: there are none.
  const auto no_files = [](const std::string&) { return absl::StatusOr<std::string>(absl::NotFoundError("none")); };
  for (const auto& [name, context] : parsed->contexts) {
    if (name.empty()) continue;
    const absl::StatusOr<epslice::ClientConfig> config = epslice::ChooseContext(*parsed, "F", {name, ""}, no_files);
    if (!config.ok()) {
      CheckError(config.status());
      continue;
    }
    Check(epslice::ParseHttpUrl(config->server).ok(), "the server can be used");
    Check(config->ca_pem.empty() || epslice::CheckCertificates(config->ca_pem).ok(), "so can what is trusted");
    Check(config->credentials.identity == epslice::Identity() ||
              epslice::CheckIdentity(config->credentials.identity).ok(),
          "and the client certificate");
  }
  epslice::Kubeconfig merged = *parsed;
  epslice::MergeKubeconfig(*std::move(parsed), &merged);
  return 0;
}
