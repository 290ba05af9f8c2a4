#include "tests/unit/backbone/kafka_cluster.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <iostream>

#include "absl/strings/str_cat.h"

namespace huiliu {
namespace {

int Run(const std::string& arguments) {
  const char* root = std::getenv("HUILIU_ROOT");
  return std::system(
      absl::StrCat(root == nullptr ? "." : root, "/deploy/kafka/cluster ", arguments).c_str());
}

}  // namespace

KafkaCluster& KafkaCluster::One() {
  static KafkaCluster cluster(1);
  return cluster;
}

KafkaCluster& KafkaCluster::Three() {
  static KafkaCluster cluster(3);
  return cluster;
}

KafkaCluster::KafkaCluster(int brokers)
    : brokers_(brokers),
      folder_(absl::StrCat(testing::TempDir(), "huiliu-kafka-", getpid(), "-", brokers)) {
  if (Run(absl::StrCat("up --brokers ", brokers, brokers == 1 ? " --secure" : "", " --while ",
                       getpid(), " --dir ", folder_)) != 0) {
    std::cerr << "no Kafka to test with: see above\n";
    std::_Exit(1);
  }
}

KafkaCluster::~KafkaCluster() { (void)Run(absl::StrCat("down --purge --dir ", folder_)); }

std::string KafkaCluster::Read(const std::string& name) const {
  std::ifstream file(absl::StrCat(folder_, "/", name));
  std::string line;
  std::getline(file, line);
  return line;
}

KafkaOptions KafkaCluster::Fresh() const {
  static std::atomic<int> count = 0;
  KafkaOptions options;
  options.bootstrap = bootstrap();
  options.prefix = absl::StrCat("t", count++, ".");
  options.replication = brokers_;
  options.min_insync = brokers_ == 1 ? 1 : 2;
  options.position_partitions = 2;
  return options;
}

KafkaOptions KafkaCluster::FreshSecure() const {
  KafkaOptions options = Fresh();
  options.bootstrap = Read("secure/bootstrap");
  options.security.tls = true;
  options.security.ca_file = absl::StrCat(folder_, "/secure/ca.pem");
  options.security.sasl_mechanism = "PLAIN";
  options.security.user = Read("secure/user");
  options.security.password = Read("secure/password");
  return options;
}

void KafkaCluster::Do(const std::string& verb, int broker) {
  EXPECT_EQ(Run(absl::StrCat(verb, " ", broker, " --dir ", folder_)), 0);
}

}  // namespace huiliu
