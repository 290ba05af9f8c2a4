"""The one screen of the demo, in Chinese and English."""
import os
import unicodedata

from demo_purpose import PURPOSE

TEXT = {
    "zh": {
        "title": "回流演示 ———— 模拟数据，不含真实个人信息 ————", "systems": "已接入系统 {0} / 190（国垂 {1}/{2} · 省建 {3}/{4} · 市建 {5}/{6}）",
        "usable": "可用数据行数：接入前 0 → 现在 {0}", "compare": "参保与就业比对：参保 {0} 人 · 就业 {1} 人 · 就业未参保 {2} 人",
        "balance": "分系统平衡表（读取 = 已回流 + 域外 + 规则不予回流 + 问题数据 + 待认领）",
        "columns": ["系统", "读取", "已回流", "域外", "不予回流", "问题数据", "待认领", "平衡"], "outside": "进入昆明的外地个人数据：{0} 行", "masked": "数源端已脱敏、无法比对的键：{0} 个",
        "owing": "欠交系统：{0}", "case": "五华窗口录入一件 {0}：{1:.1f} 秒后到达市人社局自有数据库", "late": "五华窗口录入一件 {0}：30 秒内未到达，请看日志",
        "allowed": "有授权的部门（人社局）查询：成功", "refused": "无授权的部门（税务局）查询：已拒绝，留痕序号 {0}（累计拒绝 {1} 次）", "ok": "平", "bad": "不平",
        "next": "接下来可以试：", "running": "演示保持运行，按 Ctrl-C 结束。", "psql": "在人社局自己的数据库里看这一件：", "curl": "用授权账号查询一行：", "audit": "审计：这一行从哪里来、谁看过：",
        "verify": "审计：导出留痕日志，离线核验：",
    },
    "en": {
        "title": "Huiliu demo ———— simulated data, no real persons ————", "systems": "Systems connected {0} of 190 (state {1}/{2} · provincial {3}/{4} · municipal {5}/{6})",
        "usable": "Rows usable: before 0 → now {0}", "compare": "Insured {0} · employed {1} · employed but not insured {2}",
        "balance": "Balance per system (read = returned + outside + withheld + quarantined + pending)",
        "columns": ["system", "read", "returned", "outside", "withheld", "quarantined", "pending", "balance"], "outside": "Personal rows of other areas that entered Kunming: {0}",
        "masked": "Keys that came masked from their source: {0}", "owing": "Systems that owe: {0}", "case": "Case {0} entered at a 五华 counter stood in the bureau's table after {1:.1f} s",
        "late": "Case {0} entered at a 五华 counter did not arrive within 30 s: see the logs", "allowed": "Lookup by the bureau with a grant: answered",
        "refused": "Lookup by a bureau without one: refused, lineage entry {0} ({1} refusals in all)", "ok": "even", "bad": "UNEVEN", "next": "Next, try:",
        "running": "Running until Ctrl-C.", "psql": "the case in the bureau's own database:", "curl": "a lookup with the bureau's token:", "audit": "where a row came from and who has seen it:",
        "verify": "export the lineage log and verify it offline:",
    },
}
OUTCOMES = ("returned", "outside_area", "withheld", "quarantined", "pending")


def width(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def pad(text, size, right=False):
    space = " " * max(0, size - width(text))
    return space + text if right else text + space


class Screen:
    def __init__(self, lang, out):
        self.text, self.out, self.live, self.lines = TEXT[lang], out, out.isatty(), 0

    def draw(self, view, final=False):
        lines = self.render(view)
        if self.live:
            self.out.write(f"\x1b[{self.lines}A\x1b[J" if self.lines else "")
            self.out.write("\n".join(lines) + "\n")
            self.lines = len(lines)
        elif final:
            self.out.write("\n".join(lines) + "\n")
        else:
            self.out.write(lines[2] + "  " + lines[3] + "\n")
        self.out.flush()

    def render(self, view):
        t, total = self.text, view["total"]
        state, provincial, municipal = (view["systems"][k] for k in ("TIER_STATE_VERTICAL", "TIER_PROVINCIAL", "TIER_MUNICIPAL"))
        lines = ["", t["title"], t["systems"].format(state[0] + provincial[0] + municipal[0], *state, *provincial, *municipal), t["usable"].format(view["landed"]),
                 t["compare"].format(*view["compared"]), "", t["balance"]]
        lines.append("  " + pad(t["columns"][0], 44) + "".join(pad(c, 10, True) for c in t["columns"][1:]))
        for system, row in sorted(total["by_system"].items()):
            even = row["read"] == sum(row[o] for o in OUTCOMES)
            cells = [row["read"], *(row[o] for o in OUTCOMES)]
            lines.append("  " + pad(view["titles"].get(system, system), 44) + "".join(pad(str(c), 10, True) for c in cells) + pad(t["ok"] if even else t["bad"], 10, True))
        lines += ["", t["outside"].format(total["outside_rows_held"]), t["masked"].format(total["masked_at_source"]), t["owing"].format("、".join(view["owing"]) or "—")]
        if "case" in view:
            lines.append(t["case"].format(view["case"], view["seconds"]) if view["seconds"] is not None else t["late"].format(view["case"]))
            if isinstance(view["allowed"][1], dict):
                lines.append(t["allowed"])
            if not isinstance(view["refused"][1], dict):
                lines.append(t["refused"].format(total["last_refused_index"], total["refused_reads"]))
        return lines

    def next_commands(self, demo, view):
        t, node = self.text, demo.node
        ca = os.path.join(demo.state, "pki/ca.pem")
        person = view["allowed"][0]
        values = ",".join(f'"{v}"' for v in person)
        curl = f"curl --cacert {ca} -H 'Content-Type: application/json' -H 'Authorization: Bearer {{}}' https://localhost:{node.http}/huiliu.v1."
        self.out.write("\n" + t["next"] + "\n")
        self.out.write(f"  # {t['psql']}\n  psql '{demo.cluster.dsn('hrss_bureau')}' -x -c \"SELECT * FROM case_accept WHERE project_no = '{view['case']}'\"\n")
        self.out.write(f"  # {t['curl']}\n  {curl.format(node.tokens['hrss-clerk'])}Catalog/Get -d '{{\"context\":{{\"receiver\":\"530100\",\"dataset\":\"insurance_participation\","
                       f"\"purpose\":\"{PURPOSE}\"}},\"key\":{{\"values\":[{values}]}}}}'\n")
        huiliu = os.path.join(node.build, "bin/huiliu")
        self.out.write(f"  # {t['audit']}\n  {huiliu} --config {node.profile('audit-admin')} audit record insurance_participation {' '.join(person)}\n")
        self.out.write(f"  # {t['verify']}\n  {huiliu} --config {node.profile('audit-admin')} audit export log.export && {huiliu} audit verify log.export\n")
        self.out.flush()
