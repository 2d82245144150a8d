#include "test/e2e/pki_files.h"

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "informers/http/certificates.h"
#include "test/e2e/process.h"
#include "test/informers/http/pki.h"

namespace epslice::e2e {
namespace {

constexpr int kHours = 48;

std::string TextOf(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);  // NOLINT(google-runtime-int)
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace

ServerPki MakeServerPki(const std::string& folder) {
  const Identity ca = Issue("epslice-e2e CA", {.authority = true, .to_hours = kHours});
  const Identity server =
      Issue("epslice-e2e server", {.issuer = &ca, .hosts = {"127.0.0.1", "localhost"}, .to_hours = kHours});
  ServerPki pki{ca.certificate_pem, folder + "/ca.crt", folder + "/server.crt", folder + "/server.key"};
  WritePrivateFile(pki.ca_file, pki.ca_pem);
  WritePrivateFile(pki.cert_file, server.certificate_pem);
  WritePrivateFile(pki.key_file, server.key_pem);
  return pki;
}

SigningKey MakeSigningKey(const std::string& folder) {
  constexpr unsigned kBits = 2048;
  SigningKey files{folder + "/service-account.key", folder + "/service-account.pub"};
  EVP_PKEY* const key = EVP_RSA_gen(kBits);
  BIO* const secret = BIO_new(BIO_s_mem());
  BIO* const open = BIO_new(BIO_s_mem());
  EXPECT_EQ(PEM_write_bio_PrivateKey_traditional(secret, key, nullptr, nullptr, 0, nullptr, nullptr), 1);
  EXPECT_EQ(PEM_write_bio_PUBKEY(open, key), 1);
  WritePrivateFile(files.private_file, TextOf(secret));
  WritePrivateFile(files.public_file, TextOf(open));
  BIO_free(secret);
  BIO_free(open);
  EVP_PKEY_free(key);
  return files;
}

std::string RandomToken() {
  constexpr int kTokenBytes = 24;
  std::string token = RandomHex(kTokenBytes);
  EXPECT_FALSE(token.empty()) << "there are no random bytes";
  return token;
}

ClientConfig AdminConfig(const std::string& origin, int port, const ServerPki& pki, const std::string& token) {
  ClientConfig config;
  config.origin = origin;
  config.server = "https://127.0.0.1:" + std::to_string(port);
  config.ca_pem = pki.ca_pem;
  config.credentials.token = token;
  return config;
}

}  // namespace epslice::e2e
