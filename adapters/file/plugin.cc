#include "adapters/file/file_source.h"

namespace {

constexpr huiliu_source kSource = huiliu::sdk::MakeSource<huiliu::file::FileSource>("file");
constexpr const huiliu_source* kSources[] = {&kSource, nullptr};
constexpr huiliu_plugin kPlugin = {
    HUILIU_PLUGIN_ABI, sizeof(huiliu_plugin), "huiliu_file", "0.1.0", kSources, nullptr};

}  // namespace

HUILIU_PLUGIN_EXPORT const huiliu_plugin* huiliu_plugin_v1(void) { return &kPlugin; }
