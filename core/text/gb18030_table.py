#!/usr/bin/env python3
"""Writes the GB 18030-2022 decoding tables as C++ arrays: gb18030_table.py OUT.

Two-byte codes: Python's codec (the 2005 edition) with the 19 changes of GB 18030-2022 (code points that had stood in the private
use area) and U+3000 for the stray 0xA3A0, as the WHATWG Encoding Standard has it. Four-byte codes of the BMP: runs of consecutive
code points.
"""
import sys

CHANGES = {
    0xA3A0: 0x3000, 0xA6D9: 0xFE10, 0xA6DA: 0xFE12, 0xA6DB: 0xFE11, 0xA6DC: 0xFE13, 0xA6DD: 0xFE14, 0xA6DE: 0xFE15,
    0xA6DF: 0xFE16, 0xA6EC: 0xFE17, 0xA6ED: 0xFE18, 0xA6F3: 0xFE19, 0xA8BC: 0x1E3F, 0xFE59: 0x9FB4, 0xFE61: 0x9FB5,
    0xFE66: 0x9FB6, 0xFE67: 0x9FB7, 0xFE6D: 0x9FB8, 0xFE7E: 0x9FB9, 0xFE90: 0x9FBA, 0xFEA0: 0x9FBB,
}


def two_byte(pointer):
    lead = pointer // 190 + 0x81
    offset = pointer % 190
    trail = offset + (0x40 if offset < 0x3F else 0x41)
    code = lead << 8 | trail
    return CHANGES.get(code) or ord(bytes([lead, trail]).decode("gb18030"))


def four_byte(pointer):
    b = [pointer // 12600 + 0x81, pointer // 1260 % 10 + 0x30, pointer // 10 % 126 + 0x81, pointer % 10 + 0x30]
    return ord(bytes(b).decode("gb18030"))


def main(out):
    with open(out, "w", encoding="ascii") as file:
        file.write("constexpr uint16_t kTwoByte[23940] = {")
        file.write(",".join(str(two_byte(p)) for p in range(23940)))
        file.write("};\nstruct Range {\n  uint32_t pointer;\n  uint32_t code_point;\n};\nconstexpr Range kRanges[] = {")
        last = None
        for pointer in range(39420):
            code_point = four_byte(pointer)
            if last is None or code_point != last + 1:
                file.write("{%d,%d}," % (pointer, code_point))
            last = code_point
        file.write("};\n")


if __name__ == "__main__":
    main(sys.argv[1])
