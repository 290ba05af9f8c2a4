# The house, lowest tier first. A module sees only modules of strictly lower tiers: never a sibling, never upwards.
# cmake/modules.cmake refuses any other dependency at configure time; tests/check_includes.py refuses any include that
# a module's DEPS do not allow.
set(HUILIU_TIERS
  "core/base"
  "proto"
  "core/text core/command_line core/codes core/merkle"
  "core/model"
  "core/schema"
  "core/cel core/territory"
  "core/rules"
  "storage/decisions storage/quarantine broker/backbone broker/lineage adapters/sdk"
  "broker/access broker/catalog broker/governance"
  "broker/backbone/memory broker/backbone/embedded broker/backbone/kafka broker/catalog/rocksdb broker/lineage/store"
  "broker/pipeline"
  "broker/cluster"
  "broker/service"
  "broker/rpc broker/http"
  "broker/server"
  "adapters/mapping adapters/sdk/testkit"
  "adapters/agent adapters/file adapters/postgresql"
  "cli"
)
