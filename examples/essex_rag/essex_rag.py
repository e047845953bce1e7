"""Essex's traffic lights: rules agreed with schools, a colour with its reason, groups rolled up. Invented schools."""

import sys
from dataclasses import replace

import geoplan as gp
from geoplan.hierarchies import ALL
from geoplan.io.attributes import read_facts
from geoplan.io.outputs import write_text
from geoplan.io.rag_rules import read_rules
from geoplan.rag import STATUSES, WORDS
from geoplan.rag_changes import changes, record
from geoplan.rag_measures import facts_from, join_facts
from geoplan.rag_rules import Condition
from geoplan.rag_tables import shown_facts
from geoplan.reports.rag_board import RagPage, RulesPage


def main(page: str | None = None, sheet: str | None = None) -> None:
    # 1. the grouping, and 2. the areas to cover: both are in the rules, beside the triggers
    folder = gp.demo_folder()
    place = gp.read_project(folder / "geoplan.toml")
    rules = read_rules(folder / "rag_rules.toml")
    # published figures alone, so that no pupil file is read: the rule on free meals needs one
    rules = replace(rules, indicators=tuple(each for each in rules.indicators if each.name != "deprivation"))
    print(f"{rules.title}. {rules.standing}\n")
    for each in rules.indicators:
        print(f"{each.title} ({each.category})")
        print(f"  {each.sentence}")

    # 3. the data: the schools file, and one more with a row for each school
    schools = place.schools()
    grades = {each.measure: each.grades for each in rules.indicators if each.grades}
    wanted = [name for name in rules.columns if name not in grades]
    more, _ = read_facts(folder / "rag_indicators.csv", wanted, grades)
    facts, _ = join_facts(facts_from(schools.frame[["places", "pan"]]), more)
    shown, hidden, tables = shown_facts(facts, rules)

    # 4. the judgement, 5. to be talked over with the schools: each colour has its reason
    board = gp.judge(shown, rules, schools.frame, hidden)
    print("\nAt a glance (58 schools)")
    counts = board.by_group(ALL).droplevel(0)
    for each in rules.indicators:
        row = counts.loc[each.name]
        print(f"  {each.title:<32}", ", ".join(f"{row[s]} {WORDS[s].lower()}" for s in STATUSES if row[s]))

    print(f"\n{rules.roll_up.sentence}")
    groups = board.by_group("cluster")
    for group in groups.index.unique("cluster"):
        print(f"  {group:<14}", ", ".join(f"{rules[name].title}: {groups.at[(group, name), 'colour']}"
                                          for name in ("surplus", "popularity", "attendance")))  # fmt: skip

    print("\nThree schools")
    for code in ("900001", "900043", "900044"):
        print(f"  {board.schools.at[code, 'name']} ({code})")
        for name, cell in board.of(code).iterrows():
            if cell["status"] == "not judged" or (cell["status"] == "green" and name != "surplus"):
                continue
            moves = [f"{cell[side]}" for side in ("better", "worse") if cell[side]]
            print(f"    {cell['word']:<9} {rules[name].title}. {cell['reason']}.", "; ".join(moves))

    # the board asks: what if amber began at 5% and not at 10%?
    surplus = rules["surplus"]
    tighter = replace(surplus, amber=(Condition(surplus.measure, ">=", 5.0),))
    indicators = tuple(tighter if each.name == "surplus" else each for each in rules.indicators)
    other = gp.judge(shown, replace(rules, indicators=indicators), schools.frame, hidden)
    found = changes(record(board, "agreed"), record(other, "proposed"))
    print(f"\nIf unfilled places were Amber from 5%: {found.finding}")
    print(f"  because: {', '.join(found.table['because'].unique())}")

    if page:
        points = schools.frame[["easting", "northing"]]
        made = RagPage(board, (schools.source,), points, changes=found, tables=tables)
        write_text(page, made.to_html())
    if sheet:
        write_text(sheet, RulesPage(rules).to_html())


if __name__ == "__main__":
    main(*sys.argv[1:])
