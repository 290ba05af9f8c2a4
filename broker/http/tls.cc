#include "broker/http/tls.h"

#include <openssl/pem.h>

#include <memory>

#include "absl/strings/str_cat.h"

namespace huiliu::http {
namespace {

// httplib gives handlers no way to the connection, but runs a connection's handshake and its
// requests on one thread: the verified client certificate is left here by the verify callback.
// Sessions are not resumed, so that each connection verifies.
thread_local std::string peer_certificate_pem;

int KeepPeerCertificate(int verified, X509_STORE_CTX* store) {
  if (verified == 1 && X509_STORE_CTX_get_error_depth(store) == 0) {
    std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), &BIO_free);
    PEM_write_bio_X509(bio.get(), X509_STORE_CTX_get_current_cert(store));
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    peer_certificate_pem.assign(data, static_cast<size_t>(size));
  }
  return verified;
}

void ForgetPeer(const SSL*, int where, int) {
  if ((where & SSL_CB_HANDSHAKE_START) != 0) peer_certificate_pem.clear();
}

}  // namespace

const std::string& PeerCertificatePem() { return peer_certificate_pem; }

bool SetUpTls(SSL_CTX& context, const ConnectServer::Options& options, std::string* error) {
  SSL_CTX_set_min_proto_version(&context, TLS1_2_VERSION);
  SSL_CTX_set_options(&context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_session_cache_mode(&context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_info_callback(&context, &ForgetPeer);
  if (SSL_CTX_use_certificate_chain_file(&context, options.certificate.c_str()) != 1) {
    *error = absl::StrCat(options.certificate, ": no certificate chain in PEM form");
    return false;
  }
  if (SSL_CTX_use_PrivateKey_file(&context, options.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    *error =
        absl::StrCat(options.key, ": no private key in PEM form, or not that of the certificate");
    return false;
  }
  if (options.ca.empty()) return true;
  if (SSL_CTX_load_verify_locations(&context, options.ca.c_str(), nullptr) != 1) {
    *error = absl::StrCat(options.ca, ": no CA certificates in PEM form");
    return false;
  }
  SSL_CTX_set_client_CA_list(&context, SSL_load_client_CA_file(options.ca.c_str()));
  SSL_CTX_set_verify(&context, SSL_VERIFY_PEER, &KeepPeerCertificate);
  return true;
}

}  // namespace huiliu::http
