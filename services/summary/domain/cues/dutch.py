"""Dutch words for decisions, actions, questions and topics. Data only."""

from services.summary.domain.cues.model import Cues, words_in

DUTCH = Cues(
    decisions=(
        (
            r"\b(?:we|wij|ze|ik) (?:hebben|heb|zijn het) (?:[\w,]+ ){0,8}?(?:besloten|"
            r"afgesproken|gekozen|vastgesteld|eens)\b"
        ),
        r"\bhebben (?:we|wij) (?:[\w,]+ ){0,8}?(?:besloten|afgesproken|gekozen)\b",
        (
            r"\b(?:er|het|dat|dit) (?:is|werd|wordt) (?:[\w,]+ ){0,4}?(?:besloten|"
            r"afgesproken|goedgekeurd)\b"
        ),
        r"\b(?:het|ons) besluit (?:is|was|staat)\b",
        r"\b(?:we|wij) (?:gaan voor|kiezen voor|houden het bij|blijven bij|gaan verder met)\b",
        r"\b(?:is|zijn) (?:[\w,]+ ){0,4}?(?:afgelast|uitgesteld|goedgekeurd|besloten)\b",
    ),
    undecided=r"\b(?:niet|nooit|of|als|indien|zouden|moeten|kunnen|voordat|geen)\b",
    named_actions=(
        (
            "{name} (?:zal|gaat|moet|neemt|stuurt|regelt|zorgt|maakt|schrijft|bereidt|plant|"
            r"belt|test|levert|controleert)\b"
        ),
        r"{name}, (?:kun|kan|wil|zou) (?:jij|je)\b",
        r"\b(?:kan|moet|gaat|zal) {name}\b",
    ),
    own_actions=(
        (
            (
                r"\b(ik) (?:zal|ga|moet|neem|stuur|regel|zorg|maak|schrijf|bereid|pak|bel|"
                r"controleer)\b"
            ),
            "ik",
        ),
        (r"\b(?:zal|ga|moet|stuur|regel|zorg) (ik)\b", "ik"),
        (r"\b(?:kun|kan|wil|zou) (jij|je)\b", "jij"),
        (r"\b(?:kunnen|willen|zouden) (jullie)\b", "jullie"),
        (r"\b(we|wij) (?:moeten|zouden moeten)\b", "we"),
        (r"\bmoeten (we|wij)\b", "we"),
    ),
    denied=r"[^,;:\u2013]*? (?:niet(?! alleen\b| vergeten\b)|nooit|geen)\b",
    everybody=words_in("we"),
    small_talk=(
        r"(?: [\w,]+){0,10}? (?:zeggen|vertellen|laten zien|uitleggen|praten|beginnen|hebben "
        r"over|toegeven|noemen)\b"
    ),
    questions=(
        r"\b(?:de|een) (?:open |grote )?vraag (?:is|blijft|was)\b",
        r"\b(?:is|zijn) (?:nog )?(?:onduidelijk|niet duidelijk)\b",
        r"\b(?:ik vraag me|we vragen ons) af\b",
        r"\b(?:ik weet|we weten) (?:nog )?niet\b",
    ),
    tags=r"(?:h\u00e8|toch|ok\u00e9|oke|niet waar|weet je|hoe gaat het(?: met jullie)?)\?$",
    topics=(
        (
            r"\bvandaag (?:wil ik|gaat het|hebben we het|praat ik) (?:[\w]+ ){0,4}?(?:over|"
            "om) (.+)"
        ),
        r"\b(?:korte |kleine )?update (?:over|van|voor) (.+)",
        r"\bhet gaat (?:vandaag )?over (.+)",
    ),
    turns=(
        r"^(?:zo|ok\u00e9|goed|en|nu)?,? ?(?:volgende punt|het volgende|dan naar|verder met|"
        r"ten tweede|ten derde|tot slot|een ander onderwerp|wat .{1,30} betreft)\b"
    ),
    fillers=(
        r"^(?:(?:dus|ja|nee|nou|goed|ok\u00e9|oke|eh|uh|en|maar|hallo(?: allemaal)?|hoi|"
        r"goedemorgen|eigenlijk)\b[,.!]? *)+"
    ),
    stop_words=words_in(
        """
        aan al alle alles als ben bij daar dan dat de der deze die dit doen door dus een eens
        eigenlijk en er even ga gaan gaat geen had heb hebben heeft heel hem het hier hij hoe
        hun ik in is ja je jij jullie kan kun kunnen maar mee meer men met mij mijn misschien
        moet moeten na naar nee niet nog nou nu of om omdat onder ons ook op over te tegen toch
        toen tot u uit uw van veel voor waar was wat we wel werd wie wij wil wordt zal ze zei
        zelf zich zij zijn zo zonder zou
        """
    ),
)
