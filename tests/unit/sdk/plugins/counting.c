/* A source written in C17 against the header alone: {"rows": n} is not parsed, it gives three rows,
 * two columns. */
#include <stdlib.h>
#include <string.h>

#include "adapters/sdk/huiliu_plugin.h"

static const huiliu_status kOk = {0, {NULL, 0}};
static huiliu_bytes Text(const char* text) { return (huiliu_bytes){text, strlen(text)}; }

struct counting {
  size_t next;
  char position[2];
  huiliu_bytes columns[2];
  huiliu_cell cells[6];
  huiliu_row rows[3];
  huiliu_rows batch;
};

static huiliu_status Open(const huiliu_host* host, huiliu_bytes options, huiliu_bytes position,
                          void** source) {
  if (options.size == 0) return (huiliu_status){3, Text("counting: no options")};
  struct counting* c = calloc(1, sizeof *c);
  if (c == NULL) return (huiliu_status){8, Text("counting: no memory")};
  if (position.size > 0) c->next = (size_t)(position.data[0] - '0');
  host->log(host->context, 1, Text("counting is open"));
  *source = c;
  return kOk;
}

static huiliu_status Poll(void* source, size_t max_rows, int timeout_ms, const huiliu_rows** rows) {
  static const char* const kIds[] = {"row:0", "row:1", "row:2"};
  struct counting* c = source;
  (void)timeout_ms;
  c->columns[0] = Text("a");
  c->columns[1] = Text("b");
  size_t n = 0;
  for (; n < max_rows && c->next < 3; ++n, ++c->next) {
    c->cells[2 * n] = (huiliu_cell){1, Text(kIds[c->next])};
    c->cells[2 * n + 1] = (huiliu_cell){0, {NULL, 0}};
    c->rows[n] = (huiliu_row){.struct_size = sizeof(huiliu_row),
                              .table = Text("row"),
                              .row_id = Text(kIds[c->next]),
                              .cells = &c->cells[2 * n],
                              .cell_count = 2,
                              .raw = Text("raw")};
  }
  c->position[0] = (char)('0' + c->next);
  c->batch = (huiliu_rows){.struct_size = sizeof(huiliu_rows),
                           .columns = c->columns,
                           .column_count = 2,
                           .rows = c->rows,
                           .row_count = n,
                           .position = {c->position, 1},
                           .caught_up = c->next == 3};
  *rows = &c->batch;
  return kOk;
}

static huiliu_status Describe(void* source, huiliu_bytes* json) {
  (void)source;
  *json = Text("{}");
  return kOk;
}

static void Close(void* source) { free(source); }

static const huiliu_source kSource = {
    /* of the first version of the table */
    HUILIU_SOURCE_LEAST_SIZE, "counting", Open, Poll, Describe, Close, NULL, 0};
static const huiliu_source* const kSources[] = {&kSource, NULL};
static const huiliu_plugin kPlugin = {
    HUILIU_PLUGIN_ABI, sizeof(huiliu_plugin), "counting", "1", kSources, NULL};
const huiliu_plugin* huiliu_plugin_v1(void);
const huiliu_plugin* huiliu_plugin_v1(void) { return &kPlugin; }
