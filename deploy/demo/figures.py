"""The figures of the demo, from the node's own answers and the bureau's database."""
import json
import os

OUTCOMES = ("returned", "outside_area", "withheld", "quarantined", "pending")


def balance(node):
    """The totals of the state, and per system."""
    answer = node.call("audit-admin", "Audit/GetBalance", receiver="530100")
    total = {"read": 0, **{o: 0 for o in OUTCOMES}, "conflicts": 0, "masked_at_source": 0}
    by_county, by_system = {}, {}
    for line in answer.get("lines", []):
        system = by_system.setdefault(line["system"], {"read": 0, **{o: 0 for o in OUTCOMES}, "conflicts": 0})
        for name in total:
            number = int(line.get(name, 0))
            total[name] += number
            if name in system:
                system[name] += number
        for county, number in line.get("by_county", {}).items():
            by_county[county] = by_county.get(county, 0) + int(number)
    total["by_county"] = {county: n for county, n in sorted(by_county.items()) if n}
    total["by_system"] = by_system
    total["refused_reads"] = int(answer.get("refused_reads", 0))
    total["last_refused_index"] = int(answer.get("last_refused_index", -1))
    total["outside_rows_held"] = int(answer.get("outside_rows_held", 0))
    return total


def status(folder, worker):
    try:
        with open(os.path.join(folder, "status", worker + ".json"), encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return {"state": "starting", "caught_up": False, "notices": [], "error": "", "rows": 0}


def landed(cluster, tables):
    """Rows in the bureau's own tables; a table that is not there yet holds none."""
    total = 0
    for table in tables:
        count = cluster.psql("hrss_bureau", f"SELECT count(*) FROM {table}", check=False)
        total += int(count or 0)
    return total
