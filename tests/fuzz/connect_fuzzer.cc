// Connect's JSON bodies from any bytes: refused with words that can be sent, or a message that is
// the same after it was written as JSON and as bytes.
#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/util/field_comparator.h>
#include <google/protobuf/util/message_differencer.h>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "broker/http/connect_codec.h"
#include "huiliu/v1/audit.pb.h"
#include "huiliu/v1/catalog.pb.h"
#include "huiliu/v1/delivery.pb.h"
#include "huiliu/v1/governance.pb.h"
#include "huiliu/v1/intake.pb.h"
#include "huiliu/v1/registry.pb.h"
#include "huiliu/v1/rules.pb.h"
#include "tests/fuzz/fuzz.h"

namespace huiliu::http {
namespace {

namespace v1 = huiliu::v1;

void CheckError(const absl::Status& status) {
  FUZZ_CHECK(status.code() == absl::StatusCode::kInvalidArgument);
  const nlohmann::json error = nlohmann::json::parse(ErrorJson(status), nullptr, false);
  FUZZ_CHECK(error.is_object() && error["code"] == "invalid_argument");
  FUZZ_CHECK(error["message"].is_string());
}

template <typename Message>
void CheckAs(absl::string_view json) {
  Message message;
  const absl::Status status = FromJson(json, &message);
  if (!status.ok()) return CheckError(status);
  // It is a message for every other reader too.
  Message copy;
  FUZZ_CHECK(copy.ParseFromString(message.SerializeAsString()));
  const auto text = ToJson(message);
  FUZZ_CHECK_SAY(text.ok(), text.status().ToString());
  Message again;
  const absl::Status read = FromJson(*text, &again);
  FUZZ_CHECK_SAY(read.ok(), absl::StrCat(*text, read.message()));
  google::protobuf::util::MessageDifferencer same;
  google::protobuf::util::DefaultFieldComparator comparator;
  comparator.set_treat_nan_as_equal(true);
  same.set_field_comparator(&comparator);
  FUZZ_CHECK_SAY(same.Compare(message, again), *text);
}

void CheckEnvelope(absl::string_view body) {
  const auto json = StreamRequestJson(body, true);
  if (json.ok()) FUZZ_CHECK(StreamMessage(*json) == std::string(body));
  const auto back = StreamRequestJson(StreamMessage(body), true);
  FUZZ_CHECK(back.ok() && *back == std::string(body));
  FUZZ_CHECK(*StreamRequestJson(body, false) == std::string(body));
}

void Check(absl::string_view body) {
  google::protobuf::SetLogHandler(nullptr);
  CheckEnvelope(body);
  CheckAs<v1::QueryRequest>(body);
  CheckAs<v1::StatsRequest>(body);
  CheckAs<v1::MultiGetRequest>(body);
  CheckAs<v1::SubscribeRequest>(body);
  CheckAs<v1::CommitCursorRequest>(body);
  CheckAs<v1::PutGrantRequest>(body);
  CheckAs<v1::PutSourceRequest>(body);
  CheckAs<v1::PutDatasetRequest>(body);
  CheckAs<v1::DecideRuleSetRequest>(body);
  CheckAs<v1::RedriveRequest>(body);
  CheckAs<v1::ExportEntriesRequest>(body);
  CheckAs<v1::Batch>(body);
  CheckAs<v1::Row>(body);  // holds a Struct
}

}  // namespace
}  // namespace huiliu::http

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  huiliu::http::Check(huiliu::fuzz::AsText(data, size));
  return 0;
}
