// The clients of lookup_grpc: a process of their own, so that their polling is not the server's.
#ifndef HUILIU_TESTS_BENCH_LOOKUP_CLIENT_H_
#define HUILIU_TESTS_BENCH_LOOKUP_CLIENT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "huiliu/v1/catalog.pb.h"

namespace huiliu::bench {

inline constexpr int kLookupClients = 64;                 // threads, each with its own connection
inline constexpr char kLookupClient[] = "lookup-client";  // PORT KEYS CALLS: huiliu-bench as them

// The request for the row with this value of its key field.
huiliu::v1::GetRequest LookupRequest(absl::string_view key);

// Starts the clients; they make `calls` calls of the keys in `keys_file`, one a line.
absl::StatusOr<double> LookupsPerSecond(int port, const std::string& keys_file, int calls);

int LookupClientMain(char** argv);

}  // namespace huiliu::bench

#endif  // HUILIU_TESTS_BENCH_LOOKUP_CLIENT_H_
