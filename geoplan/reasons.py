"""Every reason code that a report may carry: one table, stable across versions.

Programs may rely on the codes; the words may be improved. ``docs/reasons.md`` is written from here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reason:
    """What a code means, what becomes of the record or file, and what a person can do."""

    code: str
    outcome: str  # accepted (with a flag), repaired, rejected, blank; "file" when the whole file is refused
    meaning: str
    suggestion: str = ""


_TABLE = (
    # --- postcodes ---------------------------------------------------------------------------------
    Reason(
        "postcode_reformatted", "repaired", "postcode written with other spacing, case or punctuation", "nothing to do"
    ),
    Reason(
        "postcode_in_longer_text",
        "repaired",
        "one postcode found inside longer text",
        "keep the postcode in a column of its own",
    ),
    Reason(
        "postcode_confusion",
        "repaired",
        "one look-alike character changed (O/0, I/1, S/5, B/8, Z/2); only one directory entry fits",
        "correct the record at the source",
    ),
    Reason("postcode_blank", "blank", "no postcode given", "ask the school; the pupil counts as not placed"),
    Reason(
        "postcode_malformed", "rejected", "not a postcode", "leave it empty if unknown; the pupil counts as not placed"
    ),
    Reason("postcode_several", "rejected", "more than one postcode in the cell", "keep the one lived at"),
    Reason(
        "postcode_sector_only",
        "rejected",
        "only the postcode sector is known to the directory",
        "use a newer directory, or complete the postcode",
    ),
    Reason(
        "postcode_not_found",
        "rejected",
        "well formed, but not in the directory",
        "use a newer directory, or check the postcode",
    ),
    Reason(
        "postcode_pseudo",
        "rejected",
        "a pseudo postcode (ZZ99): no fixed abode, unknown or overseas",
        "nothing to do; the pupil counts as not placed",
    ),
    Reason(
        "postcode_forces",
        "rejected",
        "a British Forces (BFPO) address, which no directory places",
        "nothing to do; the pupil counts as not placed",
    ),
    # --- people ------------------------------------------------------------------------------------
    Reason(
        "duplicate_record",
        "rejected",
        "the same child, school and postcode as an earlier record",
        "counted once; remove the copy",
    ),
    Reason(
        "duplicate_conflict",
        "rejected",
        "the same child with another postcode or school in an earlier record",
        "counted once, from the first record; settle which is right",
    ),
    Reason(
        "dual_registration",
        "rejected",
        "a subsidiary registration of a child counted at the main school",
        "nothing to do",
    ),
    Reason(
        "not_on_roll",
        "rejected",
        "enrolment status says the child is not on this school's roll (G, F, O, P)",
        "nothing to do",
    ),
    Reason(
        "id_damaged",
        "repaired",
        "an identifier damaged by a spreadsheet (1.23E+12); not used to find copies",
        "export again with the column as text",
    ),
    Reason(
        "school_unknown",
        "repaired",
        "a school that is not in the schools file",
        "add the school, or correct its number; the pupil stays in the totals",
    ),
    Reason("school_blank", "repaired", "no school given", "the pupil stays in the totals without a school"),
    Reason(
        "value_unknown",
        "repaired",
        "a value that is not one of those the column takes; read as unknown",
        "see the column's values, or map it in geoplan.toml",
    ),
    Reason(
        "date_malformed",
        "repaired",
        "not a date (day/month/year or year-month-day); read as unknown",
        "write dates as 2026-09-01",
    ),
    Reason(
        "number_malformed",
        "repaired",
        "not a number of the kind the column takes; read as unknown",
        "write digits only",
    ),
    Reason(
        "code_repaired", "repaired", "a code written as a number (900001.0)", "export again with the column as text"
    ),
    Reason(
        "count_hidden",
        "repaired",
        "a count hidden by its publisher (c, <=5, low); read as not known, never as 0",
        "ask for the count, or say what each stands for (--hidden-as)",
    ),
    Reason(
        "position_outside",
        "repaired",
        "a position outside Great Britain; read as none",
        "check easting and northing (0, 0 is no position)",
    ),
    Reason("street_blank", "rejected", "a postcode without a street", "name the street, or remove the row"),
    Reason(
        "street_without_postcode",
        "rejected",
        "a street without a well-formed postcode",
        "complete the postcode, or remove the row",
    ),
    # --- rows of a file ----------------------------------------------------------------------------
    Reason("record_blank", "blank", "every cell is empty", "remove the row"),
    Reason("ragged_row", "rejected", "more or fewer cells than the header", "check quotes and separators"),
    Reason(
        "quote_unclosed",
        "rejected",
        "a quotation mark that is never closed, or not where a cell ends",
        "check the quotation marks",
    ),
    Reason("row_damaged", "rejected", "characters that no text has (NUL)", "export it again"),
    Reason(
        "row_unfinished",
        "rejected",
        "the last row has no line end, and its last cell may be cut off",
        "export it again, or press Enter after the last row",
    ),
    Reason("header_repeated", "rejected", "the header once more, among the records", "remove the row"),
    Reason("footer_row", "rejected", "a note or total below the table, not a record", "remove the row"),
    # --- whole files -------------------------------------------------------------------------------
    Reason("file_missing", "file", "no such file", "check the name and the folder"),
    Reason("file_empty", "file", "the file is empty", "export it again"),
    Reason("file_truncated", "file", "the file stops in the middle", "copy or export it again"),
    Reason("file_wrong_format", "file", "the file is not what its name says", "export it again in the format named"),
    Reason("file_unreadable", "file", "the file cannot be read", "close it in other programs; check your rights"),
    Reason("file_encoding", "file", "the text cannot be decoded", "save as UTF-8"),
    Reason("file_too_large", "file", "larger than the stated limit", "split the file, or raise the limit"),
    Reason(
        "file_crashed_reader",
        "file",
        "the file made its reader fail",
        "export it again, in another format if it happens again",
    ),
    Reason("file_too_slow", "file", "the file took too long to read", "export it again, or split it"),
    Reason("output_unwritable", "file", "the output cannot be written", "choose another folder; check your rights"),
    Reason("column_missing", "file", "a needed column is missing", "name it under [columns] in geoplan.toml"),
    Reason("column_ambiguous", "file", "two columns fit the same name", "say which under [columns] in geoplan.toml"),
    Reason("no_records", "file", "a header but no records", "export it again"),
    Reason("code_duplicated", "file", "the same code twice", "keep one"),
    Reason("code_malformed", "file", "codes that are not of the stated kind", "check the kind and year"),
    Reason(
        "code_damaged",
        "repaired",
        "a school number or code damaged by a spreadsheet (9.0E+05); read as unknown",
        "export again with the column as text",
    ),
    Reason("leak_found", "file", "a personal value in something about to leave the office", "find where it came from"),
    Reason("release_refused", "file", "a release that must not leave the office", "read why; nothing was written"),
    Reason("folder_busy", "file", "another run is writing the same folder or ledger", "wait, and run again"),
    Reason("code_unknown", "file", "a school, area, segment or column that the data does not have", "see those it has"),
    Reason("code_blank", "file", "a code is empty", "fill it, or remove the row"),
    Reason("crs_missing", "file", "the layer does not say its coordinate system", "save it as EPSG:27700"),
    Reason(
        "crs_wrong",
        "file",
        "coordinates that do not fit the stated coordinate system",
        "check for swapped columns; save as EPSG:27700",
    ),
    Reason("far_away", "file", "the layer is far from the rest of the data", "check the file and its coordinates"),
    Reason("geometry_empty", "file", "areas without an outline", "export the layer again"),
    Reason(
        "geometry_invalid",
        "file",
        "an invalid outline whose repair would change its area by over 1%",
        "repair it in QGIS",
    ),
    Reason("geometry_repaired", "repaired", "an invalid outline repaired", "nothing to do"),
    Reason("outlines_joined", "repaired", "several outlines of one catchment, put together", "nothing to do"),
    Reason("vintage_mixed", "file", "codes of two years in one column", "use one year throughout"),
    Reason("layer_ambiguous", "file", "several layers in one file", "name the layer"),
    Reason("geometry_wrong", "file", "points or lines where outlines of areas are needed", "export the areas"),
    Reason("kind_unknown", "file", "which areas, codes or scheme these are is not said", "say so in the call"),
    Reason(
        "value_missing",
        "file",
        "areas without a number in a column that the recipe needs",
        "fill them, or leave those areas out (--leave-out)",
    ),
    Reason(
        "denominator_zero",
        "file",
        "areas with nobody, or no homes, to take a percentage of",
        "leave those areas out (--leave-out)",
    ),
    Reason(
        "value_impossible",
        "file",
        "a negative count, or a part that is over 110% of its whole",
        "check which columns the recipe divides",
    ),
    Reason(
        "age_band",
        "file",
        "bands of ages where single years are needed",
        "ask for single years of age, counted on 31 August; or bring another register to these bands (constrain)",
    ),
    Reason(
        "year_missing",
        "file",
        "which academic year a row is of is not said, or cannot be read",
        "write a date (2026-01-15) or an academic year (2025/26)",
    ),
    Reason(
        "total_not_sum",
        "repaired",
        "a stated total that is not the sum of its parts",
        "ask which is right; the parts are used",
    ),
    Reason(
        "no_past_error", "file", "a forecast whose method cannot be tried on the past", "add earlier years of rolls"
    ),
    Reason(
        "age_outside_year",
        "repaired",
        "an age that does not fit the year group",
        "ask the school; a child may be taught a year below or above by agreement",
    ),
    Reason("birth_date_missing", "repaired", "no date of birth, or none that can be read", "ask the school"),
    Reason("year_not_taught", "repaired", "a year group that the school does not teach", "ask the school"),
    Reason(
        "registered_twice",
        "rejected",
        "the same child as a main registration (C or M) at two schools",
        "ask both schools; the child is counted once, at the first",
    ),
    Reason(
        "second_without_main",
        "repaired",
        "a second registration (S) whose main one (M) is not in the file",
        "ask the school; the child is counted nowhere",
    ),
    Reason("variable_constant", "file", "a variable that is the same in all areas", "leave it out of the recipe"),
    Reason(
        "areas_too_few", "file", "fewer different areas than clusters", "ask for fewer clusters, or give more areas"
    ),
    # --- rules for red, amber and green ---------------------------------------------------------------
    Reason("rule_unreadable", "file", "the file of rules is not TOML", "correct the line named"),
    Reason("rule_unclear", "file", "a rule that could be read in two ways", "write it as suggested"),
    Reason("rule_conflict", "file", "rules, or parts of one, that contradict each other", "decide which is meant"),
    Reason("rule_incomplete", "file", "a rule lacks something that it must state", "add it"),
    Reason("record_unknown", "file", "not a run of geoplan rag", "write one: geoplan rag run -o run.json"),
    Reason("count_wrong", "file", "more areas than the publisher has", "check the kind and year"),
)

REASONS: dict[str, Reason] = {reason.code: reason for reason in _TABLE}


def reason(code: str) -> Reason:
    """The entry for a code; an unknown code is a programming mistake and raises ``KeyError``."""
    return REASONS[code]
