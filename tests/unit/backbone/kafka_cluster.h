// A real Kafka for the tests of one process: started by deploy/kafka/cluster when it is first asked
// for, gone when the process is.
#ifndef HUILIU_TESTS_UNIT_BACKBONE_KAFKA_CLUSTER_H_
#define HUILIU_TESTS_UNIT_BACKBONE_KAFKA_CLUSTER_H_

#include <string>

#include "broker/backbone/kafka/kafka_backbone.h"

namespace huiliu {

class KafkaCluster {
 public:
  // One broker with a TLS and SASL listener, or three without. Ends the process where it cannot
  // start, saying why.
  static KafkaCluster& One();
  static KafkaCluster& Three();
  ~KafkaCluster();

  // Options with a prefix of their own: fresh state.
  KafkaOptions Fresh() const;
  KafkaOptions FreshSecure() const;
  std::string bootstrap() const { return Read("bootstrap"); }
  // deploy/kafka/cluster VERB BROKER
  void Do(const std::string& verb, int broker);

 private:
  explicit KafkaCluster(int brokers);
  std::string Read(const std::string& name) const;

  const int brokers_;
  std::string folder_;
};

}  // namespace huiliu

#endif  // HUILIU_TESTS_UNIT_BACKBONE_KAFKA_CLUSTER_H_
