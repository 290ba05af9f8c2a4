// PostgresqlLanding's way with rows that its table refuses.
#include <nlohmann/json.hpp>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "adapters/postgresql/landing.h"
#include "core/base/status.h"

namespace huiliu::postgresql {

using absl::StrCat;

absl::Status PostgresqlLanding::LandLines(const StagedRows& staged, size_t first, size_t last) {
  RETURN_IF_ERROR(connection_->CopyIn(
      StrCat("SAVEPOINT huiliu_lines;COPY ", kStaging, " FROM STDIN"), staged.Lines(first, last)));
  return connection_->Execute(
      StrCat(LandSql(true), "DELETE FROM ", kStaging, ";RELEASE SAVEPOINT huiliu_lines"));
}

absl::Status PostgresqlLanding::LandHalves(const StagedRows& staged, size_t first, size_t last,
                                           std::vector<LineRefused>* refused) {
  // Depth-first, so that rows land in the batch's order.
  std::vector<std::pair<size_t, size_t>> ranges = {{first, last}};
  while (!ranges.empty()) {
    const auto [begin, end] = ranges.back();
    ranges.pop_back();
    if (begin == end) continue;
    const absl::Status landed = LandLines(staged, begin, end);
    if (landed.ok()) continue;
    if (connection_->lost() || !connection_->failure().OfRow()) return landed;
    const Failure why = connection_->failure();
    RETURN_IF_ERROR(
        connection_->Execute("ROLLBACK TO SAVEPOINT huiliu_lines;RELEASE SAVEPOINT huiliu_lines"));
    if (end - begin == 1) {
      refused->push_back({begin, {staged.change(begin), why.state, why.place, why.message}});
      continue;
    }
    const size_t middle = begin + (end - begin) / 2;
    ranges.emplace_back(middle, end);
    ranges.emplace_back(begin, middle);
  }
  return absl::OkStatus();
}

absl::Status PostgresqlLanding::LandApart(absl::Span<const huiliu_change> changes,
                                          const StagedRows& staged, absl::string_view cursor,
                                          bool reset) {
  // Deferred constraints speak up at the row that they are about.
  RETURN_IF_ERROR(Begin(reset));
  RETURN_IF_ERROR(connection_->Execute("SET CONSTRAINTS ALL IMMEDIATE"));
  std::vector<LineRefused> first_pass;
  RETURN_IF_ERROR(LandHalves(staged, 0, staged.size(), &first_pass));
  // Once more, each by itself: what it needed (a parent row, a value set free) may have landed
  // behind it.
  std::vector<Refused> refused = staged.unstorable();
  std::vector<bool> left_out(staged.size(), false);
  std::vector<LineRefused> second_pass;
  if (first_pass.size() < staged.size()) {
    for (const LineRefused& one : first_pass)
      RETURN_IF_ERROR(LandHalves(staged, one.line, one.line + 1, &second_pass));
  } else {
    second_pass = std::move(first_pass);
  }
  for (LineRefused& one : second_pass) {
    left_out[one.line] = true;
    refused.push_back(std::move(one.why));
  }
  if (kept_ > 0 && !reset)
    RETURN_IF_ERROR(refused_.Settle(*connection_, KeysOf(changes, staged, left_out)));
  ASSIGN_OR_RETURN(const std::vector<int64_t> ids,
                   refused_.Keep(*connection_, changes, columns_, refused));
  RETURN_IF_ERROR(connection_->Execute(CursorSql(cursor) + "COMMIT"));
  for (size_t i = 0; i < refused.size(); ++i) {
    host_.Log(
        sdk::Host::kWarning,
        StrCat("landing into table ", Target(), ": dataset ", dataset_, ": row ",
               refused[i].change + 1, " of ", changes.size(), " of a batch refused: [",
               refused[i].state, "] ", refused[i].message, refused[i].place.empty() ? "" : ", ",
               refused[i].place, "; kept as ", ids[i], " (目标表拒绝此行，已保留)"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> PostgresqlLanding::Kept(absl::string_view id) {
  return refused_.ToJson(*connection_, id);
}

absl::StatusOr<std::string> PostgresqlLanding::RedriveOne(int64_t id,
                                                          const std::string& cells_json) {
  ASSIGN_OR_RETURN(const std::unique_ptr<KeptRow> kept,
                   refused_.Read(*connection_, id, columns_, cells_json));
  const StagedRows staged({&kept->change, 1}, columns_);
  std::vector<Refused> refused = staged.unstorable();
  const absl::Status tried = [&]() -> absl::Status {
    RETURN_IF_ERROR(Begin(false));
    RETURN_IF_ERROR(connection_->Execute("SET CONSTRAINTS ALL IMMEDIATE"));
    std::vector<LineRefused> lines;
    RETURN_IF_ERROR(LandHalves(staged, 0, staged.size(), &lines));
    for (LineRefused& one : lines) refused.push_back(std::move(one.why));
    RETURN_IF_ERROR(refused.empty() ? refused_.Drop(*connection_, id)
                                    : refused_.Again(*connection_, id, refused[0]));
    return connection_->Execute("COMMIT");
  }();
  if (!tried.ok()) {
    if (!connection_->lost()) connection_->Execute("ROLLBACK").IgnoreError();
    return AtTarget(tried);
  }
  if (refused.empty()) return std::string();
  return StrCat("[", refused[0].state, "] ", refused[0].message,
                refused[0].place.empty() ? "" : ", ", refused[0].place);
}

absl::StatusOr<std::string> PostgresqlLanding::Redrive(absl::string_view ids_json) {
  const auto asked = nlohmann::json::parse(ids_json.begin(), ids_json.end(), nullptr, false);
  if (!asked.is_array())
    return absl::InvalidArgumentError("编号不是 JSON 数组 / the ids are no JSON array");
  nlohmann::json answers = nlohmann::json::array();
  const auto redrive = [&](const std::string& text, const std::string& cells) -> absl::Status {
    int64_t id = 0;
    absl::StatusOr<std::string> why = absl::NotFoundError("没有这个编号 / no such id");
    if (absl::SimpleAtoi(text, &id)) why = RedriveOne(id, cells);
    if (!why.ok() && why.status().code() != absl::StatusCode::kNotFound &&
        why.status().code() != absl::StatusCode::kInvalidArgument)
      return why.status();
    answers.push_back(
        {{"id", text}, {"error", why.ok() ? *why : std::string(why.status().message())}});
    return absl::OkStatus();
  };
  for (const auto& one : asked) {
    const auto& id = one.is_object() && one.contains("id") ? one["id"] : one;
    const std::string cells =
        one.is_object() ? one.value("cells", nlohmann::json::object()).dump() : "{}";
    RETURN_IF_ERROR(redrive(id.is_string() ? id.get<std::string>() : id.dump(), cells));
  }
  constexpr int kPage = 1000;
  int64_t after = 0;
  for (bool more = asked.empty(); more && !host_.stopping();) {
    ASSIGN_OR_RETURN(const std::vector<int64_t> ids, refused_.Ids(*connection_, after, kPage));
    for (const int64_t id : ids) RETURN_IF_ERROR(redrive(StrCat(id), "{}"));
    more = !ids.empty();
    if (more) after = ids.back();
  }
  ASSIGN_OR_RETURN(kept_, refused_.Count(*connection_));
  return answers.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace huiliu::postgresql
