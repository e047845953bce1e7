"""8.4 million dirty pupil postcodes against a directory of 2.7 million: everyone's LSOA.

The pandas contestant is the usual idiom: upper case, strip what is not a letter or digit, merge. DuckDB
does the same in SQL. geoplan does more in the same time: status, flags, repairs and the parts of longer
text, for every record.
"""

from __future__ import annotations

import sys
from pathlib import Path

from contest import contest


def read(folder):
    import pandas as pd

    pupils = pd.read_parquet(Path(folder) / "pupils.parquet")["postcode"].astype("str")
    return pupils, pd.read_parquet(Path(folder) / "directory.parquet")


def pandas_idiom(folder):
    pupils, directory = read(folder)

    def run():
        key = pupils.str.upper().str.replace(r"[^A-Z0-9]", "", regex=True).rename("key")
        keyed = directory.assign(key=directory["postcode"].str.replace(" ", ""))
        return int(key.to_frame().merge(keyed, on="key", how="left")["lsoa11"].notna().sum())

    return run


def duckdb_sql(folder):
    import duckdb

    pupils, directory = read(folder)
    pupils = pupils.to_frame("postcode")
    connection = duckdb.connect()
    connection.register("pupils", pupils)
    connection.register("directory", directory)

    def run():
        connection.execute(
            "create or replace temp table placed as select d.lsoa11 from "
            "(select regexp_replace(upper(postcode), '[^A-Z0-9]', '', 'g') as key from pupils) p left join "
            "(select replace(postcode, ' ', '') as key, lsoa11 from directory) d using (key)"
        )
        return connection.execute("select count(lsoa11) from placed").fetchone()[0]

    return run


def geoplan(folder):
    import numpy as np

    from geoplan.postcodes import PostcodeDirectory, look_up
    from geoplan.sources import Source

    pupils, table = read(folder)
    table = table.assign(postcode=table["postcode"].str.replace(" ", ""), lsoa11=table["lsoa11"].astype("category"))
    directory = PostcodeDirectory(table, Source("ONS lookup"))

    def run():
        found = look_up(directory, pupils)
        codes = table["lsoa11"].cat.codes.to_numpy()[found.rows]
        codes[found.rows < 0] = -1
        return int(np.count_nonzero(codes >= 0))

    return run


if __name__ == "__main__":
    contest(__file__, sys.argv[1], {"pandas": pandas_idiom, "duckdb": duckdb_sql, "geoplan": geoplan})
