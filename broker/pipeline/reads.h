// Catalog reads: look up and query through the gate.
#ifndef HUILIU_BROKER_PIPELINE_READS_H_
#define HUILIU_BROKER_PIPELINE_READS_H_

#include <functional>

#include "broker/pipeline/gate.h"
#include "core/base/token_seal.h"
#include "huiliu/v1/catalog.pb.h"

namespace huiliu::pipeline {

// Thread-safe. `done` is called once, maybe on another thread, after the read is in lineage; the
// response is filled before.
class Reads {
 public:
  using Done = std::function<void(const absl::Status&)>;
  static constexpr int kMaxKeys = 1000;
  static constexpr int kMaxVisited =
      100'000;  // rows a query looks at per page; the page token goes on from there

  Reads(Gate& gate, const cel::Environment& environment, const TokenSeal& seal)
      : gate_(gate), environment_(environment), seal_(seal) {}

  void Get(const governance::Principal& caller, const huiliu::v1::GetRequest& request,
           huiliu::v1::RowFormat format, huiliu::v1::GetResponse* response, Done done);
  void MultiGet(const governance::Principal& caller, const huiliu::v1::MultiGetRequest& request,
                huiliu::v1::RowFormat format, huiliu::v1::MultiGetResponse* response, Done done);
  void Query(const governance::Principal& caller, const huiliu::v1::QueryRequest& request,
             huiliu::v1::RowFormat format, huiliu::v1::QueryResponse* response, Done done);

 private:
  absl::Status FillPage(const Admission& admission, const huiliu::v1::QueryRequest& request,
                        int page_size, huiliu::v1::RowFormat format,
                        huiliu::v1::QueryResponse* response, std::vector<std::string>* keys) const;

  Gate& gate_;
  const cel::Environment environment_;
  const TokenSeal& seal_;  // of page tokens
};

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_READS_H_
