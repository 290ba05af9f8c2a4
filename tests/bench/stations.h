// The node's stations in one process, without transports: what several benchmarks measure.
#ifndef HUILIU_TESTS_BENCH_STATIONS_H_
#define HUILIU_TESTS_BENCH_STATIONS_H_

#include <memory>
#include <string>
#include <vector>

#include "broker/backbone/embedded/embedded_backbone.h"
#include "broker/catalog/rocksdb/rocks_catalog.h"
#include "broker/lineage/store/lineage_store.h"
#include "broker/pipeline/applier.h"
#include "broker/pipeline/governance_commands.h"
#include "broker/pipeline/intake.h"
#include "broker/pipeline/lineage_folder.h"
#include "core/base/signing.h"
#include "huiliu/v1/intake.pb.h"

namespace huiliu::bench {

// An account that may look rows up: filtered by division, two fields partly masked, one hashed, one
// dropped.
inline constexpr char kReaderToken[] = "reader";
inline constexpr char kPurpose[] = "基准测试";

// A folder that Stations have written opens as a node's data_dir (node "bench").
struct Stations {
  std::unique_ptr<EmbeddedBackbone> backbone;
  std::unique_ptr<BackboneWriter> writer;
  std::unique_ptr<SigningKey> key;
  governance::State state;
  pipeline::NoFence fence;
  std::unique_ptr<pipeline::ControlLog> control;
  std::unique_ptr<pipeline::GovernanceCommands> commands;
  std::unique_ptr<pipeline::Intake> intake;
  std::unique_ptr<RocksCatalog> catalog;
  std::unique_ptr<LineageStore> lineage;
  std::unique_ptr<pipeline::LineageFolder> folder;
  std::unique_ptr<pipeline::Applier> applier;

  // with_lineage false: what the stations write to the lineage log is dropped before it is
  // committed. No configuration of a node can do this.
  absl::Status Open(const std::string& path, const SigningKey& source_key,
                    bool with_lineage = true);
  absl::StatusOr<std::unique_ptr<pipeline::Intake::Session>> OpenSession();
  // Until as many records are applied.
  absl::Status WaitForRows(int64_t rows);
  // DATA_LOSS where the catalog has another number of rows.
  absl::Status CheckRows(int64_t rows);
  void Close();

 private:
  absl::Status Register(const SigningKey& source_key);
  absl::Status RegisterReader();
};

// Registers the receiver, the dataset and the sources, all of organisation "bench".
absl::Status RegisterBench(pipeline::GovernanceCommands& commands, const SigningKey& source_key,
                           const std::vector<std::string>& sources,
                           huiliu::v1::Placement placement = huiliu::v1::PLACEMENT_EDGE);

// `count` batches from number `first` on, digested and signed as an agent does.
absl::StatusOr<std::vector<huiliu::v1::Batch>> SealedBatches(const SigningKey& key, int first,
                                                             int count);
absl::StatusOr<huiliu::v1::Batch> SealedBatch(const SigningKey& key, int n);

double SecondsSince(absl::Time start);

}  // namespace huiliu::bench

#endif  // HUILIU_TESTS_BENCH_STATIONS_H_
