"""Seeded data of three approval systems with the dirt of the field: the same people and enterprises, other prefectures' among them."""
import json
import os
import random

KUNMING = [("530102", "五华区"), ("530103", "盘龙区"), ("530111", "官渡区"), ("530112", "西山区"), ("530113", "东川区"), ("530114", "呈贡区"), ("530115", "晋宁区"),
           ("530124", "富民县"), ("530125", "宜良县"), ("530126", "石林彝族自治县"), ("530127", "嵩明县"), ("530128", "禄劝彝族苗族自治县"),
           ("530129", "寻甸回族彝族自治县"), ("530181", "安宁市")]
OTHERS = [("532901", "大理白族自治州大理市"), ("530302", "曲靖市麒麟区"), ("530402", "玉溪市红塔区"), ("532301", "楚雄彝族自治州楚雄市"), ("532503", "红河哈尼族彝族自治州蒙自市")]
SURNAMES, GIVEN = "王李张刘陈杨赵黄周吴徐孙马朱胡林郭何高罗", "伟芳娜敏静丽强磊洋艳勇军杰娟涛明超秀霞平刚桂英华玉兰萍红"


def citizen_id(rng, division):
    body = f"{division}{rng.randint(1960, 2003)}{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}{rng.randint(0, 999):03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(w * int(c) for w, c in zip(weights, body)) % 11]


def uscc(rng, division, kind="91"):
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    organisation = "".join(rng.choice("0123456789") for _ in range(8))
    check = 11 - sum(w * int(c) for w, c in zip((3, 7, 9, 10, 5, 8, 4, 2), organisation)) % 11
    body = f"{kind}{division}{organisation}" + ("X" if check == 10 else "0" if check == 11 else str(check))
    total = sum(alphabet.index(c) * pow(3, i, 31) for i, c in enumerate(body))
    return body + alphabet[-total % 31]


class World:
    """People and enterprises, the same in all three systems."""

    def __init__(self, seed, people=6000):
        self.rng = rng = random.Random(seed)
        place = lambda: rng.choice(KUNMING) if rng.random() < 0.6 else rng.choice(OTHERS)  # noqa: E731
        self.enterprises = []
        for i in range(people // 20):
            code, name = place()
            self.enterprises.append((uscc(rng, code), f"{name[:2]}{rng.choice('恒盛鑫达宏远')}{rng.choice('商贸科技建筑餐饮')}有限公司{i}", code, name))
        self.people = []
        for i in range(people):
            code, name = place()
            self.people.append((f"P{i:06d}", citizen_id(rng, code), rng.choice(SURNAMES) + "".join(rng.sample(GIVEN, rng.randint(1, 2))), code, name,
                                rng.choice(self.enterprises)))

    def insurance(self, folder):
        """GB18030 CSV drops."""
        rng = self.rng
        header = "个人编号,身份证号,姓名,参保地区划,参保地,单位统一社会信用代码,险种,参保状态,参保日期,操作,更新时间"
        os.makedirs(folder, exist_ok=True)
        drops = [[] for _ in range(4)]
        for i, (number, card, name, code, place, enterprise) in enumerate(self.people):
            if rng.random() < 0.1:
                continue  # not insured
            shown = card[:6] + "************" if i % 97 == 0 else card  # masked at the source
            division = rng.choice([code, code, code, code + "000000" if i % 5 else code, ""]) if i % 11 else ""
            where = f"云南省_{'昆明市' if code.startswith('5301') else place[:3]}_无" if i % 7 == 0 else ("昆明市" if code.startswith("5301") else "云南省") + place
            if i % 149 == 0:
                division, where = "", rng.choice(["无", "N/A", "云南省", ""])  # nothing says where
            elif i % 173 == 0:
                where = "云南省曲靖市麒麟区" if code.startswith("5301") else "云南省昆明市五华区"  # the two columns disagree
            employer = enterprise[0] + "、" + self.enterprises[0][0] if i % 53 == 0 else card if i % 67 == 0 else enterprise[0]
            since = rng.choice(["2019-03-01", "2020/7/15", "20180101", "201505", "1899-12-31", "2016年8月", "N/A"])
            row = lambda op, status, at: ",".join([number, shown, name, division, where, employer, "城镇职工基本养老保险", status, since, op, at])  # noqa: E731
            drops[i % 3].append(row(rng.choice(["I", "insert", "U", "update"]), "保密" if i % 251 == 0 else rng.choice(["参保", "参保", "1"]), f"2026-0{i % 8 + 1}-11 08:00:00"))
            if i % 23 == 0:
                drops[3].append(row("U", rng.choice(["停保", "2", "\\N"]), "2026-09-01 10:00:00"))
            if i % 331 == 0:
                number = ""  # a row without its key
                drops[3].append(row("I", "参保", "2026-09-03 10:00:00"))
            elif i % 211 == 0:
                drops[3].append(row("D", "停保", "2026-09-02 10:00:00"))
        drops[1].insert(100, 'P999999,"坏"引号,x,530102,,,,,,I,')
        drops[2].insert(50, "P888888,缺列")
        for n, rows in enumerate(drops, 1):
            text = header + "\n" + "\n".join(rows) + "\n"
            data = text.encode("gb18030")
            if n == 3:
                data += b"P777777,\xff\xff,x,530102,x,x,x,x,x,I,x\n"  # bytes that are no GB18030
            with open(os.path.join(folder, f"canbao-{n:02d}.csv"), "wb") as file:
                file.write(data)
        with open(os.path.join(folder, "说明.csv"), "wb") as file:
            file.write("列名,说明\n个人编号,主键\n".encode("gb18030"))

    def employment(self, folder):
        """JSON lines."""
        rng = self.rng
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "jiuye-2026.jsonl"), "w", encoding="utf-8") as file:
            for i, (_, card, name, code, place, enterprise) in enumerate(self.people):
                if rng.random() < 0.25:
                    continue
                file.write(json.dumps({
                    "id_card": card.lower() if i % 31 == 0 else card, "name": name, "employer_uscc": enterprise[0], "employer_name": enterprise[1],
                    "work_division": code if i % 9 else None, "work_address": f"云南省{'昆明市' if code.startswith('5301') else ''}{place}人民路{i % 300 + 1}号",
                    "start_date": rng.choice(["2021-05-06", "2022/1/9", "20230315"]), "end_date": "2099-12-31", "status": "在职", "op": rng.choice(["I", "insert", "U"]),
                    "updated_at": "2026-06-01T09:00:00+08:00"}, ensure_ascii=False) + "\n")
            file.write("{not json\n")
