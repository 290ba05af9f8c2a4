// A Kafka broker of a benchmark's own.
#ifndef HUILIU_TESTS_BENCH_KAFKA_BROKER_H_
#define HUILIU_TESTS_BENCH_KAFKA_BROKER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace huiliu::bench {

// Ends with this process, whatever becomes of it.
class KafkaBroker {
 public:
  // UNAVAILABLE where it does not come up; why stands on stderr.
  static absl::StatusOr<std::unique_ptr<KafkaBroker>> Start(const std::string& folder);
  ~KafkaBroker();
  const std::string& bootstrap() const { return bootstrap_; }

 private:
  explicit KafkaBroker(std::string folder) : folder_(std::move(folder)) {}
  int Run(const std::string& verb) const;

  const std::string folder_;
  std::string bootstrap_;
};

}  // namespace huiliu::bench

#endif  // HUILIU_TESTS_BENCH_KAFKA_BROKER_H_
