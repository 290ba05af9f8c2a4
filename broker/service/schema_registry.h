// The read side of Confluent's Schema Registry API over the registered datasets, so that consumers
// of returned.* topics use the deserializers they have. docs/formats/schema-registry.md.
#ifndef HUILIU_BROKER_SERVICE_SCHEMA_REGISTRY_H_
#define HUILIU_BROKER_SERVICE_SCHEMA_REGISTRY_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "broker/governance/state.h"

namespace huiliu::service {

struct RegistryRequest {
  std::string method;             // GET, POST …
  std::vector<std::string> path;  // segments, decoded: subjects, huiliu.returned.530100.x-value …
  std::map<std::string, std::string> parameters;
  std::string body;
  // The one receiver whose subjects the caller may see (tenancy.h); nullopt: all.
  std::optional<std::string> receiver = std::nullopt;
};

struct RegistryAnswer {
  int status = 200;
  std::string body;  // JSON; of …/schema the schema's own text
};

// Whether a path is the registry's to answer.
bool IsRegistryPath(absl::string_view first_segment);

// Thread-safe. Who may ask is the caller's business.
class SchemaRegistry {
 public:
  // `topic_prefix`: of topics in Kafka.
  SchemaRegistry(const governance::State& state, std::string topic_prefix)
      : state_(state), topic_prefix_(std::move(topic_prefix)) {}

  RegistryAnswer Answer(const RegistryRequest& request) const;

 private:
  struct Schema;
  RegistryAnswer Subjects(const RegistryRequest& request) const;
  RegistryAnswer OfSubject(const RegistryRequest& request) const;
  RegistryAnswer OfId(const RegistryRequest& request) const;
  RegistryAnswer Compatibility(const RegistryRequest& request) const;
  RegistryAnswer Lookup(const RegistryRequest& request) const;
  // Of these the caller sees all.
  std::vector<huiliu::v1::Receiver> Receivers(const RegistryRequest& request) const;
  std::vector<std::string> AllSubjects(const RegistryRequest& request) const;
  // Oldest first; empty: there is no such subject.
  std::vector<Schema> Versions(const RegistryRequest& request, const std::string& subject) const;
  std::vector<std::string> SubjectsOf(const RegistryRequest& request, const Schema& schema) const;

  const governance::State& state_;
  const std::string topic_prefix_;
};

}  // namespace huiliu::service

#endif  // HUILIU_BROKER_SERVICE_SCHEMA_REGISTRY_H_
