#include "broker/cluster/place_catalogs.h"

#include <algorithm>
#include <map>
#include <set>

namespace huiliu::cluster {
namespace {

using Catalog = huiliu::v1::CatalogPlacement::Catalog;

class Map {
 public:
  Map(const std::vector<Member>& members, size_t standbys) : standbys_(standbys) {
    for (const Member& member : members) {
      if (!member.alive) continue;
      const std::string& node = member.record.node();
      nodes_.push_back(node);
      owned_[node] = held_[node] = 0;
      for (const auto& catalog : member.record.catalogs()) {
        if (catalog.caught_up()) caught_up_.insert({node, catalog.receiver()});
      }
    }
  }

  bool empty() const { return nodes_.empty(); }
  bool Lives(const std::string& node) const { return owned_.contains(node); }

  void Add(const std::string& receiver, const Catalog* before) {
    Catalog& catalog = catalogs_.emplace_back();
    catalog.set_receiver(receiver);
    if (before == nullptr) return;
    for (const std::string& node : before->standbys()) {
      if (Lives(node)) catalog.add_standbys(node);
    }
    if (Lives(before->owner())) {
      catalog.set_owner(before->owner());
    } else {
      Promote(&catalog);
    }
    Count(catalog);
  }

  void Complete() {
    for (Catalog& catalog : catalogs_) {
      if (!catalog.owner().empty()) continue;
      catalog.set_owner(Least(owned_, {}));
      ++owned_[catalog.owner()];
      ++held_[catalog.owner()];
    }
    // First what must move; what only should, in a later step.
    if (!moved_) Even();
    for (Catalog& catalog : catalogs_) {
      while (catalog.standbys_size() > static_cast<int>(Wanted(catalog))) Drop(&catalog);
      while (catalog.standbys_size() < static_cast<int>(Wanted(catalog))) {
        const std::string node = Least(held_, HoldersOf(catalog));
        if (node.empty()) break;
        catalog.add_standbys(node);
        ++held_[node];
      }
    }
  }

  huiliu::v1::CatalogPlacement Finish() const {
    huiliu::v1::CatalogPlacement placement;
    for (const Catalog& catalog : catalogs_) *placement.add_catalogs() = catalog;
    return placement;
  }

 private:
  size_t Wanted(const Catalog& catalog) const {
    return standbys_ + (catalog.receiver() == moving_ ? 1 : 0);
  }

  void Count(const Catalog& catalog) {
    if (!catalog.owner().empty()) {
      ++owned_[catalog.owner()];
      ++held_[catalog.owner()];
    }
    for (const std::string& node : catalog.standbys()) ++held_[node];
  }

  bool CaughtUp(const std::string& node, const Catalog& catalog) const {
    return caught_up_.contains({node, catalog.receiver()});
  }

  static std::set<std::string> HoldersOf(const Catalog& catalog) {
    std::set<std::string> nodes(catalog.standbys().begin(), catalog.standbys().end());
    nodes.insert(catalog.owner());
    return nodes;
  }

  // The first that has caught up, else the first.
  void Promote(Catalog* catalog) {
    moved_ = true;
    auto* standbys = catalog->mutable_standbys();
    if (standbys->empty()) return;
    auto best = std::find_if(standbys->begin(), standbys->end(),
                             [&](const std::string& node) { return CaughtUp(node, *catalog); });
    if (best == standbys->end()) best = standbys->begin();
    catalog->set_owner(*best);
    standbys->erase(best);
  }

  std::string Least(const std::map<std::string, int>& loads,
                    const std::set<std::string>& but) const {
    std::string least;
    for (const auto& [node, load] : loads) {
      if (but.contains(node)) continue;
      if (least.empty() || load < loads.at(least)) least = node;
    }
    return least;
  }

  // The standby with most to do goes first.
  void Drop(Catalog* catalog) {
    auto* standbys = catalog->mutable_standbys();
    const auto most = std::max_element(
        standbys->begin(), standbys->end(),
        [&](const std::string& a, const std::string& b) { return held_.at(a) < held_.at(b); });
    --held_[*most];
    standbys->erase(most);
  }

  void Even() {
    if (nodes_.size() < 2) return;
    const auto by_owned = [](const auto& a, const auto& b) { return a.second < b.second; };
    const auto fewest = std::min_element(owned_.begin(), owned_.end(), by_owned);
    const auto most = std::max_element(owned_.begin(), owned_.end(), by_owned);
    if (most->second - fewest->second < 2) return;
    Catalog* candidate = nullptr;
    for (Catalog& catalog : catalogs_) {
      if (catalog.owner() != most->first) continue;
      auto* standbys = catalog.mutable_standbys();
      const auto follows = std::find(standbys->begin(), standbys->end(), fewest->first);
      if (follows == standbys->end()) {
        if (candidate == nullptr) candidate = &catalog;
      } else if (CaughtUp(fewest->first, catalog)) {
        *follows = catalog.owner();
        catalog.set_owner(fewest->first);
        return;
      } else {
        moving_ = catalog.receiver();  // it is on its way
      }
    }
    if (!moving_.empty() || candidate == nullptr) return;
    candidate->add_standbys(fewest->first);
    ++held_[fewest->first];
    moving_ = candidate->receiver();
  }

  const size_t standbys_;
  std::vector<std::string> nodes_;
  std::map<std::string, int> owned_, held_;                  // by living node
  std::set<std::pair<std::string, std::string>> caught_up_;  // node, receiver
  std::vector<Catalog> catalogs_;
  bool moved_ = false;  // an owner was lost
  std::string moving_;  // a catalog that has one standby more, which will own it
};

}  // namespace

huiliu::v1::CatalogPlacement PlaceCatalogs(const huiliu::v1::CatalogPlacement& now,
                                           const std::vector<std::string>& receivers,
                                           const std::vector<Member>& members, int standbys) {
  Map map(members, static_cast<size_t>(standbys));
  if (map.empty()) return now;
  std::map<std::string, const Catalog*> before;
  for (const Catalog& catalog : now.catalogs()) before[catalog.receiver()] = &catalog;
  std::set<std::string> sorted(receivers.begin(), receivers.end());
  for (const std::string& receiver : sorted) {
    const auto found = before.find(receiver);
    map.Add(receiver, found == before.end() ? nullptr : found->second);
  }
  map.Complete();
  return map.Finish();
}

}  // namespace huiliu::cluster
