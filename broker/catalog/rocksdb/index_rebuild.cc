#include "broker/catalog/rocksdb/index_rebuild.h"

#include <algorithm>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "broker/catalog/rocksdb/catalog_format.h"
#include "core/base/status.h"

namespace huiliu::rocks_catalog {
namespace {

constexpr size_t kChunkBytes = 32 << 20;

std::set<uint32_t> ParseFields(const std::string& text) {
  std::set<uint32_t> out;
  for (const auto& part : absl::StrSplit(text, ',', absl::SkipEmpty())) {
    uint32_t number = 0;
    if (absl::SimpleAtoi(part, &number)) out.insert(number);
  }
  return out;
}

absl::Status IngestKeys(CatalogBase& base, const std::string& prefix,
                        std::vector<std::string>* keys) {
  std::sort(keys->begin(), keys->end());
  keys->erase(std::unique(keys->begin(), keys->end()), keys->end());
  const auto file = base.NewFile(base.index());
  for (const std::string& key : *keys) RETURN_IF_ERROR(file->Put(prefix + key, ""));
  keys->clear();
  return base.Ingest({file.get()}, {});
}

absl::Status DropIndexes(CatalogBase& base, const std::string& prefix,
                         const std::set<uint32_t>& fields) {
  const auto file = base.NewFile(base.index());
  for (uint32_t number : fields) {
    const std::string begin = prefix + IndexPrefix(number);
    RETURN_IF_ERROR(file->DeleteRange(begin, BehindPrefix(begin)));
  }
  return base.Ingest({file.get()}, {});
}

}  // namespace

std::string IndexedFields(const RowIndex& index) {
  std::string numbers = absl::StrCat(kDivisionNumber);
  for (const schema::Field* field : index.fields()) absl::StrAppend(&numbers, ",", field->number);
  return numbers;
}

absl::Status RebuildIndexes(CatalogBase& base, const std::string& dataset, const std::string& built,
                            const RowIndex& wanted) {
  const std::string prefix = DatasetPrefix(dataset);
  const std::set<uint32_t> had = ParseFields(built);
  std::set<uint32_t> changed = had, added;
  const auto want = [&](uint32_t number) {
    if (!had.contains(number)) added.insert(number);
    changed.erase(number);
  };
  want(kDivisionNumber);  // catalogs of before have none yet
  for (const schema::Field* field : wanted.fields()) want(field->number);
  // What an interrupted build left goes too.
  changed.insert(added.begin(), added.end());
  RETURN_IF_ERROR(DropIndexes(base, prefix, changed));
  std::set<std::string> wanted_prefixes;
  for (uint32_t number : added) wanted_prefixes.insert(IndexPrefix(number));
  if (!added.empty()) {
    rocksdb::ReadOptions options;
    options.fill_cache = false;
    std::unique_ptr<rocksdb::Iterator> it(base.db().NewIterator(options, base.rows()));
    std::vector<std::string> keys;
    size_t bytes = 0;
    std::string buffer;
    std::vector<size_t> ends;
    for (it->Seek(prefix); it->Valid() && absl::StartsWith(ToView(it->key()), prefix); it->Next()) {
      ASSIGN_OR_RETURN(const RowParts parts, ParseRow(ToView(it->value())));
      buffer.clear();
      ends.clear();
      wanted.AppendKeys(parts.envelope, parts.payload, ToView(it->key()).substr(prefix.size()),
                        &buffer, &ends);
      size_t begin = 0;
      for (size_t end : ends) {
        std::string key = buffer.substr(begin, end - begin);
        begin = end;
        if (!wanted_prefixes.contains(key.substr(0, 4))) continue;
        bytes += key.size() + sizeof key;
        keys.push_back(std::move(key));
      }
      if (bytes > kChunkBytes) {
        RETURN_IF_ERROR(IngestKeys(base, prefix, &keys));
        bytes = 0;
      }
    }
    RETURN_IF_ERROR(FromRocks(it->status(), dataset));
    RETURN_IF_ERROR(IngestKeys(base, prefix, &keys));
  }
  return base.Ingest({}, {{IndexesKey(dataset), absl::StrCat("fields ", IndexedFields(wanted))}});
}

}  // namespace huiliu::rocks_catalog
