"""A province's hub for the tests of several nodes: sixteen receivers, a source that the nodes judge, and what must come of its rows."""
import base64
import json
import os
import random

from several_nodes import ROOT, Nodes
from demo_purpose import PURPOSE
from generate import citizen_id
from registry_data import put_in_force

PREFECTURES = {"530100": "昆明市", "530300": "曲靖市", "530400": "玉溪市", "530500": "保山市", "530600": "昭通市", "530700": "丽江市", "530800": "普洱市",
               "530900": "临沧市", "532300": "楚雄州", "532500": "红河州", "532600": "文山州", "532800": "西双版纳州", "532900": "大理州", "533100": "德宏州",
               "533300": "怒江州", "533400": "迪庆州"}
# One county of each.
COUNTIES = {"530100": "530102", "530300": "530302", "530400": "530402", "530500": "530502", "530600": "530602", "530700": "530702", "530800": "530802",
            "530900": "530902", "532300": "532301", "532500": "532501", "532600": "532601", "532800": "532801", "532900": "532901", "533100": "533103",
            "533300": "533301", "533400": "533401"}
DATASET = "insurance_participation"
OUTCOMES = ("returned", "outside_area", "withheld", "quarantined", "pending")


class Hub(Nodes):
    """Its administrators belong to no receiver; those of a receiver settle its affairs alone."""
    RECEIVERS = [(r, t, [r]) for r, t in PREFECTURES.items()]
    ORGANISATIONS = {**Nodes.ORGANISATIONS, "yn-data": "云南省数据局（模拟）"}
    ACCOUNTS = {**{account: ("yn-data" if organisation in ("km-data", "km-audit") else organisation, roles)
                   for account, (organisation, roles) in Nodes.ACCOUNTS.items()},
                "si-officer": ("state-si", ["data_officer"]), "km-admin": ("km-data", ["system_administrator"])}
    BOUND = {}  # organisations of a receiver; in the bootstrap only Kunming's are bound

    def start(self):
        super().start()
        for organisation, receiver in self.BOUND.items():
            version = next(o["version"] for o in self.ask("system-admin", "Registry/ListOrganisations", page_size=1000)["organisations"] if o["id"] == organisation)
            self.put("system-admin", "Registry/PutOrganisation", seen_version=version,
                     organisation={"id": organisation, "title": self.ORGANISATIONS[organisation], "receiver": receiver})

    def set_up(self, receivers=PREFECTURES):
        with open(os.path.join(ROOT, "schemas/datasets/population/insurance_participation.proto"), encoding="utf-8") as file:
            self.put("system-admin", "Registry/PutDataset", source_name="insurance_participation.proto", source_text=file.read())
        with open(os.path.join(ROOT, "schemas/rules/insurance_participation.530100.yaml"), encoding="utf-8") as file:
            rules = file.read()
        for receiver in receivers:
            put_in_force(self, f"si.{receiver}.yaml", rules.replace("530100", receiver))
            self.grant(f"hub-{receiver}", receiver, "km-hrss")
        self.put("system-admin", "Registry/PutSystem", system={
            "id": "sv-social-insurance", "title": "社会保险", "tier": "TIER_STATE_VERTICAL", "owner": "人力资源社会保障部", "datasets": [DATASET],
            "status": "SYSTEM_STATUS_CONFIRMED"})

    def grant(self, name, receiver, organisation):
        self.put("security-admin", "Governance/PutGrant", grant={
            "id": name, "organisation": organisation, "receiver": receiver, "dataset": DATASET, "purpose": PURPOSE, "legal_basis": "政务数据共享条例",
            "valid_to": "2099-01-01T00:00:00Z", "masks": {}})

    # Sources at the edge, by what their names begin with.
    EDGE = {"edge-dali": ["532900"], "edge": ["530100"]}

    def register_source(self, source, system, dataset, organisation, key_hex, expected_every="24h"):
        at_node = source.startswith("hub")
        self.put("system-admin", "Registry/PutSource", source={
            "id": source, "system": system, "dataset": dataset, "organisation": organisation,
            "placement": "PLACEMENT_NODE" if at_node else "PLACEMENT_EDGE", "receivers": list(PREFECTURES) if at_node else next(r for name, r in self.EDGE.items() if source.startswith(name)),
            "batch_public_key": base64.b64encode(bytes.fromhex(key_hex)).decode(), "department": organisation,
            "department_title": self.ORGANISATIONS[organisation], "expected_every": expected_every})

    def file_source(self, name, folder):
        return {"id": name, "_system": "sv-social-insurance", "plugin": "file", "dataset": DATASET, "batch_rows": 200, "linger_ms": 20,
                "mapping": os.path.join(ROOT, "deploy/samples/mappings/insurance_participation.yaml"),
                "options": {"path": folder, "format": "jsonl", "pattern": "*.jsonl",
                            "columns": ["个人编号", "身份证号", "姓名", "参保地区划", "险种", "参保状态", "操作", "更新时间"]}}

    def context(self, receiver):
        return {"receiver": receiver, "dataset": DATASET, "purpose": PURPOSE}

    def held(self, receiver, account="hrss-clerk", ask=None):
        rows, token = {}, ""
        while True:
            page = (ask or self.ask)(account, "Catalog/Query", context=self.context(receiver), page_size=1000, page_token=token)
            for row in page.get("rows", []):
                rows[row["fields"]["person_number"]] = (row["fields"]["insured_division"], row["fields"]["status"])
            token = page.get("next_page_token", "")
            if not token:
                return rows

    def counts(self, receiver):
        total = {"read": 0, **dict.fromkeys(OUTCOMES, 0)}
        for line in self.ask("audit-admin", "Audit/GetBalance", receiver=receiver).get("lines", []):
            for name in total:
                total[name] += int(line.get(name, 0))
        return total


class Rows:
    """Rows of people who move between prefectures, and where each must be in the end."""

    def __init__(self, seed, keys, prefix="P"):
        self.random, self.keys, self.prefix, self.at = random.Random(seed), keys, prefix, 0
        self.held = {r: {} for r in PREFECTURES}
        self.moves = dict.fromkeys(PREFECTURES, 0)  # how often somebody left: a tombstone each
        self.written = 0

    def write(self, folder, name, count, receivers=tuple(PREFECTURES)):
        lines = []
        for _ in range(count):
            self.at += 1
            number = f"{self.prefix}{self.random.randrange(self.keys):06d}"
            receiver = self.random.choice(receivers)
            status = self.random.choice(["参保", "停保"])
            day, second = divmod(self.at, 86400)
            for left, rows in self.held.items():
                if rows.pop(number, None) is not None and left != receiver:
                    self.moves[left] += 1
            self.held[receiver][number] = (COUNTIES[receiver], status)
            lines.append(json.dumps({
                "个人编号": number, "险种": "养老", "操作": "U", "更新时间": f"2026-01-{day + 1:02d} {second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}",
                "身份证号": citizen_id(self.random, COUNTIES[receiver]), "姓名": "王", "参保地区划": COUNTIES[receiver], "参保状态": status}, ensure_ascii=False))
        path = os.path.join(folder, "." + name)
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        os.rename(path, os.path.join(folder, name + ".jsonl"))
        self.written += count
