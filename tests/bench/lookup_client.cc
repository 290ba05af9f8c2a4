// The clients of lookup_grpc: a process of their own, so that their polling is not the server's.
#include "tests/bench/lookup_client.h"

#include <grpcpp/grpcpp.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/files.h"
#include "core/base/status.h"
#include "huiliu/v1/catalog.grpc.pb.h"
#include "tests/bench/records.h"
#include "tests/bench/stations.h"

extern char** environ;

namespace huiliu::bench {
namespace {

using huiliu::v1::GetRequest;
using huiliu::v1::GetResponse;

// Clients that wait for each answer, every one with a connection of its own.
class Load {
 public:
  Load(int port, std::vector<GetRequest> requests) : requests_(std::move(requests)) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    for (int i = 0; i < kLookupClients; ++i) {
      stubs_.push_back(huiliu::v1::Catalog::NewStub(grpc::CreateCustomChannel(
          absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials(), arguments)));
    }
  }

  // Calls a second.
  absl::StatusOr<double> Run(int calls) {
    std::atomic<int> next = 0;
    std::vector<absl::Status> statuses(kLookupClients);
    std::vector<std::thread> threads;
    const absl::Time start = absl::Now();
    for (int c = 0; c < kLookupClients; ++c) {
      threads.emplace_back([&, c] {
        // A stride that meets every row, in no order.
        for (int n = next++; n < calls && statuses[static_cast<size_t>(c)].ok(); n = next++)
          statuses[static_cast<size_t>(c)] =
              Call(c, static_cast<size_t>(n) * 7919 % requests_.size()).status();
      });
    }
    for (std::thread& thread : threads) thread.join();
    const double seconds = SecondsSince(start);
    for (const absl::Status& status : statuses) RETURN_IF_ERROR(status);
    return calls / seconds;
  }

 private:
  absl::StatusOr<GetResponse> Call(int client, size_t request) {
    grpc::ClientContext context;
    context.AddMetadata("authorization", absl::StrCat("Bearer ", kReaderToken));
    context.set_wait_for_ready(true);
    GetResponse response;
    const grpc::Status status =
        stubs_[static_cast<size_t>(client)]->Get(&context, requests_[request], &response);
    if (!status.ok()) return absl::InternalError(status.error_message());
    return response;
  }

  const std::vector<GetRequest> requests_;
  std::vector<std::unique_ptr<huiliu::v1::Catalog::Stub>> stubs_;
};

absl::StatusOr<double> RunClients(int port, const std::string& keys_file, int calls) {
  ASSIGN_OR_RETURN(const std::string keys, ReadFile(keys_file));
  std::vector<GetRequest> requests;
  for (absl::string_view key : absl::StrSplit(keys, '\n', absl::SkipEmpty()))
    requests.push_back(LookupRequest(key));
  return Load(port, std::move(requests)).Run(calls);
}

}  // namespace

GetRequest LookupRequest(absl::string_view key) {
  GetRequest request;
  request.mutable_context()->set_receiver(kReceiver);
  request.mutable_context()->set_dataset(kDataset);
  request.mutable_context()->set_purpose(kPurpose);
  request.mutable_key()->set_system(kSystem);
  request.mutable_key()->add_values(std::string(key));
  return request;
}

int LookupClientMain(char** argv) {
  int port = 0;
  int calls = 0;
  if (!absl::SimpleAtoi(argv[0], &port) || !absl::SimpleAtoi(argv[2], &calls)) return 2;
  const auto per_second = RunClients(port, argv[1], calls);
  if (!per_second.ok()) {
    std::fprintf(stderr, "%s\n", per_second.status().ToString().c_str());
    return 1;
  }
  std::printf("%.17g\n", *per_second);
  return 0;
}

absl::StatusOr<double> LookupsPerSecond(int port, const std::string& keys_file, int calls) {
  int fds[2];
  if (pipe(fds) != 0) return absl::InternalError("pipe failed");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
  posix_spawn_file_actions_addclose(&actions, fds[0]);
  std::string words[] = {"huiliu-bench", kLookupClient, absl::StrCat(port), keys_file,
                         absl::StrCat(calls)};
  char* argv[] = {words[0].data(), words[1].data(), words[2].data(),
                  words[3].data(), words[4].data(), nullptr};
  pid_t child = 0;
  const int failed = posix_spawn(&child, "/proc/self/exe", &actions, nullptr, argv, environ);
  posix_spawn_file_actions_destroy(&actions);
  close(fds[1]);
  std::string text(64, '\0');
  const ssize_t size = failed != 0 ? 0 : read(fds[0], text.data(), text.size());
  close(fds[0]);
  if (failed == 0) waitpid(child, nullptr, 0);
  double per_second = 0;
  if (size <= 0 ||
      !absl::SimpleAtod(absl::string_view(text.data(), static_cast<size_t>(size)), &per_second))
    return absl::InternalError("the clients' process failed");
  return per_second;
}

}  // namespace huiliu::bench
