// Every method of the public contract, as Connect/JSON serves it.
#ifndef HUILIU_BROKER_SERVER_METHODS_H_
#define HUILIU_BROKER_SERVER_METHODS_H_

#include "broker/rpc/services.h"
#include "broker/service/method_table.h"

namespace huiliu::server {

void FillMethodTable(const rpc::Handlers& handlers, service::MethodTable* methods);

}  // namespace huiliu::server

#endif  // HUILIU_BROKER_SERVER_METHODS_H_
