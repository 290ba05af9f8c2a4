// A subscription's messages into PostgreSQL by the landing plugin, as the agent's worker drives it,
// beside COPY into a staging table + INSERT … ON CONFLICT of the same rows by libpq alone.
#include <libpq-fe.h>

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "adapters/agent/change_list.h"
#include "adapters/sdk/loader.h"
#include "core/base/status.h"
#include "huiliu/v1/delivery.pb.h"
#include "tests/bench/bench.h"
#include "tests/bench/postgresql_cluster.h"
#include "tests/bench/records.h"

namespace huiliu::bench {
namespace {

using huiliu::v1::SubscribeResponse;

constexpr int kFresh = 30;     // messages of rows that are new …
constexpr int kRepeated = 10;  // … and of rows that are there already
constexpr int kRounds = 5;     // ours and the yardstick in turn; the median ratio counts
constexpr int64_t kArrivalUs = 1'750'000'000'000'000;
constexpr char kArrivalText[] = "2025-06-15 15:06:40.000000+00";

std::vector<SubscribeResponse> Messages() {
  std::vector<SubscribeResponse> messages;
  for (int n = 1; n <= kFresh + kRepeated; ++n) {
    const huiliu::v1::Batch batch = MakeBatch(static_cast<uint64_t>((n - 1) % kFresh + 1), 1);
    SubscribeResponse& message = messages.emplace_back();
    for (int i = 0; i < batch.keys_size(); ++i) {
      huiliu::v1::Envelope envelope;
      envelope.ParseFromString(batch.envelopes(i));
      envelope.set_arrival_time_us(kArrivalUs);
      message.add_keys(batch.keys(i));
      message.add_payloads(batch.payloads(i));
      message.add_deletes(false);
      message.add_envelopes(envelope.SerializeAsString());
    }
    message.set_cursor(absl::StrCat("cursor-", n));
  }
  return messages;
}

// The yardstick: what a careful program without Huiliu would do, rendered before the clock starts.
class Plain {
 public:
  Plain(const std::string& dsn, const huiliu_dataset& target)
      : connection_(PQconnectdb(dsn.c_str()), &PQfinish) {
    std::vector<std::string> typed = {"_system text NOT NULL", "_division text",
                                      "_source_time timestamptz", "_arrival_time timestamptz"};
    std::vector<std::string> names = {"_system", "_division", "_source_time", "_arrival_time"};
    for (size_t i = 0; i < target.field_count; ++i) {
      names.push_back(absl::StrCat("\"", sdk::ToView(target.fields[i].name), "\""));
      typed.push_back(names.back() + (target.fields[i].key != 0 ? " text NOT NULL" : " text"));
    }
    for (size_t i = 0; i < target.envelope_field_count; ++i) {
      const huiliu_field& field = target.envelope_fields[i];
      names.emplace_back(sdk::ToView(field.name));
      typed.push_back(names.back() + (field.type == 5   ? " timestamptz"
                                      : field.type == 4 ? " boolean"
                                                        : " text"));
    }
    columns_ = absl::StrJoin(typed, ", ");
    names_ = absl::StrJoin(names, ", ");
    key_ = absl::StrCat("_system, ", names[4]);
    sets_ = absl::StrJoin(names, ", ", [](std::string* out, const std::string& name) {
      absl::StrAppend(out, name, " = excluded.", name);
    });
  }

  static std::string Render(absl::Span<const huiliu_change> changes, const huiliu_dataset& target) {
    const size_t fields = target.field_count, cells = fields + target.envelope_field_count;
    std::string text;
    for (const huiliu_change& change : changes) {
      absl::StrAppend(&text, sdk::ToView(change.system), "\t", sdk::ToView(change.division),
                      "\t\\N\t", kArrivalText);
      for (size_t i = 0; i < cells; ++i) {
        const bool null = i >= fields && change.cells[i].kind == 0;
        absl::StrAppend(&text, "\t", null ? "\\N" : sdk::ToView(change.cells[i].value));
      }
      text.push_back('\n');
    }
    return text;
  }

  absl::Status Begin(const std::string& table) {
    table_ = table;
    RETURN_IF_ERROR(Do(absl::StrCat("SET client_encoding = 'UTF8'; CREATE TABLE ", table, " (",
                                    columns_, ", PRIMARY KEY (", key_, "))")));
    return Do(
        absl::StrCat("SET client_min_messages = warning; CREATE TEMP TABLE IF NOT EXISTS staging (",
                     columns_, ") ON COMMIT DELETE ROWS"));
  }

  absl::Status Land(const std::string& text) {
    RETURN_IF_ERROR(Do("BEGIN"));
    RETURN_IF_ERROR(Do("COPY staging FROM STDIN"));
    if (PQputCopyData(connection_.get(), text.data(), static_cast<int>(text.size())) != 1 ||
        PQputCopyEnd(connection_.get(), nullptr) != 1)
      return absl::InternalError("the yardstick's COPY failed");
    while (PGresult* result = PQgetResult(connection_.get())) PQclear(result);
    RETURN_IF_ERROR(
        Do(absl::StrCat("INSERT INTO ", table_, " SELECT ", names_, " FROM staging ON CONFLICT (",
                        key_, ") DO UPDATE SET ", sets_)));
    return Do("COMMIT");
  }

  absl::StatusOr<std::string> One(const std::string& sql) {
    const std::unique_ptr<PGresult, decltype(&PQclear)> result(
        PQexec(connection_.get(), sql.c_str()), &PQclear);
    if (PQntuples(result.get()) != 1)
      return absl::InternalError(PQresultErrorMessage(result.get()));
    return std::string(PQgetvalue(result.get(), 0, 0));
  }

 private:
  absl::Status Do(const std::string& sql) {
    PGresult* result = PQexec(connection_.get(), sql.c_str());
    const ExecStatusType status = PQresultStatus(result);
    const std::string error = PQresultErrorMessage(result);
    PQclear(result);
    if (status == PGRES_COMMAND_OK || status == PGRES_COPY_IN) return absl::OkStatus();
    return absl::InternalError(error);
  }

  const std::unique_ptr<PGconn, decltype(&PQfinish)> connection_;
  std::string columns_, names_, key_, sets_, table_;
};

// Rows a second.
absl::StatusOr<double> LandPlain(Plain& plain, const std::string& table,
                                 const std::vector<std::string>& texts) {
  RETURN_IF_ERROR(plain.Begin(table));
  const absl::Time start = absl::Now();
  for (const std::string& text : texts) RETURN_IF_ERROR(plain.Land(text));
  return static_cast<double>(texts.size()) * kBatchRows /
         absl::ToDoubleSeconds(absl::Now() - start);
}

absl::StatusOr<double> LandOurs(const huiliu_landing& plugin, const std::string& dsn,
                                const std::string& table, agent::ChangeList& changes,
                                const std::vector<SubscribeResponse>& messages) {
  const huiliu_host host{sizeof(huiliu_host), nullptr, [](void*, int, huiliu_bytes) {},
                         [](void*) { return 0; }};
  ASSIGN_OR_RETURN(
      const std::unique_ptr<sdk::OpenLanding> landing,
      sdk::OpenLanding::Open(plugin, &host,
                             absl::StrCat(R"({"dsn":")", dsn, R"(","table":")", table, R"("})")));
  RETURN_IF_ERROR(landing->Prepare(changes.target()));
  const absl::Time start = absl::Now();
  for (const SubscribeResponse& message : messages) {
    ASSIGN_OR_RETURN(const absl::Span<const huiliu_change> rows, changes.Of(message));
    RETURN_IF_ERROR(landing->Apply(rows, message.cursor(), false));
  }
  return static_cast<double>(messages.size()) * kBatchRows /
         absl::ToDoubleSeconds(absl::Now() - start);
}

// Both tables hold the same.
absl::Status Compare(Plain& plain, const std::string& a, const std::string& b) {
  ASSIGN_OR_RETURN(const std::string differing,
                   plain.One(absl::StrCat("SELECT count(*) FROM ((TABLE ", a, " EXCEPT TABLE ", b,
                                          ") UNION ALL (TABLE ", b, " EXCEPT TABLE ", a, ")) d")));
  ASSIGN_OR_RETURN(const std::string rows, plain.One(absl::StrCat("SELECT count(*) FROM ", a)));
  if (differing == "0" && rows == absl::StrCat(kFresh * kBatchRows)) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(rows, " rows, ", differing, " differ"));
}

}  // namespace

absl::StatusOr<std::vector<Line>> LandingPostgresql(const std::string& folder) {
  ASSIGN_OR_RETURN(const std::unique_ptr<PostgresqlCluster> cluster,
                   PostgresqlCluster::Start(folder + "/postgresql"));
  ASSIGN_OR_RETURN(std::shared_ptr<const schema::Contract> contract,
                   schema::Contract::Parse("bench.proto", ContractText(), 1));
  ASSIGN_OR_RETURN(const huiliu_plugin* plugin, sdk::LoadPlugin(HUILIU_POSTGRESQL_PLUGIN));
  ASSIGN_OR_RETURN(const huiliu_landing* landing, sdk::FindLanding(*plugin, "postgresql"));
  agent::ChangeList changes(std::move(contract));
  const std::vector<SubscribeResponse> messages = Messages();
  std::vector<std::string> texts;
  for (const SubscribeResponse& message : messages) {
    ASSIGN_OR_RETURN(const auto rows, changes.Of(message));
    texts.push_back(Plain::Render(rows, changes.target()));
  }
  Plain plain(cluster->dsn(), changes.target());
  std::vector<std::pair<double, double>> rounds;  // ratio, ours
  for (int round = 0; round < kRounds; ++round) {
    const std::string ours_table = absl::StrCat("ours", round);
    const std::string plain_table = absl::StrCat("plain", round);
    ASSIGN_OR_RETURN(const double yardstick, LandPlain(plain, plain_table, texts));
    ASSIGN_OR_RETURN(const double ours,
                     LandOurs(*landing, cluster->dsn(), ours_table, changes, messages));
    RETURN_IF_ERROR(Compare(plain, ours_table, plain_table));
    rounds.emplace_back(ours / yardstick, ours);
  }
  std::sort(rounds.begin(), rounds.end());
  const auto [ratio, ours] = rounds[kRounds / 2];
  return std::vector<Line>{{"landing_postgresql", ours, "rows/s",
                            absl::StrCat("COPY into staging + INSERT … ON CONFLICT ",
                                         static_cast<int64_t>(ours / ratio), " rows/s"),
                            ratio, 0.80, ratio >= 0.80}};
}

}  // namespace huiliu::bench
