// Ends a node in bounded time, whatever it waits for.
#ifndef HUILIU_BROKER_SERVER_STOP_WITHIN_H_
#define HUILIU_BROKER_SERVER_STOP_WITHIN_H_

#include <functional>

#include "absl/time/time.h"

namespace huiliu::server {

// Runs `stop`; where it takes longer than `limit` (brokers that are away are waited for by many),
// calls `give_up`, which must not return to work: ending the process then is no more than a kill
// -9, after which every station goes on from what is stored.
void StopWithin(const std::function<void()>& stop, absl::Duration limit,
                const std::function<void()>& give_up);

}  // namespace huiliu::server

#endif  // HUILIU_BROKER_SERVER_STOP_WITHIN_H_
