// The OpenAPI 3.1 document of the Connect methods, made from the protos' descriptors.
#ifndef HUILIU_BROKER_HTTP_OPENAPI_H_
#define HUILIU_BROKER_HTTP_OPENAPI_H_

#include <string>

#include "broker/service/method_table.h"

namespace huiliu::http {

std::string OpenApi(const service::MethodTable& methods);

}  // namespace huiliu::http

#endif  // HUILIU_BROKER_HTTP_OPENAPI_H_
