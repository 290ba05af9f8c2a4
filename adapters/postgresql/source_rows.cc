// From a page of the table to rows for the agent.
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "adapters/postgresql/source.h"
#include "core/base/digest.h"
#include "core/text/utf8.h"

namespace huiliu::postgresql {
namespace {

using absl::StrCat;

constexpr size_t kMaxSeen =
    500'000;  // rows remembered inside the overlap window; beyond, the return engine knows re-reads

// A key of several columns as one text: no two keys share one. One column's is its value.
std::string KeyText(const PGresult* page, int row, const std::vector<int>& columns) {
  if (columns.size() == 1) return PQgetvalue(page, row, columns[0]);
  std::string text;
  for (size_t i = 0; i < columns.size(); ++i) {
    if (i > 0) text += ',';
    if (PQgetisnull(page, row, columns[i]) != 0) {
      text += "\\N";
      continue;
    }
    for (const char* c = PQgetvalue(page, row, columns[i]); *c != '\0'; ++c) {
      if (*c == ',' || *c == '\\') text += '\\';
      text += *c;
    }
  }
  return text;
}

}  // namespace

bool PostgresqlSource::SeenUnchanged(const std::string& key, const std::string& digest) {
  if (seen_.size() >= kMaxSeen) seen_.clear();
  std::string& known = seen_[key];
  if (known == digest) return true;
  known = digest;
  return false;
}

void PostgresqlSource::MarkUndecodable(const std::string& column, huiliu_row* row) {
  row->error_code = sdk::ToBytes("charset.invalid");
  texts_.push_back(StrCat(sdk::ToView(row->row_id), ":", column));
  row->error_place = sdk::ToBytes(texts_.back());
  texts_.push_back(StrCat("列 ", column, " 不是 UTF-8（库编码 SQL_ASCII 不检查字节）/ column ",
                          column,
                          " is no UTF-8; the database's encoding SQL_ASCII lets any bytes in"));
  row->error_message = sdk::ToBytes(texts_.back());
}

void PostgresqlSource::MarkTooLong(const std::string& column, size_t bytes, huiliu_row* row) {
  row->error_code = sdk::ToBytes("value.too_long");
  texts_.push_back(StrCat(sdk::ToView(row->row_id), ":", column));
  row->error_place = sdk::ToBytes(texts_.back());
  texts_.push_back(StrCat("列 ", column, " 过长（", bytes, " 字节）/ column ", column, " holds ",
                          bytes, " bytes; at most ", kMaxValueBytes, " are taken"));
  row->error_message = sdk::ToBytes(texts_.back());
}

void PostgresqlSource::Size(const PGresult* page) {
  const int rows = PQntuples(page);
  if (rows == 0) return;
  size_t bytes = 0;
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < PQnfields(page); ++c) bytes += static_cast<size_t>(PQgetlength(page, r, c));
  }
  const size_t fitting = kPageBytes / std::max<size_t>(1, bytes / static_cast<size_t>(rows));
  page_rows_ = std::clamp<size_t>(fitting, 1, std::max(page_rows_, kFirstPage) * 4);
}

void PostgresqlSource::TakeRows(const PGresult* page, int n) {
  const int columns = static_cast<int>(columns_.size());
  for (int r = 0; r < n; ++r) {
    std::string raw;
    int bad = -1;    // the first column that is no UTF-8
    int long_ = -1;  // the first column that is too long
    const size_t first = cells_.size();
    for (int c = 0; c < columns; ++c) {
      const bool null = PQgetisnull(page, r, c) != 0;
      const int at = c == time_at_ && PQgetisnull(page, r, columns) == 0 ? columns : c;
      const absl::string_view value(PQgetvalue(page, r, at),
                                    static_cast<size_t>(PQgetlength(page, r, at)));
      const bool too_long = value.size() > kMaxValueBytes;
      if (too_long && long_ < 0) long_ = c;
      absl::StrAppend(&raw, c == 0 ? "" : "\x1f", null ? "\\N" : value);
      texts_.emplace_back(too_long ? absl::string_view() : value);
      const bool valid = !raw_bytes_ || text::IsValidUtf8(value);
      if (!valid && bad < 0) bad = c;
      cells_.push_back({static_cast<uint8_t>(null    ? 0
                                             : valid ? 1
                                                     : 2),
                        sdk::ToBytes(texts_.back())});
    }
    position_.key.clear();
    for (int at : key_at_) position_.key.emplace_back(PQgetvalue(page, r, at));
    const std::string key = KeyText(page, r, key_at_);
    position_.time = PQgetvalue(page, r, time_at_);
    std::string row_of_key = key;
    if (!unique_) absl::StrAppend(&row_of_key, "#", ++rows_of_key_[key]);
    if (SeenUnchanged(row_of_key, std::string(AsBytes(Sha256(raw)).substr(0, 12)))) {
      cells_.resize(first);
      continue;
    }
    round_found_ = true;
    huiliu_row row{};
    row.struct_size = sizeof row;
    row.table = sdk::ToBytes(options_.table);
    texts_.push_back(
        StrCat(options_.table, ":", text::IsValidUtf8(key) ? key : absl::BytesToHexString(key)));
    row.row_id = sdk::ToBytes(texts_.back());
    if (bad >= 0) MarkUndecodable(columns_[static_cast<size_t>(bad)], &row);
    if (long_ >= 0) {
      MarkTooLong(columns_[static_cast<size_t>(long_)],
                  static_cast<size_t>(PQgetlength(page, r, long_)), &row);
      raw.resize(kMaxRawBytes);
      while (!raw.empty() && (static_cast<uint8_t>(raw.back()) & 0xC0) == 0x80) raw.pop_back();
      if (!raw.empty() && static_cast<uint8_t>(raw.back()) >= 0xC0) raw.pop_back();
    }
    row.cell_count = columns_.size();
    texts_.push_back(std::move(raw));
    row.raw = sdk::ToBytes(texts_.back());
    rows_.push_back(row);
  }
  for (size_t i = 0; i < rows_.size(); ++i) rows_[i].cells = cells_.data() + i * columns_.size();
}

void PostgresqlSource::TakePage(const PGresult* page, int whole) {
  TakeRows(page, whole);
  if (position_.phase != Phase::kUndated || whole == 0) return;
  position_.offset += whole;
  Notice(StrCat("表 ", options_.table, " 有时间列 ", options_.time_column,
                "（或键）为空的行：无法按时间读取变化，改为整批重读（至多占用 ",
                100 / kUndatedShare, "% 的时间）；补上时间可减轻本库负担 / rows without a time in ",
                options_.time_column, " (or without a key) are read again as a whole, for at most ",
                100 / kUndatedShare, " % of the time: give them a time to spare the database"));
}

}  // namespace huiliu::postgresql
