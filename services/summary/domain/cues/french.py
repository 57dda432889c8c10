"""French words for decisions, actions, questions and topics. Data only."""

from services.summary.domain.cues.model import Cues, words_in

FRENCH = Cues(
    decisions=(
        (
            r"\b(?:nous avons|on a|ils ont|j'ai) (?:\w+ ){0,3}?(?:d\u00e9cid\u00e9|convenu|"
            r"choisi|valid\u00e9)\b"
        ),
        r"\b(?:il a \u00e9t\u00e9|c'est) (?:d\u00e9cid\u00e9|convenu|valid\u00e9)\b",
        r"\bla d\u00e9cision (?:est|\u00e9tait)\b",
    ),
    undecided=r"\b(?:pas|jamais|si|faut|devons|doit|encore)\b",
    named_actions=(
        r"{name} (?:va|doit|s'occupe|prend|envoie|pr\u00e9pare)\b",
        r"{name}, (?:peux-tu|tu peux|pouvez-vous)\b",
    ),
    own_actions=(
        (r"\b(je) (?:vais|dois|m'occupe|prends|prendrai|m'en occupe)\b", "je"),
        (r"\bpeux-(tu)\b", "tu"),
        (r"\bpouvez-(vous)\b", "vous"),
        (r"\b(nous) devons\b", "nous"),
        (r"\b(on) doit\b", "on"),
    ),
    denied=r"(?: \w+)? (?:pas|jamais)\b",
    everybody=words_in("nous on"),
    small_talk=r"(?: \w+){0,2}? (?:dire|parler|expliquer|montrer|commencer|raconter|vous)\b",
    questions=(
        r"\bla question (?:est|reste)\b",
        r"\bon ne sait pas\b",
        r"\bje me demande\b",
    ),
    tags=r"(?:hein|d'accord|ok|non|\u00e7a va)\s?\?$",
    topics=(
        (
            r"\b(?:aujourd'hui)?,? ?(?:je vais|je voudrais|nous allons) (?:vous )?parler "
            "(?:de|du|des) (.+)"
        ),
    ),
    turns=(
        r"^(?:bon|alors|et)?,? ?(?:passons|ensuite|deuxi\u00e8mement|enfin|pour finir|autre "
        r"sujet|concernant)\b"
    ),
    fillers=(
        r"^(?:(?:alors|bon|ben|oui|non|euh|et|mais|bonjour(?: \u00e0 tous)?|salut|voil\u00e0|"
        r"donc)\b[,.!]? *)+"
    ),
    stop_words=words_in(
        """
        ai alors au aux avec avoir bien c'est ce cela ces cette comme dans de des du elle en est
        et eu fait il ils j'ai je la le les leur lui ma mais me mes moi mon même ne nos notre
        nous on ont ou où par pas plus pour qu que qui sa sans se ses si son sont sur ta te tes
        tout très tu un une va vos votre vous y à être
        """
    ),
)
