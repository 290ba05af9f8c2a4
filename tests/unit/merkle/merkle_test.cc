#include "core/merkle/merkle.h"

#include <gtest/gtest.h>

#include <map>

#include "absl/strings/str_cat.h"

namespace huiliu::merkle {
namespace {

// A tree of n leaves with all its nodes kept.
class Tree {
 public:
  explicit Tree(uint64_t n) {
    for (uint64_t i = 0; i < n; ++i) {
      leaves.push_back(HashLeaf(absl::StrCat("leaf ", i)));
      builder.Append(leaves.back(), [&](const NodeId& id, const Digest& d) {
        nodes[{id.level, id.index}] = d;
      });
      roots.push_back(builder.Root());
    }
  }
  NodeReader reader() const {
    return [this](const NodeId& id) -> absl::StatusOr<Digest> {
      const auto it = nodes.find({id.level, id.index});
      if (it == nodes.end()) return absl::NotFoundError("no such node");
      return it->second;
    };
  }
  TreeBuilder builder;
  std::vector<Digest> leaves;
  std::vector<Digest> roots;
  std::map<std::pair<uint32_t, uint64_t>, Digest> nodes;
};

// RFC 6962 2.1, by its recursive definition.
Digest NaiveRoot(const std::vector<Digest>& leaves, size_t begin, size_t end) {
  if (begin == end) return EmptyRoot();
  if (end - begin == 1) return leaves[begin];
  size_t k = 1;
  while (k * 2 < end - begin) k *= 2;
  return HashChildren(NaiveRoot(leaves, begin, begin + k), NaiveRoot(leaves, begin + k, end));
}

TEST(TreeBuilderTest, RootsAreThoseOfTheDefinition) {
  const Tree tree(70);
  for (size_t n = 1; n <= 70; ++n) {
    EXPECT_EQ(tree.roots[n - 1], NaiveRoot(tree.leaves, 0, n)) << n;
    EXPECT_EQ(*RootAt(n, tree.reader()), tree.roots[n - 1]);
  }
}

TEST(TreeBuilderTest, GoesOnFromItsPeaks) {
  const Tree tree(45);
  for (uint64_t n = 0; n < 45; ++n) {
    std::vector<Digest> peaks;
    for (const NodeId& id : PeakIds(n)) peaks.push_back(*tree.reader()(id));
    TreeBuilder again(n, peaks);
    again.Append(tree.leaves[n], [](const NodeId&, const Digest&) {});
    EXPECT_EQ(again.Root(), tree.roots[n]);
  }
}

TEST(ProofTest, EveryProofVerifiesAndNoOtherDoes) {
  const Tree tree(33);
  for (uint64_t size = 1; size <= 33; ++size) {
    for (uint64_t index = 0; index < size; ++index) {
      std::vector<Digest> proof = *InclusionProof(index, size, tree.reader());
      EXPECT_TRUE(
          VerifyInclusion(index, size, tree.leaves[index], proof, tree.roots[size - 1]).ok());
      if (size > 1) {
        EXPECT_FALSE(VerifyInclusion((index + 1) % size, size, tree.leaves[index], proof,
                                     tree.roots[size - 1])
                         .ok());
      }
      proof.push_back(EmptyRoot());
      EXPECT_FALSE(
          VerifyInclusion(index, size, tree.leaves[index], proof, tree.roots[size - 1]).ok());
    }
    for (uint64_t from = 1; from <= size; ++from) {
      std::vector<Digest> proof = *ConsistencyProof(from, size, tree.reader());
      EXPECT_TRUE(
          VerifyConsistency(from, size, proof, tree.roots[from - 1], tree.roots[size - 1]).ok());
      if (!proof.empty()) {
        proof.pop_back();
        EXPECT_FALSE(
            VerifyConsistency(from, size, proof, tree.roots[from - 1], tree.roots[size - 1]).ok());
      }
    }
  }
  EXPECT_FALSE(InclusionProof(3, 3, tree.reader()).ok());
  EXPECT_FALSE(ConsistencyProof(4, 3, tree.reader()).ok());
}

}  // namespace
}  // namespace huiliu::merkle
