// The Merkle tree as tiles of 256 hashes (after c2sp.org/tlog-tiles): tile (level, index) holds the
// nodes (8·level, 256·index … 256·index + 255). Complete tiles are stored once and never change;
// the incomplete ones at the right edge stay in memory. So an append writes 32 bytes, and a proof
// reads a tile per 8 levels.
#ifndef HUILIU_BROKER_LINEAGE_STORE_TILE_TREE_H_
#define HUILIU_BROKER_LINEAGE_STORE_TILE_TREE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "core/base/digest.h"
#include "core/merkle/merkle.h"

namespace huiliu {

inline constexpr uint64_t kTileWidth = 256;
inline constexpr int kTileLevels = 8;  // tree levels that a tile spans

// A value: copying it is how readers keep a size while the writer goes on.
class TileTree {
 public:
  // Told of a tile when its last hash has come: 256 · 32 bytes.
  using TileSink = absl::FunctionRef<void(int level, uint64_t index, const std::string& hashes)>;
  // Gives a complete tile.
  using TileSource = absl::FunctionRef<absl::StatusOr<std::string>(int level, uint64_t index)>;

  TileTree() = default;
  // `edges[l]` are the hashes of the incomplete tile of level l. DATA_LOSS where they are not as
  // many as `size` demands.
  static absl::StatusOr<TileTree> Restore(uint64_t size, std::vector<std::vector<Digest>> edges,
                                          TileSource tiles);
  // How many hashes the incomplete tile of a level holds in a tree of `size`.
  static uint64_t EdgeSize(uint64_t size, int level);

  void Append(const Digest& leaf_hash, TileSink completed);

  uint64_t size() const { return builder_.size(); }
  Digest Root() const { return builder_.Root(); }
  const std::vector<std::vector<Digest>>& edges() const { return edges_; }
  // A complete node of the tree.
  absl::StatusOr<Digest> Node(const merkle::NodeId& id, TileSource tiles) const;

 private:
  merkle::TreeBuilder builder_;
  std::vector<std::vector<Digest>> edges_;  // by tile level
};

}  // namespace huiliu

#endif  // HUILIU_BROKER_LINEAGE_STORE_TILE_TREE_H_
