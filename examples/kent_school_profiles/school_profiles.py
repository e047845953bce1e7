"""From pupil postcodes to a profile, the schools like it and the head's page. Invented pupils, real postcodes."""

import sys
from pathlib import Path

import geoplan as gp

SCHOOL = "900029"


def main(folder: str | None = None) -> None:
    place = gp.read_project(gp.demo_folder() / "geoplan.toml")
    schools, areas = place.schools(), place.areas()
    people = gp.assign(place.pupils(schools), place.postcodes(), areas, place.segments())
    print(people.report)

    profile = gp.profile(people, SCHOOL)
    print(f"\n{schools.frame.loc[SCHOOL, 'name']}, against {profile.comparison.base}")
    print(profile.protect().table[["name", "count", "share", "base_share", "index"]].round(2).to_string())

    print("\nSchools that serve people like ours, near or far")
    print(
        gp.similar_schools(people, SCHOOL, n=5, schools=schools.frame)[["name", "distance", "km"]].round(2).to_string()
    )

    tables = gp.protect_place(people, areas[0], homes=[SCHOOL])
    shared = gp.backdrop(people, schools, areas[0], tables, place=place.name)
    report = gp.head_report(shared, tables, SCHOOL)
    print("\nWhat the head's page says")
    print("\n".join(report.sentences))

    print("\nSchools of the cluster side by side")
    cluster = gp.cluster_page(shared, tables, cluster="Rochester")
    for code, table in cluster.profiles.items():
        top = table.table["share"].idxmax()
        print(f"{cluster.names[code]}: most from {table.table.at[top, 'name']}, {table.table.at[top, 'share']:.0%}")

    if folder:
        for name, data in gp.report_files(report, areas[0]).items():
            (Path(folder) / name).write_bytes(data)
        (Path(folder) / "rochester.html").write_text(cluster.to_html(), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:2])
