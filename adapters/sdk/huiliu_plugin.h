/* The plugin ABI of Huiliu: C17, one exported symbol, append-only function tables.
 * docs/formats/plugin-abi.md.
 *
 * A plugin is one shared object with sources, landings, or both. The agent runs each source and
 * each landing in a process of its own, loads the object with RTLD_NOW | RTLD_LOCAL and never
 * closes it. Payloads cross as bytes: a plugin never compiles Huiliu's .proto files. All strings
 * are UTF-8, not terminated unless said so; memory belongs to whoever made it and is valid until
 * the next call into the same object.
 */
#ifndef HUILIU_ADAPTERS_SDK_HUILIU_PLUGIN_H_
#define HUILIU_ADAPTERS_SDK_HUILIU_PLUGIN_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HUILIU_PLUGIN_ABI 1u
#define HUILIU_PLUGIN_SYMBOL "huiliu_plugin_v1"

typedef struct {
  const char* data; /* may be NULL where size is 0 */
  size_t size;
} huiliu_bytes;

/* The numbers of absl::StatusCode and google.rpc.Code. */
typedef int32_t huiliu_code;

/* What went wrong: a code and a message that names the place and holds no personal data. */
typedef struct {
  huiliu_code code;
  huiliu_bytes message;
} huiliu_status;

/* What the host offers. The first member of every table is its size, so that later versions can
 * append. */
typedef struct huiliu_host {
  size_t struct_size;
  void* context;
  /* level: 0 debug, 1 info, 2 warning, 3 error. */
  void (*log)(void* context, int level, huiliu_bytes message);
  /* Non-zero when the plugin should return from a long call. */
  int (*stopping)(void* context);
} huiliu_host;

/* One cell of a row. kind: 0 null, 1 text (UTF-8), 2 bytes that could not be decoded (then the row
 * has an error). */
typedef struct {
  uint8_t kind;
  huiliu_bytes value;
} huiliu_cell;

/* One changed row of a source. */
typedef struct {
  size_t struct_size;
  huiliu_bytes table;       /* file name or table that it comes from */
  huiliu_bytes row_id;      /* e.g. participation-01.csv:17 or a primary key */
  int32_t operation;        /* 1 upsert, 2 delete, 0: the mapping finds it in a column */
  int64_t source_time_us;   /* 0: the mapping finds it in a column, or there is none */
  const huiliu_cell* cells; /* one per column of the batch's header */
  size_t cell_count;
  huiliu_bytes raw;         /* the row as the source gave it: kept when it cannot be mapped */
  huiliu_bytes error_code;  /* not empty: the row is unusable, e.g. csv.columns, charset.invalid */
  huiliu_bytes error_place; /* file:line:column */
  huiliu_bytes error_message;
} huiliu_row;

/* One batch of rows under one header, and the source's position after it. */
typedef struct {
  size_t struct_size;
  const huiliu_bytes* columns;
  size_t column_count;
  const huiliu_row* rows;
  size_t row_count;
  huiliu_bytes position; /* opaque; given back to open */
  int caught_up;         /* non-zero: the source has nothing more right now */
  /* Things that are wrong but lose no row, e.g. a file with another header: one message a line. */
  const huiliu_bytes* notices;
  size_t notice_count;
} huiliu_rows;

/* A source. Legal calls: open need? (poll | describe)* close. One thread at a time. */
typedef struct huiliu_source {
  size_t struct_size;
  const char* name; /* terminated, e.g. "file" */
  /* options: a JSON object; position: from the node, empty at the first start. */
  huiliu_status (*open)(const huiliu_host* host, huiliu_bytes options, huiliu_bytes position,
                        void** source);
  /* Up to max_rows changed rows, waiting up to timeout_ms for the first. The result is valid until
   * the next call. */
  huiliu_status (*poll)(void* source, size_t max_rows, int timeout_ms, const huiliu_rows** rows);
  /* What is there, as JSON: files or tables, columns, row estimates. For `huiliu source check`. */
  huiliu_status (*describe)(void* source, huiliu_bytes* json);
  void (*close)(void* source);

  /* Optional: NULL where the source has one header, which the host looks at itself. What the host
   * needs of a header, told before the first poll: a JSON array of {"any_of": [column names],
   * "always": bool}; names are compared without regard to the case of ASCII letters and to spaces
   * around them. A source of several parts with a header each (files) leaves a part unread, as a
   * whole, whose header shows none of an entry's names, or shows twice the one that is read, and
   * names it and them in a notice. Where a header is only what the records happen to show (JSON
   * lines) a record may lack a name, which is null then, but some record at the part's beginning
   * must show it; `always` says that none may lack it. FAILED_PRECONDITION where the options
   * already contradict it. */
  huiliu_status (*need)(void* source, huiliu_bytes columns);

  /* HUILIU_SOURCE_… of what the plugin understands besides. */
  uint64_t features;
} huiliu_source;

/* `need` knows entries with "optional": true, which ask for nothing: their column is read where a
 * header shows it; with "by_name": true besides, the mapping names no column and reads the one that
 * is called like its field, so that it is noticed where a part lacks it and the one before did not;
 * with "required": true besides, no record is whole without it, and such a part is left unread.
 */
#define HUILIU_SOURCE_NEED_OPTIONAL UINT64_C(1)

/* What a source of the first version of the table has. */
#define HUILIU_SOURCE_LEAST_SIZE offsetof(huiliu_source, need)

/* One field of the landed dataset. */
typedef struct {
  size_t struct_size;
  huiliu_bytes name;
  huiliu_bytes title; /* Chinese title: the column's comment */
  int32_t type; /* 1 text, 2 int64, 3 double, 4 bool, 5 timestamp (microseconds UTC, text RFC 3339),
                   6 date, 7 decimal */
  int key;
  int index;
} huiliu_field;

/* The dataset as it lands. */
typedef struct {
  size_t struct_size;
  huiliu_bytes dataset;
  huiliu_bytes title;
  uint32_t version;
  const huiliu_field* fields;
  size_t field_count;
  /* What comes beside the fields: city, source department, row id and so on, under names that begin
   * with _. A change's cells stand behind those of the fields. */
  const huiliu_field* envelope_fields;
  size_t envelope_field_count;
} huiliu_dataset;

/* One change to land; cells in the dataset's field order, then those of its envelope fields; only
 * key cells are set in a delete. */
typedef struct {
  int is_delete;
  const huiliu_cell* cells;
  huiliu_bytes system;
  huiliu_bytes division;
  int64_t source_time_us;
  int64_t arrival_time_us;
  huiliu_bytes row_id;
} huiliu_change;

/* A landing. Legal calls: open prepare cursor (apply | redrive)* close. One thread at a time. */
typedef struct huiliu_landing {
  size_t struct_size;
  const char* name;
  huiliu_status (*open)(const huiliu_host* host, huiliu_bytes options, void** landing);
  /* Creates or extends the target from the contract. */
  huiliu_status (*prepare)(void* landing, const huiliu_dataset* dataset);
  /* The cursor stored with the last applied change; empty at the first start. */
  huiliu_status (*cursor)(void* landing, huiliu_bytes* cursor);
  /* Applies the changes and stores the cursor in one transaction: all or nothing. `reset` empties
   * the target first (a new snapshot replaces what was there). */
  huiliu_status (*apply)(void* landing, const huiliu_change* changes, size_t count,
                         huiliu_bytes cursor, int reset);
  void (*close)(void* landing);

  /* The rest is optional: NULL, or UNIMPLEMENTED, where the landing cannot. A landing that can
   * keeps each row that its target refuses (a constraint, a value out of range) with the reason, in
   * the transaction of apply, and lands the rest; a later version of the row that lands settles it.
   * Without it apply fails on such a row.
   *
   * The kept rows as a JSON array of {"id", "delete", "reason", "place", "message", "batch_place",
   * "kept", "tries"}; with an id that row alone, with its "cells". Legal after open. */
  huiliu_status (*kept)(void* landing, huiliu_bytes id, huiliu_bytes* json);
  /* How many are kept; after prepare. */
  huiliu_status (*kept_count)(void* landing, uint64_t* count);
  /* Tries kept rows again, each by itself: `ids` is a JSON array of ids, an empty one means all. In
   * the place of an id may stand {"id", "cells": {column: text or null}}: the row lands with these
   * cells instead of its own, none of them of the key. Answers a JSON array of {"id", "error"}; an
   * empty error: it has landed. After prepare. */
  huiliu_status (*redrive)(void* landing, huiliu_bytes ids, huiliu_bytes* json);
} huiliu_landing;

/* What a landing of the first version of the table has. */
#define HUILIU_LANDING_LEAST_SIZE offsetof(huiliu_landing, kept)

typedef struct huiliu_plugin {
  uint32_t abi; /* HUILIU_PLUGIN_ABI */
  size_t struct_size;
  const char* name;
  const char* version;
  const huiliu_source* const* sources;   /* NULL-terminated, or NULL */
  const huiliu_landing* const* landings; /* NULL-terminated, or NULL */
} huiliu_plugin;

/* The one exported symbol: const huiliu_plugin* huiliu_plugin_v1(void); */
typedef const huiliu_plugin* (*huiliu_plugin_entry)(void);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* HUILIU_ADAPTERS_SDK_HUILIU_PLUGIN_H_ */
