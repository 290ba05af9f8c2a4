#include "broker/server/tenants.h"

#include <spdlog/spdlog.h>

#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "broker/catalog/rocksdb/rocks_catalog.h"
#include "core/base/status.h"

namespace huiliu::server {

using absl::StrCat;

namespace {

constexpr char kGone[] = ".gone";

// A crash on the way leaves no half of a catalog under its name.
bool RemoveFolder(const std::string& path) {
  const std::string gone = absl::EndsWith(path, kGone) ? path : StrCat(path, kGone);
  std::error_code error;
  if (gone != path && std::filesystem::exists(path, error)) {
    std::filesystem::remove_all(gone, error);
    std::filesystem::rename(path, gone, error);
    if (error) return false;
  }
  std::filesystem::remove_all(gone, error);
  return !error;
}

}  // namespace

std::string Tenants::PathOf(const std::string& receiver) const {
  return StrCat(parts_.config.data_dir, "/catalog/", receiver);
}

std::map<std::string, bool> Tenants::Wanted() const {
  std::map<std::string, bool> wanted;
  if (!clustered()) {
    for (const huiliu::v1::Receiver& receiver : parts_.state.Receivers())
      wanted[receiver.id()] = true;
    return wanted;
  }
  const huiliu::v1::CatalogPlacement placement = parts_.state.PlacedCatalogs();
  for (const auto& catalog : placement.catalogs()) {
    if (catalog.owner() == parts_.config.node) wanted[catalog.receiver()] = true;
    for (const std::string& standby : catalog.standbys()) {
      if (standby == parts_.config.node) wanted[catalog.receiver()] = false;
    }
  }
  return wanted;
}

absl::Status Tenants::AddDatasets(Tenant& tenant) {
  for (const huiliu::v1::Dataset& dataset : parts_.state.Datasets()) {
    uint32_t& known = tenant.datasets[dataset.id()];
    if (known == dataset.version()) continue;
    RETURN_IF_ERROR(tenant.applier->AddDataset(parts_.state.FindContract(dataset.id())));
    known = dataset.version();
  }
  return absl::OkStatus();
}

// The applier as owner or standby, on a catalog that is open already.
absl::Status Tenants::Begin(const std::string& receiver, Tenant& tenant) {
  BackboneWriter* writer = nullptr;
  tenant.applier.reset();
  tenant.writer.reset();
  tenant.answers = false;
  if (tenant.owner && clustered()) {
    ASSIGN_OR_RETURN(tenant.writer, parts_.backbone.OpenWriter(StrCat("catalog/", receiver)));
    writer = tenant.writer.get();
  } else if (tenant.owner) {
    writer = &parts_.writer;
  }
  tenant.applier = std::make_unique<pipeline::Applier>(
      receiver, *tenant.catalog, parts_.backbone, writer, parts_.clock, parts_.config.topics,
      [this](absl::string_view worker, const absl::Status& status) {
        parts_.health.Report(worker, status);
      },
      parts_.set_aside);
  tenant.datasets.clear();
  RETURN_IF_ERROR(AddDatasets(tenant));
  if (!clustered()) RETURN_IF_ERROR(tenant.applier->CatchUp());
  tenant.applier->Start();
  return absl::OkStatus();
}

absl::Status Tenants::OpenCatalog(const std::string& receiver, Tenant* tenant) {
  RocksCatalogOptions options;
  options.path = PathOf(receiver);
  options.receiver = receiver;
  options.block_cache_bytes = static_cast<size_t>(parts_.config.block_cache_mib) << 20;
  options.overlap = [&overlaps = parts_.overlaps](const OverlappingRows& found) {
    overlaps.Add({found.dataset, found.source, found.other}, found.rows);
  };
  RemoveFolder(StrCat(options.path, kGone));  // a crash may have left it
  ASSIGN_OR_RETURN(tenant->catalog, RocksCatalog::Open(options));
  return absl::OkStatus();
}

absl::Status Tenants::Open(const std::string& receiver, bool owner, Tenant* tenant) {
  RETURN_IF_ERROR(OpenCatalog(receiver, tenant));
  tenant->owner = owner;
  const absl::Status begun = Begin(receiver, *tenant);
  if (begun.ok() || tenant->applier == nullptr || !tenant->applier->outdated()) return begun;
  // The only node has caught up already, or tried to: nobody reads the catalog yet.
  SayAnew(receiver);
  tenant->anew = true;
  tenant->applier.reset();
  tenant->catalog.reset();
  if (!RemoveFolder(PathOf(receiver)))
    return absl::UnavailableError(StrCat("cannot remove ", PathOf(receiver)));
  RETURN_IF_ERROR(OpenCatalog(receiver, tenant));
  return Begin(receiver, *tenant);
}

void Tenants::SayAnew(const std::string& receiver) {
  parts_.notes.Note(
      StrCat("catalog/", receiver),
      StrCat("接收方 ", receiver,
             " 的目录停留过久（或无从知道跟到何时），其间的删除可能已从日志中清理，正从日志重建；完"
             "成前本节"
             "点不以它答复查询 / the catalog of ",
             receiver,
             " stood still for too long, or nothing says how long: deletes of that time may be "
             "gone from the log, so that it is being built anew from it and answers when done"));
}

void Tenants::Close(const std::string& receiver, Tenant& tenant) {
  parts_.catalogs.Remove(receiver);
  tenant.applier.reset();
  leaving_.push_back({tenant.catalog, PathOf(receiver)});
  spdlog::info("catalog receiver={} left", receiver);
}

void Tenants::RemoveFolders() {
  std::erase_if(leaving_, [&](const Leaving& leaving) {
    return leaving.catalog.expired() && RemoveFolder(leaving.path);
  });
}

absl::StatusOr<bool> Tenants::Keep(const std::string& receiver, bool owner) {
  auto found = tenants_.find(receiver);
  bool changed = false;
  if (found == tenants_.end()) {
    for (const Leaving& leaving : leaving_) {
      if (leaving.path == PathOf(receiver)) return false;  // its last reader is not done yet
    }
    Tenant tenant;
    tenant.anew = anew_.erase(receiver) > 0;
    RETURN_IF_ERROR(Open(receiver, owner, &tenant));
    found = tenants_.emplace(receiver, std::move(tenant)).first;
    changed = true;
  }
  Tenant& tenant = found->second;
  if (tenant.owner != owner || tenant.applier == nullptr) {
    parts_.catalogs.Remove(receiver);
    tenant.owner = owner;
    const absl::Status begun = Begin(receiver, tenant);
    if (!begun.ok()) tenant.applier.reset();
    RETURN_IF_ERROR(begun);
    changed = true;
  }
  RETURN_IF_ERROR(AddDatasets(tenant));
  if (owner && !tenant.answers && (!clustered() || tenant.applier->caught_up())) {
    tenant.answers = changed = true;
    parts_.catalogs.Add(receiver, tenant.catalog);
    spdlog::info("catalog receiver={} answers", receiver);
  }
  if (tenant.anew && (tenant.answers || tenant.applier->caught_up())) {
    tenant.anew = false;
    parts_.notes.Note(StrCat("catalog/", receiver), "");
    spdlog::info("catalog receiver={} was built anew from the log", receiver);
  }
  return changed;
}

absl::StatusOr<bool> Tenants::Reconcile() {
  absl::MutexLock lock(&mutex_);
  const std::map<std::string, bool> wanted = Wanted();
  bool changed = false;
  for (auto it = tenants_.begin(); it != tenants_.end();) {
    const bool outdated = it->second.applier != nullptr && it->second.applier->outdated();
    if (wanted.contains(it->first) && !outdated) {
      ++it;
      continue;
    }
    if (outdated && anew_.insert(it->first).second) SayAnew(it->first);
    Close(it->first, it->second);
    it = tenants_.erase(it);
    changed = true;
  }
  RemoveFolders();
  // One receiver's trouble is not the others'.
  absl::Status first;
  for (const auto& [receiver, owner] : wanted) {
    const absl::StatusOr<bool> kept = Keep(receiver, owner);
    parts_.health.Report(StrCat("receiver/", receiver), kept.status());
    if (!kept.ok() && first.ok()) first = kept.status();
    changed = changed || (kept.ok() && *kept);
    Tell();
  }
  Tell();
  RETURN_IF_ERROR(first);
  return changed;
}

void Tenants::Tell() {
  std::vector<huiliu::v1::MemberRecord::Catalog> held;
  for (const auto& [receiver, tenant] : tenants_) {
    auto& catalog = held.emplace_back();
    catalog.set_receiver(receiver);
    catalog.set_caught_up(tenant.owner ? tenant.answers
                                       : tenant.applier != nullptr && tenant.applier->caught_up());
  }
  absl::MutexLock lock(&telling_);
  held_ = std::move(held);
}

std::vector<huiliu::v1::MemberRecord::Catalog> Tenants::Held() const {
  absl::MutexLock lock(&telling_);
  return held_;
}

void Tenants::Stop() {
  absl::MutexLock lock(&mutex_);
  for (auto& [receiver, tenant] : tenants_) {
    if (tenant.applier == nullptr) continue;
    tenant.applier->Stop();
    const absl::Status flushed = tenant.applier->Flush();  // else it comes again from the log
    if (!flushed.ok())
      spdlog::warn("catalog receiver={} error=\"{}\"", receiver, flushed.ToString());
  }
}

}  // namespace huiliu::server
