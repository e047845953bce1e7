"""What each kind of table holds: every column declared once, to check, to explain and to document.

A table's declaration finds its columns in a file (:func:`find_columns`), turns their text into values with
every problem found at once (:func:`check`), and writes its own help (:func:`explain`). Missing is always
``unknown``, never "no". Nothing here ever holds or returns a value in a finding.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from geoplan.values import BY_UNIQUE, DTYPES, READERS, UNKNOWN

_YES = ("Y", "YES", "1", "T", "TRUE")
_NO = ("N", "NO", "0", "F", "FALSE")


@dataclass(frozen=True)
class Column:
    """One column: what it is called, in files and here, and what it may hold.

    Parameters
    ----------
    name
        Our name.
    meaning
        What it is, in a planner's words.
    type
        ``text``, ``id``, ``postcode``, ``school``, ``choice``, ``year``, ``language``, ``label``, ``date``,
        ``whole`` (a count) or ``metres`` / ``number``.
    unit
        Unit of a number.
    aliases
        Headers that mean this column, in order of preference; case, spaces and underscores do not matter.
    needed
        Whether a file without it is refused.
    values
        For a choice: our value to the codings that mean it, in capitals.
    exclusive
        True where two different headers that fit must not be chosen between (a home and a school postcode).
    personal
        True for what is never kept in a frame: identifiers, names, dates of birth.
    """

    name: str
    meaning: str
    type: str = "text"
    unit: str = ""
    aliases: tuple[str, ...] = ()
    needed: bool = False
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    exclusive: bool = False
    personal: bool = False


@dataclass(frozen=True)
class Table:
    """A kind of table: its name, what a row is, its columns."""

    name: str
    row: str
    columns: tuple[Column, ...]

    def __getitem__(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    def __contains__(self, name: str) -> bool:
        return any(column.name == name for column in self.columns)

    @property
    def names(self) -> tuple[str, ...]:
        """Our names of the columns, in order."""
        return tuple(column.name for column in self.columns)


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_ID = Column(
    "id",
    "the person's identifier; becomes a running number and is never kept",
    "id",
    personal=True,
    aliases=_words(
        "pupil_id upn person_id caller_id child_id contact_id case_id client_id id pupil pupil_ref "
        "reference ref pupil_matching_ref_anonymous pupilmatchingrefanonymous unique_pupil_number uln "
        "unique_learner_number"
    ),
)
_POSTCODE = Column(
    "postcode",
    "home postcode, as written",
    "postcode",
    needed=True,
    exclusive=True,
    aliases=_words(
        "postcode home_postcode post_code pcds pcd pupil_postcode home_post_code address_postcode "
        "caller_postcode postal_code"
    ),
)
_SCHOOL = Column(
    "school",
    "the school's number: URN, or LAESTAB where the schools file has it",
    "school",
    aliases=_words(
        "school_urn urn school school_code school_id laestab la_estab dfe_number dfe_no dfes_number "
        "school_number estab_urn school_laestab school_now current_school"
    ),
)
_YEAR = Column(
    "year_group",
    "National Curriculum year: R, 1 to 14, N1, N2, E1, E2, X",
    "year",
    aliases=_words(
        "ncyear_actual year_group nc_year ncyear national_curriculum_year yeargroup year_grp "
        "nc_year_actual curriculum_year child_year_group year"
    ),
)
_FSM = Column(
    "fsm",
    "eligible for free school meals",
    "choice",
    values={"yes": (*_YES, "ELIGIBLE", "FSM"), "no": (*_NO, "NOT ELIGIBLE", "NON FSM", "NON-FSM")},
    aliases=_words("fsm_eligible fsm fsm_eligibility free_school_meals free_school_meal fsm_flag"),
)
_SEN = Column(
    "sen",
    "special educational need: N none, K support, E plan",
    "choice",
    values={
        "N": ("N", "NONE", "NO SEN", "NO", "NO SPECIAL EDUCATIONAL NEED"),
        "K": ("K", "SEN SUPPORT", "SUPPORT"),
        "E": ("E", "S", "EHC", "EHCP", "EHC PLAN", "STATEMENT", "EDUCATION, HEALTH AND CARE PLAN"),
    },
    aliases=_words("sen_provision sen sen_status sen_code special_educational_need sen_provision_code"),
)
_EAL = Column(
    "eal",
    "English as an additional language",
    "choice",
    values={"yes": (*_YES, "EAL"), "no": _NO},
    aliases=_words("eal english_additional_language english_as_an_additional_language eal_flag"),
)
_LANGUAGE = Column(
    "language",
    "first language (ENG and ENB are English; any other means EAL)",
    "language",
    aliases=_words("language first_language language_code home_language language_group mother_tongue"),
)
_ETHNICITY = Column(
    "ethnicity",
    "ethnic group, by the file's own codes",
    "label",
    aliases=_words("ethnicity ethnicity_code ethnic_group ethnic_code ethnicity_group ethnic_origin"),
)
_STATUS = Column(
    "enrol_status",
    "enrolment: C and M are counted, S is a second school, G F O P are not on roll",
    "choice",
    values={letter: (letter,) for letter in "CMSGFOP"},
    aliases=_words("enrol_status enrolment_status enrolstatus registration_status"),
)
_ENTRY = Column(
    "entry_date",
    "date of entry to the school",
    "date",
    aliases=_words("entry_date date_of_entry admission_date date_of_admission"),
)
_SEX = Column(
    "sex",
    "girl or boy (F, M): only to judge whether a school for one sex suits a child",
    "choice",
    values={"F": ("F", "FEMALE", "GIRL", "G"), "M": ("M", "MALE", "BOY", "B")},
    aliases=_words("sex gender pupil_sex pupil_gender sex_code gender_code"),
)
_BIRTH = Column(
    "birth_date",
    "date of birth: checked, never kept",
    "date",
    personal=True,
    aliases=_words("dob date_of_birth birth_date birthdate"),
)

RELIGION = Table(
    "religion",
    "a pupil's registration at a school",
    (
        Column(
            "religion",
            "whether the parents preferred the school on grounds of religion or belief (read only when asked for)",
            "choice",
            values={"yes": _YES, "no": _NO},
        ),
    ),
)

PUPILS = Table(
    "pupils",
    "a pupil's registration at a school",
    (
        _ID,
        _POSTCODE,
        Column(**(_SCHOOL.__dict__ | {"needed": True})),
        _YEAR,
        _FSM,
        _SEN,
        _EAL,
        _LANGUAGE,
        _ETHNICITY,
        _STATUS,
        _ENTRY,
        _SEX,
        _BIRTH,
    ),
)

PEOPLE = Table(
    "people",
    "a person: a caller, a respondent, a member",
    (
        _ID,
        _POSTCODE,
        _SCHOOL,
        _YEAR,
        _FSM,
        _SEN,
        _EAL,
        _ETHNICITY,
        Column(
            "date",
            "date of the contact",
            "date",
            aliases=_words("date call_date contact_date date_of_call date_of_contact date_called"),
        ),
    ),
)


def _number(name: str, meaning: str, aliases: str, type: str = "whole", unit: str = "") -> Column:
    return Column(name, meaning, type, unit, _words(aliases))


SCHOOLS = Table(
    "schools",
    "a school",
    (
        Column(
            "school",
            "unique reference number (URN)",
            "school",
            needed=True,
            aliases=_words("urn school_urn school school_code school_id code"),
        ),
        Column(
            "name",
            "the school's name",
            needed=True,
            aliases=_words("establishment_name school_name name schoolname"),
        ),
        Column("la_code", "local authority number (3 digits)", "code", aliases=_words("la_code la la_number la1")),
        Column(
            "establishment_number",
            "number within the authority (4 digits)",
            "code",
            aliases=_words("establishment_number estab estab_number estab1"),
        ),
        Column(
            "laestab",
            "authority and establishment number (7 digits)",
            "code",
            aliases=_words("laestab la_estab dfe_number dfe_no school_laestab"),
        ),
        Column(
            "phase",
            "phase of education",
            aliases=_words(
                "phase_of_education_name phase_of_education phase_name phase phase_type education_phase main_phase"
            ),
        ),
        Column(
            "type",
            "type of establishment",
            aliases=_words("type_of_establishment_name establishment_type school_type type type_of_establishment"),
        ),
        Column(
            "status",
            "open, closed or proposed",
            aliases=_words("establishment_status_name school_status status establishment_status"),
        ),
        Column("gender", "boys, girls or mixed", aliases=_words("gender_name gender sex")),
        Column(
            "admissions",
            "admissions policy (selective or not)",
            aliases=_words("admissions_policy_name admissions_policy selective"),
        ),
        Column("faith", "religious character", aliases=_words("religious_character_name religious_character")),
        Column(
            "rural",
            "urban or rural, in words or by the code of the official classification",
            aliases=_words("urban_rural_name urban_rural rural ruc21 ruc11 ruc21ind ruc11ind urban_rural_code"),
        ),
        Column("postcode", "the school's postcode", aliases=_words("postcode school_postcode post_code")),
        _number("easting", "British National Grid easting", "easting eastings x", type="metres", unit="m"),
        _number("northing", "British National Grid northing", "northing northings y", type="metres", unit="m"),
        _number(
            "latitude", "latitude, where no grid reference is given", "latitude lat", type="number", unit="degrees"
        ),
        _number("longitude", "longitude", "longitude long lon lng", type="number", unit="degrees"),
        _number(
            "places",
            "places in all year groups (net capacity)",
            "places net_capacity school_capacity capacity school_places netcapacity1",
        ),
        _number("pan", "published admission number", "pan published_admission_number admission_number"),
        _number(
            "roll",
            "pupils on roll",
            "number_of_pupils roll pupils nor number_on_roll pupils_on_roll maynor pupils_on_roll_count",
        ),
        _number(
            "fsm_percent",
            "pupils eligible for free school meals",
            "percentage_fsm fsm_percent",
            type="number",
            unit="%",
        ),
        Column(
            "lowest_year",
            "first year group",
            "year",
            aliases=_words("lowest_year lowest_year_group from_year year_from"),
        ),
        Column(
            "highest_year",
            "last year group",
            "year",
            aliases=_words("highest_year highest_year_group to_year year_to"),
        ),
        _number("lowest_age", "statutory lowest age", "statutory_low_age lowest_age low_age", unit="years"),
        _number("highest_age", "statutory highest age", "statutory_high_age highest_age high_age", unit="years"),
        Column(
            "cluster",
            "the council's own group of schools",
            aliases=_words("cluster cluster_name partnership"),
        ),
        Column(
            "planning_area",
            "the planning area that it lies in",
            aliases=_words("planning_area planning_area_name pupil_planning_area"),
        ),
        Column(
            "district",
            "the district that it lies in",
            aliases=_words("district district_name administrative_district district_administrative_name"),
        ),
        Column(
            "authority", "the authority that it belongs to, by name", aliases=_words("la_name authority authority_name")
        ),
    ),
)

PREFERENCE_RANKS = tuple(f"preference_{rank}" for rank in range(1, 7))
_RANK_WORDS = ("first", "second", "third", "fourth", "fifth", "sixth")


def _preference(rank: int) -> Column:
    word, name = _RANK_WORDS[rank - 1], PREFERENCE_RANKS[rank - 1]
    aliases = f"{name} pref_{rank} preference{rank} {word}_preference {word}_choice choice_{rank} school_{rank}"
    return Column(name, f"the school named {word}", "school", aliases=_words(aliases), needed=rank == 1)


APPLICATIONS = Table(
    "applications",
    "a child's application for a school place",
    (
        *PEOPLE.columns,
        *(_preference(rank) for rank in range(1, 7)),
        Column(
            "offer",
            "the school offered; empty for none",
            "school",
            needed=True,
            aliases=_words("offer offered offer_school school_offered allocated allocated_school offered_school"),
        ),
    ),
)

PREFERENCE_COUNTS = Table(
    "preference_counts",
    "the preferences of an area for a school, as counts",
    (
        Column("area", "the area lived in", aliases=_words("area catchment ward zone"), needed=True),
        Column("school", "the school named", aliases=_words("school school_name name"), needed=True),
        Column("year", "the round or year", aliases=_words("round year entry_year")),
        *(
            _number(name, f"preferences ranked {name}", aliases)
            for name, aliases in (
                ("first", "first pref1 first_preferences no_1st_pref"),
                ("second", "second pref2 second_preferences no_2nd_pref"),
                ("third", "third pref3 third_preferences no_3rd_pref"),
            )
        ),
        _number("offers", "children offered the school", "offers allocated offered allocations"),
        _number("first_offers", "of those, children who named it first", "first_offers offers_first"),
    ),
)

AREA_COUNTS = Table(
    "area_counts",
    "an area with a count of people",
    (
        Column(
            "area", "the area's code", "code", needed=True,
            aliases=_words("area_code lsoa21cd lsoa11cd lsoa21 lsoa11 oa21cd oa11cd code area lsoa_code lsoa"),
        ),
        Column("site", "the site that the people use", "code", aliases=_words("site organisation_code practice_code")),
        _number("people", "people counted", "members people users patient patients number count number_of_patients"),
    ),
)  # fmt: skip

NEAREST_SCHOOLS = Table(
    "nearest_schools",
    "a postcode or an area with its nearest school",
    (
        Column(
            "place", "the postcode, or the area as the counts name it", "text", needed=True,
            aliases=_words("place postcode pcds area area_code catchment zone"),
        ),
        Column(
            "school", "its nearest school, as the applications name it", "text", needed=True,
            aliases=_words("school nearest nearest_school urn school_urn"),
        ),
    ),
)  # fmt: skip

STREETS = Table(
    "streets",
    "a postcode of a street",
    (
        Column(
            "postcode", "the postcode", "postcode", needed=True,
            aliases=_words("postcode pcds pcd post_code postcode_unit postcode_locator"),
        ),
        Column(
            "street", "the street it is in; a row for each street, where there are several", needed=True,
            aliases=_words(
                "street street_name street_description thoroughfare thoroughfare_name road road_name street_descriptor"
            ),
        ),
        Column(
            "locality", "the locality or town, which tells streets of one name apart",
            aliases=_words("locality locality_name town town_name post_town settlement village populated_place"),
        ),
    ),
)  # fmt: skip

SITES = Table(
    "sites",
    "a place where a service is given",
    (
        Column("site", "the site's code or name", needed=True, aliases=_words("site code name urn site_code")),
        Column("postcode", "the site's postcode, where no grid reference is given", aliases=_words("postcode pcds")),
        _number("easting", "British National Grid easting", "easting eastings x", type="metres", unit="m"),
        _number("northing", "British National Grid northing", "northing northings y", type="metres", unit="m"),
        _number("hours", "sessions or staff hours there today", "hours hours_now sessions today", type="number"),
        _number("hours_planned", "the same with the plan", "hours_planned planned hours_plan plan", type="number"),
    ),
)

TRAVEL = Table(
    "travel",
    "the way from a place to a school",
    (
        Column(
            "place", "the postcode or area that the way starts from", needed=True,
            aliases=_words(
                "place postcode pcds home_postcode area area_code origin orig from lsoa21cd lsoa21 lsoa11cd lsoa11 "
                "oa21cd oa21 oa11cd oa11 msoa21cd msoa21 msoa11cd msoa11"
            ),
        ),
        Column("school", "the school", "school", needed=True, aliases=_words("school urn school_urn dest destination")),
        _number("metres", "metres of the way", "metres distance_m m length_m distance meters", type="number", unit="m"),
        _number(
            "minutes", "minutes of the way", "minutes mins time_minutes travel_time minute", type="number",
            unit="minutes",
        ),
    ),
)  # fmt: skip

HOUSING = Table(
    "housing",
    "homes to be finished on a site in a year",
    (
        Column("site", "the site's code", needed=True, aliases=_words("site_id site site_ref reference ref")),
        Column("name", "the site's name", aliases=_words("name site_name address")),
        _number("easting", "British National Grid easting", "easting eastings x", type="metres", unit="m"),
        _number("northing", "British National Grid northing", "northing northings y", type="metres", unit="m"),
        Column("year", "year of completion (2027, or 2027/28)", needed=True, aliases=_words("year completion_year")),
        Column(
            **(
                _number("completions", "homes finished in the year", "completions homes dwellings units").__dict__
                | {"needed": True}
            )
        ),
        Column("tenure", "tenure", aliases=_words("tenure")),
        Column("type", "house or flat", aliases=_words("type dwelling_type housing house_type")),
        Column("bedrooms", "bedrooms", aliases=_words("bedrooms number_of_bedrooms beds")),
        Column("status", "allocated, permissioned, started or complete", aliases=_words("status planning_status")),
    ),
)

YIELDS = Table(
    "yields",
    "pupils expected for each home of a kind",
    (
        Column("phase", "phase of education, or a year group", aliases=_words("phase education_phase year_group")),
        Column("tenure", "tenure; empty for any", aliases=_words("tenure")),
        Column("type", "house or flat; empty for any", aliases=_words("type dwelling_type housing education_housing")),
        Column("bedrooms", "bedrooms; empty for any", aliases=_words("bedrooms number_of_bedrooms beds")),
        _number("years_after", "full years after completion; empty for any", "years_after_completion years_after"),
        _number("pupils", "pupils for each home", "pupil_yield yield pupils_per_home pupils", type="number"),
        _number("low", "the least expected", "low yield_low lower", type="number"),
        _number("high", "the most expected", "high yield_high upper", type="number"),
    ),
)

ROLL_FORECASTS = Table(
    "roll_forecasts",
    "the roll that is forecast for a school in a year",
    (
        Column("school", "the school", "school", needed=True, aliases=_words("school urn school_urn")),
        Column("year", "the year", needed=True, aliases=_words("year date")),
        Column("rolls", "which rolls a row is of: a phase, or an intake year (a part of one)", aliases=_words("rolls")),
        _number("now", "pupils on roll at the start", "now", type="number"),
        Column(
            **(
                _number("pupils", "pupils forecast", "pupils roll forecast number_on_roll", type="number").__dict__
                | {"needed": True}
            )
        ),
    ),
)

WEIGHTS = Table(
    "weights",
    "a criterion for sites, and what it counts",
    (
        Column("criterion", "the criterion: a column of the sites file, or one that is worked out", needed=True,
               aliases=_words("criterion criteria name")),
        Column(**(_number("weight", "what it counts", "weight", type="number").__dict__ | {"needed": True})),
        Column("better", "more or less", "choice", values={"more": ("MORE", "HIGH", "HIGHER"), "less": ("LESS", "LOW",
               "LOWER")}, aliases=_words("better direction")),
        _number("worst", "the value that scores 0", "worst zero", type="number"),
        _number("best", "the value that scores 1", "best one", type="number"),
    ),
)  # fmt: skip

CORRECTIONS = Table(
    "corrections",
    "a postcode whose segment is put right by hand",
    (
        Column(**(_POSTCODE.__dict__ | {"meaning": "the postcode, as written", "exclusive": False})),
        Column(
            "segment",
            "the segment it belongs to, by its code",
            needed=True,
            aliases=_words("segment segment_code group type supergroup corrected_segment"),
        ),
        Column("reason", "why, in words", needed=True, aliases=_words("reason why comment note")),
        Column("by", "by whose word", needed=True, aliases=_words("by who name source head")),
        Column("date", "since when", "date", aliases=_words("date since recorded")),
    ),
)

_YEAR_WORDS = "academic_year year time_period census_year school_year"
_DATE = Column("date", "the census day, or the day of the count", "date", aliases=_words("date census_date day as_at"))
_ACADEMIC = Column("academic_year", "academic year: 2025/26, or 2025 for the one that begins then",
                   aliases=_words(_YEAR_WORDS))  # fmt: skip
_AREA = Column(
    "area", "where they live: an area code, a postcode sector or a postcode", "code", needed=True,
    aliases=_words("area area_code postcode_sector sector postcode pcds lsoa21cd lsoa11cd lsoa21 lsoa11 lsoa_code "
                   "ward catchment planning_area geography code lad_code"),
)  # fmt: skip
_AGE = Column("age", "age on 31 August, in whole years", aliases=_words("age age_years age_at_31_august single_year"))


def _people_column(name: str, meaning: str, aliases: str, needed: bool = True) -> Column:
    return Column(name, meaning, "people", "", _words(aliases), needed)


ROLLS = Table(
    "rolls",
    "pupils of a school in a year group on a day",
    (
        Column(**(_SCHOOL.__dict__ | {"needed": True})),
        Column("year_group", "National Curriculum year, or Total", needed=True, aliases=tuple(
            alias for alias in _YEAR.aliases if alias != "year")),
        _people_column("pupils", "pupils on roll, each child once", "pupils roll nor number_on_roll headcount count"),
        _DATE,
        _ACADEMIC,
    ),
)  # fmt: skip

REGISTER = Table(
    "register",
    "children of an age registered with family doctors in an area on 31 August",
    (
        _AREA,
        _AGE,
        Column("born", "the academic year of birth, where no age is given", aliases=_words("born birth_year born_in")),
        _people_column(
            "children", "children registered",
            "children registered patients children_gp_registered number count population",
        ),
        _DATE,
        _ACADEMIC,
    ),
)  # fmt: skip

BIRTHS = Table(
    "births",
    "births to mothers living in an area, in a year",
    (
        _AREA,
        _people_column("births", "live births", "births live_births number count"),
        Column("academic_year", "September to August: 2020/21", aliases=_words("academic_year birth_academic_year")),
        Column("calendar_year", "January to December", aliases=_words("calendar_year year")),
    ),
)

PROJECTIONS = Table(
    "projections",
    "people projected in an area, by age or band, in a year",
    (
        _AREA,
        Column("age", "an age, or a band of ages (0-4)", needed=True, aliases=_words("age age_group age_band ages")),
        Column("sex", "where it is told apart", aliases=_words("sex gender")),
        Column("year", "mid-year", aliases=_words("year mid_year")),
        _people_column("people", "people", "people persons population number value"),
    ),
)

FLOWS = Table(
    "flows",
    "pupils who live in one authority and go to school in another, or to an independent school",
    (
        Column("home", "the authority lived in", needed=True, aliases=_words("home home_la home_la_code resident_la")),
        Column("school_in", "the authority of the school, or 'independent'", needed=True,
               aliases=_words("school_in school_la school_la_code attending_la sector")),
        Column("phase", "phase, or year of age", aliases=_words("phase age education_phase")),
        _people_column("pupils", "pupils", "pupils number count learners"),
        _ACADEMIC,
    ),
)  # fmt: skip

FEEDERS = Table(
    "feeders",
    "a school and one of the schools that it takes its transfer intake from",
    (
        Column("school", "the school that takes them", "school", needed=True, aliases=_words("school urn to")),
        Column(
            "feeder",
            "the school that they come from",
            "school",
            needed=True,
            aliases=_words("feeder feeder_school feeder_urn from"),
        ),
        Column(
            "share",
            "the part of the feeder's leavers that counts, 0 to 1; all if empty",
            "number",
            aliases=_words("share weight part"),
        ),
    ),
)

MOVING = Table(
    "moving",
    "net moves of children of an age in a year, for each child who lives there",
    (
        Column(**(_AGE.__dict__ | {"needed": True})),
        Column("rate", "net moves for each child: -0.02 for two fewer of a hundred a year later", "number", needed=True,
               aliases=_words("rate propensity net_rate net_moves")),
    ),
)  # fmt: skip

EXTRA_PUPILS = Table(
    "extra_pupils",
    "pupils to come that the past cannot know of: new homes",
    (
        Column("school", "the school, by number", "school", aliases=_words("school urn place")),
        Column("academic_year", "the year they come", needed=True, aliases=_words(_YEAR_WORDS)),
        Column("year_group", "their year group", "year", needed=True, aliases=_YEAR.aliases[:-1]),
        Column("pupils", "pupils more; below 0 for fewer", "number", needed=True, aliases=_words("pupils extra yield")),
        Column("option", "the option they belong to", aliases=_words("option scenario")),
    ),
)

CONTROL_TOTALS = Table(
    "control_totals",
    "pupils of a phase in all schools together in a year, by somebody's official word",
    (
        Column("phase", "primary, secondary or sixth form", needed=True, aliases=_words("phase education_phase")),
        Column("academic_year", "the year", needed=True, aliases=_words(_YEAR_WORDS)),
        _people_column("pupils", "pupils", "pupils total number count"),
    ),
)

PLACES_CHANGES = Table(
    "places_changes",
    "places added at a school, or taken away, from an academic year on",
    (
        Column("school", "the school, by number", "school", needed=True, aliases=_words("school urn place")),
        Column("academic_year", "the first year", needed=True, aliases=_words(_YEAR_WORDS)),
        Column("places", "places more in all year groups; below 0 for fewer", "number", needed=True,
               aliases=_words("places places_added change")),
        Column("pan", "places more in the intake year", "number", aliases=_words("pan pan_change intake")),
    ),
)  # fmt: skip

SCHOOL_LINKS = Table(
    "school_links",
    "a school and the one it followed, or was followed by (GIAS)",
    (
        Column("school", "the school, by URN", "school", needed=True, aliases=_words("urn school school_urn")),
        Column("linked", "the other school", "school", needed=True, aliases=_words("link_urn linked linked_urn")),
        Column("link_type", "predecessor, successor, merged ...", needed=True, aliases=_words("link_type type")),
        Column("date", "since when", "date", aliases=_words("link_established_date date")),
    ),
)

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        PUPILS, PEOPLE, SCHOOLS, CORRECTIONS, APPLICATIONS, PREFERENCE_COUNTS, AREA_COUNTS, SITES, STREETS,
        TRAVEL, HOUSING, YIELDS, ROLL_FORECASTS, WEIGHTS,
        ROLLS, REGISTER, BIRTHS, PROJECTIONS, FLOWS, FEEDERS, MOVING, EXTRA_PUPILS, CONTROL_TOTALS, PLACES_CHANGES,
        SCHOOL_LINKS,
    )
}  # fmt: skip

# ---------------------------------------------------------------------------------- finding the columns


def header_key(header: str) -> str:
    """A header without case, spaces, punctuation and the term that national copies add.

    Examples
    --------
    >>> header_key("NCyearActual_SPR24"), header_key(" Year Group "), header_key("PhaseOfEducation (name)")
    ('ncyearactual', 'yeargroup', 'phaseofeducationname')
    """
    text = unicodedata.normalize("NFKC", header).strip().casefold()
    text = re.sub(r"[_ ](spr|sum|aut)[_ ]?\d\d(\d\d)?$", "", text)
    return re.sub(r"[^0-9a-z]+", "", text)


def known_headers(table: Table, columns: Mapping[str, str] | None = None) -> frozenset[str]:
    """Keys of every header that a table knows; used to find the header row of a file."""
    keys = {header_key(alias) for column in table.columns for alias in (*column.aliases, column.name)}
    return frozenset(keys | {header_key(header) for header in (columns or {}).values()})


@dataclass(frozen=True)
class Found:
    """Where a table's columns are in a file, and what is wrong: ``(reason code, our name, what, suggestion)``."""

    positions: Mapping[str, int]
    problems: tuple[tuple[str, str, str, str], ...] = ()


def find_columns(
    headers: Sequence[str], table: Table, columns: Mapping[str, str] | None = None, needless: Iterable[str] = ()
) -> Found:
    """Where each declared column stands, by alias or as mapped by the user.

    Parameters
    ----------
    headers
        The file's headers.
    table
        The declaration.
    columns
        Our name to the file's header, from ``[columns.<table>]`` in geoplan.toml.
    needless
        Needed columns that this caller can do without.

    Examples
    --------
    >>> dict(find_columns(["UPN", "PostCode", "URN"], PUPILS).positions)
    {'id': 0, 'postcode': 1, 'school': 2}
    >>> [problem[:2] for problem in find_columns(["UPN", "URN"], PUPILS).problems]
    [('column_missing', 'postcode')]
    """
    columns = dict(columns or {})
    keys = [header_key(header) for header in headers]
    taken = {header_key(header) for header in columns.values()}
    positions: dict[str, int] = {}
    problems: list[tuple[str, str, str, str]] = []
    where = f"[columns.{table.name}] in geoplan.toml"
    for column in table.columns:
        mapped = columns.get(column.name)
        aliases = [mapped] if mapped is not None else [*column.aliases, column.name]
        fits = []
        for key in dict.fromkeys(header_key(alias) for alias in aliases):
            if mapped is None and key in taken:
                continue
            fits += [i for i, each in enumerate(keys) if each == key]
            if fits and not column.exclusive:
                break
        if mapped is not None and len(fits) > 1:  # the very header, letter by letter, if one is
            fits = [i for i in fits if headers[i].strip() == mapped.strip()] or fits
        if len(fits) > 1:
            shown = ", ".join(repr(headers[i]) for i in fits)
            problems.append(
                (
                    "column_ambiguous",
                    column.name,
                    f"{shown} all fit {column.name}",
                    f'say which: {column.name} = "..." under {where}',
                )
            )
        elif fits:
            positions[column.name] = fits[0]
        elif mapped is not None or (column.needed and column.name not in needless):
            shown = ", ".join(repr(header) for header in headers[:30]) + (" ..." if len(headers) > 30 else "")
            what = f"no column {mapped!r}" if mapped is not None else f"no column for {column.name} ({column.meaning})"
            problems.append(
                (
                    "column_missing",
                    column.name,
                    f"{what}; found {shown}",
                    f'add it, or write {column.name} = "your header" under {where}',
                )
            )
    return Found(positions, tuple(problems))


# ---------------------------------------------------------------------------------- checking the values


@dataclass(frozen=True)
class Checked:
    """Values by our names, and the findings: ``row`` (0 = first), ``column`` (our name), ``code``, ``rule``."""

    values: pd.DataFrame
    findings: pd.DataFrame


def check(frame: pd.DataFrame, table: Table) -> Checked:
    """Turn a frame of text, its columns already under our names, into values; find every problem at once.

    Examples
    --------
    >>> text = pd.DataFrame({"year_group": ["Year 7", "0", "", "seven"], "fsm": ["Y", "", "0", "T"]}, dtype="str")
    >>> checked = check(text, PUPILS)
    >>> checked.values["year_group"].tolist(), checked.values["fsm"].tolist()
    (['7', 'R', 'unknown', 'unknown'], ['yes', 'unknown', 'no', 'yes'])
    >>> checked.findings.to_dict("records")
    [{'row': 3, 'column': 'year_group', 'code': 'value_unknown', 'rule': ''}]
    """
    values, findings, index = {}, [], frame.index
    frame = frame.copy(deep=False)
    for name in list(frame.columns):
        cells = frame.pop(name)  # let go of each column as it is read: files of millions of rows
        column = table[name]
        read = READERS[column.type]
        if column.type in BY_UNIQUE:
            numbers, uniques = pd.factorize(cells)
            outcomes = [read(str(text), column) for text in uniques]
            answers = pd.Series([answer for answer, _, _ in outcomes], dtype=DTYPES.get(column.type, "str"))
            values[name] = answers.take(numbers).set_axis(index)
            codes = np.array([code for _, code, _ in outcomes], dtype=object)
            rules = np.array([rule for _, _, rule in outcomes], dtype=object)
            bad = np.flatnonzero(np.array([bool(code) for code in codes], dtype=bool)[numbers]) if len(codes) else []
            if len(bad):
                findings.append(_findings(bad, name, codes[numbers[bad]], rules[numbers[bad]]))
        else:
            values[name], bad, code, rule = read(cells)
            if len(bad):
                findings.append(_findings(bad, name, code, rule))
    return Checked(pd.DataFrame(values, index=index), _sorted(findings))


def _findings(rows: np.ndarray, column: str, code: object, rule: object) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "row": np.asarray(rows, dtype="int64"),
            "column": pd.Series(column, range(len(rows)), dtype="str"),
            "code": pd.Series(code, range(len(rows)), dtype="str"),
            "rule": pd.Series(rule, range(len(rows)), dtype="str"),
        }
    )


def _sorted(parts: list[pd.DataFrame]) -> pd.DataFrame:
    if not parts:
        return _findings(np.empty(0, dtype="int64"), "", "", "")
    return pd.concat(parts, ignore_index=True).sort_values("row", kind="stable", ignore_index=True)


# ---------------------------------------------------------------------------------- explaining


def explain(table: Table) -> str:
    """A table's columns as text, for help pages and templates.

    Examples
    --------
    >>> print(explain(PEOPLE).splitlines()[1])
    postcode (needed): home postcode, as written
    """
    lines = []
    for column in table.columns:
        unit = f", {column.unit}" if column.unit else ""
        values = f" [{', '.join(column.values)}, {UNKNOWN}]" if column.values else ""
        lines.append(f"{column.name}{' (needed)' if column.needed else ''}: {column.meaning}{unit}{values}")
    return "\n".join(lines)
