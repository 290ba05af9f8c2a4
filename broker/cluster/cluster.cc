#include "broker/cluster/cluster.h"

#include <algorithm>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "broker/cluster/place_catalogs.h"
#include "core/base/status.h"

namespace huiliu::cluster {
namespace {

using absl::StrCat;
using pipeline::SinceBoot;

constexpr absl::Duration kFollowTimeout = absl::Milliseconds(100);
constexpr absl::Duration kLookEvery = absl::Milliseconds(200);
constexpr absl::Duration kPlaceEvery = absl::Milliseconds(300);

std::string NewIncarnation() {
  absl::BitGen random;
  return StrCat(absl::Hex(absl::Uniform<uint64_t>(random), absl::kZeroPad16));
}

}  // namespace

Cluster::Cluster(ClusterOptions options, Parts parts)
    : options_(std::move(options)),
      parts_(std::move(parts)),
      incarnation_(NewIncarnation()),
      lease_(options_.lease),
      lanes_(parts_.backbone, options_.lanes, parts_.errors),
      members_(
          parts_.backbone, parts_.writer, [this] { return Describe(); }, options_.dead_after,
          parts_.errors) {}

// A pseudonym, a token or a checkpoint that one node gives must be the others' too.
absl::Status Cluster::CheckKeys() {
  for (int attempt = 0; attempt < 2; ++attempt) {
    ASSIGN_OR_RETURN(const std::optional<std::string> known,
                     parts_.backbone.Position(kKeysPosition));
    if (known.has_value() && *known == options_.keys_digest) return absl::OkStatus();
    if (known.has_value()) {
      return absl::FailedPreconditionError(StrCat(
          "本节点的 cluster.key_file 与集群 ", options_.name,
          " 其他节点的不同，请改用同一份密钥文件 / the key in cluster.key_file is not that of "
          "the other nodes of cluster ",
          options_.name, "; give all nodes the same file"));
    }
    Transaction transaction;
    transaction.positions.push_back({kKeysPosition, options_.keys_digest});
    RETURN_IF_ERROR(parts_.writer.Commit(std::move(transaction)).status());
  }
  return absl::OkStatus();
}

absl::Status Cluster::Open() {
  RETURN_IF_ERROR(parts_.backbone.EnsureTopic(Lanes::Topic(options_.lanes)));
  RETURN_IF_ERROR(parts_.backbone.EnsureTopic(Members::Topic()));
  return CheckKeys();
}

absl::Status Cluster::Start(const std::string& grpc_address, pipeline::GovernanceCommands& commands,
                            Hooks hooks) {
  grpc_address_ = grpc_address;
  commands_ = &commands;
  hooks_ = std::move(hooks);
  parts_.log.OnChange([this](const huiliu::v1::ControlRecord&) {
    members_.Say();
    hooks_.changed();
  });
  RETURN_IF_ERROR(members_.Start());
  Lanes::Hooks lanes;
  lanes.end_former = [this](int32_t lane) { return EndFormer(lane); };
  lanes.take = [this](int32_t lane) -> absl::Status {
    // Whoever led before has ended: all of his commands are in the topic.
    if (lane == Lanes::kLeading) RETURN_IF_ERROR(parts_.log.CatchUp());
    return hooks_.take(lane);
  };
  lanes.release = [this](const std::set<int32_t>& released) {
    if (released.contains(Lanes::kLeading)) commands_->Drain();
    hooks_.release(released);
  };
  lanes.changed = [this] { members_.Say(); };
  lanes_.Start(std::move(lanes));
  follower_ = std::thread([this] { Follow(); });
  placer_ = std::thread([this] { Place(); });
  return absl::OkStatus();
}

// Until Kafka ends it by its time-out, a dead node's open transaction keeps everybody from reading
// on: from governance, from the lane, from returned.*.
absl::Status Cluster::EndFormer(int32_t lane) {
  for (const Member& member : members_.All()) {
    const auto& held = member.record.lanes();
    if (member.record.node() == options_.node || member.record.leaving() ||
        SinceBoot() - member.heard < 2 * Members::kBeat ||
        std::find(held.begin(), held.end(), lane) == held.end() ||
        ended_.contains(member.record.incarnation()))
      continue;
    RETURN_IF_ERROR(parts_.backbone.EndOpenTransaction(StrCat("node/", member.record.node())));
    ended_.insert(member.record.incarnation());
  }
  return absl::OkStatus();
}

void Cluster::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    if (stopping_) return;
    stopping_ = true;
  }
  if (placer_.joinable()) placer_.join();
  lanes_.Stop();
  members_.Stop();
  if (follower_.joinable()) follower_.join();
}

huiliu::v1::MemberRecord Cluster::Describe() const {
  huiliu::v1::MemberRecord record;
  record.set_node(options_.node);
  record.set_incarnation(incarnation_);
  record.set_grpc_address(grpc_address_);
  record.set_version(options_.version);
  record.set_control_version(parts_.state.version());
  for (const int32_t lane : lanes_.Held()) record.add_lanes(lane);
  record.set_leader(Leads());
  record.set_keys_digest(options_.keys_digest);
  if (hooks_.catalogs != nullptr) {
    for (auto& catalog : hooks_.catalogs()) *record.add_catalogs() = std::move(catalog);
  }
  return record;
}

bool Cluster::AwaitStopping(absl::Duration timeout) {
  absl::MutexLock lock(&mutex_);
  mutex_.AwaitWithTimeout(absl::Condition(&stopping_), timeout);
  return stopping_;
}

void Cluster::Follow() {
  bool failed = false;
  absl::Duration looked = absl::ZeroDuration();
  while (!AwaitStopping(absl::ZeroDuration())) {
    absl::Status status = parts_.log.Follow(kFollowTimeout);
    const absl::Duration now = SinceBoot();
    if (status.ok() && now - looked >= kLookEvery) {
      status = parts_.log.CatchUp();
      looked = now;
      // The others must have heard of this node in time: who revokes waits for those it hears of.
      if (status.ok() && now - members_.Said() < options_.dead_after) lease_.Renew(now);
    }
    if (!status.ok() || failed) parts_.errors("control", status);
    failed = !status.ok();
    if (failed) AwaitStopping(kLookEvery);
  }
}

absl::Status Cluster::PlaceOnce() {
  const huiliu::v1::CatalogPlacement now = parts_.state.PlacedCatalogs();
  std::vector<std::string> receivers;
  for (const huiliu::v1::Receiver& receiver : parts_.state.Receivers())
    receivers.push_back(receiver.id());
  huiliu::v1::CatalogPlacement next =
      PlaceCatalogs(now, receivers, members_.All(), options_.standbys);
  next.set_version(now.version());
  if (next.SerializeAsString() == now.SerializeAsString()) return absl::OkStatus();
  return commands_->Place(next, options_.node);
}

void Cluster::Place() {
  bool failed = false;
  absl::Duration leads_since = absl::ZeroDuration();
  while (!AwaitStopping(kPlaceEvery)) {
    if (!Leads()) {
      leads_since = absl::ZeroDuration();
      continue;
    }
    const absl::Duration now = SinceBoot();
    if (leads_since == absl::ZeroDuration()) leads_since = now;
    // Nodes that start together are there when the first map is made.
    const bool first = parts_.state.PlacedCatalogs().version() == 0;
    if (first && now - leads_since < 2 * Members::kBeat) continue;
    const absl::Status status = PlaceOnce();
    if (!status.ok() || failed) parts_.errors("placement", status);
    failed = !status.ok();
  }
}

absl::StatusOr<std::optional<Peer>> Cluster::HolderOfLane(int32_t lane) const {
  if (lanes_.Holds(lane)) return std::optional<Peer>();
  std::optional<Member> holder;
  for (Member& member : members_.All()) {
    const auto& lanes = member.record.lanes();
    if (!member.alive || member.record.node() == options_.node ||
        std::find(lanes.begin(), lanes.end(), lane) == lanes.end())
      continue;
    if (!holder.has_value() || holder->heard < member.heard) holder = std::move(member);
  }
  if (!holder.has_value()) {
    return absl::UnavailableError(StrCat("泳道 ", lane, " 正在转移到另一节点，请稍后重试 / lane ",
                                         lane, " is moving to another node; try again shortly"));
  }
  return std::optional<Peer>(Peer{holder->record.node(), holder->record.grpc_address()});
}

absl::StatusOr<std::optional<Peer>> Cluster::Leader() const {
  return HolderOfLane(Lanes::kLeading);
}

absl::StatusOr<std::optional<Peer>> Cluster::HolderOf(absl::string_view key) const {
  return HolderOfLane(lanes_.LaneOf(key));
}

absl::StatusOr<std::optional<Peer>> Cluster::OwnerOf(const std::string& receiver) const {
  const huiliu::v1::CatalogPlacement placement = parts_.state.PlacedCatalogs();
  for (const auto& catalog : placement.catalogs()) {
    if (catalog.receiver() != receiver) continue;
    if (catalog.owner() == options_.node) return std::optional<Peer>();
    const std::optional<Member> owner = members_.Find(catalog.owner());
    if (owner.has_value() && owner->alive)
      return std::optional<Peer>(Peer{catalog.owner(), owner->record.grpc_address()});
    return absl::UnavailableError(StrCat("接收方 ", receiver, " 的目录所在节点 ", catalog.owner(),
                                         " 无消息，正由备节点接管，请稍后重试 / node ",
                                         catalog.owner(), " with the catalog of ", receiver,
                                         " is silent; a standby is taking over"));
  }
  // Unknown receivers are refused, and the refusal recorded, wherever the question comes.
  if (!parts_.state.FindReceiver(receiver).has_value()) return std::optional<Peer>();
  return absl::UnavailableError(StrCat("接收方 ", receiver,
                                       " 的目录尚未安置，请稍后重试 / the catalog of ", receiver,
                                       " has no node yet; try again shortly"));
}

}  // namespace huiliu::cluster
