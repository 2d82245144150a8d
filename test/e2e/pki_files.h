// What a server of the suite's own shows and signs with.
#ifndef EPSLICE_TEST_E2E_PKI_FILES_H_
#define EPSLICE_TEST_E2E_PKI_FILES_H_

#include <string>

#include "informers/http/client_config.h"

namespace epslice::e2e {

struct ServerPki {
  std::string ca_pem;
  std::string ca_file;  // of the same
  std::string cert_file;
  std::string key_file;
};
// A new authority, and a certificate of it for 127.0.0.1, in `folder`.
ServerPki MakeServerPki(const std::string& folder);

// An RSA key as kube-apiserver signs tokens of service accounts with (PKCS #1),
// and its public half (PKIX), in `folder`.
struct SigningKey {
  std::string private_file;
  std::string public_file;
};
SigningKey MakeSigningKey(const std::string& folder);

// A token nobody can guess.
std::string RandomToken();

// An administrator of the server at 127.0.0.1:`port`.
ClientConfig AdminConfig(const std::string& origin, int port, const ServerPki& pki, const std::string& token);

}  // namespace epslice::e2e

#endif  // EPSLICE_TEST_E2E_PKI_FILES_H_
