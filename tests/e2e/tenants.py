"""Sixteen receivers as tenants of one hub: administrators, grants, quotas, queries, rules, overrides and statements of each, and each of the others at their door."""
import base64
import concurrent.futures
import hashlib
import http.client
import json
import struct
import time

from demo_purpose import PURPOSE
from hub import COUNTIES, DATASET, PREFECTURES, Hub
from several_nodes import check

ROLES = {"system": "system_administrator", "security": "security_administrator", "audit": "audit_administrator", "officer": "data_officer",
         "approver": "data_officer", "clerk": "consumer"}
REFUSED = ("permission_denied", "not_found")


def account(role, receiver):
    return f"{role}-{receiver}"


class Tenants(Hub):
    """Each receiver has an organisation with its administrators and officers, and a bureau with a clerk."""
    ORGANISATIONS = {**Hub.ORGANISATIONS, **{f"{kind}-{r}": f"{title}{words}（模拟）" for r, title in PREFECTURES.items()
                                             for kind, words in (("data", "数据局"), ("bureau", "人社局"))}}
    ACCOUNTS = {**Hub.ACCOUNTS, **{account(role, r): (("bureau" if role == "clerk" else "data") + f"-{r}", [name])
                                   for r in PREFECTURES for role, name in ROLES.items()}}
    BOUND = {**Hub.BOUND, **{f"{kind}-{r}": r for r in PREFECTURES for kind in ("data", "bureau")}}

    @classmethod
    def of(cls, receiver):
        """A receiver's organisations; the demo's bootstrap binds km-* to Kunming."""
        return [o for o in cls.ORGANISATIONS if cls.BOUND.get(o, "530100" if o.startswith("km-") else "") == receiver]


class Line:
    """One kept-open connection to one node. `ask` gives (code, answer): the code is empty where the call succeeded."""

    def __init__(self, hub, node):
        self.hub = hub
        self.connection = http.client.HTTPSConnection("127.0.0.1", hub.ports[node][1], context=hub.tls, timeout=60)

    def ask(self, who, method, stream=False, **request):
        """A call that waits while a catalog is being placed, or others' dry runs take all places."""
        return self.ask_until(lambda code: code not in ("unavailable", "resource_exhausted"), who, method, stream, request)

    def read(self, who, method, **request):
        """A call that waits while a catalog is being placed, and for nothing else."""
        return self.ask_until(lambda code: code != "unavailable", who, method, False, request)

    def ask_until(self, holds, who, method, stream, request):
        deadline = time.time() + 60
        while True:
            code, told = self.ask_once(who, method, stream, request)
            if holds(code) or time.time() > deadline:
                return code, told
            time.sleep(0.2)

    def ask_once(self, who, method, stream, request):
        body = json.dumps(request).encode()
        kind = "application/connect+json" if stream else "application/json"
        if stream:
            body = struct.pack(">BI", 0, len(body)) + body
        headers = {"Content-Type": kind, "Authorization": "Bearer " + self.hub.tokens[who]}
        for attempt in range(2):
            try:
                self.connection.request("POST", f"/huiliu.v1.{method}", body, headers)
                answer = self.connection.getresponse()
                content = answer.read()
                break
            except (http.client.HTTPException, OSError):
                self.connection.close()  # it was idle for too long
                if attempt == 1:
                    raise
        if not stream:
            told = json.loads(content or b"{}")
            return ("", told) if answer.status == 200 else (told.get("code", str(answer.status)), told)
        return self.messages(content)

    @staticmethod
    def messages(content):
        """Of a stream: what its end says, else all messages before it."""
        told, at = [], 0
        while at < len(content):
            flags, size = struct.unpack(">BI", content[at:at + 5])
            message = json.loads(content[at + 5:at + 5 + size])
            at += 5 + size
            if flags & 2:
                error = message.get("error", {})
                return error.get("code", ""), error or told
            told.append(message)
        return "no end of the stream", told


class Affairs:
    """What a receiver's people do with its data: a request of each, about `receiver`, by the people of `by`."""

    def __init__(self, hub, rows, rules):
        self.rows, self.rules = rows, rules
        self.hub = hub
        self.cursors, self.drafts, self.overrides, self.waiting, self.organisations = {}, {}, {}, {}, {}

    def key(self, receiver):
        return {"system": "sv-social-insurance", "values": [next(iter(self.rows.held[receiver])), "养老"]}

    def grant(self, receiver, name, organisation):
        return {"id": name, "organisation": organisation, "receiver": receiver, "dataset": DATASET, "purpose": PURPOSE, "legal_basis": "政务数据共享条例",
                "valid_to": "2099-01-01T00:00:00Z"}

    def override(self, receiver, by=""):
        digest = hashlib.sha256(b"sv-social-insurance\0" + (receiver + by).encode()).hexdigest()
        return {"dataset": DATASET, "receiver": receiver, "record": digest, "division": COUNTIES[receiver], "reason": "核对登记档案"}

    def reads(self, receiver):
        context = self.hub.context(receiver)
        yield "clerk", "Catalog/Get", {"context": context, "key": self.key(receiver)}
        yield "clerk", "Catalog/MultiGet", {"context": context, "keys": [self.key(receiver)]}
        yield "clerk", "Catalog/Query", {"context": context, "page_size": 1}
        yield "clerk", "Catalog/Stats", {"receiver": receiver}
        yield "clerk", "Delivery/CommitCursor", {"context": context, "subscription": "nightly", "cursor": self.cursors[receiver]}
        yield "clerk", "Delivery/Subscribe", {"stream": True, "context": context, "snapshot": True}
        yield "officer", "Rules/Explain", {"context": context, "key": self.key(receiver)}

    def statements(self, receiver):
        yield "audit", "Audit/GetBalance", {"receiver": receiver}
        yield "officer", "Audit/GetBalance", {"receiver": receiver}
        yield "audit", "Audit/TraceRecord", {"receiver": receiver, "dataset": DATASET, "key": self.key(receiver)}
        yield "officer", "Rules/GetRuleSet", {"dataset": DATASET, "receiver": receiver}
        yield "officer", "Rules/GetRuleImpact", {"dataset": DATASET, "receiver": receiver, "version": 1}
        yield "officer", "Rules/DryRun", {"stream": True, "dataset": DATASET, "receiver": receiver}

    def commands(self, receiver, by):
        """They change something where they are allowed; `by` makes them unlike each other."""
        yield "security", "Governance/PutGrant", {"grant": self.grant(receiver, f"over-{receiver}-{by}", f"bureau-{by}")}
        yield "system", "Registry/PutReceiver", {"receiver": {"id": receiver, "title": PREFECTURES[receiver], "divisions": [receiver]},
                                                 "seen_version": self.organisations[receiver]["receiver"]}
        yield "system", "Registry/PutOrganisation", {"organisation": {"id": f"new-{receiver}-{by}", "title": "新局", "receiver": receiver}}
        yield "security", "Registry/PutAccount", {"account": {"id": f"new-{receiver}-{by}", "organisation": f"bureau-{receiver}", "roles": ["ROLE_CONSUMER"],
                                                              "token_sha256": [base64.b64encode(hashlib.sha256(f"{receiver}{by}".encode()).digest()).decode()]}}
        yield "system", "Registry/PutSource", {"source": {
            "id": f"edge-{receiver}-{by}", "system": "sv-social-insurance", "dataset": DATASET, "organisation": "state-si", "placement": "PLACEMENT_EDGE",
            "receivers": [receiver], "batch_public_key": base64.b64encode(bytes(32)).decode(), "department": "state-si", "department_title": "社保（模拟）",
            "expected_every": "24h"}}
        yield "officer", "Overrides/ProposeOverride", {"territory_override": self.override(receiver, by)}
        yield "approver", "Overrides/DecideOverride", {"id": self.waiting[receiver], "approve": False, "reason": "依据不足"}
        yield "officer", "Overrides/WithdrawOverride", {"id": self.overrides[receiver], "reason": "来函有误"}
        yield "officer", "Rules/ProposeRuleSet", {"source_name": f"si.{receiver}.yaml", "yaml": self.rules(receiver, f"（{by}）")}
        yield "approver", "Rules/DecideRuleSet", {"dataset": DATASET, "receiver": receiver, "version": 2, "approve": False, "reason": "依据不足"}
        yield "security", "Governance/RevokeGrant", {"id": f"own-{receiver}", "reason": "测试"}

    def prepare(self, line, receiver):
        """What the requests above name: a grant, a cursor, a draft of rules, two overrides that wait."""
        must(line.ask(account("security", receiver), "Governance/PutGrant", grant=self.grant(receiver, f"own-{receiver}", f"bureau-{receiver}")), "a grant")
        must(line.ask(account("security", receiver), "Governance/PutGrant", grant=self.grant(receiver, f"data-{receiver}", f"data-{receiver}")), "a grant")
        told = must(line.ask(account("clerk", receiver), "Delivery/Subscribe", stream=True, context=self.hub.context(receiver), snapshot=True), "a subscription")
        self.cursors[receiver] = [m["cursor"] for m in told if m.get("cursor")][-1]
        for kept, by in ((self.waiting, "a"), (self.overrides, "b")):
            told = must(line.ask(account("officer", receiver), "Overrides/ProposeOverride", territory_override=self.override(receiver, by)), "an override")
            kept[receiver] = told["territory_override"]["id"]
        must(line.ask(account("officer", receiver), "Rules/ProposeRuleSet", source_name=f"si.{receiver}.yaml", yaml=self.rules(receiver, "（修订）")), "a draft")
        told = must(line.ask(account("system", receiver), "Registry/ListReceivers"), "receivers")
        self.organisations[receiver] = {"receiver": told["receivers"][0]["version"]}


LISTS = (("security", "Governance/ListGrants", {"page_size": 1000}, "grants", "receiver"), ("officer", "Governance/ListGrants", {"page_size": 1000}, "grants", "receiver"),
         ("audit", "Audit/GetBalance", {}, "lines", "receiver"), ("officer", "Rules/ListRuleSets", {}, "rule_sets", "receiver"),
         ("officer", "Overrides/ListOverrides", {"page_size": 1000}, "territory_overrides", "receiver"), ("system", "Registry/ListReceivers", {}, "receivers", "id"),
         ("system", "Registry/ListOrganisations", {"page_size": 1000}, "organisations", "receiver"), ("security", "Registry/ListAccounts", {"page_size": 1000}, "accounts", "organisation"))
WHOLE_HUB = (("audit", "Cluster/GetStatus", {}), ("audit", "Audit/ExportEntries", {"stream": True}), ("system", "Registry/PutDataset", {"source_name": "x.proto", "source_text": ""}),
             ("system", "Registry/PutSystem", {"system": {"id": "of-one-tenant", "title": "系统", "tier": "TIER_MUNICIPAL", "owner": "局", "datasets": [DATASET]}}))


def must(told, what):
    check_quietly(told[0] == "", what, told)
    return told[1]


def check_quietly(condition, what, detail=""):
    if not condition:
        check(False, what, detail)


def lists_own_alone(lines, receiver):
    for role, method, request, rows, of in LISTS:
        told = must(lines[receiver].ask(account(role, receiver), method, **request), f"{method} of {receiver}")
        owners = {row.get(of, "") for row in told.get(rows, [])}
        owners.discard("")  # departments and the hub's own are nobody's
        own = {"receiver": {receiver}, "id": {receiver}, "organisation": set(Tenants.of(receiver))}[of]
        check_quietly(owners and owners <= own, f"{method} shows {receiver}'s {role} its own alone", owners)


def shut_to(line, affairs, by):
    """Every affair of every other receiver, for the people of `by`; each as (method, who, whose, what came of it)."""
    outcomes = []
    for receiver in PREFECTURES:
        if receiver == by:
            continue
        for requests in (affairs.reads(receiver), affairs.statements(receiver), affairs.commands(receiver, by)):
            for role, method, request in requests:
                outcomes.append((method, account(role, by), receiver, line.ask(account(role, by), method, **request)))
    for role, method, request in WHOLE_HUB:
        outcomes.append((method, account(role, by), "the hub", line.ask(account(role, by), method, **request)))
    return outcomes


def open_to(line, affairs, receiver):
    return [(method, account(role, receiver), receiver, line.ask(account(role, receiver), method, **request))
            for requests in (affairs.reads(receiver), affairs.statements(receiver), affairs.commands(receiver, receiver))
            for role, method, request in requests]


def strictly_apart(hub, rows, rules):
    """The verdict: every affair of every receiver is open to its own people and shut to those of each other one."""
    affairs = Affairs(hub, rows, rules)
    lines = {r: Line(hub, i % len(hub.ports)) for i, r in enumerate(PREFECTURES)}
    began = time.time()
    with concurrent.futures.ThreadPoolExecutor(len(lines)) as people:
        def at_once(what):
            return list(people.map(what, lines))
        at_once(lambda r: affairs.prepare(lines[r], r))
        refused = sum(at_once(lambda r: shut_to(lines[r], affairs, r)), [])
        for method, who, whose, (code, told) in refused:
            check_quietly(code in REFUSED, f"{method}: {who} in the affairs of {whose}", (code, told))
        at_once(lambda r: lists_own_alone(lines, r))
        answered = sum(at_once(lambda r: open_to(lines[r], affairs, r)), [])
        for method, who, whose, (code, told) in answered:
            check_quietly(code == "", f"{method}: {who} in the own affairs of {whose}", (code, told))
        at_once(lambda r: lists_own_alone(lines, r))
    methods = {method for method, *_ in refused}
    check(True, f"sixteen tenants are strictly apart: {len(refused)} requests of {len(methods)} methods in another's affairs refused, the {len(answered)} in one's own "
          f"answered ({time.time() - began:.0f} s)")


def quotas_apart(hub):
    """Who has used up its quota waits alone."""
    spent, others = "530300", [r for r in PREFECTURES if r != "530300"]
    version = next(r["version"] for r in hub.ask("system-admin", "Registry/ListReceivers")["receivers"] if r["id"] == spent)
    hub.ask("system-admin", "Registry/PutReceiver", receiver={"id": spent, "title": PREFECTURES[spent], "divisions": [spent], "quota": {"calls_per_second": 1}}, seen_version=version)
    line, codes = Line(hub, 0), []
    for _ in range(40):
        codes.append(line.read("hrss-clerk", "Catalog/Query", context=hub.context(spent), page_size=1)[0])
    check_quietly("resource_exhausted" in codes and set(codes) <= {"", "resource_exhausted"}, "beyond its quota a receiver's data is not read", codes)
    for other in others:
        told = [line.read("hrss-clerk", "Catalog/Query", context=hub.context(other), page_size=1)[0] for _ in range(5)]
        check_quietly(told == [""] * 5, f"{other}'s is, meanwhile", told)
    now = next(r["version"] for r in hub.ask("system-admin", "Registry/ListReceivers")["receivers"] if r["id"] == spent)
    hub.ask("system-admin", "Registry/PutReceiver", receiver={"id": spent, "title": PREFECTURES[spent], "divisions": [spent], "quota": {}}, seen_version=now)
    check(True, "a receiver that has used up its quota is refused, the fifteen others are not")
