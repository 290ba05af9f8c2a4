// TLS of the HTTP listener, and whose certificate a connection showed.
#ifndef HUILIU_BROKER_HTTP_TLS_H_
#define HUILIU_BROKER_HTTP_TLS_H_

#include <openssl/ssl.h>

#include <string>

#include "broker/http/connect_server.h"

namespace huiliu::http {

// False: *error names the file that OpenSSL does not take.
bool SetUpTls(SSL_CTX& context, const ConnectServer::Options& options, std::string* error);

// The verified client certificate of the connection that this thread serves; empty: none.
const std::string& PeerCertificatePem();

}  // namespace huiliu::http

#endif  // HUILIU_BROKER_HTTP_TLS_H_
