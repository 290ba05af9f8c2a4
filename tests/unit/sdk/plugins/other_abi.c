/* A plugin of another ABI version. */
#include "adapters/sdk/huiliu_plugin.h"

static const huiliu_plugin kPlugin = {
    HUILIU_PLUGIN_ABI + 6, sizeof(huiliu_plugin), "other", "1", NULL, NULL};
const huiliu_plugin* huiliu_plugin_v1(void);
const huiliu_plugin* huiliu_plugin_v1(void) { return &kPlugin; }
