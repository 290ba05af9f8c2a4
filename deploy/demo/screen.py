"""The one screen of the demo, in Chinese and English."""
import os
import unicodedata

TEXT = {
    "zh": {
        "title": "回流演示 ———— 模拟数据，不含真实个人信息 ————", "systems": "已接入系统 {0} / {7}（国垂 {1}/{2} · 省建 {3}/{4} · 市建 {5}/{6}）",
        "usable": "可用数据行数：接入前 0 → 现在 {0}", "compare": "参保与就业比对：参保 {0} 人 · 就业 {1} 人 · 就业未参保 {2} 人（另有 {3} 人的参保证件号在数源端已脱敏，无法比对）",
        "balance": "分系统平衡表（读取 = 已回流 + 域外 + 规则不予回流 + 问题数据 + 待认领）",
        "columns": ["系统", "读取", "已回流", "域外", "不予回流", "问题数据", "待认领", "平衡"], "outside": "进入昆明的外地个人数据：{0} 行", "masked": "键在数源端已脱敏、无法比对的记录：{0} 条",
        "owing": "欠交系统：{0}", "starting": "正在启动节点、数据库和各部门前置机……", "case": "五华窗口录入一件 {0}：{1:.2f} 秒后到达市人社局自有数据库", "late": "五华窗口录入一件 {0}：30 秒内未到达，请看日志",
        "allowed": "有授权的部门（人社局）查询：成功", "refused": "无授权的部门（税务局）查询：已拒绝，留痕序号 {0}（累计拒绝 {1} 次）", "ok": "平", "bad": "不平",
        "next": "接下来可以试：", "running": "演示保持运行，按 Ctrl-C 结束。", "psql": "在人社局自己的数据库里看这一件：", "curl": "用授权账号查询一行：", "audit": "审计：这一行从哪里来、谁看过：",
        "verify": "审计：导出留痕日志，离线核验：", "earlier": "（本状态首次运行时）", "counties": "在人社局自己的数据库里按区县看企业数：", "notice": "提示", "names": {},
    },
    "en": {
        "title": "Huiliu demo ———— simulated data, no real persons ————", "systems": "Systems connected {0} of {7} (state {1}/{2} · provincial {3}/{4} · municipal {5}/{6})",
        "usable": "Rows usable: before 0 → now {0}", "compare": "Insured {0} · employed {1} · employed but not insured {2} ({3} insured came with masked identity numbers and cannot be compared)",
        "balance": "Balance per system (read = returned + outside + withheld + quarantined + pending)",
        "columns": ["system", "read", "returned", "outside", "withheld", "quarantined", "pending", "balance"], "outside": "Personal rows of other areas that entered Kunming: {0}",
        "masked": "Rows whose keys came masked from their source: {0}", "owing": "Systems that owe: {0}", "starting": "Starting the node, the databases and the departments' agents …", "case": "Case {0} entered at a Wuhua counter stood in the bureau's table after {1:.2f} s",
        "late": "Case {0} entered at a Wuhua counter did not arrive within 30 s: see the logs", "allowed": "Lookup by the bureau with a grant: answered",
        "refused": "Lookup by a bureau without one: refused, lineage entry {0} ({1} refusals in all)", "ok": "even", "bad": "UNEVEN", "next": "Next, try:",
        "running": "Running until Ctrl-C.", "psql": "the case in the bureau's own database:", "curl": "a lookup with the bureau's token:", "audit": "where a row came from and who has seen it:",
        "verify": "export the lineage log and verify it offline:", "earlier": " (in the first run of this state)", "counties": "enterprises by county in the bureau's own database:", "notice": "notice",
        "names": {"sv-social-insurance": "State social-insurance platform (insured)", "pr-approval": "Provincial approval platform", "mu-employment": "Municipal employment register",
                  "pr-003": "Provincial construction-project approval"},
    },
}
OUTCOMES = ("returned", "outside_area", "withheld", "quarantined", "pending")


def width(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def pad(text, size, right=False):
    space = " " * max(0, size - width(text))
    return space + text if right else text + space


def cut(text, size):
    """At most `size` columns."""
    if width(text) <= size:
        return text
    while text and width(text) > size - 1:
        text = text[:-1]
    return text + "…"


class Screen:
    """On a terminal one picture that is drawn over; else a line a change, and the picture at the end."""

    def __init__(self, lang, out):
        self.text, self.out, self.live = TEXT[lang], out, out.isatty()
        self.notices, self.shown = [], None
        self.tail, self.short_tail = [], []  # below the picture: in full, and where the window has no room for that

    def size(self):
        try:
            size = os.get_terminal_size(self.out.fileno())
        except (OSError, ValueError):
            return os.terminal_size((120, 50))
        # A terminal that does not know its size says 0.
        return os.terminal_size((size.columns or 80, size.lines or 24))

    def starting(self):
        self.out.write(self.text["title"] + "\n" + self.text["starting"] + "\n")
        self.out.flush()

    def notice(self, words):
        self.notices.append(words)
        if not self.live:
            self.out.write("! " + words + "\n")
            self.out.flush()

    def draw(self, view, final=False):
        lines = self.render(view)
        if self.live:
            lines += [f"{self.text['notice']}：{n}" for n in self.notices]
            if self.height(lines + self.tail) < self.size().lines:
                lines += self.tail
            else:
                lines = [line for line in lines if line] + self.short_tail
            if lines != self.shown:
                self.paint(lines)
        elif final:
            self.out.write("\n".join(lines + self.tail) + "\n")
        elif lines[2:4] != self.shown:
            self.out.write(lines[2] + "  " + lines[3] + "\n")
        self.shown = lines if self.live else lines[2:4]
        self.out.flush()

    def height(self, lines):
        columns = self.size().columns
        return sum(max(1, -(-width(line) // columns)) for line in lines)

    def paint(self, lines):
        columns, rows = self.size()
        if self.height(lines) >= rows and self.tail and self.shown is not None and self.shown[-1] == self.short_tail[-1]:
            # Higher than the window all the same: what is above has scrolled away, so the newest figures stand in the last line.
            self.out.write("\r\x1b[K" + cut(lines[2] + "  " + lines[3], columns - 1))
        else:
            self.out.write("\x1b[H\x1b[J" + "\n".join(lines) + "\n")

    def render(self, view):
        t, total = self.text, view["total"]
        state, provincial, municipal = (view["systems"][k] for k in ("TIER_STATE_VERTICAL", "TIER_PROVINCIAL", "TIER_MUNICIPAL"))
        lines = ["", t["title"], t["systems"].format(state[0] + provincial[0] + municipal[0], *state, *provincial, *municipal, state[1] + provincial[1] + municipal[1]), t["usable"].format(view["landed"]),
                 t["compare"].format(*view["compared"]), "", t["balance"]]
        wide = 2 if self.size().columns >= 100 else 1
        sizes = [max(6 + wide, width(c) + wide) for c in t["columns"][1:]]
        title = max(16, min(44, self.size().columns - sum(sizes) - 3))
        lines.append("  " + pad(t["columns"][0], title) + "".join(pad(c, n, True) for c, n in zip(t["columns"][1:], sizes)))
        for system, row in sorted(total["by_system"].items()):
            even = row["read"] == sum(row[o] for o in OUTCOMES)
            cells = [row["read"], *(row[o] for o in OUTCOMES), t["ok"] if even else t["bad"]]
            lines.append("  " + pad(cut(self.name(view, system), title), title) + "".join(pad(str(c), n, True) for c, n in zip(cells, sizes)))
        lines += ["", t["outside"].format(total["outside_rows_held"]), t["masked"].format(total["masked_at_source"]), t["owing"].format("、".join(self.name(view, s) for s in view["owing"]) or "—")]
        if "case" in view:
            arrived = t["case"].format(view["case"], view["seconds"]) if view["seconds"] is not None else t["late"].format(view["case"])
            lines.append(arrived + (t["earlier"] if view["earlier"] else ""))
            if isinstance(view["allowed"][1], dict):
                lines.append(t["allowed"])
            if not isinstance(view["refused"][1], dict):
                lines.append(t["refused"].format(total["last_refused_index"], total["refused_reads"]))
        return lines

    def name(self, view, system):
        return self.text["names"].get(system) or view["titles"].get(system, system)

    def next_commands(self, commands):
        """What to try next stands below the picture from now on."""
        t = self.text
        self.tail = ["", *commands.lines(t), "", t["running"]]
        self.short_tail = [*commands.short_lines(t), t["running"]]
