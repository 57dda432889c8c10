"""Spanish words for decisions, actions, questions and topics. Data only."""

from services.summary.domain.cues.model import Cues, words_in

SPANISH = Cues(
    decisions=(
        r"\b(?:hemos|han|he|se ha) (?:\w+ ){0,2}?(?:decidido|acordado|elegido|aprobado)\b",
        r"\b(?:decidimos|acordamos)\b",
        r"\bla decisi\u00f3n (?:es|fue)\b",
    ),
    undecided=r"\b(?:no|nunca|si|debemos|tenemos que|hay que|todav\u00eda)\b",
    named_actions=(
        r"{name} (?:va a|tiene que|debe|se encarga|enviar\u00e1|preparar\u00e1)\b",
        r"{name}, (?:puedes|podr\u00edas)\b",
    ),
    own_actions=(
        (r"(?<!no )\b(voy) a\b", "yo"),
        (r"(?<!no )\b(me) encargo\b", "yo"),
        (r"(?<!no )\b(tengo) que\b", "yo"),
        (r"\b(?:puedes|podr\u00edas)( t\u00fa)?\b", "tú"),
        (r"(?<!no )\b(tenemos) que\b", "nosotros"),
    ),
    denied=r" (?:no|nunca)\b",
    everybody=words_in("nosotros"),
    small_talk=r"(?: \w+){0,2}? (?:decir|hablar|explicar|mostrar|empezar|contar)\b",
    questions=(
        r"\bla pregunta es\b",
        r"\bno sabemos\b",
        r"\bme pregunto\b",
    ),
    tags=r"(?:verdad|vale|no|qu\u00e9 tal)\?$",
    topics=(r"\b(?:hoy)?,? ?(?:quiero|voy a|vamos a) hablar (?:de|del|sobre) (.+)",),
    turns=r"^(?:bueno|y)?,? ?(?:pasemos|siguiente|segundo|por \u00faltimo|otro tema|en cuanto a)\b",
    fillers=r"^(?:(?:bueno|pues|s\u00ed|no|eh|y|pero|hola(?: a todos)?|entonces|vale)\b[,.!]? *)+",
    stop_words=words_in(
        """
        a al algo así como con de del desde donde el ella ellos en entre era es esa ese eso esta
        este esto está ha hay he la las le les lo los me mi muy más nada no nos o para pero por
        porque pues que qué se ser si sin sobre son su sus sí también te tiene todo tu un una
        uno va voy y ya yo
        """
    ),
)
