#include "core/merkle/merkle.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "absl/strings/escaping.h"
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
  EXPECT_FALSE(ConsistencyProof(0, 3, tree.reader()).ok());
}

TEST(ProofTest, RandomTreesAgreeWithTheDefinition) {
  const uint32_t seed = std::random_device{}();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937 random(seed);
  const uint64_t n = 200 + random() % 400;
  const Tree tree(n);
  for (int i = 0; i < 200; ++i) {
    const uint64_t to = 1 + random() % n;
    const uint64_t from = 1 + random() % to;
    const Digest from_root = NaiveRoot(tree.leaves, 0, from);
    const Digest to_root = NaiveRoot(tree.leaves, 0, to);
    std::vector<Digest> proof = *ConsistencyProof(from, to, tree.reader());
    EXPECT_TRUE(VerifyConsistency(from, to, proof, from_root, to_root).ok()) << from << " " << to;
    if (!proof.empty()) {
      proof[random() % proof.size()][random() % 32] ^= 1;
      EXPECT_FALSE(VerifyConsistency(from, to, proof, from_root, to_root).ok());
    }
    proof = *InclusionProof(from - 1, to, tree.reader());
    EXPECT_TRUE(VerifyInclusion(from - 1, to, tree.leaves[from - 1], proof, to_root).ok());
  }
}

TEST(ProofTest, BatchProofIsOverLeafHashes) {
  for (size_t n = 0; n < 20; ++n) {
    std::vector<Digest> hashes;
    std::vector<std::string> leaves;
    for (size_t i = 0; i < n; ++i) {
      leaves.push_back(absl::StrCat("r", i));
      hashes.push_back(HashLeaf(leaves.back()));
    }
    EXPECT_EQ(RecordsRoot(leaves), NaiveRoot(hashes, 0, n));
    EXPECT_EQ(RootOf(hashes), NaiveRoot(hashes, 0, n));
    for (size_t i = 0; i < n; ++i) {
      auto proof = InclusionProofOf(i, hashes);
      ASSERT_TRUE(proof.ok());
      EXPECT_TRUE(VerifyInclusion(i, n, hashes[i], *proof, RootOf(hashes)).ok());
    }
    EXPECT_FALSE(InclusionProofOf(n, hashes).ok());
  }
}

TEST(HashTest, LeavesAndNodesAreThoseOfRfc6962) {
  EXPECT_EQ(absl::BytesToHexString(AsBytes(EmptyRoot())),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(absl::BytesToHexString(AsBytes(HashLeaf(""))),
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
  EXPECT_EQ(absl::BytesToHexString(
                AsBytes(HashChildren(HashLeaf(""), HashLeaf(absl::string_view("\0", 1))))),
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125");
}

TEST(VerifyTest, MalformedQuestionsAreRefused) {
  const std::string a(32, 'a');
  const std::string b(32, 'b');
  using Proof = std::vector<std::string>;
  const auto included = [](uint64_t index, uint64_t size, absl::string_view leaf,
                           const Proof& proof, absl::string_view root) {
    return VerifyInclusion(index, size, leaf, absl::MakeConstSpan(proof), root).ok();
  };
  EXPECT_TRUE(included(0, 1, a, {}, a));
  EXPECT_FALSE(included(0, 0, a, {}, a));
  EXPECT_FALSE(included(1, 1, a, {}, a));
  EXPECT_FALSE(included(UINT64_MAX, 1, a, {}, a));
  EXPECT_FALSE(included(0, UINT64_MAX, a, {}, a));
  EXPECT_FALSE(included(0, 1, "", {}, ""));
  EXPECT_FALSE(included(0, 1, a, {a}, a));
  EXPECT_FALSE(included(0, 1, a, {}, b));
  EXPECT_FALSE(included(0, 2, a, {std::string(31, 'x')}, b));

  const auto continues = [](uint64_t from, uint64_t to, const Proof& proof, absl::string_view one,
                            absl::string_view two) {
    return VerifyConsistency(from, to, absl::MakeConstSpan(proof), one, two).ok();
  };
  EXPECT_TRUE(continues(0, 0, {}, a, a));
  EXPECT_TRUE(continues(1, 1, {}, a, a));
  EXPECT_FALSE(continues(0, 0, {}, a, b));
  EXPECT_FALSE(continues(0, 0, {a}, a, a));
  EXPECT_FALSE(continues(0, 1, {}, ToString(EmptyRoot()), a));
  EXPECT_FALSE(continues(0, 1, {}, a, a));
  EXPECT_FALSE(continues(0, 1, {a}, a, a));
  EXPECT_FALSE(continues(2, 1, {}, a, a));
  EXPECT_FALSE(continues(1, 2, {}, a, b));
  EXPECT_FALSE(continues(1, 2, {"short"}, a, b));
  EXPECT_FALSE(continues(1, 2, {b}, "WrongRoot", a));
  EXPECT_FALSE(continues(uint64_t{1} << 63, UINT64_MAX, {}, a, b));
}

// Lengths are checked, so that bytes cannot move from one element to its neighbour.
TEST(VerifyTest, MovedElementBordersAreRefused) {
  const Tree tree(7);
  std::vector<std::string> proof = ToStrings(*ConsistencyProof(6, 7, tree.reader()));
  const auto holds = [&] {
    return VerifyConsistency(6, 7, absl::MakeConstSpan(proof), AsBytes(tree.roots[5]),
                             AsBytes(tree.roots[6]))
        .ok();
  };
  ASSERT_TRUE(holds());
  proof[2].push_back(proof[0].front());
  proof[0].erase(0, 1);
  EXPECT_FALSE(holds());
}

}  // namespace
}  // namespace huiliu::merkle
