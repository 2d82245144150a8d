// The library's certificates, and how they are read from PEM. For .cc files
// beside tls.cc.
#ifndef EPSLICE_INFORMERS_HTTP_PEM_H_
#define EPSLICE_INFORMERS_HTTP_PEM_H_

#include <openssl/bio.h>
#include <openssl/x509.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace epslice {

using BioPtr = std::unique_ptr<BIO, decltype(&BIO_free)>;
using X509Ptr = std::unique_ptr<X509, decltype(&X509_free)>;

// To read the first 4 MiB of `text`, which must outlive it. Null when out of memory.
BioPtr PemReader(std::string_view text);

// Calls `take` for each certificate up to the first that cannot be read; how
// many there were. What else is in the text is passed over.
std::size_t ForEachCertificate(std::string_view pem, const std::function<void(X509Ptr)>& take);

// Adds every certificate to `store` as an anchor, as Go does: people hand out
// intermediates, and the server's own. How many there were.
std::size_t TrustCertificates(std::string_view pem, X509_STORE* store);

// As UTF-8; nullopt: it is no text.
std::optional<std::string> Asn1Text(const ASN1_STRING* text);

// For the library's callback: an encrypted key is refused; without this it asks
// the terminal.
int NoPemPassword(char* buffer, int size, int writing, void* data);

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_HTTP_PEM_H_
