/* Source "crashing": the source "file" beside it, but its process aborts in the third poll as long
 * as the file is there that HUILIU_TEST_CRASH names. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/sdk/huiliu_plugin.h"

static huiliu_source source;
static const huiliu_source* const kSources[] = {&source, NULL};
static const huiliu_plugin kPlugin = {
    HUILIU_PLUGIN_ABI, sizeof(huiliu_plugin), "crashing", "1", kSources, NULL};
static huiliu_status (*inner_poll)(void*, size_t, int, const huiliu_rows**);
static int polls;

static huiliu_status Poll(void* held, size_t max_rows, int timeout_ms, const huiliu_rows** rows) {
  const char* path = getenv("HUILIU_TEST_CRASH");
  if (++polls >= 3 && path != NULL && access(path, F_OK) == 0) abort();
  return inner_poll(held, max_rows, timeout_ms, rows);
}

const huiliu_plugin* huiliu_plugin_v1(void);
const huiliu_plugin* huiliu_plugin_v1(void) {
  Dl_info own;
  char path[4096];
  if (dladdr((void*)&kPlugin, &own) == 0) return NULL;
  const char* slash = strrchr(own.dli_fname, '/');
  snprintf(path, sizeof path, "%.*s/huiliu_file.so",
           slash == NULL ? 1 : (int)(slash - own.dli_fname), slash == NULL ? "." : own.dli_fname);
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) return NULL;
  huiliu_plugin_entry entry;
  *(void**)&entry = dlsym(library, HUILIU_PLUGIN_SYMBOL);
  source = **entry()->sources;
  source.name = "crashing";
  inner_poll = source.poll;
  source.poll = Poll;
  return &kPlugin;
}
