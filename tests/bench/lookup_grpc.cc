// Catalog.Get of a node through gRPC, authorised, masked and recorded in lineage, beside a gRPC
// server that answers the same request with the same response at once.
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <atomic>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "broker/server/node.h"
#include "core/base/status.h"
#include "huiliu/v1/catalog.grpc.pb.h"
#include "tests/bench/bench.h"
#include "tests/bench/records.h"
#include "tests/bench/stations.h"

namespace huiliu::bench {
namespace {

using huiliu::v1::GetRequest;
using huiliu::v1::GetResponse;

constexpr int kBatches = 100;
constexpr int kRounds = 5;  // ours and the echo in turn; the median ratio counts
constexpr int kCallsPerRound = 40'000;
constexpr int kInFlight = 64;
constexpr int kChannels = 4;

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

// Keeps kInFlight calls on their way: each that ends starts the next.
class Load {
 public:
  Load(int port, const std::vector<GetRequest>& requests) : requests_(requests) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    for (int i = 0; i < kChannels; ++i) {
      stubs_.push_back(huiliu::v1::Catalog::NewStub(grpc::CreateCustomChannel(
          absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials(), arguments)));
    }
  }

  // Calls a second.
  absl::StatusOr<double> Run(int calls) {
    calls_ = calls;
    next_ = 0;
    failed_ = 0;
    absl::BlockingCounter ended(kInFlight);
    ended_ = &ended;
    std::vector<Call> flying(kInFlight);
    const absl::Time start = absl::Now();
    for (size_t i = 0; i < flying.size(); ++i) {
      flying[i].stub = stubs_[i % stubs_.size()].get();
      Start(&flying[i]);
    }
    ended.Wait();
    if (failed_ > 0)
      return absl::InternalError(absl::StrCat(failed_.load(), " calls failed: ", failure_));
    return calls / SecondsSince(start);
  }

  absl::StatusOr<GetResponse> One(size_t i) {
    grpc::ClientContext context;
    Authorise(&context);
    GetResponse response;
    const grpc::Status status = stubs_[0]->Get(&context, requests_[i], &response);
    if (!status.ok()) return absl::InternalError(status.error_message());
    return response;
  }

 private:
  struct Call {
    huiliu::v1::Catalog::Stub* stub = nullptr;
    std::optional<grpc::ClientContext> context;
    GetResponse response;
  };

  static void Authorise(grpc::ClientContext* context) {
    context->AddMetadata("authorization", absl::StrCat("Bearer ", kReaderToken));
  }

  void Start(Call* call) {
    const int n = next_++;
    if (n >= calls_) {
      ended_->DecrementCount();
      return;
    }
    call->context.emplace();
    Authorise(&*call->context);
    // A stride that meets every row, in no order.
    const auto& request = requests_[static_cast<size_t>(n) * 7919 % requests_.size()];
    call->stub->async()->Get(&*call->context, &request, &call->response,
                             [this, call](const grpc::Status& status) {
                               if (!status.ok() && failed_++ == 0)
                                 failure_ = status.error_message();
                               Start(call);
                             });
  }

  const std::vector<GetRequest>& requests_;
  std::vector<std::unique_ptr<huiliu::v1::Catalog::Stub>> stubs_;
  int calls_ = 0;
  std::atomic<int> next_ = 0;
  std::atomic<int> failed_ = 0;
  std::string failure_;
  absl::BlockingCounter* ended_ = nullptr;
};

// Writes the rows as a node's data, and returns a request for each.
absl::StatusOr<std::vector<GetRequest>> WriteRows(const std::string& folder) {
  ASSIGN_OR_RETURN(const std::unique_ptr<SigningKey> key, SigningKey::Generate());
  Stations stations;
  RETURN_IF_ERROR(stations.Open(folder, *key));
  ASSIGN_OR_RETURN(const auto session, stations.OpenSession());
  ASSIGN_OR_RETURN(const auto batches, SealedBatches(*key, 1, kBatches));
  std::vector<GetRequest> requests;
  for (const huiliu::v1::Batch& batch : batches) {
    RETURN_IF_ERROR(session->Take(batch));
    for (const std::string& row_key : batch.keys()) {
      GetRequest& request = requests.emplace_back();
      request.mutable_context()->set_receiver(kReceiver);
      request.mutable_context()->set_dataset(kDataset);
      request.mutable_context()->set_purpose(kPurpose);
      request.mutable_key()->set_system(kSystem);
      // The key's one value stands behind the system, a zero byte and its length.
      request.mutable_key()->add_values(row_key.substr(row_key.size() - 16));
    }
  }
  RETURN_IF_ERROR(stations.WaitForRows(static_cast<int64_t>(requests.size())));
  stations.Close();
  return requests;
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

}  // namespace

absl::StatusOr<std::vector<Line>> LookupGrpc(const std::string& folder) {
  ASSIGN_OR_RETURN(const std::vector<GetRequest> requests, WriteRows(folder + "/node"));
  ASSIGN_OR_RETURN(const std::unique_ptr<server::Node> node, OpenNode(folder + "/node"));
  Load ours(node->grpc_port(), requests);
  ASSIGN_OR_RETURN(const GetResponse answer, ours.One(0));
  Echo service(answer);
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return absl::InternalError("the yardstick's server does not start");
  Load echo(port, requests);
  // Once over every row: they come into the block cache.
  RETURN_IF_ERROR(ours.Run(static_cast<int>(requests.size())).status());
  RETURN_IF_ERROR(echo.Run(kCallsPerRound).status());
  std::vector<std::pair<double, double>> rounds;  // ratio, ours
  for (int round = 0; round < kRounds; ++round) {
    ASSIGN_OR_RETURN(const double yardstick, echo.Run(kCallsPerRound));
    ASSIGN_OR_RETURN(const double per_second, ours.Run(kCallsPerRound));
    rounds.emplace_back(per_second / yardstick, per_second);
  }
  server->Shutdown();
  node->Stop();
  std::sort(rounds.begin(), rounds.end());
  const auto [ratio, per_second] = rounds[kRounds / 2];
  return std::vector<Line>{
      {"lookup_grpc", per_second, "calls/s",
       absl::StrCat("gRPC echo ", static_cast<int64_t>(per_second / ratio), " calls/s, ",
                    answer.ByteSizeLong(), " bytes, ", kInFlight, " in flight"),
       ratio, 0.75, ratio >= 0.75}};
}

}  // namespace huiliu::bench
