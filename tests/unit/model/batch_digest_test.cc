#include "core/model/batch_digest.h"

#include <gtest/gtest.h>

#include "absl/strings/escaping.h"

namespace huiliu {
namespace {

huiliu::v1::Batch SealedBatch() {
  huiliu::v1::Batch batch;
  batch.set_source("s");
  batch.set_epoch(1);
  batch.set_sequence(2);
  for (int i = 0; i < 5; ++i) {
    batch.add_keys(absl::StrCat("k", i));
    batch.add_envelopes("e");
    batch.add_payloads("p");
  }
  batch.add_counts()->set_rows(5);
  batch.set_records_root(ToString(MerkleRootOf(RecordLeafHashes(batch))));
  batch.set_digest(ToString(BatchDigest(batch)));
  return batch;
}

TEST(BatchDigestTest, EmptyTreeIsTheHashOfNothing) {
  EXPECT_EQ(absl::BytesToHexString(AsBytes(MerkleRootOf({}))),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(BatchDigestTest, SealedBatchPasses) { EXPECT_TRUE(CheckBatchDigests(SealedBatch()).ok()); }

TEST(BatchDigestTest, AnyChangeIsFound) {
  huiliu::v1::Batch batch = SealedBatch();
  batch.set_payloads(3, "q");
  EXPECT_FALSE(CheckBatchDigests(batch).ok());
  batch = SealedBatch();
  batch.mutable_counts(0)->set_rows(4);
  EXPECT_FALSE(CheckBatchDigests(batch).ok());
  batch = SealedBatch();
  batch.add_keys("one more");
  EXPECT_FALSE(CheckBatchDigests(batch).ok());
  batch = SealedBatch();
  batch.set_position("elsewhere");
  EXPECT_FALSE(CheckBatchDigests(batch).ok());
}

// A field of Batch that Head() forgets would travel unsigned: every field but the five must change
// the digest.
TEST(BatchDigestTest, EveryFieldIsCovered) {
  const auto* descriptor = huiliu::v1::Batch::descriptor();
  const auto* reflection = huiliu::v1::Batch::GetReflection();
  const huiliu::v1::Batch empty;
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const auto* field = descriptor->field(i);
    huiliu::v1::Batch batch;
    if (field->is_repeated()) {
      if (field->message_type() != nullptr) {
        reflection->AddMessage(&batch, field);
      } else {
        reflection->AddString(&batch, field, "x");
      }
    } else {
      switch (field->cpp_type()) {
        case google::protobuf::FieldDescriptor::CPPTYPE_STRING:
          reflection->SetString(&batch, field, "x");
          break;
        case google::protobuf::FieldDescriptor::CPPTYPE_UINT64:
          reflection->SetUInt64(&batch, field, 1);
          break;
        case google::protobuf::FieldDescriptor::CPPTYPE_UINT32:
          reflection->SetUInt32(&batch, field, 1);
          break;
        case google::protobuf::FieldDescriptor::CPPTYPE_INT64:
          reflection->SetInt64(&batch, field, 1);
          break;
        case google::protobuf::FieldDescriptor::CPPTYPE_BOOL:
          reflection->SetBool(&batch, field, true);
          break;
        case google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE:
          reflection->MutableMessage(&batch, field);
          break;
        default:
          FAIL() << field->name();
      }
    }
    const bool column = field->name() == "keys" || field->name() == "envelopes" ||
                        field->name() == "payloads" || field->name() == "digest" ||
                        field->name() == "signature";
    EXPECT_EQ(BatchDigest(batch) == BatchDigest(empty), column) << field->name();
  }
}

}  // namespace
}  // namespace huiliu
