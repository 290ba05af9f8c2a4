// A disk that fails on demand under RocksDB: drops what was not synced, refuses syncs, fills up.
#ifndef HUILIU_TESTS_FAKES_FAULT_FILE_SYSTEM_H_
#define HUILIU_TESTS_FAKES_FAULT_FILE_SYSTEM_H_

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

namespace huiliu {

// Wraps the system's. Thread-safe.
class FaultFileSystem : public rocksdb::FileSystemWrapper {
 public:
  FaultFileSystem() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "FaultFileSystem"; }

  // Every later sync fails, and what it was to sync stays unsynced.
  std::atomic<bool> fail_syncs = false;
  // Appends fail with "no space" once this many more bytes are written; negative: never.
  std::atomic<int64_t> space_left = -1;
  // What GetFreeSpace answers; negative: the truth.
  std::atomic<int64_t> free_space = -1;

  // What a power loss leaves: every file is cut to what was synced plus `torn_bytes` of the rest,
  // and files whose folder was not synced since they were made are gone. Call with the database
  // closed.
  void LosePower(uint64_t torn_bytes = 0);

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& name, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* directory,
                                 rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& name, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus GetFreeSpace(const std::string& path, const rocksdb::IOOptions& options,
                                 uint64_t* free, rocksdb::IODebugContext* debug) override;

  // For the files it hands out.
  rocksdb::IOStatus BeforeAppend(uint64_t bytes, uint64_t* may_write);
  rocksdb::IOStatus BeforeSync();
  void Synced(const std::string& name, uint64_t bytes);
  void FolderSynced(const std::string& folder);

 private:
  std::mutex mutex_;
  std::map<std::string, uint64_t> synced_bytes_;  // of every file written through this
  std::set<std::string> unlinked_;                // made since their folder's last sync
};

}  // namespace huiliu

#endif  // HUILIU_TESTS_FAKES_FAULT_FILE_SYSTEM_H_
