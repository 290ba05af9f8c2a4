#include "tests/fakes/fault_file_system.h"

#include <algorithm>
#include <filesystem>

namespace huiliu {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

class FaultFile : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FaultFile(std::unique_ptr<rocksdb::FSWritableFile> file, std::string name, FaultFileSystem& disk)
      : FSWritableFileOwnerWrapper(std::move(file)), name_(std::move(name)), disk_(disk) {}

  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  IODebugContext* debug) override {
    uint64_t may_write = data.size();
    const IOStatus refused = disk_.BeforeAppend(data.size(), &may_write);
    const rocksdb::Slice part(data.data(), may_write);
    const IOStatus status = FSWritableFileOwnerWrapper::Append(part, options, debug);
    if (status.ok()) written_ += may_write;
    return refused.ok() ? status : refused;
  }
  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo&, IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    return Synced(options, debug);
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return Synced(options, debug);
  }

 private:
  IOStatus Synced(const IOOptions& options, IODebugContext* debug) {
    const IOStatus refused = disk_.BeforeSync();
    if (!refused.ok()) return refused;
    const uint64_t bytes = written_;
    const IOStatus status = FSWritableFileOwnerWrapper::Sync(options, debug);
    if (status.ok()) disk_.Synced(name_, bytes);
    return status;
  }

  const std::string name_;
  FaultFileSystem& disk_;
  uint64_t written_ = 0;
};

class FaultFolder : public rocksdb::FSDirectoryWrapper {
 public:
  FaultFolder(std::unique_ptr<rocksdb::FSDirectory> folder, std::string name, FaultFileSystem& disk)
      : FSDirectoryWrapper(std::move(folder)), name_(std::move(name)), disk_(disk) {}
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    const IOStatus refused = disk_.BeforeSync();
    if (!refused.ok()) return refused;
    const IOStatus status = FSDirectoryWrapper::Fsync(options, debug);
    if (status.ok()) disk_.FolderSynced(name_);
    return status;
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocksdb::DirFsyncOptions&) override {
    return Fsync(options, debug);
  }

 private:
  const std::string name_;
  FaultFileSystem& disk_;
};

std::string Normal(const std::string& path) {
  std::string text = std::filesystem::path(path).lexically_normal().string();
  if (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

}  // namespace

IOStatus FaultFileSystem::NewWritableFile(const std::string& name,
                                          const rocksdb::FileOptions& options,
                                          std::unique_ptr<rocksdb::FSWritableFile>* file,
                                          IODebugContext* debug) {
  if (space_left == 0) return IOStatus::NoSpace("injected");
  std::unique_ptr<rocksdb::FSWritableFile> inner;
  const IOStatus status = FileSystemWrapper::NewWritableFile(name, options, &inner, debug);
  if (!status.ok()) return status;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    synced_bytes_[Normal(name)] = 0;
    unlinked_.insert(Normal(name));
  }
  *file = std::make_unique<FaultFile>(std::move(inner), Normal(name), *this);
  return status;
}

IOStatus FaultFileSystem::NewDirectory(const std::string& name, const IOOptions& options,
                                       std::unique_ptr<rocksdb::FSDirectory>* directory,
                                       IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSDirectory> inner;
  const IOStatus status = FileSystemWrapper::NewDirectory(name, options, &inner, debug);
  if (status.ok())
    *directory = std::make_unique<FaultFolder>(std::move(inner), Normal(name), *this);
  return status;
}

IOStatus FaultFileSystem::RenameFile(const std::string& from, const std::string& to,
                                     const IOOptions& options, IODebugContext* debug) {
  const IOStatus status = FileSystemWrapper::RenameFile(from, to, options, debug);
  std::lock_guard<std::mutex> lock(mutex_);
  if (!status.ok() || !synced_bytes_.contains(Normal(from))) return status;
  synced_bytes_[Normal(to)] = synced_bytes_[Normal(from)];
  synced_bytes_.erase(Normal(from));
  // A rename that is lost would bring the old file back; RocksDB syncs the folder after it, and
  // that it does is not what we test.
  unlinked_.erase(Normal(from));
  return status;
}

IOStatus FaultFileSystem::DeleteFile(const std::string& name, const IOOptions& options,
                                     IODebugContext* debug) {
  const IOStatus status = FileSystemWrapper::DeleteFile(name, options, debug);
  std::lock_guard<std::mutex> lock(mutex_);
  synced_bytes_.erase(Normal(name));
  unlinked_.erase(Normal(name));
  return status;
}

IOStatus FaultFileSystem::GetFreeSpace(const std::string& path, const IOOptions& options,
                                       uint64_t* free, IODebugContext* debug) {
  if (free_space < 0) return FileSystemWrapper::GetFreeSpace(path, options, free, debug);
  *free = static_cast<uint64_t>(free_space.load());
  return IOStatus::OK();
}

IOStatus FaultFileSystem::BeforeAppend(uint64_t bytes, uint64_t* may_write) {
  std::lock_guard<std::mutex> lock(mutex_);
  const int64_t left = space_left;
  if (left < 0) return IOStatus::OK();
  *may_write = std::min<uint64_t>(bytes, static_cast<uint64_t>(left));
  space_left = left - static_cast<int64_t>(*may_write);
  return *may_write == bytes ? IOStatus::OK() : IOStatus::NoSpace("injected");
}

IOStatus FaultFileSystem::BeforeSync() {
  return fail_syncs ? IOStatus::IOError("injected: sync failed") : IOStatus::OK();
}

void FaultFileSystem::Synced(const std::string& name, uint64_t bytes) {
  std::lock_guard<std::mutex> lock(mutex_);
  uint64_t& synced = synced_bytes_[name];
  synced = std::max(synced, bytes);
}

void FaultFileSystem::FolderSynced(const std::string& folder) {
  std::lock_guard<std::mutex> lock(mutex_);
  std::erase_if(unlinked_, [&](const std::string& name) {
    return std::filesystem::path(name).parent_path().string() == folder;
  });
}

void FaultFileSystem::LosePower(uint64_t torn_bytes) {
  std::lock_guard<std::mutex> lock(mutex_);
  for (const auto& [name, synced] : synced_bytes_) {
    std::error_code error;
    if (unlinked_.contains(name)) {
      std::filesystem::remove(name, error);
      continue;
    }
    const uint64_t size = std::filesystem::file_size(name, error);
    if (error) continue;
    std::filesystem::resize_file(name, std::min(size, synced + torn_bytes), error);
  }
  synced_bytes_.clear();
  unlinked_.clear();
}

}  // namespace huiliu
