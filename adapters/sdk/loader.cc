#include "adapters/sdk/loader.h"

#include <dlfcn.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"

namespace huiliu::sdk {
namespace {

absl::Status NoPlugin(const std::string& path, absl::string_view why) {
  return absl::FailedPreconditionError(absl::StrCat("plugin ", path, ": ", why));
}

// The least that this agent can work with: what came later is optional.
template <typename Table>
constexpr size_t kLeastSize = sizeof(Table);
template <>
constexpr size_t kLeastSize<huiliu_source> = HUILIU_SOURCE_LEAST_SIZE;
template <>
constexpr size_t kLeastSize<huiliu_landing> = HUILIU_LANDING_LEAST_SIZE;

template <typename Table>
absl::StatusOr<const Table*> FindNamed(const huiliu_plugin& plugin, const Table* const* tables,
                                       absl::string_view kind, absl::string_view name) {
  std::string known;
  for (const Table* const* table = tables; table != nullptr && *table != nullptr; ++table) {
    if ((*table)->struct_size < kLeastSize<Table>) {
      return absl::FailedPreconditionError(
          absl::StrCat("plugin ", plugin.name, ": ", kind, " ", (*table)->name,
                       " 的函数表过短，请安装与本 agent 配套的插件 / has a table of ",
                       (*table)->struct_size, " bytes, this agent needs ", kLeastSize<Table>));
    }
    if (name == (*table)->name) return *table;
    absl::StrAppend(&known, known.empty() ? "" : ", ", (*table)->name);
  }
  return absl::NotFoundError(absl::StrCat("plugin ", plugin.name, " 中没有它 / has no ", kind,
                                          " \"", name,
                                          "\"; it has: ", known.empty() ? "none" : known));
}

}  // namespace

absl::Status FromC(const huiliu_status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.code), ToView(status.message));
}

absl::StatusOr<const huiliu_plugin*> LoadPlugin(const std::string& path) {
  if (access(path.c_str(), F_OK) != 0)
    return absl::NotFoundError(absl::StrCat("plugin ", path, ": no such file / 文件不存在"));
  void* const handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return NoPlugin(path, dlerror());
  void* const symbol = dlsym(handle, HUILIU_PLUGIN_SYMBOL);
  if (symbol == nullptr)
    return NoPlugin(path, "不是 Huiliu 插件 / it does not export " HUILIU_PLUGIN_SYMBOL);
  const huiliu_plugin* plugin = reinterpret_cast<huiliu_plugin_entry>(symbol)();
  if (plugin == nullptr) return NoPlugin(path, "插件入口没有返回函数表 / its entry gave nothing");
  if (plugin->abi != HUILIU_PLUGIN_ABI) {
    return NoPlugin(
        path, absl::StrCat("插件 ABI 版本不符，请安装与本 agent 配套的插件 / it speaks plugin ABI ",
                           plugin->abi, ", this agent speaks ", HUILIU_PLUGIN_ABI,
                           "; install the plugin that belongs to this agent"));
  }
  if (plugin->struct_size < sizeof(huiliu_plugin)) {
    return NoPlugin(path, absl::StrCat("插件的函数表过短 / its table has ", plugin->struct_size,
                                       " bytes, this agent needs ", sizeof(huiliu_plugin)));
  }
  return plugin;
}

absl::StatusOr<const huiliu_source*> FindSource(const huiliu_plugin& plugin,
                                                absl::string_view name) {
  return FindNamed(plugin, plugin.sources, "source", name);
}

absl::StatusOr<const huiliu_landing*> FindLanding(const huiliu_plugin& plugin,
                                                  absl::string_view name) {
  return FindNamed(plugin, plugin.landings, "landing", name);
}

absl::StatusOr<std::unique_ptr<OpenSource>> OpenSource::Open(const huiliu_source& table,
                                                             const huiliu_host* host,
                                                             absl::string_view options,
                                                             absl::string_view position) {
  void* held = nullptr;
  RETURN_IF_ERROR(FromC(table.open(host, ToBytes(options), ToBytes(position), &held)));
  return std::unique_ptr<OpenSource>(new OpenSource(table, held));
}

bool OpenSource::has_one_header() const {
  return table_.struct_size < offsetof(huiliu_source, features) || table_.need == nullptr;
}

absl::Status OpenSource::Need(const NeededColumns& columns) {
  if (has_one_header()) return absl::OkStatus();
  const bool knows_optional = table_.struct_size >= sizeof(huiliu_source) &&
                              (table_.features & HUILIU_SOURCE_NEED_OPTIONAL) != 0;
  return FromC(table_.need(held_, ToBytes(columns.ToJson(knows_optional))));
}

absl::StatusOr<const huiliu_rows*> OpenSource::Poll(size_t max_rows, int timeout_ms) {
  const huiliu_rows* rows = nullptr;
  RETURN_IF_ERROR(FromC(table_.poll(held_, max_rows, timeout_ms, &rows)));
  if (rows == nullptr || rows->struct_size < sizeof(huiliu_rows)) {
    return absl::InternalError(absl::StrCat("source ", table_.name, " gave no rows table"));
  }
  return rows;
}

absl::StatusOr<std::string> OpenSource::Describe() {
  huiliu_bytes json{nullptr, 0};
  RETURN_IF_ERROR(FromC(table_.describe(held_, &json)));
  return std::string(ToView(json));
}

absl::StatusOr<std::unique_ptr<OpenLanding>> OpenLanding::Open(const huiliu_landing& table,
                                                               const huiliu_host* host,
                                                               absl::string_view options) {
  void* held = nullptr;
  RETURN_IF_ERROR(FromC(table.open(host, ToBytes(options), &held)));
  return std::unique_ptr<OpenLanding>(new OpenLanding(table, held));
}

absl::StatusOr<std::string> OpenLanding::Cursor() {
  huiliu_bytes cursor{nullptr, 0};
  RETURN_IF_ERROR(FromC(table_.cursor(held_, &cursor)));
  return std::string(ToView(cursor));
}

bool OpenLanding::keeps() const {
  return table_.struct_size >= sizeof(huiliu_landing) && table_.kept != nullptr &&
         table_.kept_count != nullptr && table_.redrive != nullptr;
}

absl::Status OpenLanding::CannotKeep() const {
  return absl::UnimplementedError(absl::StrCat("落地插件 ", table_.name,
                                               " 不保存被拒的行 / landing ", table_.name,
                                               " keeps no refused rows"));
}

absl::StatusOr<uint64_t> OpenLanding::KeptCount() {
  if (!keeps()) return CannotKeep();
  uint64_t count = 0;
  RETURN_IF_ERROR(FromC(table_.kept_count(held_, &count)));
  return count;
}

absl::StatusOr<std::string> OpenLanding::Kept(absl::string_view id) {
  if (!keeps()) return CannotKeep();
  huiliu_bytes json{nullptr, 0};
  RETURN_IF_ERROR(FromC(table_.kept(held_, ToBytes(id), &json)));
  return std::string(ToView(json));
}

absl::StatusOr<std::string> OpenLanding::Redrive(absl::string_view ids_json) {
  if (!keeps()) return CannotKeep();
  huiliu_bytes json{nullptr, 0};
  RETURN_IF_ERROR(FromC(table_.redrive(held_, ToBytes(ids_json), &json)));
  return std::string(ToView(json));
}

}  // namespace huiliu::sdk
