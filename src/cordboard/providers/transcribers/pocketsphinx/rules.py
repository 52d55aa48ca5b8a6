"""The rules that grammars are put together from, as JSGF text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cordboard.call.expectation import ExpectationKind as Kind
from cordboard.providers.spoken import number_words, ordinal_words

_ONES = " | ".join(number_words(number) for number in range(1, 10))
_TEENS = " | ".join(number_words(number) for number in range(10, 20))
_TENS = " | ".join(number_words(number) for number in range(20, 100, 10))
_HOURS = " | ".join(number_words(number) for number in range(1, 13))
_MINUTES = (
    "/9/ thirty | /9/ fifteen | /9/ forty five | /5/ ten | /5/ twenty | /5/ forty | /3/ fifty | "
    "oh <ones> | (twenty | thirty | forty | fifty) <ones>"
)
_MONTHS = (
    "january | february | march | april | may | june | july | august | september | october | "
    "november | december"
)
_WEEKDAYS = "monday | tuesday | wednesday | thursday | friday | saturday | sunday"
_LETTERS = " | ".join("abcdefghijklmnopqrstuvwxyz")
_DAYS = " | ".join(ordinal_words(number) for number in range(1, 32))
_SITES = "gmail | example | outlook | hotmail | yahoo | mail | company"

_FIRST_NAMES = (
    "james john robert michael david william richard joseph thomas charles daniel matthew anthony "
    "mark steven paul andrew kevin brian george edward jason jeff ryan jacob gary nicholas eric "
    "jonathan stephen larry justin scott brandon benjamin samuel frank gregory alexander patrick "
    "jack dennis peter henry adam nathan joe sam tom tim ben max leo felix martin simon oliver "
    "mary patricia jennifer linda elizabeth barbara susan jessica sarah karen lisa nancy betty "
    "sandra margaret ashley kimberly emily donna michelle carol amanda melissa deborah stephanie "
    "laura rebecca sharon cynthia kathleen amy angela anna emma nicole helen samantha katherine "
    "christine rachel maria julia alice kate jane claire sophie eva nina clara lucy grace"
)
_LAST_NAMES = (
    "smith johnson williams brown jones garcia miller davis rodriguez martinez anderson taylor "
    "thomas moore jackson martin lee thompson white harris clark lewis robinson walker young allen "
    "king wright scott torres hill green adams baker nelson carter mitchell roberts turner "
    "phillips campbell parker evans edwards collins stewart morris murphy cook rogers morgan "
    "cooper "
    "peterson bailey reed kelly howard ward cox richardson wood watson brooks bennett gray hughes "
    "price myers foster mueller schmidt schneider fischer weber meyer wagner becker hoffman"
)

PHONES = (
    "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W "
    "Y Z"
)
GARBAGE = {f"zz{phone.lower()}": phone for phone in PHONES.split()}
"""Words of one sound each: a row of them is what is heard when no sentence of the grammar fits."""

RULES = {
    "garbage": f"({' | '.join(GARBAGE)})+",
    "name": ("(/9/ <first> [<last>] | /3/ <last> | (mister | missus | miss) <last> | <letters>)"),
    "first": " | ".join(_FIRST_NAMES.split()),
    "last": " | ".join(_LAST_NAMES.split()),
    "ones": _ONES,
    "tens": _TENS,
    "number": (
        "zero | /9/ <ones> | /9/ <below> | <ones> hundred [[and] (<ones2> | <below2>)] | "
        "<ones> thousand [<ones2> hundred] [[and] (<ones2> | <below2>)] | <ones> and a half"
    ),
    "ones2": _ONES,
    "below": f"{_TEENS} | {_TENS} | <tens> <ones>",
    "below2": f"{_TEENS} | {_TENS} | <tens> <ones>",
    "digits": f"(/9/ {_ONES.replace('|', '| /9/')} | /9/ zero | /0.1/ oh | double)+",
    "time": (
        "[at | around | about] (/20/ <hour> <minute> [<half>] | /4/ <hour> [o'clock] [<half>] | "
        "/4/ (half past | quarter past | quarter to | ten past | ten to | twenty past | twenty to)"
        " <hour> [<half>] | noon | midday | midnight)"
    ),
    "hour": _HOURS,
    "minute": _MINUTES,
    "half": (
        "/9/ a m | /9/ p m | in the morning | in the afternoon | in the evening | at night | sharp"
    ),
    "date": (
        "[on] (/5/ today | /9/ tomorrow [morning | afternoon | evening] | the day after tomorrow | "
        "/9/ [next | this] <weekday> | next week | /9/ <month> [the] <day> | "
        "/5/ the <day> [of <month>])"
    ),
    "weekday": _WEEKDAYS,
    "month": _MONTHS,
    "day": _DAYS,
    "letters": f"({_LETTERS} | double | dash | hyphen)+",
    "email": (
        f"(/9/ {_LETTERS.replace('|', '| /9/')} | at | dot | com | net | org | underscore | "
        f"{_SITES})+"
    ),
    "yesno": (
        "/20/ yes | /6/ yeah | yep | /3/ sure | /3/ correct | /3/ right | that's right | "
        "that is right | that's correct | okay | of course | absolutely | exactly | perfect | "
        "/20/ no | nope | no thanks | no thank you | wrong | that's wrong | not really | "
        "not at all | i didn't | it wasn't"
    ),
    "hesitation": "um | hi | hello | sorry | actually",
    "lead": (
        "/3/ i'd like [to] | i would like | i want [to] | i need [to] | /2/ let's say | "
        "let's do | /2/ make it | "
        "make that | change it to | how about | what about | maybe | i think | can we do | "
        "could we do | can i have | it's | it is | there are | there will be | we are | we'll be | "
        "my name is | i mean | for"
    ),
    "join": "and | at | for",
    "tail": (
        "/9/ please | thanks | /2/ thank you | is fine | works for me | would be good | "
        "would be great | would be nice | if possible | instead"
    ),
}

BY_KIND: dict[Kind, frozenset[str]] = {
    Kind.ANYTHING: frozenset({"number", "time", "date"}),
    Kind.YES_NO: frozenset({"yesno"}),
    Kind.CHOICE: frozenset(),
    Kind.DIGITS: frozenset({"digits"}),
    Kind.NUMBER: frozenset({"number"}),
    Kind.DATE: frozenset({"date"}),
    Kind.TIME: frozenset({"time"}),
    Kind.SPELLED: frozenset({"letters", "digits"}),
    Kind.EMAIL: frozenset({"email", "digits"}),
    Kind.ADDRESS: frozenset({"letters", "number"}),
}
WEIGHTS = {
    "yesno": 10,
    "time": 20,
    "date": 20,
    "number": 20,
    "digits": 20,
    "letters": 20,
    "email": 20,
    "name": 20,
}
SHORT_LEAD = "it's | it is | the number is | that's | my number is"
"""What leads to digits and letters: longer phrases sound too much like them."""

BY_FORMAT = {"name": frozenset({"name"})}
ALWAYS = ("goodbye", "bye", "that's all", "that is all", "nothing else", "what", "pardon")

_TIME_WORDS = frozenset({"o'clock", "noon", "midnight", "past"})
_DATE_WORDS = frozenset(f"{_MONTHS} | {_WEEKDAYS} | tomorrow | today".split()) - {"|", "may"}
_SINGLE_DIGITS = frozenset({*(number_words(number) for number in range(10)), "oh"})
_NUMBERS = frozenset(number_words(number) for number in (*range(20), *range(20, 100, 10)))


def kinds_of(words: list[str]) -> frozenset[str]:
    """Return the rules that an example stands for: ``nine thirty a m`` is a time."""
    numbers = [word for word in words if word in _NUMBERS]
    kinds: set[str] = set()
    if len(words) > 2 and len(numbers) == len(words) and not set(words) - _SINGLE_DIGITS:
        return frozenset({"digits"})
    if _TIME_WORDS & set(words) or (numbers and "m" in words[1:]):
        kinds.add("time")
    elif numbers and len(numbers) == len(words):
        kinds.add("number")
    if _DATE_WORDS & set(words):
        kinds.add("date")
    if len(words) > 2 and all(len(word) == 1 for word in words):
        kinds.add("letters")
    return frozenset(kinds)


def template(example: str) -> str:
    """Generalise a number with words about it: ``four people`` is any number of people."""
    words = example.split()
    count = next((at for at, word in enumerate(words) if word not in _NUMBERS), len(words))
    rest = words[count:]
    return f"<number> {' '.join(rest)}" if count and rest and not kinds_of(words) else ""


def texts(names: Iterable[str], narrowed: Mapping[str, str]) -> list[str]:
    """Return the rules of these names and those they refer to, one definition each.

    ``narrowed`` holds other texts for some of them.
    """
    known = {**RULES, **narrowed}
    wanted: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted.add(name)
            waiting += [other for other in known if f"<{other}>" in known[name]]
    return [f"<{name}> = {known[name]};" for name in sorted(wanted)]
