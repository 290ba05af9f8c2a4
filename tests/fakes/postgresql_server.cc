#include "tests/fakes/postgresql_server.h"

#include <arpa/inet.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/status.h"

namespace huiliu::fakes {
namespace {

using absl::StrCat;

// Where PostgreSQL runs: not as root.
const passwd* Account() { return getuid() == 0 ? getpwnam("postgres") : getpwuid(getuid()); }

std::string FindPrograms() {
  std::error_code none;
  std::string found;
  for (const auto& version : std::filesystem::directory_iterator("/usr/lib/postgresql", none)) {
    const std::string bin = version.path().string() + "/bin";
    if (access((bin + "/postgres").c_str(), X_OK) == 0) found = std::max(found, bin);
  }
  return found;
}

int FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  int port = 0;
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
      getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0) {
    port = ntohs(address.sin_port);
  }
  close(fd);
  return port;
}

// A child that runs as PostgreSQL's account and does not outlive the test.
pid_t Spawn(const std::vector<std::string>& command, const std::string& log) {
  const passwd* account = Account();
  const pid_t child = fork();
  if (child != 0) return child;
  if (getuid() == 0 && (setgid(account->pw_gid) != 0 || setuid(account->pw_uid) != 0)) _exit(126);
  prctl(PR_SET_PDEATHSIG, SIGQUIT);
  if (freopen("/dev/null", "r", stdin) == nullptr || freopen(log.c_str(), "a", stdout) == nullptr)
    _exit(126);
  dup2(STDOUT_FILENO, STDERR_FILENO);
  if (chdir("/") != 0) _exit(126);
  std::vector<char*> arguments;
  for (const std::string& argument : command)
    arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  execv(arguments[0], arguments.data());
  _exit(127);
}

}  // namespace

absl::StatusOr<std::unique_ptr<PostgresqlServer>> PostgresqlServer::Start() {
  std::unique_ptr<PostgresqlServer> server(new PostgresqlServer());
  server->bin_ = FindPrograms();
  if (server->bin_.empty() || Account() == nullptr)
    return absl::NotFoundError("PostgreSQL is not installed: install the package postgresql");
  char folder[] = "/tmp/huiliu-postgresql-XXXXXX";
  if (mkdtemp(folder) == nullptr) return absl::InternalError("no temporary folder");
  server->folder_ = folder;
  if (getuid() == 0 && chown(folder, Account()->pw_uid, Account()->pw_gid) != 0)
    return absl::InternalError(StrCat(folder, ": cannot be given to postgres"));
  const pid_t initdb = Spawn({server->bin_ + "/initdb", "-D", server->folder_ + "/data", "-A",
                              "trust", "-E", "UTF8", "--no-locale", "--no-sync", "-U", "test"},
                             server->folder_ + "/log");
  int status = 0;
  waitpid(initdb, &status, 0);
  if (status != 0) return absl::InternalError(StrCat("initdb failed: see ", folder, "/log"));
  server->port_ = FreePort();
  RETURN_IF_ERROR(server->StartAgain());
  return server;
}

absl::Status PostgresqlServer::StartAgain() {
  process_ =
      Spawn({bin_ + "/postgres", "-D", folder_ + "/data", "-p", StrCat(port_), "-c",
             "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off"},
            folder_ + "/log");
  for (int i = 0; i < 600; ++i) {
    if (PQping(Dsn("postgres").c_str()) == PQPING_OK) return absl::OkStatus();
    if (waitpid(process_, nullptr, WNOHANG) == process_) break;
    absl::SleepFor(absl::Milliseconds(50));
  }
  return absl::UnavailableError(StrCat("PostgreSQL did not start: see ", folder_, "/log"));
}

std::string PostgresqlServer::Dsn(const std::string& database) const {
  return StrCat("host=127.0.0.1 port=", port_, " user=test dbname=", database);
}

void PostgresqlServer::Crash() {
  if (process_ <= 0) return;
  kill(process_, SIGQUIT);  // "immediate shutdown": no checkpoint, sessions are cut
  waitpid(process_, nullptr, 0);
  process_ = -1;
}

PostgresqlServer::~PostgresqlServer() {
  Crash();
  std::error_code none;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, none);
}

}  // namespace huiliu::fakes
