/* A plugin whose own table and whose source's table are shorter than this agent needs, by its
 * environment variable. */
#include <stdlib.h>

#include "adapters/sdk/huiliu_plugin.h"

static const huiliu_source kSource = {
    HUILIU_SOURCE_LEAST_SIZE - 8, "short", NULL, NULL, NULL, NULL, NULL, 0};
static const huiliu_source* const kSources[] = {&kSource, NULL};
static const huiliu_plugin kShort = {HUILIU_PLUGIN_ABI, 8, "short", "1", NULL, NULL};
static const huiliu_plugin kWhole = {
    HUILIU_PLUGIN_ABI, sizeof(huiliu_plugin), "short", "1", kSources, NULL};
const huiliu_plugin* huiliu_plugin_v1(void);
const huiliu_plugin* huiliu_plugin_v1(void) {
  return getenv("SHORT_PLUGIN") != NULL ? &kShort : &kWhole;
}
