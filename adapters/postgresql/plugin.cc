#include "adapters/postgresql/landing.h"
#include "adapters/postgresql/source.h"

namespace {

constexpr huiliu_source kSource =
    huiliu::sdk::MakeSource<huiliu::postgresql::PostgresqlSource>("postgresql");
constexpr const huiliu_source* kSources[] = {&kSource, nullptr};
constexpr huiliu_landing kLanding =
    huiliu::sdk::MakeLanding<huiliu::postgresql::PostgresqlLanding>("postgresql");
constexpr const huiliu_landing* kLandings[] = {&kLanding, nullptr};
constexpr huiliu_plugin kPlugin = {
    HUILIU_PLUGIN_ABI, sizeof(huiliu_plugin), "huiliu_postgresql", "0.1.0", kSources, kLandings};

}  // namespace

HUILIU_PLUGIN_EXPORT const huiliu_plugin* huiliu_plugin_v1(void) { return &kPlugin; }
