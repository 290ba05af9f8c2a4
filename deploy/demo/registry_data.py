"""What the demo registers: contracts, systems, rules and the grants of the human-resources bureau."""
import csv
import os

from node import ROOT

TIERS = {"state_vertical": "TIER_STATE_VERTICAL", "provincial": "TIER_PROVINCIAL", "municipal": "TIER_MUNICIPAL"}


def systems():
    with open(os.path.join(ROOT, "schemas/systems/systems.tsv"), encoding="utf-8") as file:
        yield from csv.DictReader(file, delimiter="\t")


def register_contracts(node):
    for folder, _, names in sorted(os.walk(os.path.join(ROOT, "schemas/datasets"))):
        for name in sorted(names):
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                node.put("system-admin", "Registry/PutDataset", source_name=name, source_text=file.read())
    rules = os.path.join(ROOT, "schemas/rules")
    for name in sorted(os.listdir(rules)):
        if name.endswith(".530100.yaml"):
            with open(os.path.join(rules, name), encoding="utf-8") as file:
                put_in_force(node, name, file.read())


def put_in_force(node, name, yaml):
    """One officer proposes the rules, another approves them."""
    proposed = node.ask("data-officer", "Rules/ProposeRuleSet", source_name=name, yaml=yaml)["rule_set"]
    if proposed["state"] == "RULE_SET_STATE_PROPOSED":
        node.put("data-approver", "Rules/DecideRuleSet", dataset=proposed["dataset"], receiver=proposed["receiver"], version=proposed["version"], approve=True,
                 untried_reason="首次启用，尚无数据可试")


def register_systems(node):
    known = {s["id"] for s in all_systems(node)}
    for row in systems():
        if row["id"] in known:
            continue
        node.put("system-admin", "Registry/PutSystem", system={
            "id": row["id"], "title": row["title"], "tier": TIERS[row["tier"]], "owner": row["owner"], "datasets": row["datasets"].split(),
            "native_form": row["native_form"], "status": "SYSTEM_STATUS_" + row["status"].upper(), "provenance": row["provenance"]})


def all_systems(node):
    token, out = "", []
    while True:
        page = node.ask("system-admin", "Registry/ListSystems", page_size=1000, page_token=token)
        out += page.get("systems", [])
        token = page.get("next_page_token", "")
        if not token:
            return out


def grant(node, organisation, dataset, purpose, masks=None):
    node.put("security-admin", "Governance/PutGrant", grant={
        "id": f"{organisation}-{dataset.replace('_', '-')}", "organisation": organisation, "receiver": "530100", "dataset": dataset, "purpose": purpose,
        "legal_basis": "政务数据共享条例（国务院令第809号）", "valid_to": "2099-01-01T00:00:00Z", "masks": masks or {}})
