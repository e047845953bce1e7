"""From pupil postcodes to a school's profile and the schools like it. Invented pupils, real postcodes."""

import sys

import geoplan as gp

SCHOOL = "900029"


def main(page: str | None = None) -> None:
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
    if page:
        gp.community_book(people, schools, areas[0], SCHOOL).save(page)


if __name__ == "__main__":
    main(*sys.argv[1:2])
