// After a power cut the node may be up before its brokers: it waits for them, and says so.
#ifndef HUILIU_BROKER_SERVER_AWAIT_BROKERS_H_
#define HUILIU_BROKER_SERVER_AWAIT_BROKERS_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "broker/server/config.h"

namespace huiliu::server {

// Returns when a broker answers; what is wrong where waiting does not help (a wrong account,
// another cluster, a broker too old); CANCELLED when `ended` says so. Meanwhile /healthz on
// listen.http answers 503 with what the brokers were last heard to say. `ended`: waits up to the
// time it is given; whether the process is to end. OK at once where the backbone is no Kafka.
absl::Status AwaitBrokers(const Config& config, const std::function<bool(absl::Duration)>& ended);

}  // namespace huiliu::server

#endif  // HUILIU_BROKER_SERVER_AWAIT_BROKERS_H_
