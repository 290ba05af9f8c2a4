// Catalog.Get of a node through gRPC, authorised, masked and recorded in lineage, beside a gRPC
// server that answers the same request with the same response at once.
#include <grpcpp/grpcpp.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "broker/server/node.h"
#include "core/base/files.h"
#include "core/base/status.h"
#include "huiliu/v1/catalog.grpc.pb.h"
#include "tests/bench/bench.h"
#include "tests/bench/lookup_client.h"
#include "tests/bench/records.h"
#include "tests/bench/stations.h"

namespace huiliu::bench {
namespace {

using huiliu::v1::GetRequest;
using huiliu::v1::GetResponse;

constexpr int kBatches = 100;
constexpr int kRounds = 5;  // ours and the echo in turn; the median ratio counts
constexpr int kCallsPerRound = 40'000;

class Echo : public huiliu::v1::Catalog::CallbackService {
 public:
  explicit Echo(GetResponse answer) : answer_(std::move(answer)) {}
  grpc::ServerUnaryReactor* Get(grpc::CallbackServerContext* context, const GetRequest*,
                                GetResponse* response) override {
    *response = answer_;
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

 private:
  const GetResponse answer_;
};

// Writes the rows as a node's data; their keys, one a line.
absl::StatusOr<std::string> WriteRows(const std::string& folder) {
  ASSIGN_OR_RETURN(const std::unique_ptr<SigningKey> key, SigningKey::Generate());
  Stations stations;
  RETURN_IF_ERROR(stations.Open(folder, *key));
  ASSIGN_OR_RETURN(const auto session, stations.OpenSession());
  ASSIGN_OR_RETURN(const auto batches, SealedBatches(*key, 1, kBatches));
  std::string keys;
  for (const huiliu::v1::Batch& batch : batches) {
    RETURN_IF_ERROR(session->Take(batch));
    // The key's one value stands behind the system, a zero byte and its length.
    for (const std::string& row_key : batch.keys())
      absl::StrAppend(&keys, row_key.substr(row_key.size() - 16), "\n");
  }
  RETURN_IF_ERROR(stations.WaitForRows(int64_t{kBatches} * kBatchRows));
  stations.Close();
  return keys;
}

absl::StatusOr<std::unique_ptr<server::Node>> OpenNode(const std::string& folder) {
  server::Config config;
  config.node = "bench";
  config.data_dir = folder;
  config.grpc_address = "127.0.0.1:0";
  config.http_address = "";
  config.divisions_dir = HUILIU_SOURCE_DIR "/schemas/divisions";
  return server::Node::Open(config);
}

absl::StatusOr<GetResponse> OneCall(int port, absl::string_view key) {
  const auto stub = huiliu::v1::Catalog::NewStub(
      grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  context.AddMetadata("authorization", absl::StrCat("Bearer ", kReaderToken));
  GetResponse response;
  const grpc::Status status = stub->Get(&context, LookupRequest(key), &response);
  if (!status.ok()) return absl::InternalError(status.error_message());
  return response;
}

}  // namespace

absl::StatusOr<std::vector<Line>> LookupGrpc(const std::string& folder) {
  ASSIGN_OR_RETURN(const std::string keys, WriteRows(folder + "/node"));
  const std::string keys_file = folder + "/keys";
  RETURN_IF_ERROR(WriteFileDurably(keys_file, keys, 0600));
  ASSIGN_OR_RETURN(const std::unique_ptr<server::Node> node, OpenNode(folder + "/node"));
  ASSIGN_OR_RETURN(const GetResponse answer,
                   OneCall(node->grpc_port(), absl::string_view(keys).substr(0, 16)));
  Echo service(answer);
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return absl::InternalError("the yardstick's server does not start");
  // Once over every row: they come into the block cache.
  RETURN_IF_ERROR(LookupsPerSecond(node->grpc_port(), keys_file, kBatches * kBatchRows).status());
  RETURN_IF_ERROR(LookupsPerSecond(port, keys_file, kCallsPerRound).status());
  std::vector<std::pair<double, double>> rounds;  // ratio, ours
  for (int round = 0; round < kRounds; ++round) {
    ASSIGN_OR_RETURN(const double yardstick, LookupsPerSecond(port, keys_file, kCallsPerRound));
    ASSIGN_OR_RETURN(const double per_second,
                     LookupsPerSecond(node->grpc_port(), keys_file, kCallsPerRound));
    rounds.emplace_back(per_second / yardstick, per_second);
  }
  server->Shutdown();
  node->Stop();
  std::sort(rounds.begin(), rounds.end());
  const auto [ratio, per_second] = rounds[kRounds / 2];
  return std::vector<Line>{
      {"lookup_grpc", per_second, "calls/s",
       absl::StrCat("gRPC echo ", static_cast<int64_t>(per_second / ratio), " calls/s, ",
                    answer.ByteSizeLong(), " bytes, ", kLookupClients, " clients"),
       ratio, 0.75, ratio >= 0.75}};
}

}  // namespace huiliu::bench
