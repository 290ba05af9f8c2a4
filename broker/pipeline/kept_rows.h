// Rows kept at the node for repair: a compacted topic is the truth, a local store lists them.
#ifndef HUILIU_BROKER_PIPELINE_KEPT_ROWS_H_
#define HUILIU_BROKER_PIPELINE_KEPT_ROWS_H_

#include <memory>
#include <string>

#include "broker/backbone/backbone.h"
#include "broker/pipeline/set_aside.h"
#include "storage/quarantine/quarantine_store.h"

namespace huiliu::pipeline {

// One thread at a time. Rows of every kind stand in one list; their counts say which they are.
class KeptRows {
 public:
  // `group`: how far the store has followed the topic stands under it.
  // `set_aside`: where messages of others in the topic are counted; may be null.
  KeptRows(Backbone& backbone, BackboneWriter& writer, QuarantineStore& store, std::string group,
           SetAside* set_aside = nullptr)
      : backbone_(backbone),
        writer_(writer),
        store_(store),
        group_(std::move(group)),
        set_aside_(set_aside) {}

  // Takes what the topic holds now into the store.
  absl::Status CatchUp();
  QuarantineStore& store() { return store_; }

 private:
  absl::Status Open();

  Backbone& backbone_;
  BackboneWriter& writer_;
  QuarantineStore& store_;
  const std::string group_;
  SetAside* const set_aside_;
  std::unique_ptr<BackboneReader> reader_;
};

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_KEPT_ROWS_H_
