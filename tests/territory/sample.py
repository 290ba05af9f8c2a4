#!/usr/bin/env python3
"""Draws the rows to label: huiliu-territory-report DATA --list | sample.py > sample.tsv

The strata are the deciding link and kind of conflict of the engine as it was when the sample was drawn. Rare strata are taken whole or
nearly so, common ones up to their share; inside a stratum rows are drawn by a fixed seed and go by turns to the two halves: the
development half may be looked at while the engine is improved, the held-out half only counts. Output: file, line, SHA-256, half; its order is
shuffled, so that a reader of the rows does not see the stratum.
"""
import random
import sys

SEED = 20261123
SIZE = 1000
SHARES = {  # most rows of a stratum; the rest of the sample comes from the first of these
    "Kunming, county by -, conflict none": 400,
    "Kunming, county by address, conflict none": 225,
    "Kunming, county by uscc, conflict none": 120,
    "Kunming, county by address, conflict county": 90,
    "elsewhere, county by address, conflict none": 30,
}
OTHERS = 20


def main():
    strata = {}
    for line in sys.stdin:
        file, number, digest, stratum, _ = line.rstrip("\n").split("\t")
        strata.setdefault(stratum, []).append((file, number, digest))
    draw = random.Random(SEED)
    first = next(iter(SHARES))
    chosen = {}
    for name in sorted(strata):
        take = min(len(strata[name]), SHARES.get(name, OTHERS))
        chosen[name] = draw.sample(strata[name], len(strata[name]))[:take]
    more = SIZE - sum(len(rows) for rows in chosen.values())
    left = [row for row in strata[first] if row not in set(chosen[first])]
    if more >= 0:
        chosen[first] += draw.sample(left, more)
    else:
        chosen[first] = chosen[first][:more]
    out = []
    turn = 0
    for name in sorted(chosen):
        print(f"{len(chosen[name]):5} of {len(strata[name]):6}  {name}", file=sys.stderr)
        for row in chosen[name]:
            out.append((*row, ("development", "held-out")[turn]))
            turn = 1 - turn
    draw.shuffle(out)
    for row in out:
        print(*row, sep="\t")


if __name__ == "__main__":
    main()
