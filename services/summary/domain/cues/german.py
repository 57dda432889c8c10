"""German words for decisions, actions, questions and topics. Data only."""

from services.summary.domain.cues.model import Cues, words_in

GERMAN = Cues(
    decisions=(
        (
            r"\b(?:wir|sie|man|alle|ich) (?:haben?|hat|habe) (?:[\w,]+ ){0,8}?(?:entschieden|"
            r"beschlossen|geeinigt|vereinbart|festgelegt|verabschiedet)\b"
        ),
        (
            r"\b(?:haben|hat) (?:wir|das team|die gruppe) (?:[\w,]+ ){0,8}?(?:entschieden|"
            r"beschlossen|geeinigt|vereinbart)\b"
        ),
        (
            r"\b(?:es|das|dies) (?:ist|wurde|wird) (?:[\w,]+ ){0,4}?(?:beschlossen|"
            r"entschieden|vereinbart|genehmigt)\b"
        ),
        r"\b(?:die|unsere) entscheidung (?:ist|war|lautet|fiel|steht)\b",
        (
            r"\bwir (?:bleiben bei|gehen mit|entscheiden uns|einigen uns|nehmen jetzt|machen "
            r"es so)\b"
        ),
        (
            r"\b(?:wurde|wurden|ist|sind) (?:[\w,]+ ){0,4}?(?:abgesagt|verschoben|genehmigt|"
            r"beschlossen)\b"
        ),
    ),
    undecided=(
        r"\b(?:nicht|nie|noch nicht|ob|wenn|falls|sollten|m\u00fcssen|k\u00f6nnten|"
        r"w\u00fcrden|bevor|kein\w*)\b"
    ),
    named_actions=(
        (
            r"{name} (?:wird|soll|muss|k\u00fcmmert sich|\u00fcbernimmt|macht|schickt|sendet|"
            r"bereitet|schreibt|erstellt|pr\u00fcft|organisiert|plant|kl\u00e4rt|liefert|"
            r"ruft|bringt|testet|baut)\b"
        ),
        r"{name}, (?:kannst|k\u00f6nntest|w\u00fcrdest|magst) du\b",
        r"{name},? bitte\b",
        r"\b(?:wird|soll|muss|kann|k\u00f6nnte|macht|\u00fcbernimmt) {name}\b",
    ),
    own_actions=(
        (
            (
                r"\b(ich) (?:werde|muss|k\u00fcmmere mich|\u00fcbernehme|schicke|sende|"
                r"schreibe|erstelle|bereite|pr\u00fcfe|kl\u00e4re|organisiere|liefere|mache "
                r"das|rufe)\b"
            ),
            "ich",
        ),
        (r"\b(?:werde|muss|k\u00fcmmere|schicke|schreibe) (ich)\b", "ich"),
        (r"\b(?:kannst|k\u00f6nntest|w\u00fcrdest|magst) (du)\b", "du"),
        (r"\b(?:k\u00f6nnt|k\u00f6nntet) (ihr)\b", "ihr"),
        (r"\b(?:k\u00f6nnen|k\u00f6nnten|w\u00fcrden) (Sie)\b", "Sie"),
        (r"\b(wir) (?:m\u00fcssen|sollten|sollen)\b", "wir"),
        (r"\b(?:m\u00fcssen|sollten) (wir)\b", "wir"),
    ),
    denied=r"[^,;:\u2013]*? (?:nicht(?! nur\b| vergessen\b)|nie|niemals|kein\w*)\b",
    everybody=words_in("wir"),
    small_talk=(
        r"(?: [\w,]+){0,10}? (?:sagen|zeigen|erkl\u00e4ren|erz\u00e4hlen|sprechen|reden|"
        r"berichten|vorstellen|anfangen|beginnen|zugeben|gestehen|erw\u00e4hnen|eingehen|"
        r"denken|wissen)\b"
    ),
    questions=(
        r"\b(?:die|eine) (?:offene |gro\u00dfe |andere )?frage (?:ist|bleibt|war|lautet)\b",
        r"\boffen (?:ist|bleibt)\b",
        r"\b(?:ich|wir) frage?n? (?:mich|uns)\b",
        r"\b(?:ist|sind) (?:noch )?(?:unklar|nicht klar|offen)\b",
        r"\b(?:ich wei\u00df|wir wissen) (?:noch )?nicht\b",
    ),
    tags=(
        r"(?:oder|ne|nicht wahr|okay|ok|wei\u00dft du|wie geht'?s(?: euch| dir)?|wie geht es "
        r"(?:euch|dir|ihnen))\?$"
    ),
    topics=(
        (
            r"\bheute (?:geht es|m\u00f6chte ich|will ich|spreche ich|reden wir|sprechen "
            r"wir) (?:\w+ ){0,3}?(?:um|\u00fcber) (.+)"
        ),
        r"\b(?:kurzes |kleines )?update (?:zu|zum|zur|\u00fcber) (.+)",
        r"\bes geht (?:heute )?um (.+)",
    ),
    turns=(
        r"^(?:so|okay|gut|und|jetzt)?,? ?(?:kommen wir|n\u00e4chste[rs]? (?:punkt|thema)|"
        r"weiter (?:geht|mit)|dann zu[mr]?|zweitens|drittens|zum schluss|au\u00dferdem|ein "
        r"anderes thema|was .{1,30} betrifft)\b"
    ),
    fillers=(
        r"^(?:(?:also|ja|nein|gut|okay|ok|so|\u00e4h|\u00e4hm|und|aber|na|tja|hallo(?: "
        r"zusammen)?|hi|guten morgen|guten tag|genau|eigentlich|jedenfalls)\b[,.!]? *)+"
    ),
    stop_words=words_in(
        """
        aber alle allem allen aller alles als also am an auch auf aus bei beim bin bis bisschen
        bist da dabei dann das dass dein deine dem den denn der des die dies diese diesem diesen
        dieser dieses doch dort du durch eher ein eine einem einen einer eines einfach er es
        etwas euch euer für ganz gar genau gerade gibt hab habe haben hat hatte hier hin ich ihm
        ihn ihr ihre im immer in ins ist ja jede jeder jetzt kann kein keine können leider mal
        man mehr mein meine mich mir mit muss müssen nach nein nicht nichts noch nun nur ob oder
        ohne schon sehr sein seine sich sie sind so sollen sollte sondern um und uns unser
        unsere unter viel vom von vor war waren was weil wenn wer werde werden wie wieder will
        wir wird wirklich wo wurde zu zum zur über
        """
    ),
)
