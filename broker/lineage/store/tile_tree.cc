#include "broker/lineage/store/tile_tree.h"

#include "absl/strings/str_cat.h"
#include "core/base/status.h"

namespace huiliu {
namespace {

std::vector<Digest> Split(absl::string_view hashes) {
  std::vector<Digest> digests;
  digests.reserve(hashes.size() / sizeof(Digest));
  for (; hashes.size() >= sizeof(Digest); hashes.remove_prefix(sizeof(Digest))) {
    digests.push_back(*merkle::ToDigest(hashes.substr(0, sizeof(Digest))));
  }
  return digests;
}

}  // namespace

uint64_t TileTree::EdgeSize(uint64_t size, int level) {
  return (size >> (level * kTileLevels)) % kTileWidth;
}

absl::StatusOr<TileTree> TileTree::Restore(uint64_t size, std::vector<std::vector<Digest>> edges,
                                           TileSource tiles) {
  TileTree tree;
  for (size_t level = 0; level < edges.size(); ++level) {
    if (edges[level].size() != EdgeSize(size, static_cast<int>(level))) {
      return absl::DataLossError(absl::StrCat("lineage tree of ", size,
                                              " leaves: the edge of level ", level, " has ",
                                              edges[level].size(), " hashes"));
    }
  }
  tree.edges_ = std::move(edges);
  // Node() needs the size only to tell complete tiles from the edge.
  tree.builder_ = merkle::TreeBuilder(size, {});
  std::vector<Digest> peaks;
  for (const merkle::NodeId& id : merkle::PeakIds(size)) {
    ASSIGN_OR_RETURN(peaks.emplace_back(), tree.Node(id, tiles));
  }
  tree.builder_ = merkle::TreeBuilder(size, std::move(peaks));
  return tree;
}

void TileTree::Append(const Digest& leaf_hash, TileSink completed) {
  builder_.Append(leaf_hash, [&](const merkle::NodeId& id, const Digest& hash) {
    if (id.level % kTileLevels != 0) return;
    const size_t level = id.level / kTileLevels;
    if (edges_.size() <= level) edges_.resize(level + 1);
    std::vector<Digest>& edge = edges_[level];
    edge.push_back(hash);
    if (edge.size() < kTileWidth) return;
    std::string hashes;
    hashes.reserve(kTileWidth * sizeof(Digest));
    for (const Digest& digest : edge) absl::StrAppend(&hashes, AsBytes(digest));
    completed(static_cast<int>(level), id.index / kTileWidth, hashes);
    edge.clear();
  });
}

absl::StatusOr<Digest> TileTree::Node(const merkle::NodeId& id, TileSource tiles) const {
  const int level = static_cast<int>(id.level) / kTileLevels;
  const int within = static_cast<int>(id.level) % kTileLevels;
  const uint64_t first = id.index << within;
  const uint64_t count = uint64_t{1} << within;
  const uint64_t there = size() >> (level * kTileLevels);  // hashes of this tile level
  if (first + count > there) {
    return absl::NotFoundError(
        absl::StrCat("lineage tree of ", size(), " leaves: no node ", id.level, "/", id.index));
  }
  const uint64_t tile = first / kTileWidth;
  const uint64_t place = first % kTileWidth;
  if (tile == there / kTileWidth) {
    const std::vector<Digest>& edge = edges_[static_cast<size_t>(level)];
    return merkle::RootOf(absl::MakeConstSpan(edge).subspan(place, count));
  }
  ASSIGN_OR_RETURN(const std::string hashes, tiles(level, tile));
  if (hashes.size() != kTileWidth * sizeof(Digest)) {
    return absl::DataLossError(
        absl::StrCat("lineage tile ", level, "/", tile, " of ", hashes.size(), " bytes"));
  }
  return merkle::RootOf(
      Split(absl::string_view(hashes).substr(place * sizeof(Digest), count * sizeof(Digest))));
}

}  // namespace huiliu
