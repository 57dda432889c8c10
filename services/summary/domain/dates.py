"""Finds when something is due, as said, and the date if the day it was said tells it. Pure.

"Next Friday" means one day to some and another to others, so it keeps its words and gets no date.
"""

import calendar
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

HALF_A_YEAR = timedelta(days=183)

Resolver = Callable[[re.Match[str], date], date | None]

_WEEKDAYS: Mapping[str, tuple[str, ...]] = {
    "en": ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
    "de": ("montag", "dienstag", "mittwoch", "donnerstag", "freitag", "samstag", "sonntag"),
    "nl": ("maandag", "dinsdag", "woensdag", "donderdag", "vrijdag", "zaterdag", "zondag"),
    "fr": ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
    "es": ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"),
}
_MONTHS: Mapping[str, str] = {
    "en": "january february march april may june july august september october november december",
    "de": "januar februar märz april mai juni juli august september oktober november dezember",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto"
    " septiembre octubre noviembre diciembre",
}
_NUMBERS: Mapping[str, tuple[str, ...]] = {
    "en": ("one|a|an", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    "de": (
        "einem|einer",
        "zwei",
        "drei",
        "vier",
        "fünf",
        "sechs",
        "sieben",
        "acht",
        "neun",
        "zehn",
    ),
    "nl": (
        "een|één",
        "twee",
        "drie",
        "vier",
        "vijf",
        "zes",
        "zeven",
        "acht",
        "negen",
        "tien",
    ),
    "fr": ("un|une", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix"),
    "es": ("un|una", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "diez"),
}


@dataclass(frozen=True, kw_only=True)
class _Wording:
    """How one language tells when."""

    before: str
    """Words that make a time a deadline."""
    this: str
    """Words that mean the coming one."""
    unclear: str
    """Words that mean different days to different people, or no one day."""
    days: Mapping[str, int]
    """Words for days near today."""
    month_end: str
    span: str
    """`in N`, with N as group."""
    day_unit: str
    week_unit: str


_WORDINGS: Mapping[str, _Wording] = {
    "en": _Wording(
        before=r"(?:by|until|till|before|on|due|no later than|latest|for)",
        this=r"(?:this|coming|this coming)",
        unclear=r"(?:next (?:{weekday}|week|month|quarter)|this (?:week|month)|the weekend"
        r"|(?:the )?end of (?:the |this |next )?(?:week|day|quarter|year))",
        days={"today": 0, "tonight": 0, "tomorrow": 1, "the day after tomorrow": 2},
        month_end=r"(?:the )?end of (?:the|this) month",
        span=r"(?:in|within)",
        day_unit="days?",
        week_unit="weeks?",
    ),
    "de": _Wording(
        before=r"(?:bis(?: spätestens)?(?: zum)?|am|vor|spätestens(?: am| bis)?|zum)",
        this=r"(?:diesen|kommenden|diesem|kommendem)",
        unclear=r"(?:nächste[nrms]? (?:{weekday}|woche|monat|quartal)"
        r"|ende (?:der|dieser|nächster|nächsten) woche|ende des (?:tages|quartals|jahres)"
        r"|diese woche|diesen monat|wochenende)",
        days={"heute": 0, "morgen": 1, "übermorgen": 2},
        month_end=r"(?:zum )?ende (?:des|dieses) monats",
        span=r"(?:in|innerhalb von)",
        day_unit="tage?n?",
        week_unit="wochen?",
    ),
    "nl": _Wording(
        before=r"(?:voor|tegen|op|uiterlijk(?: op)?|tot)",
        this=r"(?:deze|komende|aanstaande)",
        unclear=r"(?:volgende (?:{weekday}|week|maand)|deze week|het weekend"
        r"|(?:het )?einde? van de (?:week|dag|kwartaal))",
        days={"vandaag": 0, "vanavond": 0, "morgen": 1, "overmorgen": 2},
        month_end=r"(?:het )?einde? van de maand",
        span=r"(?:over|binnen)",
        day_unit="dag(?:en)?",
        week_unit="we(?:ek|ken)",
    ),
    "fr": _Wording(
        before=r"(?:avant|d'ici(?: à)?|pour|le|jusqu'à|au plus tard)",
        this=r"ce",
        unclear=r"(?:la semaine prochaine|le mois prochain|fin de semaine"
        r"|la fin de la semaine|{weekday} prochain)",
        days={"aujourd'hui": 0, "ce soir": 0, "demain": 1, "après-demain": 2},
        month_end=r"(?:la )?fin du mois",
        span=r"(?:dans|d'ici)",
        day_unit="jours?",
        week_unit="semaines?",
    ),
    "es": _Wording(
        before=r"(?:antes del?|para el|para|el|hasta el|hasta)",
        this=r"(?:este|próximo)",
        unclear=r"(?:la próxima semana|la semana que viene|el mes que viene"
        r"|final de la semana)",
        days={"hoy": 0, "esta noche": 0, "mañana": 1, "pasado mañana": 2},
        month_end=r"(?:fin|final|finales) de mes",
        span=r"(?:en|dentro de)",
        day_unit="días?",
        week_unit="semanas?",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Due:
    """When something is due: as said, and as a date if one could be told."""

    text: str
    day: date | None


def find_due(text: str, language: str | None, said_on: date) -> Due | None:
    """Return the first time in the text that tells when something is due, or None."""
    found: list[tuple[int, int, Due]] = []
    for pattern, resolve in _RULES.get(language or "", ()):
        for match in pattern.finditer(text):
            due = Due(text=match.group().strip(), day=resolve(match, said_on))
            found.append((match.start(), -len(match.group()), due))
            break
    return min(found, key=lambda entry: entry[:2])[2] if found else None


def _coming(weekday: int) -> Resolver:
    def resolve(_: re.Match[str], said_on: date) -> date | None:
        ahead = (weekday - said_on.weekday()) % 7
        # Said on a Friday, "by Friday" may be today or in a week.
        return said_on + timedelta(days=ahead) if ahead else None

    return resolve


def _ahead(days: int) -> Resolver:
    return lambda _, said_on: said_on + timedelta(days=days)


def _no_day(_match: re.Match[str], _said_on: date) -> None:
    return None


def _month_end(_: re.Match[str], said_on: date) -> date:
    return said_on.replace(day=calendar.monthrange(said_on.year, said_on.month)[1])


def _iso(match: re.Match[str], _: date) -> date | None:
    return _day_of(int(match["year"]), int(match["month"]), int(match["day"]))


def _dotted(match: re.Match[str], said_on: date) -> date | None:
    return _next_such(int(match["month"]), int(match["day"]), said_on)


def _named_month(months: tuple[str, ...]) -> Resolver:
    def resolve(match: re.Match[str], said_on: date) -> date | None:
        month = months.index(match["month"].lower()) + 1
        return _next_such(month, int(match["day"]), said_on)

    return resolve


def _span(language: str, unit_days: int) -> Resolver:
    words = _NUMBERS[language]

    def resolve(match: re.Match[str], said_on: date) -> date | None:
        spoken = match["count"].lower()
        counts = [n for n, word in enumerate(words, start=1) if spoken in word.split("|")]
        count = int(spoken) if spoken.isdecimal() else counts[0]
        try:
            return said_on + timedelta(days=count * unit_days)
        except OverflowError:
            return None

    return resolve


def _day_of(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _next_such(month: int, day: int, said_on: date) -> date | None:
    """Return the day if it is ahead, less than half a year; a day just past may be a slip."""
    for year in (said_on.year, said_on.year + 1):
        day_meant = _day_of(year, month, day)
        if day_meant is not None and timedelta(0) <= day_meant - said_on <= HALF_A_YEAR:
            return day_meant
    return None


def _rules_of(language: str) -> tuple[tuple[re.Pattern[str], Resolver], ...]:
    wording = _WORDINGS[language]
    weekdays, months = _WEEKDAYS[language], tuple(_MONTHS[language].split())
    any_weekday, any_month = "|".join(weekdays), "|".join(months)
    count = "|".join((*_NUMBERS[language], r"\d{1,3}"))
    before = rf"(?:{wording.before} )"
    rules: list[tuple[str, Resolver]] = [
        (rf"{before}?{wording.unclear.replace('{weekday}', f'(?:{any_weekday})')}", _no_day),
        (rf"{before}?{wording.month_end}", _month_end),
        (rf"{before}(?P<year>20\d\d)-(?P<month>\d\d)-(?P<day>\d\d)", _iso),
        (
            rf"{before}?{wording.span} (?P<count>{count}) {wording.day_unit}",
            _span(language, 1),
        ),
        (
            rf"{before}?{wording.span} (?P<count>{count}) {wording.week_unit}",
            _span(language, 7),
        ),
        (
            (
                rf"{before}(?:the |le |el )?(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.|er)?(?: of| de)? "
                rf"(?P<month>{any_month})"
            ),
            _named_month(months),
        ),
    ]
    rules += [
        (rf"(?:{before}(?:{wording.this} )?|{wording.this} ){name}", _coming(number))
        for number, name in enumerate(weekdays)
    ]
    rules += [(rf"{before}?{word}", _ahead(days)) for word, days in wording.days.items()]
    if language == "en":
        rules.append(
            (
                rf"{before}(?P<month>{any_month}) (?:the )?(?P<day>\d{{1,2}})(?:st|nd|rd|th)?",
                _named_month(months),
            )
        )
    if language in {"de", "nl"}:
        rules.append((rf"{before}(?P<day>\d{{1,2}})\.\s?(?P<month>\d{{1,2}})\.", _dotted))
    return tuple(
        (re.compile(rf"(?<!\w)(?<!guten )(?<!goede ){pattern}(?!\w)", re.IGNORECASE), resolve)
        for pattern, resolve in rules
    )


_RULES = {language: _rules_of(language) for language in _WORDINGS}
