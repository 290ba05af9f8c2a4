#include "tests/bench/postgresql_cluster.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"

namespace huiliu::bench {
namespace {

namespace fs = std::filesystem;

// The newest version's; empty: none is installed.
std::string Programs() {
  std::string found;
  std::error_code error;
  for (const fs::directory_entry& version : fs::directory_iterator("/usr/lib/postgresql", error)) {
    const std::string programs = version.path().string() + "/bin";
    if (fs::exists(programs + "/postgres") && programs > found) found = programs;
  }
  return found;
}

// 0: none to be had.
int FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  const bool bound = bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  close(fd);
  return bound ? ntohs(address.sin_port) : 0;
}

}  // namespace

absl::Status PostgresqlCluster::Run(const std::string& command) const {
  const std::string as_user = geteuid() == 0 ? "runuser -u postgres -- " : "";
  const std::string line = absl::StrCat("cd / && ", as_user, programs_, "/", command, " -D '",
                                        folder_, "' >>'", folder_, ".log' 2>&1");
  if (std::system(line.c_str()) == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("failed: ", command));
}

absl::StatusOr<std::unique_ptr<PostgresqlCluster>> PostgresqlCluster::Start(
    const std::string& folder) {
  const std::string programs = Programs();
  if (programs.empty())
    return absl::NotFoundError("PostgreSQL is not installed: ./dev bench installs it");
  std::unique_ptr<PostgresqlCluster> cluster(new PostgresqlCluster(programs, folder, FreePort()));
  fs::create_directories(folder);
  if (geteuid() == 0 && std::system(absl::StrCat("chown postgres '", folder, "'").c_str()) != 0)
    return absl::NotFoundError("there is no user postgres");
  RETURN_IF_ERROR(cluster->Run("initdb -A trust -E UTF8 --no-locale -U bench"));
  RETURN_IF_ERROR(cluster->Run(absl::StrCat(
      "pg_ctl start -w -t 60 -o \"-p ", cluster->port_,
      " -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c logging_collector=off\"")));
  return cluster;
}

PostgresqlCluster::~PostgresqlCluster() { Run("pg_ctl stop -m fast -w -t 20").IgnoreError(); }

std::string PostgresqlCluster::dsn() const {
  return absl::StrCat("host=127.0.0.1 port=", port_, " dbname=postgres user=bench");
}

}  // namespace huiliu::bench
