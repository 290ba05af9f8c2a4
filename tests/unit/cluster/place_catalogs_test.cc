#include "broker/cluster/place_catalogs.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "absl/strings/str_cat.h"

namespace huiliu::cluster {
namespace {

using huiliu::v1::CatalogPlacement;

// Nodes as they say of themselves; what they hold has caught up unless it is said otherwise.
class Placing {
 public:
  void Join(const std::string& node) {
    Member& member = members_[node];
    member.record.set_node(node);
    member.alive = true;
  }
  void Die(const std::string& node) { members_[node].alive = false; }
  void Receivers(int count) {
    receivers_.clear();
    for (int i = 0; i < count; ++i) receivers_.push_back(absl::StrCat("r", 10 + i));
  }
  // One step of the leader's; then everybody holds what the map says.
  bool Step(int standbys, bool catch_up = true) {
    std::vector<Member> members;
    for (auto& [node, member] : members_) members.push_back(member);
    const CatalogPlacement next = PlaceCatalogs(map_, receivers_, members, standbys);
    const bool changed = next.SerializeAsString() != map_.SerializeAsString();
    map_ = next;
    for (auto& [node, member] : members_) {
      if (!member.alive) continue;
      member.record.clear_catalogs();
      for (const auto& catalog : map_.catalogs()) {
        if (!Holds(catalog, node)) continue;
        auto* held = member.record.add_catalogs();
        held->set_receiver(catalog.receiver());
        held->set_caught_up(catch_up);
      }
    }
    return changed;
  }
  int Settle(int standbys) {
    int steps = 0;
    while (Step(standbys) && steps < 100) ++steps;
    return steps;
  }
  static bool Holds(const CatalogPlacement::Catalog& catalog, const std::string& node) {
    return catalog.owner() == node ||
           std::count(catalog.standbys().begin(), catalog.standbys().end(), node) > 0;
  }
  std::map<std::string, int> Owned() const {
    std::map<std::string, int> owned;
    for (const auto& catalog : map_.catalogs()) ++owned[catalog.owner()];
    return owned;
  }
  const CatalogPlacement& map() const { return map_; }
  std::map<std::string, Member>& members() { return members_; }

 private:
  std::map<std::string, Member> members_;
  std::vector<std::string> receivers_;
  CatalogPlacement map_;
};

TEST(PlaceCatalogs, SpreadsOwnersAndStandbys) {
  Placing placing;
  for (const char* node : {"a", "b", "c"}) placing.Join(node);
  placing.Receivers(16);
  placing.Settle(1);
  ASSERT_EQ(placing.map().catalogs_size(), 16);
  for (const auto& [node, owned] : placing.Owned()) EXPECT_TRUE(owned == 5 || owned == 6) << node;
  for (const auto& catalog : placing.map().catalogs()) {
    ASSERT_EQ(catalog.standbys_size(), 1) << catalog.receiver();
    EXPECT_NE(catalog.standbys(0), catalog.owner());
  }
  EXPECT_FALSE(placing.Step(1)) << "what is right stays";
}

TEST(PlaceCatalogs, OneNodeHoldsAllAndStandbysWaitForOthers) {
  Placing placing;
  placing.Join("a");
  placing.Receivers(3);
  placing.Settle(2);
  EXPECT_EQ(placing.Owned(), (std::map<std::string, int>{{"a", 3}}));
  for (const auto& catalog : placing.map().catalogs()) EXPECT_EQ(catalog.standbys_size(), 0);
}

TEST(PlaceCatalogs, AStandbyTakesOverAtOnceAndNothingElseMoves) {
  Placing placing;
  for (const char* node : {"a", "b", "c"}) placing.Join(node);
  placing.Receivers(16);
  placing.Settle(1);
  const CatalogPlacement before = placing.map();
  placing.Die("b");
  placing.Step(1);
  for (int i = 0; i < before.catalogs_size(); ++i) {
    const auto& was = before.catalogs(i);
    const auto& is = placing.map().catalogs(i);
    EXPECT_EQ(is.owner(), was.owner() == "b" ? was.standbys(0) : was.owner()) << was.receiver();
    EXPECT_FALSE(Placing::Holds(is, "b")) << was.receiver();
    EXPECT_EQ(is.standbys_size(), 1) << was.receiver();
  }
}

TEST(PlaceCatalogs, PrefersAStandbyThatHasCaughtUp) {
  Placing placing;
  for (const char* node : {"a", "b", "c"}) placing.Join(node);
  placing.Receivers(1);
  placing.Settle(2);
  const auto catalog = placing.map().catalogs(0);
  ASSERT_EQ(catalog.standbys_size(), 2);
  placing.members()[catalog.standbys(0)].record.mutable_catalogs(0)->set_caught_up(false);
  placing.Die(catalog.owner());
  placing.Step(2);
  EXPECT_EQ(placing.map().catalogs(0).owner(), catalog.standbys(1));
}

TEST(PlaceCatalogs, ANewNodeFollowsBeforeItOwns) {
  Placing placing;
  for (const char* node : {"a", "b"}) placing.Join(node);
  placing.Receivers(12);
  placing.Settle(0);
  placing.Join("c");
  std::map<std::string, std::string> owner;
  for (const auto& catalog : placing.map().catalogs()) owner[catalog.receiver()] = catalog.owner();
  for (int step = 0; step < 100 && placing.Step(0); ++step) {
    for (const auto& catalog : placing.map().catalogs()) {
      std::string& was = owner[catalog.receiver()];
      if (catalog.owner() == was) continue;
      EXPECT_EQ(catalog.owner(), "c");
      was = catalog.owner();
    }
  }
  EXPECT_EQ(placing.Owned(), (std::map<std::string, int>{{"a", 4}, {"b", 4}, {"c", 4}}));
  for (const auto& catalog : placing.map().catalogs()) EXPECT_EQ(catalog.standbys_size(), 0);
}

TEST(PlaceCatalogs, WhoHasNotCaughtUpGetsNothingToOwn) {
  Placing placing;
  placing.Join("a");
  placing.Receivers(6);
  placing.Settle(0);
  placing.Join("b");
  for (int step = 0; step < 10; ++step) placing.Step(0, false);
  EXPECT_EQ(placing.Owned(), (std::map<std::string, int>{{"a", 6}}));
}

TEST(PlaceCatalogs, WhereNobodyLivesTheMapStays) {
  Placing placing;
  placing.Join("a");
  placing.Receivers(2);
  placing.Settle(0);
  placing.Die("a");
  EXPECT_FALSE(placing.Step(0));
}

}  // namespace
}  // namespace huiliu::cluster
