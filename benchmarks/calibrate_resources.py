"""Synthesises every case of ``xnorflow.hw.estimate.calibration`` and records the counts in ``resources_xc7.json``.

Run from the repository's root: ``python benchmarks/calibrate_resources.py [--only XnorMatVec]``. Cases not asked for
keep their recorded counts; the table of errors goes to standard output.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

from apart import synthesise_apart

from xnorflow.hw.estimate.calibration import cases, estimated

TABLE = Path(__file__).with_name("resources_xc7.json")
BATCH = 12


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", help="synthesise the cases whose name begins so")
    parser.add_argument("--missing", action="store_true", help="synthesise the cases that have no record")
    parser.add_argument("--work", type=Path, default=Path.cwd(), help="where scratch folders come and go; not below the temporary folder")
    options = parser.parse_args()
    table = json.loads(TABLE.read_text(encoding="utf-8")) if TABLE.is_file() else {}
    graphs = dict(cases())
    begins = tuple(options.only or ("",))
    wanted = [name for name in graphs if (name not in table if options.missing else name.startswith(begins))]
    for first in range(0, len(wanted), BATCH):
        names = wanted[first : first + BATCH]
        for name, found in zip(names, synthesise_apart([graphs[name] for name in names], options.work), strict=True):
            table[name] = dataclasses.asdict(found)
            guess = estimated(graphs[name])
            print(f"{name:60} " + "  ".join(f"{key} {getattr(guess, key):6.0f} {value:6.0f}" for key, value in table[name].items()), flush=True)
        TABLE.write_text(json.dumps({name: table[name] for name in graphs if name in table}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
