#include "broker/access/authorise.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/clock.h"

namespace huiliu::access {
namespace {

using huiliu::v1::Grant;

absl::Time TimeOf(const google::protobuf::Timestamp& stamp) {
  return absl::FromUnixSeconds(stamp.seconds()) + absl::Nanoseconds(stamp.nanos());
}

std::string Minute(absl::Time time) {
  return absl::FormatTime("%Y-%m-%d %H:%M", time, ShanghaiTimeZone());
}

// Of several, the newest; ties by id, so that every node picks the same.
const Grant* Newest(const std::vector<const Grant*>& grants) {
  return *std::max_element(grants.begin(), grants.end(), [](const Grant* a, const Grant* b) {
    return std::make_pair(a->version(), a->id()) < std::make_pair(b->version(), b->id());
  });
}

template <typename Test>
std::vector<const Grant*> Where(absl::Span<const Grant* const> grants, Test test) {
  std::vector<const Grant*> found;
  std::copy_if(grants.begin(), grants.end(), std::back_inserter(found),
               [&](const Grant* grant) { return grant != nullptr && test(*grant); });
  return found;
}

Refusal NoGrant(const Request& request) {
  return {RefusalReason::kNoGrant, "",
          absl::StrCat("贵单位没有数据集 ", request.dataset,
                       " 的授权；请向安全管理员申请授权，写明使用场景与法律依据"),
          absl::StrCat("your organisation has no grant for dataset ", request.dataset,
                       "; apply to the security administrator for one, with purpose and legal "
                       "basis")};
}

Refusal WrongReceiver(const Request& request, const std::vector<const Grant*>& grants) {
  std::set<std::string> receivers;
  for (const Grant* grant : grants) receivers.insert(grant->receiver());
  return {RefusalReason::kWrongReceiver, Newest(grants)->id(),
          absl::StrCat("贵单位对数据集 ", request.dataset, " 的授权只限接收方 ",
                       absl::StrJoin(receivers, "、"), "，不含 ", request.receiver,
                       "；请改用该接收方，或申请新的授权"),
          absl::StrCat("your grants for dataset ", request.dataset, " are for receiver ",
                       absl::StrJoin(receivers, ", "), ", not ", request.receiver,
                       "; name that receiver, or apply for a new grant")};
}

// Right in everything but time.
Refusal NotInForce(const Request& request, const std::vector<const Grant*>& grants) {
  const auto later = Where(grants, [&](const Grant& g) {
    return !g.revoked() && g.has_valid_from() && TimeOf(g.valid_from()) > request.now;
  });
  if (!later.empty()) {
    const Grant* grant = *std::min_element(later.begin(), later.end(), [](auto* a, auto* b) {
      return TimeOf(a->valid_from()) < TimeOf(b->valid_from());
    });
    const std::string from = Minute(TimeOf(grant->valid_from()));
    return {RefusalReason::kNotYetValid, grant->id(),
            absl::StrCat("授权 ", grant->id(), " 自 ", from, " 起生效，请届时再试"),
            absl::StrCat("grant ", grant->id(), " begins at ", from,
                         " (Asia/Shanghai); try again then")};
  }
  // What was decided last speaks: an expired grant that follows a revoked one expired.
  const Grant* grant = Newest(grants);
  if (grant->revoked()) {
    return {RefusalReason::kRevoked, grant->id(),
            absl::StrCat("授权 ", grant->id(), " 已被收回；请联系安全管理员，需要时重新申请"),
            absl::StrCat("grant ", grant->id(),
                         " was revoked; ask the security administrator, apply again if needed")};
  }
  const std::string to = grant->has_valid_to() ? Minute(TimeOf(grant->valid_to())) : "-";
  return {RefusalReason::kExpired, grant->id(),
          absl::StrCat("授权 ", grant->id(), " 已于 ", to, " 到期；请申请延期"),
          absl::StrCat("grant ", grant->id(), " expired at ", to,
                       " (Asia/Shanghai); apply for its renewal")};
}

Refusal WrongPurpose(const Request& request, const std::vector<const Grant*>& grants) {
  std::set<std::string> purposes;
  // What would be refused again is no way out.
  for (const Grant* grant : grants) {
    if (!grant->revoked() && TimeOf(grant->valid_to()) > request.now)
      purposes.insert(grant->purpose());
  }
  if (purposes.empty()) return NotInForce(request, grants);
  return {
      RefusalReason::kWrongPurpose, Newest(grants)->id(),
      absl::StrCat("使用场景与授权不符；贵单位对数据集 ", request.dataset, " 已获授权的使用场景：",
                   absl::StrJoin(purposes, "、"), "；用于其他目的须另行申请"),
      absl::StrCat("the purpose is not the granted one; your grants for dataset ", request.dataset,
                   " are for: ", absl::StrJoin(purposes, ", "),
                   "; another use needs its own grant")};
}

}  // namespace

absl::string_view CodeOf(RefusalReason reason) {
  switch (reason) {
    case RefusalReason::kNoGrant:
      return "no_grant";
    case RefusalReason::kWrongReceiver:
      return "wrong_receiver";
    case RefusalReason::kWrongPurpose:
      return "wrong_purpose";
    case RefusalReason::kNotYetValid:
      return "not_yet_valid";
    case RefusalReason::kExpired:
      return "expired";
    case RefusalReason::kRevoked:
      return "revoked";
    case RefusalReason::kUnusable:
      return "unusable";
  }
  return "no_grant";
}

std::string Refusal::message() const { return absl::StrCat(CodeOf(reason), ": ", zh, " / ", en); }

Decision Decide(const Request& request, absl::Span<const Grant* const> grants) {
  const auto same = [](const std::string& granted, absl::string_view asked) {
    return !asked.empty() && absl::string_view(granted) == asked;
  };
  const auto in_force = [&](const Grant& g) {
    return !g.revoked() && g.has_valid_to() && request.now < TimeOf(g.valid_to()) &&
           (!g.has_valid_from() || TimeOf(g.valid_from()) <= request.now);
  };
  const auto fitting = Where(grants, [&](const Grant& g) {
    return same(g.organisation(), request.organisation) && same(g.dataset(), request.dataset) &&
           same(g.receiver(), request.receiver) && same(g.purpose(), request.purpose);
  });
  const auto usable = Where(fitting, in_force);
  Decision decision;
  if (!usable.empty()) {
    decision.grant = Newest(usable);
    return decision;
  }
  if (!fitting.empty()) {
    decision.refusal = NotInForce(request, fitting);
    return decision;
  }
  const auto own = Where(grants, [&](const Grant& g) {
    return same(g.organisation(), request.organisation) && same(g.dataset(), request.dataset);
  });
  const auto here =
      Where(own, [&](const Grant& g) { return same(g.receiver(), request.receiver); });
  if (own.empty()) {
    decision.refusal = NoGrant(request);
  } else if (here.empty()) {
    decision.refusal = WrongReceiver(request, own);
  } else {
    decision.refusal = WrongPurpose(request, here);
  }
  return decision;
}

Authorised Authoriser::Authorise(const Request& request, absl::Span<const Grant* const> grants,
                                 const std::shared_ptr<const schema::Contract>& contract) {
  Authorised result;
  Decision decision = Decide(request, grants);
  if (decision.grant == nullptr) {
    result.refusal = std::move(decision.refusal);
    return result;
  }
  const Grant& grant = *decision.grant;
  absl::StatusOr<std::shared_ptr<const AccessPlan>> plan =
      contract == nullptr ? absl::NotFoundError(absl::StrCat("数据集未登记 / dataset ",
                                                             request.dataset, " is not registered"))
                          : PlanFor(grant, contract);
  // The plan says itself whether it is in force: what Decide saw and what was compiled are one
  // grant.
  if (plan.ok() && (*plan)->ValidAt(request.now)) {
    result.plan = *std::move(plan);
    return result;
  }
  result.refusal = {
      RefusalReason::kUnusable, grant.id(),
      absl::StrCat("授权 ", grant.id(), " 与数据集不符，未返回任何数据；请安全管理员修订该授权"),
      absl::StrCat("grant ", grant.id(),
                   " does not fit the dataset, so nothing is shown; the security "
                   "administrator must amend it: ",
                   plan.ok() ? "not in force" : plan.status().message())};
  return result;
}

absl::StatusOr<std::shared_ptr<const AccessPlan>> Authoriser::PlanFor(
    const Grant& grant, const std::shared_ptr<const schema::Contract>& contract) {
  Key key{grant.id(), grant.version(), contract->id().value(), contract->version()};
  {
    absl::MutexLock lock(&mutex_);
    const auto it = plans_.find(key);
    if (it != plans_.end()) return it->second;
  }
  const std::string pseudonym_key =
      options_.pseudonym_key ? options_.pseudonym_key(grant.receiver()) : std::string();
  auto plan = AccessPlan::Compile(grant, contract, options_.environment, pseudonym_key);
  if (!plan.ok()) return plan.status();
  absl::MutexLock lock(&mutex_);
  // Old versions are never asked for again; a full cache is rare and cheap to fill anew.
  if (plans_.size() >= options_.max_plans) plans_.clear();
  return plans_.try_emplace(std::move(key), *std::move(plan)).first->second;
}

size_t Authoriser::cached_plans() const {
  absl::MutexLock lock(&mutex_);
  return plans_.size();
}

}  // namespace huiliu::access
