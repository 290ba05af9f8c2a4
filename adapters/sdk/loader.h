// Loads a plugin's shared object and opens its sources and landings for the host.
#ifndef HUILIU_ADAPTERS_SDK_LOADER_H_
#define HUILIU_ADAPTERS_SDK_LOADER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "adapters/sdk/huiliu_plugin.h"
#include "adapters/sdk/needed_columns.h"
#include "adapters/sdk/plugin.h"

namespace huiliu::sdk {

// dlopen with RTLD_NOW | RTLD_LOCAL; never closed. NOT_FOUND: no such file; FAILED_PRECONDITION:
// not a plugin, or another ABI version or a torn table: names the file, what was found and what is
// wanted.
absl::StatusOr<const huiliu_plugin*> LoadPlugin(const std::string& path);

// The one of that name. NOT_FOUND lists what the plugin has.
absl::StatusOr<const huiliu_source*> FindSource(const huiliu_plugin& plugin,
                                                absl::string_view name);
absl::StatusOr<const huiliu_landing*> FindLanding(const huiliu_plugin& plugin,
                                                  absl::string_view name);

absl::Status FromC(const huiliu_status& status);

// An open source. One thread at a time.
class OpenSource {
 public:
  static absl::StatusOr<std::unique_ptr<OpenSource>> Open(const huiliu_source& table,
                                                          const huiliu_host* host,
                                                          absl::string_view options,
                                                          absl::string_view position);
  ~OpenSource() { table_.close(held_); }
  // Whether all its rows come under one header, so that one that changes is a table that was
  // altered.
  bool has_one_header() const;
  // Before the first Poll. Nothing is asked of a source with one header: the host looks at it.
  absl::Status Need(const NeededColumns& columns);
  absl::StatusOr<const huiliu_rows*> Poll(size_t max_rows, int timeout_ms);
  absl::StatusOr<std::string> Describe();

 private:
  OpenSource(const huiliu_source& table, void* held) : table_(table), held_(held) {}
  const huiliu_source& table_;
  void* const held_;
};

// An open landing. One thread at a time.
class OpenLanding {
 public:
  static absl::StatusOr<std::unique_ptr<OpenLanding>> Open(const huiliu_landing& table,
                                                           const huiliu_host* host,
                                                           absl::string_view options);
  ~OpenLanding() { table_.close(held_); }
  absl::Status Prepare(const huiliu_dataset& dataset) {
    return FromC(table_.prepare(held_, &dataset));
  }
  absl::StatusOr<std::string> Cursor();
  absl::Status Apply(absl::Span<const huiliu_change> changes, absl::string_view cursor,
                     bool reset) {
    return FromC(
        table_.apply(held_, changes.data(), changes.size(), ToBytes(cursor), reset ? 1 : 0));
  }
  // UNIMPLEMENTED where the landing keeps no refused rows.
  absl::StatusOr<uint64_t> KeptCount();
  absl::StatusOr<std::string> Kept(absl::string_view id);
  absl::StatusOr<std::string> Redrive(absl::string_view ids_json);

 private:
  bool keeps() const;
  absl::Status CannotKeep() const;
  OpenLanding(const huiliu_landing& table, void* held) : table_(table), held_(held) {}
  const huiliu_landing& table_;
  void* const held_;
};

}  // namespace huiliu::sdk

#endif  // HUILIU_ADAPTERS_SDK_LOADER_H_
