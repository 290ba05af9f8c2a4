#!/usr/bin/env python3
"""Writes the seeds of tests/fuzz/corpus that are not texts: python3 tests/fuzz/make_corpus.py. The others are written by hand."""
import pathlib
import struct

CORPUS = pathlib.Path(__file__).resolve().parent / "corpus"


def put(target, name, data):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def varint(value):
    value &= (1 << 64) - 1
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def tag(number, wire):
    return varint(number << 3 | wire)


def text(number, value):
    value = value if isinstance(value, bytes) else value.encode()
    return tag(number, 2) + varint(len(value)) + value


def number(field, value):
    return tag(field, 0) + varint(value)


def wire():
    full = (text(1, "甲-1") + number(2, -5) + text(3, "王小明") + number(4, 139999) + tag(5, 5) + struct.pack("<I", 4000000000)
            + number(7, 1) + number(8, -1) + tag(9, 5) + struct.pack("<f", 0.5) + text(10, number(1, 1700000000) + number(2, 5))
            + number(11, 1) + text(12, varint(1) + varint(300)) + number(12, 7) + text(13, "a") + text(13, "乙")
            + text(14, text(1, "部分") + text(2, b"\x01\x02")) + tag(150, 1) + struct.pack("<d", 0.1) + text(536870911, b"\xff\x00"))
    put("wire", "full", full)
    put("wire", "empty", b"")
    put("wire", "torn", full[:-5])
    put("wire", "twice", text(1, "a") + text(1, "b") + number(2, 1) + number(2, 2))
    put("wire", "unknown", text(1, "a") + text(77, "geheim") + number(9999, 3))
    put("wire", "group", text(1, "a") + tag(20, 3) + number(2, 1) + tag(20, 4))
    put("wire", "wrong_types", number(1, 5) + text(2, "x") + tag(3, 5) + b"abcd" + text(10, b"\xff"))
    put("wire", "varint_10_bytes", tag(2, 0) + b"\xff" * 9 + b"\x01")
    put("wire", "varint_too_large", tag(2, 0) + b"\xff" * 9 + b"\x7f")
    put("wire", "varint_11_bytes", tag(2, 0) + b"\x80" * 10 + b"\x01")
    put("wire", "tag_long", b"\x88\x80\x80\x80\x80\x00" + b"\x05")
    put("wire", "length_long", tag(4, 2) + b"\x81\x80\x80\x80\x80\x00" + b"a")
    put("wire", "field_0", b"\x00\x01")
    put("wire", "length_huge", tag(3, 2) + varint((1 << 64) - 1) + b"x")
    put("wire", "timestamp_far", text(1, "a") + text(10, number(1, 253402300800)) + text(10, number(1, -62135596801) + number(2, 1)))
    put("wire", "time_negative", text(1, "a") + text(10, number(1, -1) + number(2, 999999999)))


def masks():
    row = (text(1, "1") + number(2, 7) + text(3, "张三丰") + text(4, "甲") + text(4, "乙丙丁戊己") + text(5, "13888886666")
           + tag(6, 5) + b"abcd" + text(150, "不外传"))
    put("masks", "row", row)
    put("masks", "torn", row[:-2])
    put("masks", "no_utf8", text(1, "1") + text(3, b"\xe5\xbc") + text(5, "1"))
    put("masks", "no_utf8_hashed", text(1, "1") + text(3, "a") + text(5, b"\xff"))
    put("masks", "surrogate", text(3, b"\xed\xa0\x80abc"))
    put("masks", "four_bytes", text(3, "𠮷野家𝄞𝄞") + text(4, "é́́x"))
    put("masks", "wrong_type", text(1, "1") + number(3, 5))
    put("masks", "empty_values", text(3, "") + text(4, "") + text(5, "") + text(150, ""))
    put("masks", "unknown", text(3, "abcdef") + text(99, "hidden"))
    put("masks", "text", "云南省昆明市五华区人民中路1号".encode())
    put("masks", "digits", b"530102199001011234")


def csv():
    for name, content in {
        "plain": "id,name,phone\n1,张三,13888886666\n2,李四,\n",
        "quoted": 'id,name\r\n1,"a ""b"", c"\r\n2,"多\r\n行"\r\n',
        "cr": "a,b\r1,2\r3,4",
        "bad_quotes": 'a,b\n1,"x"y\n2,"open\n3,4\n',
        "columns": "a,b\n1\n1,2,3\n\n4,5\n",
        "inner_quote": 'a,b\n1,5" pipe\n2,"""\n',
        "bar": "a|b\n一|二\n\"|\"|x\n",
    }.items():
        put("csv", name, content.encode())
        put("csv", name + ".gb18030", content.encode("gb18030"))
    put("csv", "four_bytes.gb18030", "a|b\n𠮷|€ é ㄅ\n".encode("gb18030"))
    put("csv", "marked", b"\xef\xbb\xbfa,b\n1,2\n")
    put("csv", "marked.gb18030", b"\x84\x31\x95\x33" + "a,b\n甲,2\n".encode("gb18030"))
    put("csv", "utf16", "a,b\n".encode("utf-16"))
    put("csv", "torn.gb18030", "a,b\n甲,乙".encode("gb18030")[:-1])
    put("csv", "second_byte_is_bar.gb18030", b"a|b\n\x81\x7c|\x82\x7c\xff|x\n")
    put("csv", "invalid", b"a,b\n\xff,1\n2,\xed\xa0\x80\n3,4\n")
    put("csv", "lines.jsonl", '{"a":"甲","b":1.50}\n{"b":null,"a":"\\u4e59\\n"}\r\n\n{"a":{"x":[1,2]}}\n[1]\n{"a":"open\n{"a":"\\ud83d\\ude00"}'.encode())


def lineage():
    put("lineage", "untouched", b"")
    put("lineage", "byte_in_an_entry", b"\x00\x80\x00x")
    put("lineage", "cut", b"\x10\x00\x04\x00")
    put("lineage", "cut_at_the_beginning", b"\x00\x20\x04\x00")
    put("lineage", "removed", b"\x01\x00\x01\x38")
    put("lineage", "doubled", b"\x01\x00\x03\x38")
    put("lineage", "inserted_twice", b"\x00\x15\x02\x05\x02\x00\x02\x45")
    put("lineage", "near_the_end", b"\xff\xff\x02\x5a")
    begin = varint(0) + varint(3) + b"abc"
    mark = b"HUILIU-LINEAGE-1\n"
    put("lineage", "file_empty", mark)
    put("lineage", "file_without_entries", mark + b"B" + varint(len(begin)) + begin + b"Z" + varint(1) + varint(0))
    far = varint((1 << 63) - 1) + varint(1) + b"a" + b"p" * 32 * 63
    put("lineage", "file_from_far", mark + b"B" + varint(len(far)) + far + b"E" + varint(2) + b"\x08\x01" + b"H" + varint(32) + b"h" * 32)
    put("lineage", "file_huge_frame", mark + b"B" + varint(1 << 40))
    put("lineage", "note", "fuzz.example/lineage/0\n2\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n— fuzz.example/lineage/0 AAAA\n".encode())


def connect():
    for name, content in {
        "query": '{"receiver":"530100","dataset":"licence","purpose":"p","page_size":10,"pageToken":"AA=="}',
        "grant": '{"grant":{"id":"g","dataset":"licence","fields":["a"],"valid_to":"2030-01-01T00:00:00Z"},"seen_version":"3"}',
        "batch": '{"source":"s","epoch":"1","keys":["AA==","_-8"],"counts":[{"outcome":"OUTCOME_RETURNED","rows":-1}],"quarantined":[{"cells":[{"text":"a"},{}]}]}',
        "row": '{"fields":{"a":1.5,"b":[null,true,{"c":"\\ud83d\\ude00"}]},"sourceTime":"1970-01-01T00:00:00.5Z"}',
        "unknown": '{"nix":1}',
        "twice": '{"dataset":"a","dataset":"b"}',
        "surrogate": '{"dataset":"\\ud800"}',
        "deep": "[" * 200 + "]" * 200,
        "deep_struct": '{"fields":' + '{"a":' * 120 + "1" + "}" * 121,
        "number": '{"page_size":1e2,"limit":"99999999999999999999"}',
        "null": "null",
    }.items():
        put("connect", name, content.encode())
    put("connect", "not_utf8", b'{"dataset":"\xff\xfe"}')
    put("connect", "envelope", b"\x00\x00\x00\x00\x02{}")
    put("connect", "envelope_compressed", b"\x01\x00\x00\x00\x02{}")
    put("connect", "envelope_short", b"\x00\x00\x00")


def stored():
    record = varint(3 << 1) + b"key" + varint(2) + b"he" + varint(5) + b"value"
    gone = varint(1 << 1 | 1) + b"k" + varint(0)
    put("stored", "batch_body", varint(2) + record + gone)
    put("stored", "batch_many", varint(200) + gone * 200)
    put("stored", "batch_count_huge", varint((1 << 64) - 1) + gone)
    put("stored", "batch_unchecked", b"\xb7\x01abcd" + varint(1) + record)
    head = b"\x01" + struct.pack("<QqIi", 20, 1760000000000000, 3, 100)
    put("stored", "head", head + varint(0))
    put("stored", "head_listed", head + varint(3) + varint(7) + varint(2) + varint(4))
    put("stored", "head_backwards", head + varint(3) + varint(7) + varint((1 << 64) - 2) + varint(4))
    put("stored", "head_overflow", head + varint(3) + varint(1 << 63) + varint(1 << 63) + varint(4))
    put("stored", "head_time_extreme", b"\x01" + struct.pack("<QqIi", 20, -(1 << 63), 3, 100) + varint(0))
    put("stored", "kept", b"12 34")
    put("stored", "spec", b"3 2 1 -1 -1 604800000000 return")
    put("stored", "spec_extreme", b"4294967295 -1 7 9223372036854775807 9223372036854775807 -9223372036854775808")
    digests = b"p" * 16 + b"r" * 8
    decision = b"\x01\x06" + varint(10) + varint(40908) + digests + varint(3) + b"a:1" + b"\x36\x17\x08" + varint(2) + b"\x01" + varint(1) + varint(6) + b"530100" + varint(1) + b"12345678"
    put("stored", "decision", decision)
    put("stored", "decision_torn", decision[:-3])


def envelope(index, division="530102", operation=1, more=b""):
    return (text(1, "sys") + text(5, "f:%d" % index) + number(6, operation) + text(8, division) + number(14, 1) + number(15, 1)
            + number(16, index) + text(21, "node") + more)


def intake():
    row = text(1, "1") + text(2, "甲") + text(5, "530102")

    def batch(*records, more=b""):
        keys = b"".join(text(8, key) for key, _, _ in records)
        return keys + b"".join(text(9, e) for _, e, _ in records) + b"".join(text(10, p) for _, _, p in records) + more

    key = b"sys\x00\x011"
    put("intake", "two_records", batch((key, envelope(0), row), (b"sys\x00\x012", envelope(1, operation=2), b""),
                                       more=text(11, text(2, "530100") + number(3, 1) + text(4, "530102") + number(5, 2)) + text(4, "pos")))
    put("intake", "empty", batch(more=text(7, "rule") + number(13, 3) + text(12, b"d" * 32) + number(17, 5)))
    put("intake", "quarantined", batch((key, envelope(0), row), more=text(19, text(3, "坏行" * 60) + text(4, "date.invalid") + text(7, b"\xff"))))
    put("intake", "notes", batch(more=text(18, text(1, "行" * 100) + text(2, "理由" * 40) + text(4, b"d" * 32)) * 3))
    put("intake", "many_counts", batch(more=text(11, text(1, "2026-01-01") + text(2, "530100") + number(3, 1) + text(4, "530102") + number(5, 1)) * 2500))
    put("intake", "outside", batch((key, envelope(0, "532901"), row)))
    put("intake", "division_twice", batch((key, envelope(0, more=text(8, "532901") + number(8, 5)), row)))
    put("intake", "operation_wide", batch((key, envelope(0, operation=(1 << 32) + 1), row)))
    put("intake", "index_wide", batch((key, envelope(0, more=number(16, 1 << 32)), row)))
    put("intake", "envelope_no_utf8", batch((key, envelope(0, more=text(5, b"\xff")), row)))
    put("intake", "envelope_torn", batch((key, envelope(0)[:-1], row)))
    put("intake", "payload_torn", batch((key, envelope(0), row[:-1])))
    put("intake", "payload_no_utf8", batch((key, envelope(0), row + text(2, b"\xd5\xc5"))))
    put("intake", "columns", text(8, key) + text(9, envelope(0)))
    put("intake", "unknown_field", batch((key, envelope(0), row), more=text(99, "more")))


def control():
    def record(field, entity, seen=0):
        body = number(1, seen) + text(field, entity)
        return varint(len(body)) + body

    contract = """syntax = "proto3"; import "huiliu/v1/dataset.proto"; message R {
      option (huiliu.v1.dataset) = {id: "r" title: "行" territory: {title: "x" evidence: {field: "d" kind: EVIDENCE_KIND_CODE}}};
      string id = 1 [(huiliu.v1.data) = {title: "编号" key: true}]; string d = 2 [(huiliu.v1.data) = {title: "区划"}]; }"""
    rules = 'dataset: r\nreceiver: "530100"\nlegal_basis: x\nrules:\n  - {id: own, masks: {d: hash}}\n'
    organisation = record(4, text(1, "dept") + text(2, "部门"))
    receiver = record(6, text(1, "530100") + text(2, "昆明市") + text(3, "530100"))
    system = record(7, text(1, "sys") + text(2, "系统") + number(3, 1) + text(4, "部门") + number(7, 1))
    dataset = record(9, text(3, "r.proto") + text(4, contract))
    proposal = record(10, text(4, "r.yaml") + text(5, rules) + text(7, "a"))
    decision = record(10, text(1, "r") + text(2, "530100") + number(3, 1) + text(10, "b"))
    later = record(10, text(1, "r") + text(2, "530100") + number(3, 1) + text(10, "b") + text(12, number(1, 1770000000)))
    source = record(8, text(1, "src") + text(2, "sys") + text(3, "r") + text(4, "dept") + number(5, 1) + text(6, "530100")
                    + text(7, b"k" * 32) + text(14, "24h"))
    account = text(1, "a") + text(2, "dept") + text(3, varint(1) + varint(4)) + text(4, b"c" * 32) + text(5, b"t" * 32)
    grant = (text(1, "g") + text(2, "dept") + text(3, "530100") + text(4, "r") + text(5, "查询") + text(6, "条例") + text(7, "id")
             + text(8, 'd == "530102"') + text(9, text(1, "d") + text(2, number(2, 1))) + text(11, number(1, 1800000000)))
    world = organisation + receiver + system + dataset + proposal + decision + source
    put("control", "world", world + record(5, account) + record(11, grant))
    put("control", "later", organisation + receiver + dataset + proposal + later)
    put("control", "three_roles", organisation + record(5, text(1, "a") + text(2, "dept") + text(3, varint(1) + varint(2))))
    put("control", "token_of_two", organisation + record(5, account) + record(5, text(1, "b") + account[3:]))
    put("control", "disabled", organisation + record(5, account) + record(5, account + number(6, 1), 2))
    put("control", "revoked", world + record(11, grant) + record(11, text(1, "g") + number(12, 1) + text(13, "到期")))
    put("control", "stale", organisation + record(4, text(1, "dept") + text(2, "改名"), 9))
    put("control", "rejected", organisation + receiver + dataset + proposal + record(10, text(1, "r") + text(2, "530100") + number(3, 1) + number(9, 5) + text(10, "b") + text(14, "不妥")))
    put("control", "time_extreme", organisation + receiver + dataset + proposal + record(
        10, text(1, "r") + text(2, "530100") + number(3, 1) + text(10, "b") + text(12, number(1, (1 << 63) - 1) + number(2, -1))))


wire()
masks()
csv()
lineage()
connect()
stored()
intake()
control()
